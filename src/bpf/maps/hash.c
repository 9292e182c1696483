/* SPDX-License-Identifier: MIT */
/* BPF_MAP_TYPE_HASH, and what per-CPU hashes share with it. hash.h has the algorithm. */
#include "bpf/maps/hash.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/bits.h"
#include "base/err.h"
#include "bpf/maps/owner.h"
#include "bpf/maps/slots.h"

#define HASH_FLAGS                                                                                 \
	(BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY | \
	 BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG | BPF_F_ZERO_SEED)

#define MAX_ELEM_BYTES   ((4ULL << 20) - 64) /* KMALLOC_MAX_SIZE less the kernel's own part */
#define MAX_PERCPU_VALUE 32768               /* PCPU_MIN_UNIT_SIZE */
#define MAX_TRIES        100000

int rawtp_hash_check(const union bpf_attr *attr)
{
	/* BPF_F_NO_PREALLOC: elements exist from the start all the same, and get memory when used. */
	if (attr->map_flags & BPF_F_NO_COMMON_LRU)
		return -EINVAL;
	if (!attr->max_entries || !attr->key_size || !attr->value_size)
		return -EINVAL;
	if ((uint64_t)attr->key_size + attr->value_size >= MAX_ELEM_BYTES)
		return -E2BIG;
	if (rawtp_map_is_percpu(attr->map_type) && attr->value_size > MAX_PERCPU_VALUE)
		return -E2BIG;
	if (attr->max_entries > 1U << 31)
		return -E2BIG;
	return rawtp_map_check_flags(attr, HASH_FLAGS);
}

/* Offsets in @hash from what the map's private copies say; returns the bytes of it all. */
static uint64_t set_geometry(const struct rawtp_map *map, struct rawtp_hash *hash)
{
	bool percpu = rawtp_map_is_percpu(map->type);
	uint64_t at = rawtp_round_up(sizeof(struct rawtp_hash_control), 64);
	uint64_t elem = sizeof(struct rawtp_hash_elem) + rawtp_round_up(map->key_size, 8);

	/* Twice as many as entries, so that most keys are the first that is looked at. */
	hash->n_buckets = (uint32_t)rawtp_power_of_2_up(map->max_entries);
	if (hash->n_buckets <= 1U << 30)
		hash->n_buckets *= 2;
	hash->n_elems = map->max_entries + RAWTP_HASH_EXTRA;
	hash->index_bits = rawtp_bits_for(hash->n_elems);
	hash->key_size = map->key_size;
	hash->value_offset = (uint32_t)elem;
	hash->elem_bytes = elem + (percpu ? 0 : map->elem_size);
	hash->control = (struct rawtp_hash_control *)map->base;
	hash->buckets = (uint64_t *)(map->base + at);
	at += rawtp_round_up((uint64_t)hash->n_buckets * 8, 64);
	hash->used = (uint64_t *)(map->base + at);
	at += rawtp_round_up(((uint64_t)hash->n_elems + 63) / 64 * 8, 64);
	hash->elems = map->base + at;
	at += rawtp_round_up(hash->n_elems * hash->elem_bytes, 64);
	if (!percpu)
		return at;
	hash->slots = map->base + at;
	hash->entry_bytes = sizeof(uint64_t) + map->elem_size;
	hash->slot_bytes = rawtp_round_up(hash->n_elems * hash->entry_bytes, 64);
	return at + map->n_slots * hash->slot_bytes + RAWTP_SLOTS_BYTES(map->n_slots);
}

uint64_t rawtp_hash_layout(const struct rawtp_map *map)
{
	struct rawtp_hash hash = {0};

	return set_geometry(map, &hash);
}

int rawtp_hash_open(struct rawtp_map *map)
{
	struct rawtp_hash *hash = calloc(1, sizeof(*hash));

	if (!hash)
		return -ENOMEM;
	set_geometry(map, hash);
	if (rawtp_map_is_percpu(map->type))
		map->slot_owners = (uint64_t *)(hash->slots + map->n_slots * hash->slot_bytes);
	hash->seed = hash->control->seed;
	hash->same_pids = hash->control->namespaces == rawtp_owner_namespaces();
	map->priv = hash;
	return 0;
}

