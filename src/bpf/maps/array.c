/* SPDX-License-Identifier: MIT */
/*
 * BPF_MAP_TYPE_ARRAY: values from offset 0 with a stride of elem_size, as the kernel's
 * BPF_F_MMAPABLE arrays; a reader maps the file and reads. All entries always exist.
 */
#include "bpf/maps/map.h"

#include "base/bits.h"
#include "base/err.h"
#include "bpf/maps/array.h"

#define ARRAY_FLAGS                                                                           \
	(BPF_F_NUMA_NODE | BPF_F_MMAPABLE | BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | \
	 BPF_F_WRONLY_PROG | BPF_F_INNER_MAP)

static int array_check(const union bpf_attr *attr)
{
	if (!attr->max_entries || attr->key_size != 4 || !attr->value_size)
		return -EINVAL;
	if (attr->value_size > INT32_MAX)
		return -E2BIG;
	return rawtp_map_check_flags(attr, ARRAY_FLAGS);
}

static uint64_t array_bytes(const struct rawtp_map *map)
{
	return (uint64_t)map->max_entries * map->elem_size;
}

static int array_open(struct rawtp_map *map)
{
	return 0;
}

static int array_init(struct rawtp_map *map)
{
	return rawtp_map_populate(map, 0, array_bytes(map));
}

/* Also for per-CPU arrays. */
int rawtp_array_get_next_key(struct rawtp_map *map, const void *key, void *next)
{
	uint32_t index = UINT32_MAX;

	if (key)
		memcpy(&index, key, sizeof(index));
	if (index >= map->max_entries)
		index = 0;
	else if (index == map->max_entries - 1)
		return -ENOENT;
	else
		index++;
	memcpy(next, &index, sizeof(index));
	return 0;
}

int rawtp_array_check_update(const struct rawtp_map *map, uint32_t index, uint64_t flags)
{
	if (flags > BPF_EXIST) /* and with BPF_F_LOCK: there are no spin locks in values */
		return -EINVAL;
	if (index >= map->max_entries)
		return -E2BIG;
	return flags == BPF_NOEXIST ? -EEXIST : 0;
}

/* Also for per-CPU arrays. */
const void *rawtp_array_walk(struct rawtp_map *map, struct rawtp_map_cursor *cursor)
{
	if (cursor->at >= map->max_entries)
		return NULL;
	cursor->key = cursor->at++;
	return &cursor->key;
}

static void *array_lookup(struct rawtp_map *map, const void *key)
{
	uint32_t index = rawtp_array_index(key);

	if (__builtin_expect(index >= map->max_entries, 0))
		return NULL;
	return map->base + (uint64_t)index * map->elem_size;
}

static long array_update(struct rawtp_map *map, const void *key, const void *value, uint64_t flags)
{
	uint32_t index = rawtp_array_index(key);
	int err = rawtp_array_check_update(map, index, flags);

	if (err)
		return err;
	rawtp_store_words(map->base + (uint64_t)index * map->elem_size, value, map->value_size);
	return 0;
}

static int array_sys_lookup(struct rawtp_map *map, const void *key, void *value, uint64_t flags)
{
	void *from = array_lookup(map, key);

	if (flags)
		return -EINVAL;
	if (!from)
		return -ENOENT;
	rawtp_load_words(value, from, map->value_size);
	return 0;
}

static int array_sys_update(struct rawtp_map *map, const void *key, const void *value,
			    uint64_t flags)
{
	return (int)array_update(map, key, value, flags);
}

long rawtp_array_delete(struct rawtp_map *map, const void *key)
{
	return -EINVAL;
}

static int array_value_addr(struct rawtp_map *map, uint32_t off, uint64_t *addr)
{
	if (map->max_entries != 1)
		return -RAWTP_ENOTSUPP;
	if (off >= map->value_size)
		return -EINVAL;
	*addr = (uint64_t)(uintptr_t)map->base + off;
	return 0;
}

const struct rawtp_map_ops rawtp_array_ops = {
	.check = array_check,
	.layout = array_bytes,
	.open = array_open,
	.init = array_init,
	.get_next_key = rawtp_array_get_next_key,
	.sys_lookup = array_sys_lookup,
	.sys_update = array_sys_update,
	.value_addr = array_value_addr,
	.walk = rawtp_array_walk,
	.lookup = array_lookup,
	.update = array_update,
	.delete = rawtp_array_delete,
};
