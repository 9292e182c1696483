/* SPDX-License-Identifier: MIT */
/* Elements of the hash table: who has them, where free ones are, what the dead left. See hash.h. */
#include "bpf/maps/hash.h"

#include <stdlib.h>

#include "base/bits.h"
#include "base/err.h"
#include "bpf/maps/owner.h"
#include "rawtp/thread.h"

enum kind { FREE, FREE_EXTRA, HELD, HELD_EXTRA, LIVE, DYING, DYING_EXTRA, N_KINDS };

static inline uint64_t make_state(enum kind kind, uint64_t tgid, uint64_t generation)
{
	return (uint64_t)kind | (tgid & RAWTP_OWNER_PID_MASK) << 3 | generation << 25;
}

static inline enum kind state_kind(uint64_t state)
{
	return (enum kind)(state & 7);
}

static inline bool exchange(uint64_t *word, uint64_t old, uint64_t new)
{
	return __atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

static inline struct rawtp_hash_elem *elem_at(const struct rawtp_hash *hash, uint32_t index)
{
	return (struct rawtp_hash_elem *)(hash->elems + index * hash->elem_bytes);
}

static inline uint32_t stripe(void)
{
	const struct rawtp_thread *self = rawtp_self;

	return self ? self->index % RAWTP_HASH_STRIPES : 0;
}

static uint32_t n_words(const struct rawtp_hash *hash)
{
	return (hash->n_elems + 63) / 64;
}

/* FREE -> HELD in our name. */
static bool try_claim(const struct rawtp_hash *hash, struct rawtp_hash_elem *elem, enum kind kind,
		      struct rawtp_hash_claim *claim)
{
	uint64_t state = __atomic_load_n(&elem->state, __ATOMIC_SEQ_CST);
	uint64_t tgid = hash->same_pids ? rawtp_owner_self() & RAWTP_OWNER_PID_MASK : 0;

	if (state_kind(state) != kind)
		return false;
	claim->state = make_state(kind == FREE ? HELD : HELD_EXTRA, tgid,
				  rawtp_hash_generation(state) + 1);
	if (!exchange(&elem->state, state, claim->state))
		return false;
	claim->elem = elem;
	return true;
}

/* The hint that an element is free goes away, unless it is free again by now. */
static void mark_used(const struct rawtp_hash *hash, uint32_t index)
{
	uint64_t bit = 1ULL << index % 64, *word = &hash->used[index / 64];

	__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
	if (state_kind(__atomic_load_n(&elem_at(hash, index)->state, __ATOMIC_SEQ_CST)) == FREE)
		__atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST);
}

/* Seen by searches that have not ended: whatever they find, the map is not full. */
static void mark_free(const struct rawtp_hash *hash, uint32_t index)
{
	__atomic_fetch_and(&hash->used[index / 64], ~(1ULL << index % 64), __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&hash->control->full, __ATOMIC_SEQ_CST))
		__atomic_store_n(&hash->control->full, 0, __ATOMIC_SEQ_CST);
}

static bool claim_in_word(const struct rawtp_hash *hash, uint32_t at,
			  struct rawtp_hash_claim *claim)
{
	uint64_t taken = __atomic_load_n(&hash->used[at], __ATOMIC_SEQ_CST);

	while (taken != UINT64_MAX) {
		uint32_t bit = (uint32_t)__builtin_ctzll(~taken), index = at * 64 + bit;

		if (index >= hash->n_elems)
			return false;
		if (try_claim(hash, elem_at(hash, index), FREE, claim)) {
			__atomic_fetch_or(&hash->used[at], 1ULL << bit, __ATOMIC_SEQ_CST);
			return true;
		}
		mark_used(hash, index);
		taken |= 1ULL << bit;
	}
	return false;
}

/* Goes round from where the last search of this stripe ended, so that reuse comes late. */
static bool search(const struct rawtp_hash *hash, struct rawtp_hash_claim *claim)
{
	uint32_t mine = stripe(), words = n_words(hash), i;
	uint32_t *cursor = &hash->control->stripes[mine].cursor;
	uint32_t start = __atomic_load_n(cursor, __ATOMIC_RELAXED);

	/* The cursor counts from the stripe's own start, so zeroed memory spreads the stripes. */
	start = (uint32_t)((start + (uint64_t)words * mine / RAWTP_HASH_STRIPES) % words);
	for (i = 0; i < words; i++) {
		uint32_t at = start + i < words ? start + i : start + i - words;

		if (!claim_in_word(hash, at, claim))
			continue;
		if (i)
			__atomic_store_n(cursor,
					 (at + words -
					  (uint32_t)((uint64_t)words * mine / RAWTP_HASH_STRIPES)) %
						 words,
					 __ATOMIC_RELAXED);
		return true;
	}
	return false;
}

