/* SPDX-License-Identifier: MIT */
/*
 * The commands on maps. Order of the checks is the kernel's, so that what is wrong in two ways is
 * refused for the same one.
 */
#include "bpf/syscall/commands.h"
#include "base/err.h"
#include "base/nofault.h"
#include "bpf/btf.h"
#include "bpf/maps/prog_array.h"
#include "bpf/syscall/handle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Largest key or value on the stack; larger ones are allocated. */
#define SMALL 512

struct buffer {
	char small[SMALL] __attribute__((aligned(8)));
	char *data;
};

static int buffer_init(struct buffer *buffer, size_t size)
{
	buffer->data = size <= sizeof(buffer->small) ? buffer->small : malloc(size);
	return buffer->data ? 0 : -ENOMEM;
}

static void buffer_free(struct buffer *buffer)
{
	if (buffer->data != buffer->small)
		free(buffer->data);
}

static int buffer_read(struct buffer *buffer, uint64_t user, size_t size)
{
	int err = buffer_init(buffer, size);

	if (err)
		return err;
	err = rawtp_nofault_read(buffer->data, rawtp_user_ptr(user), size);
	if (err)
		buffer_free(buffer);
	return err;
}

/* A map without keys is given none. */
static int read_key(struct buffer *buffer, const struct rawtp_map *map, uint64_t user)
{
	if (!map->key_size && user)
		return -EINVAL;
	return buffer_read(buffer, user, map->key_size);
}

/* What BTF says of key and value must be as large as they are. */
static int check_btf(const struct rawtp_btf *btf, const union bpf_attr *attr)
{
	uint32_t key = attr->btf_key_type_id, value = attr->btf_value_type_id;
	const struct btf_type *type;

	if (key && rawtp_btf_size(btf, key) != attr->key_size)
		return -EINVAL;
	if (rawtp_btf_size(btf, value) != attr->value_size)
		return -EINVAL;
	if (attr->map_type != BPF_MAP_TYPE_ARRAY && attr->map_type != BPF_MAP_TYPE_PERCPU_ARRAY)
		return key ? 0 : -EINVAL;
	if (!key) { /* .data and its like: a section of variables */
		type = rawtp_btf_type(btf, rawtp_btf_base(btf, value));
		if (attr->map_type != BPF_MAP_TYPE_ARRAY || attr->max_entries != 1 ||
		    BTF_INFO_KIND(type->info) != BTF_KIND_DATASEC)
			return -EINVAL;
		return 0;
	}
	type = rawtp_btf_type(btf, rawtp_btf_base(btf, key));
	return BTF_INFO_KIND(type->info) == BTF_KIND_INT ? 0 : -EINVAL;
}

int rawtp_cmd_map_create(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	struct rawtp_btf *btf = NULL;
	struct rawtp_map *map;
	uint32_t id;
	int fd, err;

	rawtp_handle_sweep();
	if (attr->btf_key_type_id && !attr->btf_value_type_id)
		return -EINVAL;
	fd = rawtp_handle_fd_above_stdio(rawtp_map_create(attr));
	if (fd < 0)
		return fd;
	if (attr->btf_value_type_id) {
		btf = rawtp_btf_from_fd((int)attr->btf_fd, &id);
		err = rawtp_is_err(btf) ? (int)rawtp_ptr_err(btf) : check_btf(btf, attr);
		if (err)
			goto close_fd;
	}
	map = rawtp_map_open(fd);
	err = rawtp_is_err(map) ? (int)rawtp_ptr_err(map) : 0;
	if (err)
		goto close_fd;
	map->btf = btf;
	map->btf_id = btf ? id : 0;
	rawtp_handle_add(fd, RAWTP_HANDLE_MAP, map);
	return fd;
close_fd:
	close(fd);
	if (btf && !rawtp_is_err(btf))
		rawtp_btf_put(btf);
	return err;
}

static int sys_lookup(struct rawtp_map *map, const void *key, void *value, uint64_t flags)
{
	const void *found;

	if (map->ops->sys_lookup)
		return map->ops->sys_lookup(map, key, value, flags);
	if (!map->ops->lookup)
		return -RAWTP_ENOTSUPP;
	found = map->ops->lookup(map, key);
	if (!found)
		return -ENOENT;
	memcpy(value, found, map->value_size);
	return 0;
}

static int lookup_and_delete(struct rawtp_map *map, const void *key, void *value, uint64_t flags)
{
	if (!map->ops->sys_lookup_and_delete)
		return -RAWTP_ENOTSUPP;
	return map->ops->sys_lookup_and_delete(map, key, value);
}

/* Key in, value out: what two commands have in common. */
static int copy_value(struct rawtp_map *map, const union bpf_attr *attr,
		      int (*fn)(struct rawtp_map *, const void *, void *, uint64_t))
{
	size_t value_size = rawtp_map_sys_value_size(map);
	struct buffer key, value;
	int err = read_key(&key, map, attr->key);

	if (err)
		return err;
	err = buffer_init(&value, value_size);
	if (!err) {
		err = fn(map, key.data, value.data, attr->flags);
		if (!err)
			err = rawtp_nofault_write(rawtp_user_ptr(attr->value), value.data,
						  value_size);
		buffer_free(&value);
	}
	buffer_free(&key);
	return err;
}

