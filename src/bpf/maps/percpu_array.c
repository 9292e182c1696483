/* SPDX-License-Identifier: MIT */
/*
 * BPF_MAP_TYPE_PERCPU_ARRAY. The file, slot by slot, so that slots nobody used cost no memory:
 *
 *   slot 0: value of entry 0, of entry 1, ...   rounded up to 64 bytes
 *   slot 1: ...
 *   ...                                         n_cpus + RAWTP_OVERFLOW_SLOTS of them
 *   slot owners
 *
 * A program sees the values of the slot that it holds while it runs, and nobody else writes them
 * but the system call, as in the kernel.
 */
#include "bpf/maps/map.h"

#include "base/bits.h"
#include "base/err.h"
#include "bpf/maps/array.h"
#include "bpf/maps/percpu.h"

#define PERCPU_ARRAY_FLAGS \
	(BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)
#define MAX_PERCPU_VALUE 32768 /* PCPU_MIN_UNIT_SIZE */

static int percpu_array_check(const union bpf_attr *attr)
{
	if (!attr->max_entries || attr->key_size != 4 || !attr->value_size)
		return -EINVAL;
	if (attr->value_size > MAX_PERCPU_VALUE)
		return -E2BIG;
	return rawtp_map_check_flags(attr, PERCPU_ARRAY_FLAGS);
}

static uint64_t percpu_array_layout(const struct rawtp_map *map)
{
	return map->n_slots * rawtp_percpu_array_slot_bytes(map) + RAWTP_SLOTS_BYTES(map->n_slots);
}

static int percpu_array_open(struct rawtp_map *map)
{
	map->slot_owners =
		(uint64_t *)(map->base + map->n_slots * rawtp_percpu_array_slot_bytes(map));
	return 0;
}

static int percpu_array_init(struct rawtp_map *map)
{
	return rawtp_map_populate(map, 0, map->n_cpus * rawtp_percpu_array_slot_bytes(map));
}

static char *value_of(const struct rawtp_map *map, uint32_t slot, uint32_t index)
{
	return map->base + slot * rawtp_percpu_array_slot_bytes(map) +
	       (uint64_t)index * map->elem_size;
}

static void *percpu_array_lookup(struct rawtp_map *map, const void *key)
{
	uint32_t index = rawtp_array_index(key), slot = rawtp_slot_of(map);

	if (index >= map->max_entries || slot == RAWTP_NO_SLOT)
		return NULL;
	return value_of(map, slot, index);
}

static void *percpu_array_lookup_cpu(struct rawtp_map *map, const void *key, uint32_t cpu)
{
	uint32_t index = rawtp_array_index(key);

	return index < map->max_entries && cpu < map->n_cpus ? value_of(map, cpu, index) : NULL;
}

static long percpu_array_update(struct rawtp_map *map, const void *key, const void *value,
				uint64_t flags)
{
	uint32_t index = rawtp_array_index(key), slot = rawtp_slot_of(map);
	int err = rawtp_array_check_update(map, index, flags);

	if (err)
		return err;
	if (slot == RAWTP_NO_SLOT)
		return -EBUSY;
	rawtp_store_words(value_of(map, slot, index), value, map->value_size);
	return 0;
}

static int percpu_array_sys_lookup(struct rawtp_map *map, const void *key, void *value,
				   uint64_t flags)
{
	uint32_t index = rawtp_array_index(key), slot;
	char *to = value;

	if (flags)
		return -EINVAL;
	if (index >= map->max_entries)
		return -ENOENT;
	for (slot = 0; slot < map->n_cpus; slot++)
		rawtp_load_words(to + (size_t)slot * map->elem_size, value_of(map, slot, index),
				 map->elem_size);
	for (; slot < map->n_slots; slot++)
		if (rawtp_slot_was_used(map, slot))
			rawtp_percpu_add(to + (size_t)rawtp_percpu_shown(map, slot) *
							 map->elem_size,
					 value_of(map, slot, index), map->value_size);
	return 0;
}

static int percpu_array_sys_update(struct rawtp_map *map, const void *key, const void *value,
				   uint64_t flags)
{
	uint32_t index = rawtp_array_index(key), slot;
	int err = rawtp_array_check_update(map, index, flags);
	const char *from = value;

	if (err)
		return err;
	for (slot = 0; slot < map->n_cpus; slot++)
		rawtp_store_words(value_of(map, slot, index), from + (size_t)slot * map->elem_size,
				  map->value_size);
	for (; slot < map->n_slots; slot++)
		if (rawtp_slot_was_used(map, slot))
			rawtp_percpu_clear(value_of(map, slot, index), map->value_size);
	return 0;
}

const struct rawtp_map_ops rawtp_percpu_array_ops = {
	.check = percpu_array_check,
	.layout = percpu_array_layout,
	.open = percpu_array_open,
	.init = percpu_array_init,
	.get_next_key = rawtp_array_get_next_key,
	.sys_lookup = percpu_array_sys_lookup,
	.sys_update = percpu_array_sys_update,
	.walk = rawtp_array_walk,
	.lookup = percpu_array_lookup,
	.lookup_percpu = percpu_array_lookup_cpu,
	.update = percpu_array_update,
	.delete = rawtp_array_delete,
};
