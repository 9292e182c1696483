/* SPDX-License-Identifier: MIT */
/*
 * BPF_MAP_TYPE_LRU_HASH and BPF_MAP_TYPE_LRU_PERCPU_HASH: the hash tables, which make room for a new
 * key by removing one that was not used lately.
 *
 * Behind the table lies a byte for each element, set by whoever looks its key up or updates it, and a hand
 * that goes round: an element whose byte is set loses that and stays, another is removed (the clock of
 * F. Corbato, "A Paging Experiment with the Multics System", 1968). As in the kernel, that is near to
 * the least recently used key, and no promise. Bytes and hand are hints: what they lead to is removed
 * as bpf_map_delete_elem() would do it, so nothing here has to be repaired after a death.
 */
#include "bpf/maps/hash.h"

#include "base/bits.h"
#include "base/err.h"

#define MAX_STEPS  1024 /* of the hand, for one place */
#define MAX_SPARED 256  /* from then on an element is removed whether it was used or not */
#define MAX_TRIES  8
#define ASK_AGAIN  64
#define SMALL_KEY  128 /* larger ones are read where they are */

struct lru {
	uint32_t hand;
	uint32_t is_full; /* a new key found no room, and nobody has deleted any since */
	uint8_t used[];
};

extern const struct rawtp_map_ops rawtp_hash_ops, rawtp_percpu_hash_ops;

static const struct rawtp_map_ops *base_of(const struct rawtp_map *map)
{
	return rawtp_map_is_percpu(map->type) ? &rawtp_percpu_hash_ops : &rawtp_hash_ops;
}

static struct lru *lru_of(const struct rawtp_hash *hash)
{
	return (struct lru *)hash->lru;
}

static int lru_check(const union bpf_attr *attr)
{
	union bpf_attr plain = *attr;
	int err;

	/* BPF_F_NO_COMMON_LRU: a list for each CPU; here there is none at all. */
	plain.map_flags &= ~(uint32_t)(BPF_F_NO_COMMON_LRU | BPF_F_NO_PREALLOC);
	err = rawtp_hash_check(&plain);
	if (err == -EINVAL)
		return err;
	if (attr->map_flags & BPF_F_NO_PREALLOC)
		return -RAWTP_ENOTSUPP;
	if (attr->map_flags & BPF_F_NO_COMMON_LRU && attr->map_flags & BPF_F_NUMA_NODE &&
	    attr->numa_node != UINT32_MAX)
		return -EINVAL;
	return err;
}

static uint64_t table_bytes(const struct rawtp_map *map)
{
	return rawtp_round_up(rawtp_hash_layout(map), 64);
}

static uint64_t lru_layout(const struct rawtp_map *map)
{
	return table_bytes(map) + sizeof(struct lru) + map->max_entries + RAWTP_HASH_EXTRA;
}

static int lru_open(struct rawtp_map *map)
{
	int err = rawtp_hash_open(map);

	if (!err)
		rawtp_hash_of(map)->lru = map->base + table_bytes(map);
	return err;
}

static int lru_init(struct rawtp_map *map)
{
	uint64_t at = table_bytes(map);
	int err = rawtp_hash_init(map);

	return err ? err : rawtp_map_populate(map, at, lru_layout(map) - at);
}

static void mark_used(const struct rawtp_hash *hash, const struct rawtp_hash_elem *elem)
{
	uint8_t *used = &lru_of(hash)->used[rawtp_hash_index(hash, elem)];

	if (!__atomic_load_n(used, __ATOMIC_RELAXED))
		__atomic_store_n(used, 1, __ATOMIC_RELAXED);
}

/* The element at the hand, if it holds a key and was not used since the hand came by last. */
static bool remove_at(const struct rawtp_hash *hash, uint32_t index, bool spare)
{
	struct rawtp_hash_elem *elem =
		(struct rawtp_hash_elem *)(hash->elems + index * hash->elem_bytes);
	uint8_t *used = &lru_of(hash)->used[index];
	char copy[SMALL_KEY] __attribute__((aligned(8)));
	const void *key = elem->key;
	struct rawtp_hash_position pos;

	if (!rawtp_hash_is_live(elem))
		return false;
	if (spare && __atomic_load_n(used, __ATOMIC_RELAXED)) {
		__atomic_store_n(used, 0, __ATOMIC_RELAXED);
		return false;
	}
	if (hash->key_size <= sizeof(copy)) {
		rawtp_load_words(copy, elem->key, hash->key_size);
		key = copy;
	}
	/* A key that changes meanwhile leads elsewhere, or nowhere: it is another's then. */
	return rawtp_hash_find(hash, key, &pos) == 1 && pos.elem == elem &&
	       rawtp_hash_remove(hash, &pos);
}

