/* SPDX-License-Identifier: MIT */
/*
 * BPF_MAP_TYPE_STACK_TRACE: a table of stacks, whose place is their hash.
 *
 * An entry is three words and the addresses:
 *  owner  0, or the process that writes the entry just now (owner.h)
 *  tag    0: empty; else hash << 32 | number of addresses: the addresses are whole
 *  uses   how often it was written: a reader that finds both as they were has read one stack
 *
 * A writer takes the owner's word, clears the tag, writes, sets the tag, gives the owner's word back.
 * Whoever finds it taken does not wait. A writer that dies leaves an entry that is empty, or whole;
 * recovery gives the owner's word back.
 */
#include "bpf/maps/stack_trace.h"

#include "base/bits.h"
#include "base/err.h"
#include "bpf/maps/owner.h"

#define STACK_TRACE_FLAGS (BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY)
#define MAX_TRIES         1000

struct entry {
	uint64_t owner, tag, uses;
	uint64_t addresses[];
};

static uint32_t n_entries(const struct rawtp_map *map)
{
	return (uint32_t)rawtp_power_of_2_up(map->max_entries);
}

static uint64_t entry_bytes(const struct rawtp_map *map)
{
	return sizeof(struct entry) + map->value_size;
}

static struct entry *entry_at(const struct rawtp_map *map, uint32_t id)
{
	return (struct entry *)(map->base + id * entry_bytes(map));
}

/* BPF_F_STACK_BUILD_ID is refused: readers look addresses up in /proc/PID/maps. */
static int stack_trace_check(const union bpf_attr *attr)
{
	if (attr->map_flags & ~(uint32_t)STACK_TRACE_FLAGS)
		return -EINVAL;
	if (!attr->max_entries || attr->key_size != 4 || attr->value_size < 8 ||
	    attr->value_size % 8 || attr->value_size / 8 > RAWTP_MAX_STACK_DEPTH)
		return -EINVAL;
	if (attr->max_entries > 1U << 31)
		return -E2BIG;
	return rawtp_map_check_flags(attr, STACK_TRACE_FLAGS);
}

static uint64_t stack_trace_layout(const struct rawtp_map *map)
{
	return n_entries(map) * entry_bytes(map);
}

static int stack_trace_open(struct rawtp_map *map)
{
	return 0;
}

static int stack_trace_init(struct rawtp_map *map)
{
	return rawtp_map_populate(map, 0, stack_trace_layout(map));
}

