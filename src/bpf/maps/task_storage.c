/* SPDX-License-Identifier: MIT */
/*
 * BPF_MAP_TYPE_TASK_STORAGE: a hash of the threads that asked for a value. Its key is the process
 * (owner.h) and the number of the thread in it, counted from its first question on, so that neither a
 * process id nor a thread id that is used again finds what another left. Nobody tells of a thread's
 * end: when the table is full, whoever needs a place looks at some of the others, and removes those of
 * threads that are gone. That costs system calls, once in 16,384 threads or so.
 */
#include "bpf/maps/task_storage.h"

#include <stdlib.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/task_id.h"
#include "base/thread.h"
#include "bpf/maps/hash.h"
#include "bpf/maps/owner.h"

#define MAX_THREADS 16384
#define MAX_VALUE   65408 /* BPF_LOCAL_STORAGE_MAX_VALUE_SIZE, about */
#define MAX_LOOKS   512   /* at others, for one place */
#define MAX_REMOVED 16    /* more than one: who comes next shall find room at once */

extern const struct rawtp_map_ops rawtp_hash_ops;

struct thread_key {
	uint64_t owner;
	uint64_t number; /* << 22 | thread id */
};

static uint64_t last_number;
static __thread uint64_t number __attribute__((tls_model("initial-exec")));

/* A signal handler between the two may count the thread twice; the first to store wins. */
uint64_t rawtp_task_storage_self(void)
{
	uint64_t none = 0, fresh;

	if (!number) {
		fresh = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);
		__atomic_compare_exchange_n(&number, &none, fresh, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
	}
	return number;
}

static struct thread_key self_key(void)
{
	return (struct thread_key){rawtp_owner_self(),
				   rawtp_task_storage_self() << 22 | rawtp_task_id().tid};
}

static int task_storage_check(const union bpf_attr *attr)
{
	if (attr->map_flags != BPF_F_NO_PREALLOC || attr->max_entries || attr->key_size != 4 ||
	    !attr->value_size || !attr->btf_key_type_id || !attr->btf_value_type_id)
		return -EINVAL;
	return attr->value_size > MAX_VALUE ? -E2BIG : 0;
}

/* The hash, as a map on the same memory. */
static void make_table(const struct rawtp_map *map, struct rawtp_map *table)
{
	*table = *map;
	table->ops = &rawtp_hash_ops;
	table->type = BPF_MAP_TYPE_HASH;
	table->key_size = sizeof(struct thread_key);
	table->max_entries = MAX_THREADS;
	table->flags = 0;
	table->priv = NULL;
}

static struct rawtp_map *table_of(const struct rawtp_map *map)
{
	return (struct rawtp_map *)map->priv;
}

static uint64_t task_storage_layout(const struct rawtp_map *map)
{
	struct rawtp_map table;

	make_table(map, &table);
	return table.ops->layout(&table);
}

static int task_storage_open(struct rawtp_map *map)
{
	struct rawtp_map *table = malloc(sizeof(*table));
	int err;

	if (!table)
		return -ENOMEM;
	make_table(map, table);
	err = table->ops->open(table);
	if (err)
		free(table);
	else
		map->priv = table;
	return err;
}

static void task_storage_close(struct rawtp_map *map)
{
	table_of(map)->ops->close(table_of(map));
	free(map->priv);
	map->priv = NULL;
}

static int task_storage_init(struct rawtp_map *map)
{
	return table_of(map)->ops->init(table_of(map));
}

static void task_storage_recover(struct rawtp_map *map)
{
	table_of(map)->ops->recover(table_of(map));
}

static void task_storage_after_fork(struct rawtp_map *map)
{
	table_of(map)->ops->after_fork(table_of(map));
}

static bool is_gone(const struct thread_key *key)
{
	if (key->owner == rawtp_owner_self())
		return rawtp_thread_is_gone((uint32_t)(key->number & RAWTP_OWNER_PID_MASK));
	return rawtp_owner_is_dead(key->owner);
}

/* Where it goes on looking is a hint, and the process's own. */
static bool make_room(struct rawtp_map *table)
{
	static uint32_t hand;
	const struct rawtp_hash *hash = rawtp_hash_of(table);
	unsigned int i, removed = 0;

	for (i = 0; i < MAX_LOOKS && removed < MAX_REMOVED; i++) {
		uint32_t at = __atomic_fetch_add(&hand, 1, __ATOMIC_RELAXED) % hash->n_elems;
		const struct rawtp_hash_elem *elem =
			(struct rawtp_hash_elem *)(hash->elems + at * hash->elem_bytes);
		struct thread_key key;

		if (!rawtp_hash_is_live(elem))
			continue;
		rawtp_load_words(&key, elem->key, sizeof(key));
		if (is_gone(&key))
			removed += !rawtp_hash_delete(table, &key);
	}
	return removed;
}

void *rawtp_task_storage_get(struct rawtp_map *map, const void *value, bool create)
{
	static char zeros[MAX_VALUE]; /* not const: that would be 64 kB of the file */
	struct rawtp_map *table = table_of(map);
	struct thread_key key = self_key();
	void *found = table->ops->lookup(table, &key);

	if (found || !create)
		return found;
	if (!value)
		value = zeros;
	if (table->ops->update(table, &key, value, BPF_NOEXIST) == -E2BIG && make_room(table))
		table->ops->update(table, &key, value, BPF_NOEXIST);
	return table->ops->lookup(table, &key);
}

long rawtp_task_storage_delete(struct rawtp_map *map)
{
	struct rawtp_map *table = table_of(map);
	struct thread_key key = self_key();

	return table->ops->delete (table, &key);
}

/* The kernel's keys are descriptors of processes; there are none here that a peer would know. */
static int task_storage_sys_lookup(struct rawtp_map *map, const void *key, void *value,
				   uint64_t flags)
{
	return -RAWTP_ENOTSUPP;
}

static int task_storage_sys_update(struct rawtp_map *map, const void *key, const void *value,
				   uint64_t flags)
{
	return -RAWTP_ENOTSUPP;
}

const struct rawtp_map_ops rawtp_task_storage_ops = {
	.check = task_storage_check,
	.layout = task_storage_layout,
	.open = task_storage_open,
	.close = task_storage_close,
	.init = task_storage_init,
	.sys_lookup = task_storage_sys_lookup,
	.sys_update = task_storage_sys_update,
	.recover = task_storage_recover,
	.after_fork = task_storage_after_fork,
};