int rawtp_cmd_map_lookup(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	struct rawtp_map *map;
	int err;

	if (attr->flags & ~(uint64_t)BPF_F_LOCK)
		return -EINVAL;
	map = rawtp_map_from_fd((int)attr->map_fd);
	if (rawtp_is_err(map))
		return (int)rawtp_ptr_err(map);
	if (!rawtp_map_sys_may_read(map))
		err = -EPERM;
	else if (attr->flags & BPF_F_LOCK) /* there are no spin locks in values */
		err = -EINVAL;
	else
		err = copy_value(map, attr, sys_lookup);
	rawtp_map_put(map);
	return err;
}

int rawtp_cmd_map_lookup_and_delete(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	struct rawtp_map *map;
	int err;

	if (attr->flags & ~(uint64_t)BPF_F_LOCK)
		return -EINVAL;
	map = rawtp_map_from_fd((int)attr->map_fd);
	if (rawtp_is_err(map))
		return (int)rawtp_ptr_err(map);
	if (!rawtp_map_sys_may_read(map) || !rawtp_map_sys_may_write(map))
		err = -EPERM;
	else if (attr->flags & BPF_F_LOCK)
		err = -EINVAL;
	else
		err = copy_value(map, attr, lookup_and_delete);
	rawtp_map_put(map);
	return err;
}

/* The value is a program's descriptor. */
static int set_prog(struct rawtp_map *map, const void *key, const void *value, uint64_t flags)
{
	struct rawtp_prog *prog;
	uint32_t index;
	int fd, err;

	memcpy(&index, key, sizeof(index));
	memcpy(&fd, value, sizeof(fd));
	if (flags != BPF_ANY)
		return -EINVAL;
	if (index >= map->max_entries)
		return -E2BIG;
	prog = rawtp_prog_from_fd(fd);
	if (rawtp_is_err(prog))
		return (int)rawtp_ptr_err(prog);
	err = rawtp_prog_array_set(map, index, prog);
	rawtp_prog_put(prog);
	return err;
}

static int update(struct rawtp_map *map, const union bpf_attr *attr)
{
	struct buffer key, value;
	int err = read_key(&key, map, attr->key);

	if (err)
		return err;
	err = buffer_read(&value, attr->value, rawtp_map_sys_value_size(map));
	if (!err) {
		if (map->type == BPF_MAP_TYPE_PROG_ARRAY)
			err = set_prog(map, key.data, value.data, attr->flags);
		else if (map->ops->sys_update)
			err = map->ops->sys_update(map, key.data, value.data, attr->flags);
		else if (map->ops->update)
			err = (int)map->ops->update(map, key.data, value.data, attr->flags);
		else
			err = -RAWTP_ENOTSUPP;
		buffer_free(&value);
	}
	buffer_free(&key);
	return err;
}

int rawtp_cmd_map_update(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	struct rawtp_map *map = rawtp_map_from_fd((int)attr->map_fd);
	int err;

	if (rawtp_is_err(map))
		return (int)rawtp_ptr_err(map);
	if (!rawtp_map_sys_may_write(map))
		err = -EPERM;
	else if (attr->flags & BPF_F_LOCK)
		err = -EINVAL;
	else
		err = update(map, attr);
	rawtp_map_put(map);
	return err;
}

static int delete (struct rawtp_map *map, const union bpf_attr *attr)
{
	struct buffer key;
	int err = read_key(&key, map, attr->key);

	if (err)
		return err;
	err = map->ops->delete ? (int)map->ops->delete (map, key.data) : -RAWTP_ENOTSUPP;
	buffer_free(&key);
	return err;
}

int rawtp_cmd_map_delete(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	struct rawtp_map *map = rawtp_map_from_fd((int)attr->map_fd);
	int err;

	if (rawtp_is_err(map))
		return (int)rawtp_ptr_err(map);
	err = rawtp_map_sys_may_write(map) ? delete (map, attr) : -EPERM;
	rawtp_map_put(map);
	return err;
}

static int next_key(struct rawtp_map *map, const union bpf_attr *attr)
{
	struct buffer key = {.data = NULL}, next;
	int err = 0;

	if (!map->ops->get_next_key)
		return -RAWTP_ENOTSUPP;
	if (attr->key)
		err = read_key(&key, map, attr->key);
	if (err)
		return err;
	err = buffer_init(&next, map->key_size);
	if (!err) {
		err = map->ops->get_next_key(map, attr->key ? key.data : NULL, next.data);
		if (!err)
			err = rawtp_nofault_write(rawtp_user_ptr(attr->next_key), next.data,
						  map->key_size);
		buffer_free(&next);
	}
	if (attr->key)
		buffer_free(&key);
	return err;
}

int rawtp_cmd_map_get_next_key(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	struct rawtp_map *map = rawtp_map_from_fd((int)attr->map_fd);
	int err;

	if (rawtp_is_err(map))
		return (int)rawtp_ptr_err(map);
	err = rawtp_map_sys_may_read(map) ? next_key(map, attr) : -EPERM;
	rawtp_map_put(map);
	return err;
}

int rawtp_cmd_map_freeze(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	struct rawtp_map *map = rawtp_map_from_fd((int)attr->map_fd);
	int err;

	if (rawtp_is_err(map))
		return (int)rawtp_ptr_err(map);
	err = map->flags & BPF_F_RDONLY ? -EPERM : rawtp_map_freeze(map, (int)attr->map_fd);
	rawtp_map_put(map);
	return err;
}
