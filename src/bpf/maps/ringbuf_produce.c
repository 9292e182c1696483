/* SPDX-License-Identifier: MIT */
/* Ring buffer: claim, publish, advance, commit. ringbuf.h says how it works. */
#include "bpf/maps/ringbuf.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"

#define MAX_TRIES   100000 /* each means that somebody else got on: a bound against lying peers */
#define MAX_LENGTH  (UINT32_MAX / 4)
#define MEMBER_BITS 10
#define END_SHIFT   (2 + MEMBER_BITS)

_Static_assert(RAWTP_RINGBUF_MEMBERS == 1 << MEMBER_BITS, "a member's number in a descriptor");

struct claim {
	uint64_t k;
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

static inline uint64_t *desc_word(const struct rawtp_ringbuf *ring, uint64_t k)
{
	return &ring->descs[k & (ring->n_descs - 1)];
}

static inline uint64_t end_mask(const struct rawtp_ringbuf *ring)
{
	return (1ULL << ring->end_bits) - 1;
}

static inline uint64_t lap_of(const struct rawtp_ringbuf *ring, uint64_t k)
{
	return (k >> ring->desc_shift) & (UINT64_MAX >> (END_SHIFT + ring->end_bits));
}

static inline uint64_t word_lap(const struct rawtp_ringbuf *ring, uint64_t word)
{
	return word >> (END_SHIFT + ring->end_bits);
}

static inline uint64_t word_end(const struct rawtp_ringbuf *ring, uint64_t word)
{
	return word >> END_SHIFT & end_mask(ring);
}

static uint64_t make_word(const struct rawtp_ringbuf *ring, uint64_t k,
			  const struct rawtp_desc *desc)
{
	return lap_of(ring, k) << (END_SHIFT + ring->end_bits) |
	       (desc->end & end_mask(ring)) << END_SHIFT | (uint64_t)desc->member << 2 |
	       (uint64_t)desc->state;
}

bool rawtp_desc_read(const struct rawtp_ringbuf *ring, uint64_t k, struct rawtp_desc *desc)
{
	uint64_t word = load(desc_word(ring, k));

	desc->state = (enum rawtp_desc_state)(word & 3);
	desc->member = word >> 2 & (RAWTP_RINGBUF_MEMBERS - 1);
	desc->end = word_end(ring, word);
	return word_lap(ring, word) == lap_of(ring, k);
}

/*
 * Of two neighbours that publish at the same time, at least one must see the other's descriptor, so
 * between the store here and the look at the next one stands a full barrier. Where we are at the
 * head, rawtp_ringbuf_advance() begins with an exchange of producer_pos, which is one; elsewhere the
 * store is an exchange itself.
 */
void rawtp_desc_publish(const struct rawtp_ringbuf *ring, uint64_t k, const struct rawtp_desc *desc)
{
	struct rawtp_desc published = *desc;
	uint64_t word;

	published.state = RAWTP_DESC_PUBLISHED;
	word = make_word(ring, k, &published);
	if (load(&ring->control->head) == k)
		__atomic_store_n(desc_word(ring, k), word, __ATOMIC_RELEASE);
	else
		__atomic_exchange_n(desc_word(ring, k), word, __ATOMIC_SEQ_CST);
}

enum room { ROOM, NO_ROOM, ROOM_UNKNOWN };

/*
 * Room behind descriptor k-1, whose end is @start? Sets the rest of @claim. Where the exchange that
 * follows succeeds, k-1 was the last all the while, and so producer_pos was at most a ring before
 * its end: this is how the position's upper bits are found.
 */
static enum room find_room(const struct rawtp_ringbuf *ring, uint64_t previous_end, uint64_t bytes,
			   struct claim *claim)
{
	uint64_t produced = load(ring->producer_pos), consumed = load(ring->consumer_pos);
	uint64_t used, offset;

	claim->start = produced + ((previous_end - produced / 8) & end_mask(ring)) * 8;
	used = claim->start - consumed;
	offset = claim->start & (ring->size - 1);
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

/* The first descriptor that is not claimed. False: too many wait for one that is not published. */
static bool find_tail(const struct rawtp_ringbuf *ring, uint64_t *k)
{
	uint64_t head = load(&ring->control->head);
	uint64_t at = __atomic_load_n(&ring->control->tail, __ATOMIC_RELAXED);

	if (at - head >= ring->n_descs)
		at = head;
	while (word_lap(ring, load(desc_word(ring, at))) == lap_of(ring, at) &&
	       at + 1 - head < ring->n_descs)
		at++;
	*k = at;
	/* The descriptor before the oldest that waits must stay: it says where that one starts. */
	return at + 1 - head < ring->n_descs;
}

static bool claim_room(const struct rawtp_ringbuf *ring, uint64_t bytes, struct claim *claim)
{
	unsigned int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		uint64_t old, *word, previous;
		enum room room;

		if (!find_tail(ring, &claim->k))
			return false;
		word = desc_word(ring, claim->k);
		old = load(word);
		previous = load(desc_word(ring, claim->k - 1));
		if (((word_lap(ring, old) + 1) ^ lap_of(ring, claim->k)) &
			    (UINT64_MAX >> (END_SHIFT + ring->end_bits)) ||
		    word_lap(ring, previous) != lap_of(ring, claim->k - 1))
			continue;
		room = find_room(ring, word_end(ring, previous), bytes, claim);
		if (room == NO_ROOM) {
			if (load(word) == old)
				return false;
			continue;
		}
		claim->desc = (struct rawtp_desc){
			.state = RAWTP_DESC_CLAIMED,
			.member = __atomic_load_n(&ring->member, __ATOMIC_RELAXED),
			.end = (claim->start + claim->filler + claim->bytes) / 8,
		};
		if (exchange(word, old, make_word(ring, claim->k, &claim->desc))) {
			__atomic_store_n(&ring->control->tail, claim->k + 1, __ATOMIC_RELAXED);
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

/*
 * While head is h, producer_pos is the start or the end of h: h is passed by the exchange of
 * producer_pos, and then head follows. Anybody may do either step for anybody.
 */
void rawtp_ringbuf_advance(const struct rawtp_ringbuf *ring)
{
	unsigned int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		uint64_t head = load(&ring->control->head), produced, start;
		struct rawtp_desc desc, before;
		bool claimed = rawtp_desc_read(ring, head, &desc);

		rawtp_desc_read(ring, head - 1, &before);
		produced = load(ring->producer_pos);
		if (load(&ring->control->head) != head)
			continue;
		if (!claimed || desc.state != RAWTP_DESC_PUBLISHED)
			return;
		start = produced / 8 & end_mask(ring);
		if (start == before.end &&
		    !exchange(ring->producer_pos, produced,
			      produced + ((desc.end - before.end) & end_mask(ring)) * 8))
			continue;
		if (start != before.end && start != desc.end)
			return; /* damaged by somebody who lies; the ring stands still */
		exchange(&ring->control->head, head, head + 1);
	}
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
	rawtp_desc_publish(ring, claim.k, &claim.desc);
	rawtp_ringbuf_advance(ring);
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
	__atomic_exchange_n(&header->length, length, __ATOMIC_SEQ_CST);
	if (ring && (!(flags & BPF_RB_NO_WAKEUP) || flags & BPF_RB_FORCE_WAKEUP))
		rawtp_ringbuf_wake(ring);
}
