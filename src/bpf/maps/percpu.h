/* SPDX-License-Identifier: MIT */
/* What per-CPU types share. */
#ifndef RAWTP_BPF_MAPS_PERCPU_H
#define RAWTP_BPF_MAPS_PERCPU_H

#include "base/bits.h"
#include "bpf/maps/map.h"
#include "bpf/maps/slots.h"

/*
 * Adds an overflow slot's value to a CPU's: words of 8 bytes where the value's size is a multiple of
 * 8, else of 4 (@size is rounded up to 8 bytes on both sides, so words are always whole). Values
 * that are not sums of such words are shown wrong; doc/decisions.md.
 */
static inline void rawtp_percpu_add(void *to, const void *shared, uint32_t value_size)
{
	uint32_t size = (uint32_t)rawtp_round_up(value_size, 8), i;
	const uint64_t *from = (const uint64_t *)shared;

	for (i = 0; i < size; i += 8) {
		uint64_t add = __atomic_load_n(from++, __ATOMIC_ACQUIRE);
		uint64_t sum = rawtp_get_word((char *)to + i, 8);

		if (value_size % 8 == 0)
			sum += add;
		else
			sum = ((sum + add) & 0xffffffff) |
			      (((sum >> 32) + (add >> 32)) & 0xffffffff) << 32;
		rawtp_put_word((char *)to + i, sum, 8);
	}
}

/* The CPU that a slot's value is shown under. */
static inline uint32_t rawtp_percpu_shown(const struct rawtp_map *map, uint32_t slot)
{
	return slot < map->n_cpus ? slot : (slot - map->n_cpus) % map->n_cpus;
}

static inline void rawtp_percpu_clear(void *shared, uint32_t value_size)
{
	uint64_t *word = (uint64_t *)shared;
	uint32_t i;

	for (i = 0; i < value_size; i += 8)
		__atomic_store_n(word++, 0, __ATOMIC_RELEASE);
}

#endif