/*
 * A full map says so at once: the last search that found nothing has left its number, and nobody
 * has freed anything since it began, or the number would be gone.
 */
static bool claim_normal(const struct rawtp_hash *hash, struct rawtp_hash_claim *claim)
{
	uint64_t *full = &hash->control->full, number;

	if (__atomic_load_n(full, __ATOMIC_SEQ_CST) & 1)
		return false;
	if (search(hash, claim))
		return true;
	number = (__atomic_fetch_add(&hash->control->searches, 1, __ATOMIC_RELAXED) + 1) << 1;
	__atomic_store_n(full, number, __ATOMIC_SEQ_CST);
	if (search(hash, claim))
		return true;
	exchange(full, number, number | 1);
	return false;
}

static bool claim_extra(const struct rawtp_hash *hash, struct rawtp_hash_claim *claim)
{
	uint32_t start = stripe() * (RAWTP_HASH_CELLS / RAWTP_HASH_STRIPES), i;

	for (i = 0; i < RAWTP_HASH_CELLS; i++) {
		uint32_t *cell = &hash->control->cells[(start + i) % RAWTP_HASH_CELLS], index;

		if (!__atomic_load_n(cell, __ATOMIC_RELAXED))
			continue;
		index = __atomic_exchange_n(cell, 0, __ATOMIC_ACQ_REL);
		if (index && index <= hash->n_elems &&
		    try_claim(hash, elem_at(hash, index - 1), FREE_EXTRA, claim))
			return true;
	}
	return false;
}

