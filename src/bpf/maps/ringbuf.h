/* SPDX-License-Identifier: MIT */
/*
 * BPF_MAP_TYPE_RINGBUF: many producers (threads, processes, signal handlers), no locks; one reader,
 * which may be libbpf as it is.
 *
 * The file:
 *
 *   page 0       consumer_pos, written by the reader
 *   page 1       producer_pos: all before it may be read; behind it a hint, the end of a late claim
 *   size bytes   records: u32 length | BUSY | DISCARD, u32 member, data; rounded up to 8 bytes
 *   size bytes   a descriptor word for each 8 bytes of the data. (The kernel maps the data twice here;
 *                a reader of ours may map as much, and finds that no record straddles: a lap ends with
 *                a DISCARD record.)
 *   control      struct rawtp_ringbuf_control
 *
 * Positions are bytes written since the beginning, and never wrap.
 *
 * A producer
 *  1. claims: where the last claim ends, it exchanges the descriptor of that position, which says how
 *     much is taken and by which member (process):
 *        state 2 | member 10 | bytes/8, enough bits for the ring | lap of the position, all the rest
 *     A word of an older lap is free. Claims follow each other without gaps, so a position where one
 *     begins is passed by claiming it and in no other way, and the lap makes words unique in time: a
 *     late exchange fails, and one that succeeds was made at the end of the last claim;
 *  2. writes the record's header, BUSY;
 *  3. publishes: moves producer_pos over its claim, or, where an earlier one is in the way, says in the
 *     descriptor that it may be moved over;
 *  4. moves producer_pos over those that follow and say so. So the reader never sees a header that is
 *     not there yet, and a producer that is preempted between 1 and 3 delays the sight of later
 *     records, and nothing else;
 *  5. fills the record, and commits: clears BUSY, wakes the reader if it sleeps.
 *
 * With nobody in the way that is two exchanges for a reservation, in two cache lines.
 *
 * Of a process that dies, rawtp_ringbuf_recover() finds by its member number the descriptors that
 * are claimed and not published (it publishes DISCARD) and the records that are BUSY (it discards
 * them). A member's number is given away again only after that. What it does is done by one process
 * at a time, who can be relieved when it dies too.
 *
 * The reader's sleep: control.armed and control.futex.
 *
 *   reader                                      producer
 *   seen = futex                                clear BUSY
 *   armed = 1                                     if (armed && exchange(armed, 0)):
 *   barrier in all processes                        futex++, FUTEX_WAKE (shared, all)
 *   anything to read? -> read it
 *   sleep while futex == seen
 *
 * Both sides write before they read, so one of them sees the other. The barrier between the two is the
 * reader's to make, by membarrier(2), as it is about to sleep anyway; a producer that cannot be
 * reached so clears BUSY by an exchange, and a reader that cannot make it sleeps in short slices.
 * A wake-up may come too early (an earlier record is still BUSY: its own commit wakes again): look,
 * arm, sleep again. Producers make a system call when they find the reader armed, and at no other
 * time. BPF_RB_NO_WAKEUP skips it; BPF_RB_FORCE_WAKEUP is the default here, as nobody sleeps without
 * arming.
 */
#ifndef RAWTP_BPF_MAPS_RINGBUF_H
#define RAWTP_BPF_MAPS_RINGBUF_H

#include "bpf/maps/map.h"

#define RAWTP_RINGBUF_MEMBERS 1024 /* processes at a time; number 0 is for those beyond */

struct rawtp_ringbuf_control {
	uint32_t armed; /* a reader sleeps, or is about to */
	uint32_t futex;
	uint64_t drops __attribute__((aligned(64)));     /* reservations refused: no room */
	uint64_t recoverer __attribute__((aligned(64))); /* owner word, or 0 */
	uint64_t members[RAWTP_RINGBUF_MEMBERS];         /* owner words */
	uint64_t images[RAWTP_RINGBUF_MEMBERS]; /* what ran in the process then; 0: not known */
};

/* Private: places and bounds. */
struct rawtp_ringbuf {
	struct rawtp_ringbuf_control *control;
	uint64_t *consumer_pos;
	uint64_t *producer_pos;
	uint64_t *tail; /* hint: end of the last claim that found another in its way */
	char *data;
	uint64_t *descs;
	uint64_t size; /* of the data, a power of two */
	unsigned int size_shift;
	unsigned int length_bits;
	uint32_t member;
	bool in_reach; /* of readers' barriers: rawtp_membarrier_join_all() */
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
/*
 * Before sleeping on control->futex; false: there is something to read, and nothing is armed.
 * *@sure: nothing will be missed; else look again soon.
 */
bool rawtp_ringbuf_arm(const struct rawtp_map *map, bool *sure);
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
	uint64_t bytes;
};

/* False where nothing that begins at @pos is claimed, or that was laps ago. */
bool rawtp_desc_read(const struct rawtp_ringbuf *ring, uint64_t pos, struct rawtp_desc *desc);
void rawtp_desc_publish(const struct rawtp_ringbuf *ring, uint64_t pos,
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
