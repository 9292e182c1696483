/* SPDX-License-Identifier: MIT */
/*
 * BPF_MAP_TYPE_RINGBUF: many producers (threads, processes, signal handlers), no locks; one reader,
 * which may be libbpf as it is.
 *
 * The file:
 *
 *   page 0       consumer_pos, written by the reader
 *   page 1       producer_pos: all before it may be read
 *   size bytes   records: u32 length | BUSY | DISCARD, u32 member, data; rounded up to 8 bytes
 *   size bytes   never touched. The kernel maps the data twice; a reader of ours may map as much, and
 *                finds that no record straddles: a lap ends with a DISCARD record
 *   control      struct rawtp_ringbuf_control
 *   descriptors  n_descs words
 *
 * Positions are bytes written since the beginning, and never wrap.
 *
 * A producer
 *  1. claims: descriptor k (k counts since the beginning) follows descriptor k-1, whose end is where
 *     the record starts. One exchange of the descriptor's word takes number, place and length, and
 *     names the member (process) that does so:
 *        state 2 | member 10 | end/8, enough bits for twice the ring | lap of k, all the rest
 *     The lap makes words unique in time; a late exchange fails.
 *  2. writes the record's header, BUSY;
 *  3. publishes: sets the descriptor's state;
 *  4. advances: whoever comes by moves producer_pos over published descriptors, in order. So the
 *     reader never sees a header that is not there yet, and a producer that is preempted between 1
 *     and 3 delays the sight of later records, and nothing else. There are enough descriptors for
 *     the ring's worth of records of 32 bytes to wait so;
 *  5. fills the record, and commits: clears BUSY, wakes the reader if it sleeps.
 *
 * Of a process that dies, rawtp_ringbuf_recover() finds by its member number the descriptors that
 * are claimed and not published (it publishes DISCARD) and the records that are BUSY (it discards
 * them). A member's number is given away again only after that. What it does is done by one process
 * at a time, who can be relieved when it dies too.
 *
 * The reader's sleep: control.armed and control.futex.
 *
 *   reader                                      producer
 *   seen = futex                                clear BUSY          (exchange: a full barrier)
 *   armed = 1          (sequentially consistent)  if (armed && exchange(armed, 0)):
 *   anything to read? -> read it                        futex++, FUTEX_WAKE (shared, all)
 *   sleep while futex == seen
 *
 * Both sides write before they read, so one of them sees the other. A wake-up may come too early
 * (an earlier record is still BUSY: its own commit wakes again): look, arm, sleep again. Producers
 * make a system call when they find the reader armed, and at no other time. BPF_RB_NO_WAKEUP skips
 * it; BPF_RB_FORCE_WAKEUP is the default here, as nobody sleeps without arming.
 */
#ifndef RAWTP_BPF_MAPS_RINGBUF_H
#define RAWTP_BPF_MAPS_RINGBUF_H

#include "bpf/maps/map.h"

#define RAWTP_RINGBUF_MEMBERS 1024 /* processes at a time; number 0 is for those beyond */

struct rawtp_ringbuf_control {
	uint32_t armed; /* a reader sleeps, or is about to */
	uint32_t futex;
	uint64_t drops __attribute__((aligned(64))); /* reservations refused: no room */
	uint64_t head __attribute__((aligned(64)));  /* descriptor that producer_pos waits for */
	uint64_t tail __attribute__((aligned(64)));  /* hint: first unclaimed */
	uint64_t recoverer __attribute__((aligned(64))); /* owner word, or 0 */
	uint64_t members[RAWTP_RINGBUF_MEMBERS];         /* owner words */
	uint64_t images[RAWTP_RINGBUF_MEMBERS]; /* what ran in the process then; 0: not known */
};

/* Private: places and bounds. */
struct rawtp_ringbuf {
	struct rawtp_ringbuf_control *control;
	uint64_t *consumer_pos;
	uint64_t *producer_pos;
	char *data;
	uint64_t *descs;
	uint64_t size;    /* of the data, a power of two */
	uint32_t n_descs; /* power of two */
	unsigned int end_bits;
	unsigned int desc_shift; /* log2(n_descs) */
	uint32_t member;
};