static void put_extra(const struct rawtp_hash *hash, uint32_t index)
{
	uint32_t start = stripe() * (RAWTP_HASH_CELLS / RAWTP_HASH_STRIPES), i;

	for (i = 0; i < RAWTP_HASH_CELLS; i++) {
		uint32_t *cell = &hash->control->cells[(start + i) % RAWTP_HASH_CELLS], none = 0;

		if (!__atomic_load_n(cell, __ATOMIC_RELAXED) &&
		    __atomic_compare_exchange_n(cell, &none, index + 1, false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return;
	}
}

bool rawtp_hash_claim(const struct rawtp_hash *hash, bool extra, struct rawtp_hash_claim *claim)
{
	if (extra && claim_extra(hash, claim))
		return true;
	return claim_normal(hash, claim);
}

bool rawtp_hash_claim_is_extra(const struct rawtp_hash_claim *claim)
{
	return state_kind(claim->state) == HELD_EXTRA;
}

static void give_hint(const struct rawtp_hash *hash, const struct rawtp_hash_elem *elem, bool extra)
{
	if (extra)
		put_extra(hash, rawtp_hash_index(hash, elem));
	else
		mark_free(hash, rawtp_hash_index(hash, elem));
}

void rawtp_hash_abandon(const struct rawtp_hash *hash, struct rawtp_hash_claim *claim)
{
	bool extra = rawtp_hash_claim_is_extra(claim);

	if (exchange(&claim->elem->state, claim->state,
		     make_state(extra ? FREE_EXTRA : FREE, 0, rawtp_hash_generation(claim->state))))
		give_hint(hash, claim->elem, extra);
	claim->elem = NULL;
}

/* Fails where somebody has deleted it already. */
void rawtp_hash_set_live(struct rawtp_hash_claim *claim)
{
	exchange(&claim->elem->state, claim->state,
		 make_state(LIVE, 0, rawtp_hash_generation(claim->state)));
	claim->elem = NULL;
}

bool rawtp_hash_is_live(const struct rawtp_hash_elem *elem)
{
	return state_kind(__atomic_load_n(&elem->state, __ATOMIC_ACQUIRE)) == LIVE;
}

bool rawtp_hash_set_dying(struct rawtp_hash_elem *elem, uint64_t state, bool extra)
{
	uint64_t generation = rawtp_hash_generation(state);
	uint64_t dying = make_state(extra ? DYING_EXTRA : DYING, 0, generation);
	uint64_t now = __atomic_load_n(&elem->state, __ATOMIC_ACQUIRE);

	/* HELD -> LIVE is the only change that can come between. */
	while (rawtp_hash_generation(now) == generation) {
		if (now == dying)
			return true;
		if (state_kind(now) != LIVE && state_kind(now) != HELD &&
		    state_kind(now) != HELD_EXTRA)
			return false;
		if (exchange(&elem->state, now, dying))
			return true;
		now = __atomic_load_n(&elem->state, __ATOMIC_ACQUIRE);
	}
	return false;
}

void rawtp_hash_set_free(const struct rawtp_hash *hash, struct rawtp_hash_elem *elem,
			 uint64_t state)
{
	uint64_t generation = rawtp_hash_generation(state);

	if (exchange(&elem->state, make_state(DYING, 0, generation),
		     make_state(FREE, 0, generation)))
		give_hint(hash, elem, false);
	else if (exchange(&elem->state, make_state(DYING_EXTRA, 0, generation),
			  make_state(FREE_EXTRA, 0, generation)))
		give_hint(hash, elem, true);
}

void rawtp_hash_pool_init(const struct rawtp_hash *hash)
{
	uint32_t first = hash->n_elems - RAWTP_HASH_EXTRA, i;

	hash->control->namespaces = rawtp_owner_namespaces();
	for (i = first; i < n_words(hash) * 64; i++)
		hash->used[i / 64] |= 1ULL << i % 64;
	for (i = 0; i < RAWTP_HASH_EXTRA; i++) {
		elem_at(hash, first + i)->state = make_state(FREE_EXTRA, 0, 0);
		hash->control->cells[i * 2] = first + i + 1;
	}
}

static bool has_cell(const struct rawtp_hash *hash, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < RAWTP_HASH_CELLS; i++)
		if (__atomic_load_n(&hash->control->cells[i], __ATOMIC_RELAXED) == index + 1)
			return true;
	return false;
}

/*
 * A dead process's element: in its bucket, alive (it died before it could say so), or in no list,
 * for then it never was in one.
 */
static void recover_held(const struct rawtp_hash *hash, struct rawtp_hash_elem *elem,
			 uint64_t state, const void *key)
{
	struct rawtp_hash_claim claim = {.elem = elem, .state = state};
	uint64_t tgid = state >> 3 & RAWTP_OWNER_PID_MASK;

	if (!tgid || !hash->same_pids ||
	    !rawtp_owner_is_dead(tgid | rawtp_owner_namespaces() << RAWTP_OWNER_NS_SHIFT))
		return;
	switch (rawtp_hash_sweep_bucket(hash, key, elem)) {
	case 1:
		rawtp_hash_set_live(&claim);
		break;
	case 0:
		rawtp_hash_abandon(hash, &claim);
		break;
	}
}

/*
 * A key that changes while it is copied leads to a wrong bucket, and does no harm: the element has
 * another state by then, and every step below is an exchange of the old one.
 */
static void recover_elem(const struct rawtp_hash *hash, uint32_t index, void *key)
{
	struct rawtp_hash_elem *elem = elem_at(hash, index);
	uint64_t state = __atomic_load_n(&elem->state, __ATOMIC_SEQ_CST);

	if (state_kind(state) > FREE_EXTRA)
		rawtp_load_words(key, elem->key, hash->key_size);
	switch (state_kind(state)) {
	case FREE:
		if (__atomic_load_n(&hash->used[index / 64], __ATOMIC_RELAXED) >> index % 64 & 1)
			mark_free(hash, index);
		break;
	case FREE_EXTRA:
		if (!has_cell(hash, index))
			put_extra(hash, index);
		break;
	case HELD:
	case HELD_EXTRA:
		recover_held(hash, elem, state, key);
		break;
	case LIVE:
		if (__atomic_load_n(&elem->link, __ATOMIC_RELAXED) & 3)
			rawtp_hash_sweep_bucket(hash, key, NULL);
		break;
	case DYING:
	case DYING_EXTRA: /* after the sweep it is in no list, if it is the same still */
		if (rawtp_hash_sweep_bucket(hash, key, NULL) == 0)
			rawtp_hash_set_free(hash, elem, state);
		break;
	default:
		break;
	}
}

void rawtp_hash_recover(struct rawtp_map *map)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	void *key = malloc(hash->key_size);
	uint32_t index;

	for (index = 0; key && index < hash->n_elems; index++) {
		/* Never used, as far as one knows: looking would give the elements memory. */
		if (index % 64 == 0 &&
		    !__atomic_load_n(&hash->used[index / 64], __ATOMIC_RELAXED)) {
			index += 63;
			continue;
		}
		recover_elem(hash, index, key);
	}
	free(key);
}

/* Over the elements rather than the buckets: whatever happens to the lists, each is met once. */
const void *rawtp_hash_walk(struct rawtp_map *map, struct rawtp_map_cursor *cursor)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);

	while (cursor->at < hash->n_elems) {
		struct rawtp_hash_elem *elem = elem_at(hash, cursor->at++);

		if (state_kind(__atomic_load_n(&elem->state, __ATOMIC_ACQUIRE)) == LIVE)
			return elem->key;
	}
	return NULL;
}
