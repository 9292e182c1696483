/* SPDX-License-Identifier: MIT */
/* Ring buffer: claim, publish, advance, commit. ringbuf.h says how it works. */
#include "bpf/maps/ringbuf.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"

#define MAX_STEPS    (1U << 17) /* each means that somebody else got on: a bound against lying peers */
#define MAX_LENGTH   (UINT32_MAX / 4)
#define MEMBER_BITS  10
#define LENGTH_SHIFT (2 + MEMBER_BITS)

_Static_assert(RAWTP_RINGBUF_MEMBERS == 1 << MEMBER_BITS, "a member's number in a descriptor");

struct claim {
	uint64_t start;  /* position */
	uint64_t filler; /* bytes up to the ring's end that are skipped */
	uint64_t bytes;  /* of the record and its header; 0: only the filler */
	struct rawtp_desc desc;
};

static inline uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static inline bool exchange(uint64_t *word, uint64_t old, uint64_t new)
{
	return __atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

static inline uint64_t *desc_word(const struct rawtp_ringbuf *ring, uint64_t pos)
{
	return &ring->descs[(pos & (ring->size - 1)) / 8];
}

static inline uint64_t lap_mask(const struct rawtp_ringbuf *ring)
{
	return UINT64_MAX >> (LENGTH_SHIFT + ring->length_bits);
}

/* Laps behind that of @pos, in which @word was written; 0: it is a claim of @pos itself. */
static inline uint64_t age(const struct rawtp_ringbuf *ring, uint64_t pos, uint64_t word)
{
	return ((pos >> ring->size_shift) + 1 - (word >> (LENGTH_SHIFT + ring->length_bits))) &
	       lap_mask(ring);
}

static inline uint64_t word_bytes(const struct rawtp_ringbuf *ring, uint64_t word)
{
	return (word >> LENGTH_SHIFT & ((1ULL << ring->length_bits) - 1)) * 8;
}

static inline uint64_t make_word(const struct rawtp_ringbuf *ring, uint64_t pos,
				 const struct rawtp_desc *desc)
{
	return ((pos >> ring->size_shift) + 1) << (LENGTH_SHIFT + ring->length_bits) |
	       desc->bytes / 8 << LENGTH_SHIFT | (uint64_t)desc->member << 2 |
	       (uint64_t)desc->state;
}

bool rawtp_desc_read(const struct rawtp_ringbuf *ring, uint64_t pos, struct rawtp_desc *desc)
{
	uint64_t word = load(desc_word(ring, pos));

	desc->state = (enum rawtp_desc_state)(word & 3);
	desc->member = word >> 2 & (RAWTP_RINGBUF_MEMBERS - 1);
	desc->bytes = word_bytes(ring, word);
	return !age(ring, pos, word) && desc->bytes;
}

/*
 * Of two neighbours that publish at the same time, at least one must see the other's work: both
 * exchange (a full barrier) before they look, the one this word, the other producer_pos.
 */
void rawtp_desc_publish(const struct rawtp_ringbuf *ring, uint64_t pos,
			const struct rawtp_desc *desc)
{
	struct rawtp_desc published = *desc;

	published.state = RAWTP_DESC_PUBLISHED;
	__atomic_exchange_n(desc_word(ring, pos), make_word(ring, pos, &published),
			    __ATOMIC_SEQ_CST);
}

enum room { ROOM, NO_ROOM };

/* Room at claim->start? Sets the rest of @claim. */
static inline enum room find_room(const struct rawtp_ringbuf *ring, uint64_t bytes,
				  struct claim *claim)
{
	uint64_t used = claim->start - load(ring->consumer_pos);
	uint64_t offset = claim->start & (ring->size - 1);

	claim->filler = offset + bytes > ring->size ? ring->size - offset : 0;
	claim->bytes = bytes;
	if (used > ring->size)
		return NO_ROOM; /* old figures, or a reader that lies */
	if (used + claim->filler + bytes <= ring->size)
		return ROOM;
	if (used || !claim->filler)
		return NO_ROOM;
	/* Empty, and yet too long for where we are: go to the ring's start, so that the next fits. */
	claim->bytes = 0;
	return ROOM;
}

/* Where to look for the end of the last claim: any place where one began or ends. */
static inline uint64_t first_guess(const struct rawtp_ringbuf *ring)
{
	uint64_t produced = load(ring->producer_pos);
	uint64_t tail = __atomic_load_n(ring->tail, __ATOMIC_RELAXED);

	return tail - produced <= ring->size ? tail & ~7ULL : produced & ~7ULL;
}

static bool claim_room(const struct rawtp_ringbuf *ring, uint64_t bytes, struct claim *claim)
{
	uint64_t at = first_guess(ring), old, *word;
	unsigned int steps;

	for (steps = 0; steps < MAX_STEPS; steps++) {
		word = desc_word(ring, at);
		old = load(word);
		if (!age(ring, at, old)) {
			at += word_bytes(ring, old);
			continue;
		}
		if (age(ring, at, old) > lap_mask(ring) / 2) { /* overtaken */
			at = first_guess(ring);
			continue;
		}
		claim->start = at;
		if (find_room(ring, bytes, claim) == NO_ROOM) {
			if (load(word) == old)
				return false;
			continue;
		}
		claim->desc = (struct rawtp_desc){
			.state = RAWTP_DESC_CLAIMED,
			.member = __atomic_load_n(&ring->member, __ATOMIC_RELAXED),
			.bytes = claim->filler + claim->bytes,
		};
		if (exchange(word, old, make_word(ring, at, &claim->desc))) {
			return true;
		}
	}
	return false;
}

static void write_header(const struct rawtp_ringbuf *ring, uint64_t pos, uint32_t length,
			 uint32_t member)
{
	struct rawtp_ringbuf_header *header = rawtp_ringbuf_header_at(ring, pos);

	__atomic_store_n(&header->member, member, __ATOMIC_RELAXED);
	__atomic_store_n(&header->length, length, __ATOMIC_RELEASE);
}

void rawtp_ringbuf_fill(const struct rawtp_ringbuf *ring, uint64_t pos, uint64_t bytes)
{
	uint64_t left = ring->size - (pos & (ring->size - 1));

	if (bytes > left) {
		rawtp_ringbuf_fill(ring, pos + left, bytes - left);
		bytes = left;
	}
	write_header(ring, pos, (uint32_t)(bytes - RAWTP_RINGBUF_HEADER) | BPF_RINGBUF_DISCARD_BIT,
		     0);
}

/* Anybody may do this for anybody. */
void rawtp_ringbuf_advance(const struct rawtp_ringbuf *ring)
{
	unsigned int steps;

	for (steps = 0; steps < MAX_STEPS; steps++) {
		uint64_t produced = load(ring->producer_pos);
		struct rawtp_desc desc;

		if (!rawtp_desc_read(ring, produced, &desc) || desc.state != RAWTP_DESC_PUBLISHED)
			return;
		exchange(ring->producer_pos, produced, produced + desc.bytes);
	}
}

static inline void publish(const struct rawtp_ringbuf *ring, const struct claim *claim)
{
	uint64_t end = claim->start + claim->desc.bytes, next;

	if (exchange(ring->producer_pos, claim->start, end)) {
		next = load(desc_word(ring, end));
		if (age(ring, end, next) || (next & 3) != RAWTP_DESC_PUBLISHED)
			return;
	} else {
		__atomic_store_n(ring->tail, end, __ATOMIC_RELAXED);
		rawtp_desc_publish(ring, claim->start, &claim->desc);
	}
	rawtp_ringbuf_advance(ring);
}

void *rawtp_ringbuf_reserve(const struct rawtp_map *map, uint64_t size)
{
	const struct rawtp_ringbuf *ring = rawtp_ringbuf_of(map);
	uint64_t bytes = rawtp_round_up(size + RAWTP_RINGBUF_HEADER, 8);
	uint64_t pos;
	struct claim claim;

	if (size > MAX_LENGTH || bytes > ring->size || !claim_room(ring, bytes, &claim)) {
		__atomic_fetch_add(&ring->control->drops, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	if (claim.filler)
		rawtp_ringbuf_fill(ring, claim.start, claim.filler);
	pos = claim.start + claim.filler;
	if (claim.bytes)
		write_header(ring, pos, (uint32_t)size | BPF_RINGBUF_BUSY_BIT, claim.desc.member);
	publish(ring, &claim);
	if (claim.bytes)
		return (char *)rawtp_ringbuf_header_at(ring, pos) + RAWTP_RINGBUF_HEADER;
	__atomic_fetch_add(&ring->control->drops, 1, __ATOMIC_RELAXED);
	rawtp_ringbuf_wake(ring);
	return NULL;
}

void rawtp_ringbuf_wake(const struct rawtp_ringbuf *ring)
{
	int saved = errno;

	if (!__atomic_load_n(&ring->control->armed, __ATOMIC_SEQ_CST) ||
	    !__atomic_exchange_n(&ring->control->armed, 0, __ATOMIC_SEQ_CST))
		return;
	__atomic_fetch_add(&ring->control->futex, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &ring->control->futex, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	errno = saved;
}

void rawtp_ringbuf_commit(void *sample, uint64_t flags, bool discard)
{
	struct rawtp_ringbuf_header *header =
		(struct rawtp_ringbuf_header *)((char *)sample - RAWTP_RINGBUF_HEADER);
	const struct rawtp_ringbuf *ring = rawtp_ringbuf_around(sample);
	uint32_t length = __atomic_load_n(&header->length, __ATOMIC_RELAXED);

	length &= ~RAWTP_RINGBUF_FLAGS;
	if (discard)
		length |= BPF_RINGBUF_DISCARD_BIT;
	if (ring && ring->in_reach)
		__atomic_store_n(&header->length, length, __ATOMIC_RELEASE);
	else
		__atomic_exchange_n(&header->length, length, __ATOMIC_SEQ_CST);
	if (ring && (!(flags & BPF_RB_NO_WAKEUP) || flags & BPF_RB_FORCE_WAKEUP))
		rawtp_ringbuf_wake(ring);
}