static uint32_t hash_of(const uint64_t *addresses, uint32_t n)
{
	uint64_t hash = n;
	uint32_t i;

	for (i = 0; i < n; i++) {
		hash = (hash ^ addresses[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
	}
	return (uint32_t)(hash >> 32);
}

static bool is_same(const struct entry *entry, const uint64_t *addresses, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (__atomic_load_n(&entry->addresses[i], __ATOMIC_RELAXED) != addresses[i])
			return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return true;
}

static bool take(struct entry *entry)
{
	uint64_t nobody = 0;

	return __atomic_compare_exchange_n(&entry->owner, &nobody, rawtp_owner_self(), false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void give_back(struct entry *entry)
{
	__atomic_store_n(&entry->owner, 0, __ATOMIC_RELEASE);
}

/* An owner's. */
static void clear(struct entry *entry)
{
	__atomic_store_n(&entry->tag, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->uses, entry->uses + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

long rawtp_stack_trace_add(struct rawtp_map *map, const uint64_t *addresses, uint32_t n,
			   uint64_t flags)
{
	uint32_t hash = hash_of(addresses, n), id = hash & (n_entries(map) - 1), i;
	uint64_t tag = (uint64_t)hash << 32 | n, was;
	struct entry *entry = entry_at(map, id);

	was = __atomic_load_n(&entry->tag, __ATOMIC_ACQUIRE);
	if (was && was >> 32 == hash && flags & BPF_F_FAST_STACK_CMP)
		return id;
	if (was == tag && is_same(entry, addresses, n) &&
	    __atomic_load_n(&entry->tag, __ATOMIC_RELAXED) == tag)
		return id;
	if ((was && !(flags & BPF_F_REUSE_STACKID)) || !take(entry))
		return -EEXIST;
	if (__atomic_load_n(&entry->tag, __ATOMIC_RELAXED) != was) { /* somebody was faster */
		give_back(entry);
		return -EEXIST;
	}
	clear(entry);
	for (i = 0; i < rawtp_stack_trace_depth(map); i++)
		__atomic_store_n(&entry->addresses[i], i < n ? addresses[i] : 0, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->tag, tag, __ATOMIC_RELEASE);
	give_back(entry);
	return id;
}

static int copy_out(struct rawtp_map *map, uint32_t id, void *to)
{
	const struct entry *entry = entry_at(map, id);
	unsigned int tries;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		uint64_t uses = __atomic_load_n(&entry->uses, __ATOMIC_ACQUIRE);
		uint64_t tag = __atomic_load_n(&entry->tag, __ATOMIC_ACQUIRE);

		if (!tag)
			return -ENOENT;
		rawtp_load_words(to, entry->addresses, map->value_size);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&entry->tag, __ATOMIC_RELAXED) == tag &&
		    __atomic_load_n(&entry->uses, __ATOMIC_RELAXED) == uses)
			return 0;
	}
	return -EBUSY;
}

static int stack_trace_sys_lookup(struct rawtp_map *map, const void *key, void *value,
				  uint64_t flags)
{
	uint32_t id = *(const uint32_t *)key;

	if (flags)
		return -EINVAL;
	return id >= n_entries(map) ? -ENOENT : copy_out(map, id, value);
}

static long stack_trace_delete(struct rawtp_map *map, const void *key)
{
	uint32_t id = *(const uint32_t *)key;
	struct entry *entry;

	if (id >= n_entries(map))
		return -E2BIG;
	entry = entry_at(map, id);
	if (!__atomic_load_n(&entry->tag, __ATOMIC_ACQUIRE))
		return -ENOENT;
	if (!take(entry))
		return -EBUSY;
	clear(entry);
	give_back(entry);
	return 0;
}

static int stack_trace_get_next_key(struct rawtp_map *map, const void *key, void *next)
{
	uint32_t id = 0;

	if (key) {
		id = *(const uint32_t *)key;
		id = id >= n_entries(map) ||
				     !__atomic_load_n(&entry_at(map, id)->tag, __ATOMIC_ACQUIRE)
			     ? 0
			     : id + 1;
	}
	while (id < n_entries(map) && !__atomic_load_n(&entry_at(map, id)->tag, __ATOMIC_ACQUIRE))
		id++;
	if (id >= n_entries(map))
		return -ENOENT;
	*(uint32_t *)next = id;
	return 0;
}

static int stack_trace_sys_update(struct rawtp_map *map, const void *key, const void *value,
				  uint64_t flags)
{
	return -EINVAL;
}

static void stack_trace_recover(struct rawtp_map *map)
{
	uint32_t id;

	for (id = 0; id < n_entries(map); id++) {
		struct entry *entry = entry_at(map, id);
		uint64_t owner = __atomic_load_n(&entry->owner, __ATOMIC_RELAXED);

		if (owner && rawtp_owner_is_dead(owner))
			__atomic_compare_exchange_n(&entry->owner, &owner, 0, false,
						    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	}
}

const struct rawtp_map_ops rawtp_stack_trace_ops = {
	.check = stack_trace_check,
	.layout = stack_trace_layout,
	.open = stack_trace_open,
	.init = stack_trace_init,
	.get_next_key = stack_trace_get_next_key,
	.sys_lookup = stack_trace_sys_lookup,
	.sys_update = stack_trace_sys_update,
	.recover = stack_trace_recover,
	.delete = stack_trace_delete,
};
