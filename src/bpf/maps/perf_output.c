/* SPDX-License-Identifier: MIT */
/* bpf_perf_event_output(): records into the entries of a perf event array. See perf_event.h. */
#include "bpf/maps/perf_event.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/cpu/rseq.h"
#include "base/err.h"
#include "bpf/maps/owner.h"

#define MAX_TRIES 100000 /* each means that this CPU's threads were disturbed, or got on */

/* What stands in the ring: header, a number, bytes. */
struct record {
	uint64_t header;
	uint32_t second;
	const void *data;
	uint64_t size;  /* of data */
	uint64_t bytes; /* of all, a multiple of 8 */
	uint64_t room;  /* that there must be: for what follows, too */
};

/*
 * Where the record goes and how: false where there is no room. All places are in the data, whatever
 * the shared words say.
 */
static bool plan(const struct rawtp_map *map, uint32_t index, const struct record *record,
		 struct rawtp_rseq_append *append)
{
	const struct rawtp_perf_array *array = rawtp_perf_array_of(map);
	struct perf_event_mmap_page *page = rawtp_perf_page(map, index);
	uint64_t size = __atomic_load_n(&array->rings[index].size, __ATOMIC_ACQUIRE);
	uint64_t mask = (size - 1) & (RAWTP_PERF_MAX_DATA - 1), at, left;
	uint64_t head = __atomic_load_n((uint64_t *)&page->data_head, __ATOMIC_RELAXED);
	uint64_t tail = __atomic_load_n((uint64_t *)&page->data_tail, __ATOMIC_ACQUIRE);
	char *data = (char *)page + array->page;

	/* As in the kernel, the ring is never quite full. */
	if (!size || record->room > mask || head - tail > mask - record->room)
		return false;
	append->head = (uint64_t *)&page->data_head;
	append->old = head;
	append->new = head + record->bytes;
	append->last = (uint64_t *)(data + ((head + record->bytes - 8) & mask & ~7ULL));
	append->first = (uint64_t *)(data + (head & mask & ~7ULL));
	append->first_value = record->header;
	append->second = (uint32_t *)(data + ((head + 8) & mask & ~7ULL));
	append->second_value = record->second;
	at = (head + 12) & mask & ~3ULL;
	left = mask + 1 - at;
	append->from = record->data;
	append->to[0] = data + at;
	append->n[0] = record->size < left ? record->size : left;
	append->to[1] = data;
	append->n[1] = record->size - append->n[0];
	return true;
}

/* What rawtp_rseq_append() does, where the owner's word keeps others away. */
static void append_locked(const struct rawtp_rseq_append *append)
{
	__atomic_store_n(append->last, 0, __ATOMIC_RELAXED);
	__atomic_store_n(append->first, append->first_value, __ATOMIC_RELAXED);
	__atomic_store_n(append->second, (uint32_t)append->second_value, __ATOMIC_RELAXED);
	memcpy(append->to[0], append->from, append->n[0]);
	memcpy(append->to[1], (const char *)append->from + append->n[0], append->n[1]);
	__atomic_store_n(append->head, append->new, __ATOMIC_RELEASE);
}

enum outcome { WRITTEN, NO_ROOM, MOVED };

static enum outcome write_rseq(const struct rawtp_map *map, uint32_t cpu,
			       const struct record *record)
{
	struct rawtp_rseq_append append = {.cpu = cpu};
	unsigned int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		if (!plan(map, cpu, record, &append))
			return NO_ROOM;
		if (rawtp_rseq_append(&append))
			return WRITTEN;
		if (rawtp_rseq_cpu() != cpu)
			return MOVED;
	}
	return NO_ROOM;
}

