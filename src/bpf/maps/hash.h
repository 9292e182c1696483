/* SPDX-License-Identifier: MIT */
/*
 * The hash table under BPF_MAP_TYPE_HASH and BPF_MAP_TYPE_PERCPU_HASH: lock-free, in memory shared by
 * processes that may die at any instruction.
 *
 * Buckets are singly linked lists of elements. The algorithm is M. Michael's list-based set with
 * version tags and type-stable nodes ("High Performance Dynamic Lock-Free Hash Tables and List-Based
 * Sets", SPAA 2002), with two changes: lists are not sorted (a new key goes to the head, and the
 * head's tag shows every insertion of others), and a value is replaced by one compare-and-exchange
 * that marks the old element dead and makes the new one its successor at the same time, so that a
 * key is never found twice, nor missed while it is replaced.
 *
 * Every element has two words:
 *  link   mark | index of the next element + 1 | tag. The tag grows with each change of the word, for
 *         ever, so an unchanged word means that nothing happened to it in between. Marked: dead, may
 *         be unlinked by whoever comes by. A bucket's head is such a word too, never marked.
 *  state  kind | tgid of the holder | generation. Allocation is the exchange FREE -> HELD in this
 *         word, which names the owner in the same instant: nothing is lost when he dies.
 *
 *      FREE --claim--> HELD --linked--> LIVE --dead--> DYING --unlinked--> FREE
 *
 * DYING comes before the element is unlinked, so what is neither in a list nor DYING nor FREE was
 * never linked; this is how rawtp_hash_recover() tells what a dead process left. Everything after
 * the mark may be done by anybody, and several may try: each step is one exchange that one wins.
 *
 * Capacity. max_entries elements are "normal", RAWTP_HASH_EXTRA are "extra". A new key takes a normal
 * one, so that exactly max_entries keys fit. A replacement takes an extra one, and the element that
 * it replaces becomes extra in its place: an update succeeds in a full map, as in the kernel.
 *
 * Where free elements are is only a hint (a bit per element for the normal ones, a few cells for the
 * extra ones); the state decides.
 *
 * What a program may rely on, as in the kernel with preallocated elements: the pointer that a lookup
 * gives is good for the run; while the key stays and is not replaced, it is the key's value. After a
 * deletion or a replacement by somebody else it shows the old value, until the element is used again
 * (which goes round the table, so not soon), possibly for another key.
 */
#ifndef RAWTP_BPF_MAPS_HASH_H
#define RAWTP_BPF_MAPS_HASH_H

#include "bpf/maps/map.h"

#define RAWTP_HASH_EXTRA   128
#define RAWTP_HASH_CELLS   256 /* hints where extra elements are: room for each twice */
#define RAWTP_HASH_STRIPES 16  /* threads start their searches in as many places */

/* At the start of the file. */
struct rawtp_hash_control {
	uint64_t seed;
	uint64_t namespaces; /* of the pid numbers in states: bits of an owner word */
	/* 0, or a search's number << 1, | 1 once that search has found no free element. */
	uint64_t full __attribute__((aligned(64)));
	uint64_t searches;
	uint32_t cells[RAWTP_HASH_CELLS] __attribute__((aligned(64))); /* index + 1, or 0 */
	struct {
		uint32_t cursor;
	} __attribute__((aligned(64))) stripes[RAWTP_HASH_STRIPES];
};

/* A link: mark, index, tag. */
#define RAWTP_HASH_LINK_MARK  3
#define RAWTP_HASH_LINK_SHIFT 2

struct rawtp_hash_elem {
	uint64_t link;
	uint64_t state;
	char key[]; /* rounded up to 8 bytes; then, unless per-CPU, the value */
};

/* Private: where things lie. All bounds come from here. */
struct rawtp_hash {
	struct rawtp_hash_control *control;
	uint64_t *buckets;
	uint64_t *used; /* a bit per element: not free, perhaps */
	char *elems;
	uint32_t n_buckets; /* power of two */
	uint32_t n_elems;
	uint32_t key_size;
	uint32_t value_offset; /* in the element */
	size_t elem_bytes;
	unsigned int index_bits;
	uint64_t seed;
	bool same_pids; /* states name processes of our namespaces */
	void *lru;      /* of lru_hash.c, or NULL */

	/* Per-CPU: entry of an element in a slot = stamp (generation), value. */
	char *slots;
	size_t slot_bytes;
	size_t entry_bytes;
};

/*
 * An element found, and what proves it: all of it was so at one moment. Where none was found, only
 * bucket and head are of use.
 */
struct rawtp_hash_position {
	uint64_t *bucket;
	uint64_t head;  /* value of the bucket's word */
	uint64_t *prev; /* word that leads to elem */
	uint64_t prev_link;
	struct rawtp_hash_elem *elem;
	uint64_t link;
	uint64_t state;
};

/* An element that nobody else has. */
struct rawtp_hash_claim {
	struct rawtp_hash_elem *elem; /* NULL: none */
	uint64_t state;
};

/*
 * Multiply and fold, a word of the key at a time: upper and lower half of the product. The seed is
 * random, so that keys cannot be chosen to meet. Machine code does the same (bpf/jit).
 */
