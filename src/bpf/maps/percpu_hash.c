/* SPDX-License-Identifier: MIT */
/*
 * BPF_MAP_TYPE_PERCPU_HASH: the hash table with values outside of the elements, slot by slot, as in
 * percpu_array.c. A value is preceded by a stamp, the generation of the element that it was last
 * written for. Another stamp means that the value is zero: so an insertion touches one slot, not all
 * of them, and what a former key's program still writes does not reach a new key's value.
 */
#include "bpf/maps/hash.h"

#include "base/bits.h"
#include "base/err.h"
#include "bpf/maps/percpu.h"

#define MAX_TRIES 100000

struct entry {
	uint64_t stamp;
	uint64_t value[];
};

static struct entry *entry_of(const struct rawtp_hash *hash, const struct rawtp_hash_elem *elem,
			      uint32_t slot)
{
	return (struct entry *)(hash->slots + slot * hash->slot_bytes +
				rawtp_hash_index(hash, elem) * hash->entry_bytes);
}

static void entry_write(const struct rawtp_map *map, struct entry *entry, uint64_t generation,
			const void *value)
{
	rawtp_store_words(entry->value, value, map->value_size);
	__atomic_store_n(&entry->stamp, generation, __ATOMIC_RELEASE);
}

static void *percpu_hash_lookup(struct rawtp_map *map, const void *key)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	uint32_t slot = rawtp_slot_of(map);
	struct rawtp_hash_position pos;
	struct entry *entry;
	uint64_t generation;

	if (slot == RAWTP_NO_SLOT || rawtp_hash_find(hash, key, &pos) != 1)
		return NULL;
	entry = entry_of(hash, pos.elem, slot);
	generation = rawtp_hash_generation(pos.state);
	if (__atomic_load_n(&entry->stamp, __ATOMIC_ACQUIRE) != generation) {
		rawtp_percpu_clear(entry->value, map->value_size);
		__atomic_store_n(&entry->stamp, generation, __ATOMIC_RELEASE);
	}
	return entry->value;
}

void *rawtp_percpu_hash_lookup_cpu(struct rawtp_map *map, const void *key, uint32_t cpu)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	struct rawtp_hash_position pos;
	struct entry *entry;

	if (cpu >= map->n_cpus || rawtp_hash_find(hash, key, &pos) != 1)
		return NULL;
	entry = entry_of(hash, pos.elem, cpu);
	/* To make it the key's is for the slot's owner alone. */
	return __atomic_load_n(&entry->stamp, __ATOMIC_ACQUIRE) == rawtp_hash_generation(pos.state)
		       ? entry->value
		       : NULL;
}

/* Writes the value of one slot (programs), or of all CPUs (@slot is RAWTP_NO_SLOT). */
static void write_value(const struct rawtp_map *map, const struct rawtp_hash *hash,
			const struct rawtp_hash_elem *elem, uint64_t state, uint32_t slot,
			const void *value)
{
	uint64_t generation = rawtp_hash_generation(state);
	uint32_t i;

	if (slot != RAWTP_NO_SLOT) {
		entry_write(map, entry_of(hash, elem, slot), generation, value);
		return;
	}
	for (i = 0; i < map->n_cpus; i++)
		entry_write(map, entry_of(hash, elem, i), generation,
			    (const char *)value + (size_t)i * map->elem_size);
	for (; i < map->n_slots; i++)
		if (rawtp_slot_was_used(map, i))
			__atomic_store_n(&entry_of(hash, elem, i)->stamp, 0, __ATOMIC_RELEASE);
}

