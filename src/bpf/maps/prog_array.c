/* SPDX-License-Identifier: MIT */
/*
 * The file: the type of the programs (0: not known yet), then an inode for each entry. What the process
 * may go to is a table that is replaced as a whole, so that tail calls read it without a lock.
 */
#include "bpf/maps/prog_array.h"

#include "base/rcu.h"
#include "bpf/maps/array.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct known {
	uint64_t id;
	struct rawtp_prog *prog;
	const void *owner; /* NULL: an entry of the map, which has a reference */
};

struct table {
	uint32_t n;
	struct known known[];
};

struct shared {
	uint64_t type;
	uint64_t ids[];
};

/* Of all program arrays: the tables' writers. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct shared *shared_of(const struct rawtp_map *map)
{
	return (struct shared *)map->base;
}

static int prog_array_check(const union bpf_attr *attr)
{
	if (!attr->max_entries || attr->key_size != 4 || attr->value_size != 4)
		return -EINVAL;
	return rawtp_map_check_flags(attr, BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY);
}

static uint64_t prog_array_layout(const struct rawtp_map *map)
{
	return sizeof(struct shared) + (uint64_t)map->max_entries * sizeof(uint64_t);
}

static int prog_array_open(struct rawtp_map *map)
{
	map->priv = NULL;
	return 0;
}

static int prog_array_init(struct rawtp_map *map)
{
	return rawtp_map_populate(map, 0, prog_array_layout(map));
}

/* In a child: another thread may have held it. */
static void prog_array_after_fork(struct rawtp_map *map)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

static void put_entries(struct table *table)
{
	uint32_t i;

	for (i = 0; table && i < table->n; i++)
		if (!table->known[i].owner)
			rawtp_prog_put(table->known[i].prog);
}

static void prog_array_close(struct rawtp_map *map)
{
	put_entries(map->priv);
	free(map->priv);
	map->priv = NULL;
}

static const struct table *table_of(const struct rawtp_map *map)
{
	return __atomic_load_n((struct table *const *)&map->priv, __ATOMIC_ACQUIRE);
}

uint64_t rawtp_prog_array_id(const struct rawtp_map *map, uint32_t index)
{
	return index < map->max_entries
		       ? __atomic_load_n(&shared_of(map)->ids[index], __ATOMIC_ACQUIRE)
		       : 0;
}

const struct rawtp_prog *rawtp_prog_array_get(const struct rawtp_map *map, uint32_t index)
{
	uint64_t id = rawtp_prog_array_id(map, index);
	const struct table *table = id ? table_of(map) : NULL;
	uint32_t i;

	for (i = 0; table && i < table->n; i++)
		if (__atomic_load_n(&table->known[i].id, __ATOMIC_ACQUIRE) == id)
			return table->known[i].prog;
	return NULL;
}

/* With the lock held: a copy of the table, with room for one more. */
static struct table *table_copy(const struct rawtp_map *map)
{
	const struct table *old = map->priv;
	uint32_t n = old ? old->n : 0;
	struct table *table = malloc(sizeof(*table) + (n + 1) * sizeof(table->known[0]));

	if (!table)
		return NULL;
	table->n = n;
	if (n)
		memcpy(table->known, old->known, n * sizeof(table->known[0]));
	return table;
}

/* With the lock held; afterwards nobody reads the old one any more. */
static void publish(struct rawtp_map *map, struct table *table)
{
	struct table *old = map->priv;

	__atomic_store_n((struct table **)&map->priv, table, __ATOMIC_RELEASE);
	if (!old)
		return;
	rawtp_synchronize();
	free(old);
}

static bool is_known(const struct rawtp_map *map, const struct rawtp_prog *prog, const void *owner)
{
	const struct table *table = map->priv;
	uint32_t i;

	for (i = 0; table && i < table->n; i++)
		if (table->known[i].prog == prog && table->known[i].owner == owner)
			return true;
	return false;
}

static int add(struct rawtp_map *map, struct rawtp_prog *prog, const void *owner)
{
	struct table *table;

	if (is_known(map, prog, owner))
		return 0;
	table = table_copy(map);
	if (!table)
		return -ENOMEM;
	table->known[table->n++] = (struct known){prog->id, prog, owner};
	if (!owner)
		rawtp_prog_get(prog);
	publish(map, table);
	return 0;
}

int rawtp_prog_array_offer(struct rawtp_map *map, struct rawtp_prog *prog, const void *owner)
{
	int err;

	pthread_mutex_lock(&lock);
	err = add(map, prog, owner);
	pthread_mutex_unlock(&lock);
	return err;
}