#define RAWTP_HASH_MULTIPLIER 0x9fb21c651e98df25ULL

static inline uint64_t rawtp_hash_mix(uint64_t h)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 product = (unsigned __int128)h * RAWTP_HASH_MULTIPLIER;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
	uint64_t low = (uint32_t)h, high = h >> 32;
	uint64_t by_low = (uint32_t)RAWTP_HASH_MULTIPLIER, by_high = RAWTP_HASH_MULTIPLIER >> 32;
	uint64_t middle = high * by_low + (low * by_low >> 32), other = low * by_high;

	other += (uint32_t)middle;
	return h * RAWTP_HASH_MULTIPLIER ^ (high * by_high + (middle >> 32) + (other >> 32));
#endif
}

static inline struct rawtp_hash *rawtp_hash_of(const struct rawtp_map *map)
{
	return (struct rawtp_hash *)map->priv;
}

static inline void *rawtp_hash_value(const struct rawtp_hash *hash, struct rawtp_hash_elem *elem)
{
	return (char *)elem + hash->value_offset;
}

static inline uint64_t rawtp_hash_generation(uint64_t state)
{
	return state >> 25;
}

static inline uint32_t rawtp_hash_index(const struct rawtp_hash *hash,
					const struct rawtp_hash_elem *elem)
{
	return (uint32_t)((size_t)((const char *)elem - hash->elems) / hash->elem_bytes);
}

/* Map operations shared by both types; hash.c. */
int rawtp_hash_check(const union bpf_attr *attr);
uint64_t rawtp_hash_layout(const struct rawtp_map *map);
int rawtp_hash_open(struct rawtp_map *map);
void rawtp_hash_close(struct rawtp_map *map);
void rawtp_hash_after_fork(struct rawtp_map *map);
int rawtp_hash_init(struct rawtp_map *map);
int rawtp_hash_get_next_key(struct rawtp_map *map, const void *key, void *next);
long rawtp_hash_delete(struct rawtp_map *map, const void *key);
/* After -E2BIG or -EBUSY on the system call's side: true where something was taken back. */
bool rawtp_hash_try_recover(struct rawtp_map *map);

/* percpu_hash.c. The value of CPU @cpu; NULL: no such key or CPU, or nothing was written there. */
void *rawtp_percpu_hash_lookup_cpu(struct rawtp_map *map, const void *key, uint32_t cpu);

/* hash_list.c. 1: found; 0: not; -EBUSY: too much going on, or the memory is damaged. */
int rawtp_hash_find(const struct rawtp_hash *hash, const void *key,
		    struct rawtp_hash_position *pos);
/* Walks all of a key's bucket, unlinks what is dead: 1 where @elem is in it, alive. */
int rawtp_hash_sweep_bucket(const struct rawtp_hash *hash, const void *key,
			    const struct rawtp_hash_elem *elem);
/* Unlinks what is dead in a bucket. */
void rawtp_hash_tidy(const struct rawtp_hash *hash, uint64_t *bucket);
/* These return false where somebody was faster: find again. On success the claim is used up. */
bool rawtp_hash_insert(const struct rawtp_hash *hash, struct rawtp_hash_position *pos,
		       struct rawtp_hash_claim *claim);
bool rawtp_hash_replace(const struct rawtp_hash *hash, struct rawtp_hash_position *pos,
			struct rawtp_hash_claim *claim);
bool rawtp_hash_remove(const struct rawtp_hash *hash, struct rawtp_hash_position *pos);
/* Is what @pos says of its element still so? */
bool rawtp_hash_still(const struct rawtp_hash_position *pos);
uint64_t *rawtp_hash_bucket(const struct rawtp_hash *hash, const void *key);
/* Key of the first live element after the word at @prev: 1; 0: none; -EAGAIN: it changed. */
int rawtp_hash_key_after(const struct rawtp_hash *hash, const uint64_t *prev, uint64_t prev_link,
			 void *key);

/* hash_pool.c: elements, free and not. */
bool rawtp_hash_claim(const struct rawtp_hash *hash, bool extra, struct rawtp_hash_claim *claim);
bool rawtp_hash_claim_is_extra(const struct rawtp_hash_claim *claim);
void rawtp_hash_abandon(const struct rawtp_hash *hash, struct rawtp_hash_claim *claim);
void rawtp_hash_set_live(struct rawtp_hash_claim *claim);
/* False where @state is not of a linked element any more. */
bool rawtp_hash_set_dying(struct rawtp_hash_elem *elem, uint64_t state, bool extra);
void rawtp_hash_set_free(const struct rawtp_hash *hash, struct rawtp_hash_elem *elem,
			 uint64_t state);
/* It holds a key just now. */
bool rawtp_hash_is_live(const struct rawtp_hash_elem *elem);
void rawtp_hash_pool_init(const struct rawtp_hash *hash);
void rawtp_hash_recover(struct rawtp_map *map);
const void *rawtp_hash_walk(struct rawtp_map *map, struct rawtp_map_cursor *cursor);

#endif
