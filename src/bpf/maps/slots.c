/* SPDX-License-Identifier: MIT */
/* Per-CPU slots: claim, release, recovery. slots.h says what they are for. */
#include "bpf/maps/slots.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cpu/rseq.h"
#include "bpf/maps/map.h"
#include "bpf/maps/owner.h"
#include "bpf/run.h"

_Static_assert(RAWTP_RSEQ_STRIDE == RAWTP_SLOT_STRIDE * sizeof(uint64_t), "owner words");

static uint64_t *owner_word(const struct rawtp_map *map, uint32_t slot)
{
	return &map->slot_owners[(size_t)slot * RAWTP_SLOT_STRIDE];
}

static uint64_t *used_word(const struct rawtp_map *map)
{
	return owner_word(map, map->n_slots);
}

bool rawtp_slot_was_used(const struct rawtp_map *map, uint32_t slot)
{
	return __atomic_load_n(used_word(map), __ATOMIC_ACQUIRE) >> (slot - map->n_cpus) & 1;
}

_Static_assert(RAWTP_OVERFLOW_SLOTS <= 64, "used slots are bits of one word");

static void mark_used(const struct rawtp_map *map, uint32_t slot)
{
	if (!rawtp_slot_was_used(map, slot))
		__atomic_fetch_or(used_word(map), 1ULL << (slot - map->n_cpus), __ATOMIC_ACQ_REL);
}

/* An overflow slot: whoever exchanges 0 for its name has it. Starts where others rather do not. */
static bool claim_overflow(const struct rawtp_map *map, uint64_t owner, uint32_t start,
			   uint32_t *slot)
{
	uint32_t i;

	for (i = 0; i < RAWTP_OVERFLOW_SLOTS; i++) {
		uint32_t at = map->n_cpus + (start + i) % RAWTP_OVERFLOW_SLOTS;
		uint64_t *word = owner_word(map, at), none = 0;

		if (__atomic_load_n(word, __ATOMIC_RELAXED))
			continue;
		if (__atomic_compare_exchange_n(word, &none, owner, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED)) {
			mark_used(map, at);
			*slot = at;
			return true;
		}
	}
	return false;
}

static void release(const struct rawtp_map *map, uint32_t slot)
{
	__atomic_store_n(owner_word(map, slot), 0, __ATOMIC_RELEASE);
}

bool rawtp_slots_claim(const struct rawtp_prog *prog, struct rawtp_thread *self, uint32_t *slots)
{
	uint64_t owner = rawtp_owner_self();
	uint32_t i;

	for (i = 0; i < prog->n_percpu_maps; i++) {
		const struct rawtp_map *map = prog->percpu_maps[i];

		if (rawtp_rseq_claim(map->slot_owners, map->n_cpus, owner, &slots[i]))
			continue;
		if (claim_overflow(map, owner, self->index, &slots[i]))
			continue;
		while (i--)
			release(prog->percpu_maps[i], slots[i]);
		return false;
	}
	return true;
}

void rawtp_slots_release(const struct rawtp_prog *prog, const uint32_t *slots)
{
	uint32_t i;

	for (i = 0; i < prog->n_percpu_maps; i++)
		release(prog->percpu_maps[i], slots[i]);
}

uint32_t rawtp_slot_of(const struct rawtp_map *map)
{
	const struct rawtp_frame *frame = rawtp_self ? rawtp_self->frame : NULL;
	uint32_t i;

	if (!frame || !frame->prog)
		return RAWTP_NO_SLOT;
	for (i = 0; i < frame->prog->n_percpu_maps; i++)
		if (frame->prog->percpu_maps[i] == map)
			return frame->slots[i];
	return RAWTP_NO_SLOT;
}

void rawtp_slots_recover(struct rawtp_map *map)
{
	uint32_t i;

	for (i = 0; i < map->n_slots; i++) {
		uint64_t *word = owner_word(map, i);
		uint64_t owner = __atomic_load_n(word, __ATOMIC_RELAXED);

		/* Nobody but a recoverer takes a dead owner's word away, and one of them wins. */
		if (owner && rawtp_owner_is_dead(owner))
			__atomic_compare_exchange_n(word, &owner, 0, false, __ATOMIC_ACQ_REL,
						    __ATOMIC_RELAXED);
	}
}

/* "0-3,8-11": how many. */
static uint32_t count_cpus(const char *list)
{
	uint32_t total = 0;

	while (*list >= '0' && *list <= '9') {
		unsigned long first = strtoul(list, (char **)&list, 10), last = first;

		if (*list == '-')
			last = strtoul(list + 1, (char **)&list, 10);
		if (last < first || last > 65535)
			return 0;
		total += (uint32_t)(last - first + 1);
		if (*list == ',')
			list++;
	}
	return total;
}

uint32_t rawtp_possible_cpus(void)
{
	static uint32_t known;
	uint32_t total = __atomic_load_n(&known, __ATOMIC_RELAXED);
	char list[1024];
	ssize_t size;
	long configured;
	int fd;

	if (total)
		return total;
	fd = open("/sys/devices/system/cpu/possible", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		size = read(fd, list, sizeof(list) - 1);
		close(fd);
		list[size > 0 ? size : 0] = '\0';
		total = count_cpus(list);
	}
	if (!total) { /* no /sys here */
		configured = sysconf(_SC_NPROCESSORS_CONF);
		total = configured > 0 ? (uint32_t)configured : 1;
	}
	__atomic_store_n(&known, total, __ATOMIC_RELAXED);
	return total;
}
