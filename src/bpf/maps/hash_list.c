/* SPDX-License-Identifier: MIT */
/*
 * Buckets of the hash table: find, insert, replace, remove. See hash.h.
 *
 * Why a walk can be trusted: it goes from a word (prev) to the element that the word leads to, reads
 * the element, and then finds prev unchanged. Tags make "unchanged" mean that the element was in the
 * list all the while, so that what was read of it is its own. Insertions happen at the head only and
 * replacements in place, so a key that stays in the list stays ahead of the walk.
 */
#include "bpf/maps/hash.h"

#include "base/bits.h"
#include "base/err.h"

#define MAX_RETRIES 100000 /* each means that somebody else got on: a bound against lying peers */

enum { LINK_LIVE = 0, LINK_DEAD = 1, LINK_DEAD_EXTRA = 2, LINK_MARK = RAWTP_HASH_LINK_MARK };

static inline uint32_t link_index(const struct rawtp_hash *hash, uint64_t link)
{
	return (uint32_t)(link >> RAWTP_HASH_LINK_SHIFT & ((1ULL << hash->index_bits) - 1));
}

/* The word that follows @old at the same place. */
static inline uint64_t link_next(const struct rawtp_hash *hash, uint64_t old, uint32_t index,
				 uint64_t mark)
{
	unsigned int shift = RAWTP_HASH_LINK_SHIFT + hash->index_bits;

	return ((old >> shift) + 1) << shift | (uint64_t)index << RAWTP_HASH_LINK_SHIFT | mark;
}

static inline struct rawtp_hash_elem *elem_at(const struct rawtp_hash *hash, uint32_t index)
{
	return (struct rawtp_hash_elem *)(hash->elems + (index - 1) * hash->elem_bytes);
}