static bool lock_ring(struct rawtp_perf_ring *ring)
{
	uint64_t none = 0;

	return !__atomic_load_n(&ring->owner, __ATOMIC_RELAXED) &&
	       __atomic_compare_exchange_n(&ring->owner, &none, rawtp_owner_self(), false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static enum outcome write_locked(const struct rawtp_map *map, uint32_t index,
				 const struct record *record)
{
	struct rawtp_perf_ring *ring = rawtp_perf_ring_at(map, index);
	struct rawtp_rseq_append append = {0};
	bool room;

	if (!lock_ring(ring))
		return MOVED;
	room = plan(map, index, record, &append);
	if (room)
		append_locked(&append);
	__atomic_store_n(&ring->owner, 0, __ATOMIC_RELEASE);
	return room ? WRITTEN : NO_ROOM;
}

static inline enum outcome write_record(const struct rawtp_map *map, enum rawtp_perf_mode mode,
					uint32_t index, const struct record *record)
{
	return mode == RAWTP_PERF_RSEQ ? write_rseq(map, index, record)
				       : write_locked(map, index, record);
}

void rawtp_perf_wake(struct rawtp_perf_ring *ring)
{
	int saved = errno;

	if (!__atomic_exchange_n(&ring->armed, 0, __ATOMIC_SEQ_CST))
		return;
	__atomic_fetch_add(&ring->futex, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &ring->futex, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	errno = saved;
}

/* Before the next record, of @next bytes: how many there was no room for. */
static enum outcome tell_lost(const struct rawtp_map *map, enum rawtp_perf_mode mode,
			      uint32_t index, uint64_t next)
{
	struct rawtp_perf_ring *ring = rawtp_perf_ring_at(map, index);
	uint64_t lost = __atomic_load_n(&ring->lost, __ATOMIC_RELAXED);
	char rest[12] = {0};
	struct record record = {.header = rawtp_perf_header(PERF_RECORD_LOST, 24),
				.data = rest,
				.size = sizeof(rest),
				.bytes = 24,
				.room = 24 + next};
	enum outcome outcome;

	/* u64 id, u64 lost: the first four bytes of the id are the record's number. */
	record.second = (uint32_t)__atomic_load_n(&ring->reader, __ATOMIC_RELAXED);
	memcpy(rest + 4, &lost, sizeof(lost));
	outcome = write_record(map, mode, index, &record);
	if (outcome == WRITTEN)
		__atomic_fetch_sub(&ring->lost, lost, __ATOMIC_RELAXED);
	return outcome;
}

static enum outcome write_to(const struct rawtp_map *map, enum rawtp_perf_mode mode, uint32_t index,
			     const struct record *record)
{
	struct rawtp_perf_ring *ring = rawtp_perf_ring_at(map, index);
	enum outcome outcome = WRITTEN;

	if (__builtin_expect(__atomic_load_n(&ring->lost, __ATOMIC_RELAXED) != 0, 0))
		outcome = tell_lost(map, mode, index, record->bytes);
	if (outcome == WRITTEN)
		outcome = write_record(map, mode, index, record);
	if (outcome != WRITTEN)
		return outcome;
	if (!rawtp_perf_array_of(map)->in_reach)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(__atomic_load_n(&ring->armed, __ATOMIC_RELAXED) != 0, 0))
		rawtp_perf_wake(ring);
	return WRITTEN;
}

static bool has_reader(const struct rawtp_map *map, uint32_t index)
{
	return __atomic_load_n(&rawtp_perf_ring_at(map, index)->size, __ATOMIC_ACQUIRE);
}

/* The lock may be taken: then any other entry that somebody reads. */
static enum outcome write_anywhere(const struct rawtp_map *map, uint32_t index, bool any,
				   const struct record *record)
{
	uint32_t i, n = any ? map->max_entries : 1;
	enum outcome outcome = MOVED;

	for (i = 0; i < n && outcome == MOVED; i++) {
		uint32_t at = (uint32_t)(((uint64_t)index + i) % map->max_entries);

		if (!i || has_reader(map, at))
			outcome = write_to(map, RAWTP_PERF_LOCKED, at, record);
	}
	return outcome;
}

static long lose(const struct rawtp_map *map, uint32_t index)
{
	__atomic_fetch_add(&rawtp_perf_ring_at(map, index)->lost, 1, __ATOMIC_RELAXED);
	return -ENOSPC;
}

static long output(const struct rawtp_map *map, enum rawtp_perf_mode mode, uint64_t wanted,
		   const struct record *record)
{
	unsigned int tries;
	enum outcome outcome = MOVED;
	uint32_t cpu, index = 0;

	for (tries = 0; tries < MAX_TRIES && outcome == MOVED; tries++) {
		cpu = mode == RAWTP_PERF_RSEQ ? rawtp_rseq_cpu() : (uint32_t)sched_getcpu();
		index = wanted == BPF_F_CURRENT_CPU ? cpu : (uint32_t)wanted;
		if (index >= map->max_entries)
			return -E2BIG;
		if (!has_reader(map, index))
			return -ENOENT;
		if (index != cpu)
			return -EOPNOTSUPP;
		if (mode == RAWTP_PERF_RSEQ)
			outcome = write_to(map, mode, index, record);
		else if (write_anywhere(map, index, wanted == BPF_F_CURRENT_CPU, record) != WRITTEN)
			outcome = NO_ROOM;
		else
			outcome = WRITTEN;
	}
	return outcome == WRITTEN ? 0 : lose(map, index);
}

bool rawtp_perf_has_rseq(void)
{
	return rawtp_rseq_cpu() != UINT32_MAX;
}

enum rawtp_perf_mode rawtp_perf_decide(const struct rawtp_map *map)
{
	uint32_t *mode = rawtp_perf_array_of(map)->mode, open = RAWTP_PERF_OPEN, is;

	is = __atomic_load_n(mode, __ATOMIC_RELAXED);
	if (is == RAWTP_PERF_OPEN) {
		is = rawtp_perf_has_rseq() ? RAWTP_PERF_RSEQ : RAWTP_PERF_LOCKED;
		if (!__atomic_compare_exchange_n(mode, &open, is, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE))
			is = open;
	}
	return is == RAWTP_PERF_RSEQ ? RAWTP_PERF_RSEQ : RAWTP_PERF_LOCKED;
}

long rawtp_perf_output(const struct rawtp_map *map, uint64_t flags, const void *data, uint64_t size)
{
	uint64_t bytes = rawtp_round_up(size + 12, 8);
	enum rawtp_perf_mode mode = rawtp_perf_decide(map);
	struct record record = {.data = data, .size = size, .bytes = bytes, .room = bytes};

	if (flags & ~(uint64_t)BPF_F_INDEX_MASK)
		return -EINVAL;
	if (size > UINT16_MAX || bytes > UINT16_MAX)
		return -E2BIG;
	if (mode == RAWTP_PERF_RSEQ && !rawtp_perf_has_rseq())
		return -EOPNOTSUPP;
	record.header = rawtp_perf_header(PERF_RECORD_SAMPLE, bytes);
	record.second = (uint32_t)(bytes - 12);
	return output(map, mode, flags, &record);
}
