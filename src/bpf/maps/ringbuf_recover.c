/* SPDX-License-Identifier: MIT */
/*
 * Ring buffer: who its producers are, and what becomes of what they leave when they die.
 *
 * The whole of a recovery is done by one process at a time, named in control.recoverer. It acts for
 * the dead, who do nothing any more, so it is alone with their descriptors and records; if it dies
 * in the middle, the next one starts again, and finds done what is done.
 */
#include "bpf/maps/ringbuf.h"

#include <sys/auxv.h>

#include "base/bits.h"
#include "bpf/maps/owner.h"

#define MAX_TRIES 10000

struct dead {
	uint64_t members[RAWTP_RINGBUF_MEMBERS]; /* the owner word where it is dead, else 0 */
	bool waits[RAWTP_RINGBUF_MEMBERS];       /* has records that producer_pos has not passed */
	bool any;
};

static bool start_recovery(struct rawtp_ringbuf_control *control)
{
	uint64_t self = rawtp_owner_self(), who = 0;

	for (;;) {
		if (__atomic_compare_exchange_n(&control->recoverer, &who, self, false,
						__ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			return true;
		if (!rawtp_owner_is_dead(who))
			return false;
	}
}

static void end_recovery(struct rawtp_ringbuf_control *control)
{
	__atomic_store_n(&control->recoverer, 0, __ATOMIC_SEQ_CST);
}

static void find_dead(const struct rawtp_ringbuf *ring, struct dead *dead)
{
	uint32_t i;

	for (i = 1; i < RAWTP_RINGBUF_MEMBERS; i++) {
		uint64_t word = __atomic_load_n(&ring->control->members[i], __ATOMIC_SEQ_CST);

		dead->members[i] = word && rawtp_owner_is_dead(word) ? word : 0;
		dead->any |= dead->members[i] != 0;
	}
}

/* Claimed and not published, by the dead: nothing passes them before we publish. */
static void recover_descs(const struct rawtp_ringbuf *ring, const struct dead *dead)
{
	uint64_t start = __atomic_load_n(ring->producer_pos, __ATOMIC_SEQ_CST), pos = start;
	struct rawtp_desc desc;

	for (; pos - start < ring->size && rawtp_desc_read(ring, pos, &desc); pos += desc.bytes) {
		if (desc.state != RAWTP_DESC_CLAIMED || !dead->members[desc.member])
			continue;
		rawtp_ringbuf_fill(ring, pos, desc.bytes);
		rawtp_desc_publish(ring, pos, &desc);
	}
	rawtp_ringbuf_advance(ring);
}

/*
 * From the reader's position from record to record. Where that position has not changed at the end,
 * nobody can have written over what we walked on, so a BUSY record that we found is one, and the
 * reader does not pass it. Returns false where it has changed.
 */
static bool recover_records(const struct rawtp_ringbuf *ring, const struct dead *dead)
{
	uint64_t consumed = __atomic_load_n(ring->consumer_pos, __ATOMIC_SEQ_CST), pos = consumed;
	uint64_t produced = __atomic_load_n(ring->producer_pos, __ATOMIC_SEQ_CST);

	while (pos != produced && pos - consumed < ring->size) {
		struct rawtp_ringbuf_header *header = rawtp_ringbuf_header_at(ring, pos);
		uint32_t length = __atomic_load_n(&header->length, __ATOMIC_SEQ_CST);
		uint32_t member = __atomic_load_n(&header->member, __ATOMIC_SEQ_CST);

		if (__atomic_load_n(ring->consumer_pos, __ATOMIC_SEQ_CST) != consumed)
			return false;
		pos += rawtp_round_up((length & ~RAWTP_RINGBUF_FLAGS) + RAWTP_RINGBUF_HEADER, 8);
		if (length & BPF_RINGBUF_BUSY_BIT && member < RAWTP_RINGBUF_MEMBERS &&
		    dead->members[member])
			__atomic_compare_exchange_n(&header->length, &length,
						    (length & ~RAWTP_RINGBUF_FLAGS) |
							    BPF_RINGBUF_DISCARD_BIT,
						    false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	}
	return true;
}

/*
 * Behind a descriptor whose owner lives and has not published yet, the dead may have records that
 * the walk over what may be read did not come to. Their members stay until a later recovery.
 */
static void find_waiting(const struct rawtp_ringbuf *ring, struct dead *dead)
{
	uint64_t start = __atomic_load_n(ring->producer_pos, __ATOMIC_SEQ_CST), pos = start;
	struct rawtp_desc desc;

	for (; pos - start < ring->size && rawtp_desc_read(ring, pos, &desc); pos += desc.bytes)
		dead->waits[desc.member] = true;
}

static void forget_dead(const struct rawtp_ringbuf *ring, struct dead *dead)
{
	struct rawtp_ringbuf_control *control = ring->control;
	uint32_t i;

	for (i = 1; i < RAWTP_RINGBUF_MEMBERS; i++) {
		if (!dead->members[i] || dead->waits[i])
			continue;
		__atomic_store_n(&control->images[i], 0, __ATOMIC_SEQ_CST);
		__atomic_compare_exchange_n(&control->members[i], &dead->members[i], 0, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	}
}

static void recover(const struct rawtp_ringbuf *ring, struct dead *dead)
{
	unsigned int tries = 0;

	recover_descs(ring, dead);
	find_waiting(ring, dead);
	while (!recover_records(ring, dead))
		if (++tries > MAX_TRIES)
			return; /* a reader that does not stand still; they stay known as dead */
	forget_dead(ring, dead);
	rawtp_ringbuf_wake(ring);
}

static void recover_if_dead(const struct rawtp_ringbuf *ring)
{
	struct dead dead = {.any = false};

	if (!start_recovery(ring->control))
		return;
	find_dead(ring, &dead);
	if (dead.any)
		recover(ring, &dead);
	end_recovery(ring->control);
}

void rawtp_ringbuf_recover(struct rawtp_map *map)
{
	recover_if_dead(rawtp_ringbuf_of(map));
}

bool rawtp_ringbuf_is_held_up(const struct rawtp_map *map)
{
	const struct rawtp_ringbuf *ring = rawtp_ringbuf_of(map);
	struct rawtp_desc desc;

	uint64_t produced = __atomic_load_n(ring->producer_pos, __ATOMIC_SEQ_CST);

	return rawtp_desc_read(ring, produced, &desc) ||
	       __atomic_load_n(ring->consumer_pos, __ATOMIC_SEQ_CST) != produced;
}

/* Tells this program from what ran in the process before exec(). */
static uint64_t image(void)
{
	const void *random = (const void *)(uintptr_t)getauxval(AT_RANDOM);

	return random ? rawtp_get_word(random, 8) | 1 : 1;
}

void rawtp_ringbuf_join_fresh(struct rawtp_ringbuf *ring)
{
	struct rawtp_ringbuf_control *control = ring->control;
	uint32_t i, member = 0;

	for (i = 1; i < RAWTP_RINGBUF_MEMBERS && !member; i++) {
		uint64_t none = 0;

		if (__atomic_load_n(&control->members[i], __ATOMIC_RELAXED) ||
		    !__atomic_compare_exchange_n(&control->members[i], &none, rawtp_owner_self(),
						 false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			continue;
		__atomic_store_n(&control->images[i], image(), __ATOMIC_SEQ_CST);
		member = i;
	}
	__atomic_store_n(&ring->member, member, __ATOMIC_RELAXED);
}

/*
 * Our own name may stand there already, from before exec(), which is death to threads that were
 * writing; or from another copy of the library in this process, which lives.
 */
void rawtp_ringbuf_join(struct rawtp_ringbuf *ring)
{
	struct rawtp_ringbuf_control *control = ring->control;
	struct dead dead = {.any = false};
	uint32_t i;

	for (i = 1; i < RAWTP_RINGBUF_MEMBERS; i++) {
		uint64_t word = __atomic_load_n(&control->members[i], __ATOMIC_SEQ_CST);
		uint64_t ran = __atomic_load_n(&control->images[i], __ATOMIC_SEQ_CST);

		if (word != rawtp_owner_self() || !ran || ran == image())
			continue;
		dead.members[i] = word;
		dead.any = true;
	}
	if (dead.any && start_recovery(control)) {
		recover(ring, &dead);
		end_recovery(control);
	}
	rawtp_ringbuf_join_fresh(ring);
	if (ring->member)
		return;
	recover_if_dead(ring); /* those who ended, and did not say so, are in the way */
	rawtp_ringbuf_join_fresh(ring);
}

void rawtp_ringbuf_leave(struct rawtp_ringbuf *ring)
{
	if (!ring->member)
		return;
	__atomic_store_n(&ring->control->images[ring->member], 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&ring->control->members[ring->member], 0, __ATOMIC_SEQ_CST);
}