static inline uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline bool exchange(uint64_t *word, uint64_t old, uint64_t new)
{
	return __atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

uint64_t *rawtp_hash_bucket(const struct rawtp_hash *hash, const void *key)
{
	uint64_t h = hash->seed ^ hash->key_size;
	uint32_t i;

	for (i = 0; i < hash->key_size; i += 8)
		h = rawtp_hash_mix(h ^ rawtp_get_word((const char *)key + i, hash->key_size - i));
	return &hash->buckets[h & (hash->n_buckets - 1)];
}

bool rawtp_hash_still(const struct rawtp_hash_position *pos)
{
	return load(&pos->elem->link) == pos->link;
}

/*
 * Takes a dead element out of the list: prev leads past it. One of those who try wins, and frees the
 * element. False: prev is not what it was.
 */
static bool unlink_dead(const struct rawtp_hash *hash, struct rawtp_hash_position *pos)
{
	uint64_t next = link_next(hash, pos->prev_link, link_index(hash, pos->link), LINK_LIVE);
	bool extra = (pos->link & LINK_MARK) == LINK_DEAD_EXTRA;

	if (!rawtp_hash_set_dying(pos->elem, pos->state, extra))
		return false;
	if (!exchange(pos->prev, pos->prev_link, next))
		return false;
	rawtp_hash_set_free(hash, pos->elem, pos->state);
	if (pos->prev == pos->bucket)
		pos->head = next;
	pos->prev_link = next;
	return true;
}

enum walk { WALK_FOUND, WALK_END, WALK_AGAIN, WALK_DAMAGED };

/* Most keys are one word: that one is compared in place. */
static inline bool key_equal(const struct rawtp_hash *hash, const struct rawtp_hash_elem *elem,
			     const void *key, uint64_t first)
{
	if (load((const uint64_t *)elem->key) != first)
		return false;
	return hash->key_size <= 8 ||
	       rawtp_words_equal(elem->key + 8, (const char *)key + 8, hash->key_size - 8);
}

/*
 * One attempt. Stops at @key, or, where that is NULL, at @want. @pos is whole at its end, and where
 * somebody's dead element is unlinked on the way.
 */
static inline enum walk walk(const struct rawtp_hash *hash, const void *key,
			     const struct rawtp_hash_elem *want, struct rawtp_hash_position *pos)
{
	uint64_t first = key ? rawtp_get_word(key, hash->key_size) : 0;
	uint64_t *prev = pos->bucket, prev_link = load(prev);
	uint32_t steps = 0, index;

	pos->head = prev_link;
	while ((index = link_index(hash, prev_link)) != 0) {
		struct rawtp_hash_elem *elem = elem_at(hash, index);
		uint64_t link, state;
		bool match;

		if (index > hash->n_elems || steps++ > hash->n_elems)
			return WALK_DAMAGED;
		link = load(&elem->link);
		state = load(&elem->state);
		match = key ? key_equal(hash, elem, key, first) : elem == want;
		if (load(prev) != prev_link)
			return WALK_AGAIN;
		if (match || (link & LINK_MARK) != LINK_LIVE) {
			pos->prev = prev;
			pos->prev_link = prev_link;
			pos->elem = elem;
			pos->link = link;
			pos->state = state;
			if ((link & LINK_MARK) == LINK_LIVE)
				return WALK_FOUND;
			if (!unlink_dead(hash, pos))
				return WALK_AGAIN;
			prev_link = pos->prev_link;
			continue;
		}
		prev = &elem->link;
		prev_link = link;
	}
	pos->elem = NULL;
	return WALK_END;
}

static inline int walk_surely(const struct rawtp_hash *hash, const void *key,
			      const struct rawtp_hash_elem *want, struct rawtp_hash_position *pos)
{
	unsigned int tries;

	for (tries = 0; tries < MAX_RETRIES; tries++) {
		switch (walk(hash, key, want, pos)) {
		case WALK_FOUND:
			return 1;
		case WALK_END:
			return 0;
		case WALK_DAMAGED:
			return -EBUSY;
		case WALK_AGAIN:
			break;
		}
	}
	return -EBUSY;
}

int rawtp_hash_find(const struct rawtp_hash *hash, const void *key, struct rawtp_hash_position *pos)
{
	pos->bucket = rawtp_hash_bucket(hash, key);
	return walk_surely(hash, key, NULL, pos);
}

int rawtp_hash_sweep_bucket(const struct rawtp_hash *hash, const void *key,
			    const struct rawtp_hash_elem *elem)
{
	struct rawtp_hash_position pos = {.bucket = rawtp_hash_bucket(hash, key)};
	int found = walk_surely(hash, NULL, elem, &pos);

	/* What is dead behind it is unlinked too. */
	return found < 0 || walk_surely(hash, NULL, NULL, &pos) < 0 ? -EBUSY : found;
}

void rawtp_hash_tidy(const struct rawtp_hash *hash, uint64_t *bucket)
{
	struct rawtp_hash_position pos = {.bucket = bucket};

	walk_surely(hash, NULL, NULL, &pos);
}

/* Its place must be free when we return, so that as many keys fit as before. */
static void finish(const struct rawtp_hash *hash, struct rawtp_hash_position *pos, uint64_t dead)
{
	pos->link = dead;
	if (!unlink_dead(hash, pos))
		walk_surely(hash, NULL, NULL, pos);
}

bool rawtp_hash_insert(const struct rawtp_hash *hash, struct rawtp_hash_position *pos,
		       struct rawtp_hash_claim *claim)
{
	struct rawtp_hash_elem *elem = claim->elem;
	uint32_t index = rawtp_hash_index(hash, elem) + 1;

	__atomic_store_n(&elem->link,
			 link_next(hash, load(&elem->link), link_index(hash, pos->head), LINK_LIVE),
			 __ATOMIC_RELEASE);
	if (!exchange(pos->bucket, pos->head, link_next(hash, pos->head, index, LINK_LIVE)))
		return false;
	rawtp_hash_set_live(claim);
	return true;
}

bool rawtp_hash_replace(const struct rawtp_hash *hash, struct rawtp_hash_position *pos,
			struct rawtp_hash_claim *claim)
{
	struct rawtp_hash_elem *elem = claim->elem;
	uint32_t index = rawtp_hash_index(hash, elem) + 1;
	uint64_t mark = rawtp_hash_claim_is_extra(claim) ? LINK_DEAD_EXTRA : LINK_DEAD;
	uint64_t dead = link_next(hash, pos->link, index, mark);

	__atomic_store_n(&elem->link,
			 link_next(hash, load(&elem->link), link_index(hash, pos->link), LINK_LIVE),
			 __ATOMIC_RELEASE);
	if (!exchange(&pos->elem->link, pos->link, dead))
		return false;
	rawtp_hash_set_live(claim);
	finish(hash, pos, dead);
	return true;
}

bool rawtp_hash_remove(const struct rawtp_hash *hash, struct rawtp_hash_position *pos)
{
	uint64_t dead = link_next(hash, pos->link, link_index(hash, pos->link), LINK_DEAD);

	if (!exchange(&pos->elem->link, pos->link, dead))
		return false;
	finish(hash, pos, dead);
	return true;
}

int rawtp_hash_key_after(const struct rawtp_hash *hash, const uint64_t *prev, uint64_t prev_link,
			 void *key)
{
	uint32_t index = link_index(hash, prev_link);
	struct rawtp_hash_elem *elem;
	uint64_t link;

	if (!index)
		return 0;
	if (index > hash->n_elems)
		return -EBUSY;
	elem = elem_at(hash, index);
	link = load(&elem->link);
	rawtp_load_words(key, elem->key, hash->key_size);
	if ((link & LINK_MARK) != LINK_LIVE || load(prev) != prev_link)
		return -EAGAIN;
	return 1;
}