struct rawtp_ringbuf_header {
	uint32_t length; /* and flags */
	uint32_t member;
};

#define RAWTP_RINGBUF_HEADER 8
#define RAWTP_RINGBUF_FLAGS  (BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT)

static inline struct rawtp_ringbuf *rawtp_ringbuf_of(const struct rawtp_map *map)
{
	return (struct rawtp_ringbuf *)map->priv;
}

/* The header at a position; whatever the position, it lies in the data. */
static inline struct rawtp_ringbuf_header *rawtp_ringbuf_header_at(const struct rawtp_ringbuf *ring,
								   uint64_t pos)
{
	return (struct rawtp_ringbuf_header *)(ring->data + (pos & (ring->size - 1) & ~7ULL));
}

/* Producers. Async-signal-safe, lock-free. */
void *rawtp_ringbuf_reserve(const struct rawtp_map *map, uint64_t size);
/* @sample is from rawtp_ringbuf_reserve() of any ring buffer of this process. */
void rawtp_ringbuf_commit(void *sample, uint64_t flags, bool discard);
uint64_t rawtp_ringbuf_query(const struct rawtp_map *map, uint64_t flags);

/* Readers. */
bool rawtp_ringbuf_has_data(const struct rawtp_map *map);
/* Before sleeping on control->futex; false: there is something to read, and nothing is armed. */
bool rawtp_ringbuf_arm(const struct rawtp_map *map);
void rawtp_ringbuf_disarm(const struct rawtp_map *map);
uint32_t *rawtp_ringbuf_futex(const struct rawtp_map *map);
/*
 * Sleeps until there is something to read or @timeout_ms are over (-1: for ever; a signal handler
 * also ends it): 1: something to read, 0: not. Recovers what dead producers left now and then.
 */
int rawtp_ringbuf_wait(struct rawtp_map *map, int timeout_ms);
/* Reservations refused since the map was made. */
uint64_t rawtp_ringbuf_drops(const struct rawtp_map *map);
/* What dead producers left. Not for the hot path; see rawtp_map_recover(). */
void rawtp_ringbuf_recover(struct rawtp_map *map);

/* Something waits to be finished by its producer, who may be dead. */
bool rawtp_ringbuf_is_held_up(const struct rawtp_map *map);

/* Between ringbuf_produce.c and ringbuf_recover.c. */
enum rawtp_desc_state { RAWTP_DESC_NONE, RAWTP_DESC_CLAIMED, RAWTP_DESC_PUBLISHED };

struct rawtp_desc {
	enum rawtp_desc_state state;
	uint32_t member;
	uint64_t end; /* position / 8, end_bits of it */
};

/* False where descriptor @k is not claimed yet, or was overtaken. */
bool rawtp_desc_read(const struct rawtp_ringbuf *ring, uint64_t k, struct rawtp_desc *desc);
void rawtp_desc_publish(const struct rawtp_ringbuf *ring, uint64_t k,
			const struct rawtp_desc *desc);
/* Writes one DISCARD record over [pos, pos + bytes), two where it goes over the ring's end. */
void rawtp_ringbuf_fill(const struct rawtp_ringbuf *ring, uint64_t pos, uint64_t bytes);
void rawtp_ringbuf_advance(const struct rawtp_ringbuf *ring);
void rawtp_ringbuf_wake(const struct rawtp_ringbuf *ring);
void rawtp_ringbuf_join(struct rawtp_ringbuf *ring);
void rawtp_ringbuf_join_fresh(struct rawtp_ringbuf *ring); /* in a forked child */
void rawtp_ringbuf_leave(struct rawtp_ringbuf *ring);
/* The ring buffer whose data @sample lies in, or NULL. */
const struct rawtp_ringbuf *rawtp_ringbuf_around(const void *sample);

#endif
