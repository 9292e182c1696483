/* SPDX-License-Identifier: MIT */
/* What arrays and per-CPU arrays share, and what machine code that looks into them has to know. */
#ifndef RAWTP_BPF_MAPS_ARRAY_H
#define RAWTP_BPF_MAPS_ARRAY_H

#include "base/bits.h"
#include "bpf/maps/map.h"
#include <string.h>

static inline uint32_t rawtp_array_index(const void *key)
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	/* The key may lie in a map that others write: what is compared is what is used. */
	__asm__("" : "+r"(index));
	return index;
}

/* From the values of one slot of a per-CPU array to those of the next. */
static inline uint64_t rawtp_percpu_array_slot_bytes(const struct rawtp_map *map)
{
	return rawtp_round_up((uint64_t)map->max_entries * map->elem_size, 64);
}

int rawtp_array_check_update(const struct rawtp_map *map, uint32_t index, uint64_t flags);
int rawtp_array_get_next_key(struct rawtp_map *map, const void *key, void *next);
const void *rawtp_array_walk(struct rawtp_map *map, struct rawtp_map_cursor *cursor);
long rawtp_array_delete(struct rawtp_map *map, const void *key);

#endif