/* The child may be in another pid namespace. */
void rawtp_hash_after_fork(struct rawtp_map *map)
{
	struct rawtp_hash *hash = rawtp_hash_of(map);

	hash->same_pids = hash->control->namespaces == rawtp_owner_namespaces();
}

void rawtp_hash_close(struct rawtp_map *map)
{
	free(map->priv);
	map->priv = NULL;
}

int rawtp_hash_init(struct rawtp_map *map)
{
	struct rawtp_hash *hash = rawtp_hash_of(map);
	uint64_t fixed = (uint64_t)(hash->elems - map->base);
	int err;

	err = rawtp_map_populate(map, 0, fixed + hash->n_elems * hash->elem_bytes);
	if (err)
		return err;
	if (!(map->flags & BPF_F_ZERO_SEED) &&
	    getrandom(&hash->control->seed, sizeof(hash->control->seed), 0) < 0)
		hash->control->seed =
			(uint64_t)clock(); /* no getrandom: still not the same twice */
	rawtp_hash_pool_init(hash);
	return 0;
}

/* The first key of a bucket, or of those behind it. */
static int key_of_buckets(const struct rawtp_hash *hash, uint64_t *bucket, void *next)
{
	unsigned int tries = 0;

	while (bucket < hash->buckets + hash->n_buckets) {
		uint64_t head = __atomic_load_n(bucket, __ATOMIC_ACQUIRE);
		int err = rawtp_hash_key_after(hash, bucket, head, next);

		if (err == 1)
			return 0;
		if (err && (err != -EAGAIN || tries++ > MAX_TRIES))
			return -EBUSY;
		if (err == -EAGAIN)
			rawtp_hash_tidy(hash, bucket);
		else
			bucket++;
	}
	return -ENOENT;
}

int rawtp_hash_get_next_key(struct rawtp_map *map, const void *key, void *next)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	struct rawtp_hash_position pos;
	unsigned int tries;
	int err;

	for (tries = 0; key && tries < MAX_TRIES; tries++) {
		err = rawtp_hash_find(hash, key, &pos);
		if (err < 0)
			return err;
		if (!err) /* as the kernel: the key is gone, start again */
			break;
		err = rawtp_hash_key_after(hash, &pos.elem->link, pos.link, next);
		if (err == 1)
			return 0;
		if (!err)
			return key_of_buckets(hash, pos.bucket + 1, next);
		if (err != -EAGAIN)
			return err;
		rawtp_hash_tidy(hash, pos.bucket);
	}
	return key_of_buckets(hash, hash->buckets, next);
}

/*
 * Once a second at most: programs of a live map may be killed often, and a full map may be full for
 * good reason.
 */