static bool make_room(const struct rawtp_hash *hash)
{
	uint32_t i;

	for (i = 0; i < MAX_STEPS; i++) {
		uint32_t at = __atomic_fetch_add(&lru_of(hash)->hand, 1, __ATOMIC_RELAXED);

		if (remove_at(hash, at % hash->n_elems, i < MAX_SPARED))
			return true;
	}
	return false;
}

/*
 * Asking a full table for room is dear: it looks everywhere. So room is made first; but once in a
 * while it is asked, as two that make room for one key leave the table emptier.
 */
static void make_room_if_full(const struct rawtp_hash *hash)
{
	struct lru *lru = lru_of(hash);

	if (!__atomic_load_n(&lru->is_full, __ATOMIC_RELAXED))
		return;
	if (__atomic_load_n(&lru->hand, __ATOMIC_RELAXED) % ASK_AGAIN == 0)
		__atomic_store_n(&lru->is_full, 0, __ATOMIC_RELAXED);
	make_room(hash);
}

/* By a program's update of the table, or by the system call's. */
static long lru_update_by(struct rawtp_map *map, const void *key, const void *value, uint64_t flags,
			  bool by_program)
{
	const struct rawtp_map_ops *base = base_of(map);
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	struct lru *lru = lru_of(hash);
	struct rawtp_hash_position pos;
	bool was_there = rawtp_hash_find(hash, key, &pos) == 1;
	unsigned int tries;
	long err = -ENOMEM;

	if (!was_there && flags != BPF_EXIST)
		make_room_if_full(hash);
	for (tries = 0; tries < MAX_TRIES; tries++) {
		err = by_program ? base->update(map, key, value, flags)
				 : base->sys_update(map, key, value, flags);
		if (err != -E2BIG)
			break;
		__atomic_store_n(&lru->is_full, 1, __ATOMIC_RELAXED);
		err = -ENOMEM;
		make_room(hash);
	}
	/* A new key is not used yet: many that come once must not drive out what is looked up. */
	if (!err && was_there && rawtp_hash_find(hash, key, &pos) == 1)
		mark_used(hash, pos.elem);
	return err;
}

static long lru_update(struct rawtp_map *map, const void *key, const void *value, uint64_t flags)
{
	return lru_update_by(map, key, value, flags, true);
}

static int lru_sys_update(struct rawtp_map *map, const void *key, const void *value, uint64_t flags)
{
	return (int)lru_update_by(map, key, value, flags, false);
}

static void *lru_lookup(struct rawtp_map *map, const void *key)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	struct rawtp_hash_position pos;

	if (rawtp_hash_find(hash, key, &pos) != 1)
		return NULL;
	mark_used(hash, pos.elem);
	return rawtp_hash_value(hash, pos.elem);
}

static void *lru_percpu_lookup(struct rawtp_map *map, const void *key)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	void *value = rawtp_percpu_hash_ops.lookup(map, key);
	struct rawtp_hash_position pos;

	if (value && rawtp_hash_find(hash, key, &pos) == 1)
		mark_used(hash, pos.elem);
	return value;
}

static long lru_delete(struct rawtp_map *map, const void *key)
{
	__atomic_store_n(&lru_of(rawtp_hash_of(map))->is_full, 0, __ATOMIC_RELAXED);
	return rawtp_hash_delete(map, key);
}

/* A reader that lists the map is no use of it. */
static int lru_sys_lookup(struct rawtp_map *map, const void *key, void *value, uint64_t flags)
{
	return base_of(map)->sys_lookup(map, key, value, flags);
}

static int lru_sys_lookup_and_delete(struct rawtp_map *map, const void *key, void *value)
{
	__atomic_store_n(&lru_of(rawtp_hash_of(map))->is_full, 0, __ATOMIC_RELAXED);
	return base_of(map)->sys_lookup_and_delete(map, key, value);
}

#define LRU_OPS(lookup_fn, percpu_fn)                                                             \
	{                                                                                         \
		.check = lru_check, .layout = lru_layout, .open = lru_open,                       \
		.close = rawtp_hash_close, .init = lru_init,                                      \
		.get_next_key = rawtp_hash_get_next_key, .sys_lookup = lru_sys_lookup,            \
		.sys_update = lru_sys_update, .sys_lookup_and_delete = lru_sys_lookup_and_delete, \
		.recover = rawtp_hash_recover, .after_fork = rawtp_hash_after_fork,               \
		.walk = rawtp_hash_walk, .lookup = lookup_fn, .lookup_percpu = percpu_fn,         \
		.update = lru_update, .delete = lru_delete,                                       \
	}

const struct rawtp_map_ops rawtp_lru_hash_ops = LRU_OPS(lru_lookup, NULL);
const struct rawtp_map_ops rawtp_lru_percpu_hash_ops =
	LRU_OPS(lru_percpu_lookup, rawtp_percpu_hash_lookup_cpu);