void rawtp_prog_array_withdraw(struct rawtp_map *map, const void *owner)
{
	struct table *table;
	uint32_t i, n = 0;

	pthread_mutex_lock(&lock);
	table = map->priv;
	/* In place, so that it cannot fail: readers have done with it before the order changes. */
	for (i = 0; table && i < table->n; i++)
		if (table->known[i].owner == owner)
			__atomic_store_n(&table->known[i].id, 0, __ATOMIC_RELEASE);
	rawtp_synchronize();
	for (i = 0; table && i < table->n; i++)
		n += table->known[i].owner != owner;
	table = table && n < table->n ? table_copy(map) : NULL;
	for (i = n = 0; table && i < table->n; i++)
		if (table->known[i].owner != owner)
			table->known[n++] = table->known[i];
	if (table) {
		table->n = n;
		publish(map, table);
	}
	pthread_mutex_unlock(&lock);
}

#define MAX_DROPPED 16

/*
 * With the lock held: the map's own references on programs that no entry names any more (@is_all:
 * on all), for the caller to put once the lock is released. What does not fit waits for the next time.
 */
static uint32_t drop(struct rawtp_map *map, struct rawtp_prog **dropped, bool is_all)
{
	struct table *table = map->priv ? table_copy(map) : NULL;
	uint32_t i, k, n = 0, n_dropped = 0;

	for (i = 0; table && i < table->n; i++) {
		struct known known = table->known[i];

		for (k = is_all ? map->max_entries : 0;
		     k < map->max_entries && rawtp_prog_array_id(map, k) != known.id;)
			k++;
		if (!known.owner && k == map->max_entries && n_dropped < MAX_DROPPED)
			dropped[n_dropped++] = known.prog;
		else
			table->known[n++] = known;
	}
	if (!n_dropped) {
		free(table);
		return 0;
	}
	table->n = n;
	publish(map, table);
	return n_dropped;
}

static void put_all(struct rawtp_prog **progs, uint32_t n)
{
	while (n)
		rawtp_prog_put(progs[--n]);
}

void rawtp_prog_array_forget(struct rawtp_map *map)
{
	struct rawtp_prog *dropped[MAX_DROPPED];
	uint32_t n;

	do {
		pthread_mutex_lock(&lock);
		n = drop(map, dropped, true);
		pthread_mutex_unlock(&lock);
		put_all(dropped, n);
	} while (n);
}

int rawtp_prog_array_set(struct rawtp_map *map, uint32_t index, struct rawtp_prog *prog)
{
	struct shared *shared = shared_of(map);
	struct rawtp_prog *dropped[MAX_DROPPED];
	uint32_t n_dropped = 0;
	uint64_t type = 0;
	int err;

	if (!prog->id)
		return -EINVAL;
	if (index >= map->max_entries)
		return -E2BIG;
	/* Types begin with 1. */
	if (!__atomic_compare_exchange_n(&shared->type, &type, prog->type, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE) &&
	    type != prog->type)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	err = add(map, prog, NULL);
	if (!err) {
		__atomic_store_n(&shared->ids[index], prog->id, __ATOMIC_RELEASE);
		n_dropped = drop(map, dropped, false);
	}
	pthread_mutex_unlock(&lock);
	put_all(dropped, n_dropped);
	return err;
}

static int prog_array_sys_lookup(struct rawtp_map *map, const void *key, void *value,
				 uint64_t flags)
{
	uint32_t id = (uint32_t)rawtp_prog_array_id(map, rawtp_array_index(key));

	if (flags)
		return -EINVAL;
	if (!id)
		return -ENOENT;
	memcpy(value, &id, sizeof(id));
	return 0;
}

static long prog_array_delete(struct rawtp_map *map, const void *key)
{
	struct rawtp_prog *dropped[MAX_DROPPED];
	uint32_t index = rawtp_array_index(key), n_dropped;

	if (index >= map->max_entries)
		return -E2BIG;
	if (!__atomic_exchange_n(&shared_of(map)->ids[index], 0, __ATOMIC_ACQ_REL))
		return -ENOENT;
	pthread_mutex_lock(&lock);
	n_dropped = drop(map, dropped, false);
	pthread_mutex_unlock(&lock);
	put_all(dropped, n_dropped);
	return 0;
}

const struct rawtp_map_ops rawtp_prog_array_ops = {
	.check = prog_array_check,
	.layout = prog_array_layout,
	.open = prog_array_open,
	.close = prog_array_close,
	.init = prog_array_init,
	.after_fork = prog_array_after_fork,
	.get_next_key = rawtp_array_get_next_key,
	.sys_lookup = prog_array_sys_lookup,
	.delete = prog_array_delete,
};