bool rawtp_hash_try_recover(struct rawtp_map *map)
{
	static uint64_t last; /* of all maps: it is rare */
	struct timespec now;
	uint64_t then = __atomic_load_n(&last, __ATOMIC_RELAXED);

	clock_gettime(CLOCK_MONOTONIC, &now);
	if ((uint64_t)now.tv_sec + 1 == then ||
	    !__atomic_compare_exchange_n(&last, &then, (uint64_t)now.tv_sec + 1, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return false;
	rawtp_hash_recover(map);
	return true;
}

static void *hash_lookup(struct rawtp_map *map, const void *key)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	struct rawtp_hash_position pos;

	if (rawtp_hash_find(hash, key, &pos) != 1)
		return NULL;
	return rawtp_hash_value(hash, pos.elem);
}

/*
 * Takes an element that will do for what was found: a new key needs a normal one. Returns 0, -E2BIG
 * or -EBUSY.
 */
static int claim_for(struct rawtp_map *map, const struct rawtp_hash *hash, bool found,
		     const void *key, const void *value, struct rawtp_hash_claim *claim)
{
	if (claim->elem && !found && rawtp_hash_claim_is_extra(claim))
		rawtp_hash_abandon(hash, claim);
	if (claim->elem)
		return 0;
	if (!rawtp_hash_claim(hash, found, claim))
		return found ? -EBUSY : -E2BIG;
	rawtp_store_words(claim->elem->key, key, map->key_size);
	rawtp_store_words(rawtp_hash_value(hash, claim->elem), value, map->value_size);
	return 0;
}

static long hash_update(struct rawtp_map *map, const void *key, const void *value, uint64_t flags)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	struct rawtp_hash_claim claim = {0};
	struct rawtp_hash_position pos;
	unsigned int tries;
	long err = -EBUSY;

	if (flags > BPF_EXIST) /* and with BPF_F_LOCK: there are no spin locks in values */
		return -EINVAL;
	for (tries = 0; tries < MAX_TRIES; tries++) {
		int found = rawtp_hash_find(hash, key, &pos);

		err = found < 0                       ? found
		      : found && flags == BPF_NOEXIST ? -EEXIST
		      : !found && flags == BPF_EXIST  ? -ENOENT
						      : 0;
		if (!err)
			err = claim_for(map, hash, found, key, value, &claim);
		if (err)
			break;
		if (found ? rawtp_hash_replace(hash, &pos, &claim)
			  : rawtp_hash_insert(hash, &pos, &claim))
			return 0;
		err = -EBUSY;
	}
	if (claim.elem)
		rawtp_hash_abandon(hash, &claim);
	return err;
}

long rawtp_hash_delete(struct rawtp_map *map, const void *key)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	struct rawtp_hash_position pos;
	unsigned int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		int found = rawtp_hash_find(hash, key, &pos);

		if (found != 1)
			return found ? found : -ENOENT;
		if (rawtp_hash_remove(hash, &pos))
			return 0;
	}
	return -EBUSY;
}

/* A copy of a value that was the key's at one moment, though elements are used again. */
static int copy_value(struct rawtp_map *map, const void *key, void *value,
		      struct rawtp_hash_position *pos)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	unsigned int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		int found = rawtp_hash_find(hash, key, pos);

		if (found != 1)
			return found ? found : -ENOENT;
		rawtp_load_words(value, rawtp_hash_value(hash, pos->elem), map->value_size);
		if (rawtp_hash_still(pos))
			return 0;
	}
	return -EBUSY;
}

static int hash_sys_lookup(struct rawtp_map *map, const void *key, void *value, uint64_t flags)
{
	struct rawtp_hash_position pos;

	return flags ? -EINVAL : copy_value(map, key, value, &pos);
}

static int hash_sys_lookup_and_delete(struct rawtp_map *map, const void *key, void *value)
{
	struct rawtp_hash_position pos;
	unsigned int tries;
	int err;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		err = copy_value(map, key, value, &pos);
		if (err)
			return err;
		if (rawtp_hash_remove(rawtp_hash_of(map), &pos))
			return 0;
	}
	return -EBUSY;
}

static int hash_sys_update(struct rawtp_map *map, const void *key, const void *value,
			   uint64_t flags)
{
	long err = hash_update(map, key, value, flags);

	if ((err == -E2BIG || err == -EBUSY) && rawtp_hash_try_recover(map))
		err = hash_update(map, key, value, flags);
	return (int)err;
}

const struct rawtp_map_ops rawtp_hash_ops = {
	.check = rawtp_hash_check,
	.layout = rawtp_hash_layout,
	.open = rawtp_hash_open,
	.close = rawtp_hash_close,
	.init = rawtp_hash_init,
	.get_next_key = rawtp_hash_get_next_key,
	.sys_lookup = hash_sys_lookup,
	.sys_update = hash_sys_update,
	.sys_lookup_and_delete = hash_sys_lookup_and_delete,
	.recover = rawtp_hash_recover,
	.after_fork = rawtp_hash_after_fork,
	.walk = rawtp_hash_walk,
	.lookup = hash_lookup,
	.update = hash_update,
	.delete = rawtp_hash_delete,
};
