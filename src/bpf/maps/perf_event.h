/* SPDX-License-Identifier: MIT */
/*
 * BPF_MAP_TYPE_PERF_EVENT_ARRAY: a ring of records for each CPU, written by bpf_perf_event_output(),
 * read as the kernel's: by libbpf's perf_buffer as it is.
 *
 * The file:
 *
 *   for each entry:  page            struct perf_event_mmap_page: data_head, data_tail and the like
 *                    MAX_DATA bytes  records; the reader's choice of them, a power of two
 *   control          struct rawtp_perf_ring, one for each entry
 *
 * What perf_event_open(2) gives is a descriptor of nothing yet: the reader maps it, and when it is put
 * into an entry, the entry's memory takes the place of that mapping. So the records are in the map,
 * which producers have anyway, and outlive both.
 *
 * A producer writes a record behind data_head, where no reader looks, and commits it by moving
 * data_head. On a CPU with restartable sequences all of that is one of them, by the CPU's own threads
 * only: who is preempted, moved or interrupted before the commit has done nothing, and begins again.
 * So there is no lock, nothing to take back from the dead, and no atomic operation.
 *
 * Without restartable sequences an owner word is the entry's lock, taken for the copy. Nobody waits
 * for it: who finds it taken writes to the next entry that is free (the reader has all of them), and
 * counts the record as lost where none is. Which of the two it is, is one decision for all processes
 * of a map: the first that writes makes it, or one that opens the map and cannot do the first.
 *
 * Lost records are counted, and told by a PERF_RECORD_LOST before the next record that has room.
 * The reader's sleep is that of ring buffers (ringbuf.h), in the entry's own words.
 */
#ifndef RAWTP_BPF_MAPS_PERF_EVENT_H
#define RAWTP_BPF_MAPS_PERF_EVENT_H

#include "base/bits.h"
#include "bpf/maps/map.h"

#include <linux/perf_event.h>

#define RAWTP_PERF_MAX_DATA (16U << 20) /* bytes of records in an entry */

struct rawtp_perf_ring {
	uint64_t size;   /* of the data; 0: nobody reads */
	uint64_t reader; /* which event was put here last */
	uint64_t lost;   /* not told yet */
	uint32_t armed;  /* a reader sleeps, or is about to */
	uint32_t futex;
	uint64_t owner __attribute__((aligned(64))); /* where it is a lock that keeps order */
} __attribute__((aligned(64)));

enum rawtp_perf_mode {
	RAWTP_PERF_OPEN,   /* nobody has written */
	RAWTP_PERF_RSEQ,   /* the CPU's threads write, in restartable sequences */
	RAWTP_PERF_LOCKED, /* whoever has the lock */
};

/* Private. */
struct rawtp_perf_array {
	struct rawtp_perf_ring *rings;
	uint32_t *mode; /* shared: enum rawtp_perf_mode */
	uint64_t page;  /* bytes */
	uint64_t stride;
	bool in_reach; /* of readers' barriers */
};

static inline struct rawtp_perf_array *rawtp_perf_array_of(const struct rawtp_map *map)
{
	return (struct rawtp_perf_array *)map->priv;
}

static inline struct perf_event_mmap_page *rawtp_perf_page(const struct rawtp_map *map,
							   uint32_t index)
{
	return (struct perf_event_mmap_page *)(map->base +
					       index * rawtp_perf_array_of(map)->stride);
}

static inline struct rawtp_perf_ring *rawtp_perf_ring_at(const struct rawtp_map *map,
							 uint32_t index)
{
	return &rawtp_perf_array_of(map)->rings[index];
}

/*
 * bpf_perf_event_output(). Async-signal-safe, lock-free. 0; -EINVAL: flags; -E2BIG: no such entry, or
 * more than a record can hold; -ENOENT: nobody reads there; -EOPNOTSUPP: another CPU's entry, or this
 * process cannot write to this map; -ENOSPC: lost.
 */
long rawtp_perf_output(const struct rawtp_map *map, uint64_t flags, const void *data,
		       uint64_t size);
/* Of a record of @bytes in all. */
static inline uint64_t rawtp_perf_header(uint32_t type, uint64_t bytes)
{
	struct perf_event_header header = {
		.type = type, .misc = PERF_RECORD_MISC_USER, .size = (uint16_t)bytes};

	return rawtp_get_word(&header, sizeof(header));
}

/* A reader sleeps: wakes it. Async-signal-safe. */
void rawtp_perf_wake(struct rawtp_perf_ring *ring);
/* Can this process write in restartable sequences? */
bool rawtp_perf_has_rseq(void);
/* What the map's producers do, decided now if it was not yet. */
enum rawtp_perf_mode rawtp_perf_decide(const struct rawtp_map *map);

/* A descriptor of perf_event_open(2), before and after it is put into a map. */
struct rawtp_perf_event {
	uint32_t refcount; /* atomic */
	uint32_t cpu;
	uint64_t dev, ino;
	struct rawtp_map *map; /* a reference; NULL: in none. Under the lock of perf_event.c */
	uint32_t index;
	uint64_t size; /* of the data; 0: not mapped */
	bool disabled;
};

/* Err-pointer: -ENOMEM. */
struct rawtp_perf_event *rawtp_perf_event_new(int fd, uint32_t cpu, bool disabled);
void rawtp_perf_event_get(struct rawtp_perf_event *event);
void rawtp_perf_event_put(struct rawtp_perf_event *event);
void rawtp_perf_event_enable(struct rawtp_perf_event *event, bool enable);
/* As rawtp_ringbuf_wait(); @timeout_ms 0: only looks. */
int rawtp_perf_event_wait(struct rawtp_perf_event *event, int timeout_ms);

#endif