/* An existing key's value is written in place, as in the kernel. */
static long update_slot(struct rawtp_map *map, const void *key, const void *value, uint64_t flags,
			uint32_t slot)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	struct rawtp_hash_claim claim = {0};
	struct rawtp_hash_position pos;
	unsigned int tries;
	long err = -EBUSY;

	if (flags > BPF_EXIST)
		return -EINVAL;
	for (tries = 0; tries < MAX_TRIES; tries++) {
		int found = rawtp_hash_find(hash, key, &pos);

		err = found < 0 ? found : found && flags == BPF_NOEXIST ? -EEXIST : 0;
		if (!err && !found && flags == BPF_EXIST)
			err = -ENOENT;
		if (err)
			break;
		if (found) {
			write_value(map, hash, pos.elem, pos.state, slot, value);
			break;
		}
		err = -E2BIG;
		if (!claim.elem) {
			if (!rawtp_hash_claim(hash, false, &claim))
				break;
			rawtp_store_words(claim.elem->key, key, map->key_size);
			write_value(map, hash, claim.elem, claim.state, slot, value);
		}
		if (rawtp_hash_insert(hash, &pos, &claim))
			return 0;
		err = -EBUSY;
	}
	if (claim.elem)
		rawtp_hash_abandon(hash, &claim);
	return err;
}

static long percpu_hash_update(struct rawtp_map *map, const void *key, const void *value,
			       uint64_t flags)
{
	uint32_t slot = rawtp_slot_of(map);

	return slot == RAWTP_NO_SLOT ? -EBUSY : update_slot(map, key, value, flags, slot);
}

static int percpu_hash_sys_update(struct rawtp_map *map, const void *key, const void *value,
				  uint64_t flags)
{
	long err = update_slot(map, key, value, flags, RAWTP_NO_SLOT);

	if ((err == -E2BIG || err == -EBUSY) && rawtp_hash_try_recover(map))
		err = update_slot(map, key, value, flags, RAWTP_NO_SLOT);
	return (int)err;
}

static void copy_values(struct rawtp_map *map, const struct rawtp_hash_position *pos, char *to)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	uint64_t generation = rawtp_hash_generation(pos->state);
	uint32_t i;

	memset(to, 0, (size_t)map->n_cpus * map->elem_size);
	for (i = 0; i < map->n_slots; i++) {
		struct entry *entry = entry_of(hash, pos->elem, i);

		if (i >= map->n_cpus && !rawtp_slot_was_used(map, i))
			continue;
		if (__atomic_load_n(&entry->stamp, __ATOMIC_ACQUIRE) == generation)
			rawtp_percpu_add(to + (size_t)rawtp_percpu_shown(map, i) * map->elem_size,
					 entry->value, map->value_size);
	}
}

static int percpu_hash_copy(struct rawtp_map *map, const void *key, void *value,
			    struct rawtp_hash_position *pos)
{
	unsigned int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		int found = rawtp_hash_find(rawtp_hash_of(map), key, pos);

		if (found != 1)
			return found ? found : -ENOENT;
		copy_values(map, pos, value);
		if (rawtp_hash_still(pos))
			return 0;
	}
	return -EBUSY;
}

static int percpu_hash_sys_lookup(struct rawtp_map *map, const void *key, void *value,
				  uint64_t flags)
{
	struct rawtp_hash_position pos;

	return flags ? -EINVAL : percpu_hash_copy(map, key, value, &pos);
}

static int percpu_hash_sys_lookup_and_delete(struct rawtp_map *map, const void *key, void *value)
{
	struct rawtp_hash_position pos;
	unsigned int tries;
	int err;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		err = percpu_hash_copy(map, key, value, &pos);
		if (err)
			return err;
		if (rawtp_hash_remove(rawtp_hash_of(map), &pos))
			return 0;
	}
	return -EBUSY;
}

const struct rawtp_map_ops rawtp_percpu_hash_ops = {
	.check = rawtp_hash_check,
	.layout = rawtp_hash_layout,
	.open = rawtp_hash_open,
	.close = rawtp_hash_close,
	.init = rawtp_hash_init,
	.get_next_key = rawtp_hash_get_next_key,
	.sys_lookup = percpu_hash_sys_lookup,
	.sys_update = percpu_hash_sys_update,
	.sys_lookup_and_delete = percpu_hash_sys_lookup_and_delete,
	.recover = rawtp_hash_recover,
	.after_fork = rawtp_hash_after_fork,
	.walk = rawtp_hash_walk,
	.lookup = percpu_hash_lookup,
	.lookup_percpu = rawtp_percpu_hash_lookup_cpu,
	.update = percpu_hash_update,
	.delete = rawtp_hash_delete,
};
