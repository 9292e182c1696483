/* SPDX-License-Identifier: MIT */
/*
 * BPF_MAP_TYPE_QUEUE and BPF_MAP_TYPE_STACK: values in the order they came, from one end or the other.
 *
 * The file: control, then max_entries + 1 places of elem_size bytes. One word says where the oldest
 * value is and where the next one goes (one place is always free). Who changes anything holds the
 * owner's word, for some dozen instructions: values first, the word of both places last, so that a
 * process that dies at any instruction leaves the map as it was before or as it is afterwards, and
 * recovery has only to take the owner's word back. Others try for a while, and give -EBUSY then, as
 * newer kernels do: the holder may be what a signal handler has interrupted.
 */
#include "bpf/maps/map.h"

#include "base/bits.h"
#include "base/cpu/relax.h"
#include "base/err.h"
#include "bpf/maps/owner.h"

#define QUEUE_STACK_FLAGS \
	(BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)
#define MAX_VALUE ((4U << 20) - 64) /* KMALLOC_MAX_SIZE less the kernel's own part */
#define MAX_SPINS 5000

struct control {
	uint64_t owner;
	uint64_t places; /* next << 32 | oldest */
} __attribute__((aligned(64)));

static struct control *control_of(const struct rawtp_map *map)
{
	return (struct control *)map->base;
}

static uint32_t n_places(const struct rawtp_map *map)
{
	return map->max_entries + 1;
}

static char *value_at(const struct rawtp_map *map, uint32_t place)
{
	return map->base + sizeof(struct control) + (uint64_t)place * map->elem_size;
}

static int queue_stack_check(const union bpf_attr *attr)
{
	if (!attr->max_entries || attr->key_size || !attr->value_size ||
	    attr->map_flags & ~(uint32_t)QUEUE_STACK_FLAGS)
		return -EINVAL;
	if (attr->value_size > MAX_VALUE || attr->max_entries == UINT32_MAX)
		return -E2BIG;
	return rawtp_map_check_flags(attr, QUEUE_STACK_FLAGS);
}

static uint64_t queue_stack_layout(const struct rawtp_map *map)
{
	return sizeof(struct control) + (uint64_t)n_places(map) * map->elem_size;
}

static int queue_stack_open(struct rawtp_map *map)
{
	return 0;
}

static int queue_stack_init(struct rawtp_map *map)
{
	return rawtp_map_populate(map, 0, queue_stack_layout(map));
}

/* Both places, brought into their bounds, whatever others wrote there. */
struct places {
	uint32_t oldest, next;
};

static bool take(const struct rawtp_map *map, struct places *places)
{
	struct control *control = control_of(map);
	uint64_t nobody = 0, both;
	unsigned int spins;

	for (spins = 0; !__atomic_compare_exchange_n(&control->owner, &nobody, rawtp_owner_self(),
						     false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
	     spins++) {
		if (spins == MAX_SPINS)
			return false;
		nobody = 0;
		rawtp_cpu_relax();
	}
	both = __atomic_load_n(&control->places, __ATOMIC_RELAXED);
	places->oldest = (uint32_t)both % n_places(map);
	places->next = (uint32_t)(both >> 32) % n_places(map);
	return true;
}

static void set(const struct rawtp_map *map, const struct places *places)
{
	__atomic_store_n(&control_of(map)->places, (uint64_t)places->next << 32 | places->oldest,
			 __ATOMIC_RELEASE);
}

static void give_back(const struct rawtp_map *map)
{
	__atomic_store_n(&control_of(map)->owner, 0, __ATOMIC_RELEASE);
}

static uint32_t after(const struct rawtp_map *map, uint32_t place)
{
	return place == map->max_entries ? 0 : place + 1;
}

static long push(struct rawtp_map *map, const void *value, uint64_t flags)
{
	struct places places;
	long err = 0;

	if (flags & BPF_NOEXIST || flags > BPF_EXIST)
		return -EINVAL;
	if (!take(map, &places))
		return -EBUSY;
	if (after(map, places.next) == places.oldest) {
		err = flags & BPF_EXIST ? 0 : -E2BIG;
		places.oldest = after(map, places.oldest);
	}
	if (!err) {
		rawtp_store_words(value_at(map, places.next), value, map->value_size);
		places.next = after(map, places.next);
		set(map, &places);
	}
	give_back(map);
	return err;
}

static long get(struct rawtp_map *map, void *value, bool newest, bool removes)
{
	struct places places;
	uint32_t place;
	long err = 0;

	if (!take(map, &places)) {
		memset(value, 0, map->value_size);
		return -EBUSY;
	}
	place = !newest ? places.oldest : places.next ? places.next - 1 : map->max_entries;
	if (places.oldest == places.next) {
		memset(value, 0, map->value_size);
		err = -ENOENT;
	} else {
		rawtp_load_words(value, value_at(map, place), map->value_size);
		if (newest)
			places.next = place;
		else
			places.oldest = after(map, place);
		if (removes)
			set(map, &places);
	}
	give_back(map);
	return err;
}

static long pop(struct rawtp_map *map, void *value)
{
	return get(map, value, map->type == BPF_MAP_TYPE_STACK, true);
}

static long peek(struct rawtp_map *map, void *value)
{
	return get(map, value, map->type == BPF_MAP_TYPE_STACK, false);
}

static int queue_stack_sys_lookup(struct rawtp_map *map, const void *key, void *value,
				  uint64_t flags)
{
	return flags ? -EINVAL : (int)peek(map, value);
}

static int queue_stack_sys_update(struct rawtp_map *map, const void *key, const void *value,
				  uint64_t flags)
{
	return (int)push(map, value, flags);
}

static int queue_stack_sys_lookup_and_delete(struct rawtp_map *map, const void *key, void *value)
{
	return (int)pop(map, value);
}

static long queue_stack_delete(struct rawtp_map *map, const void *key)
{
	return -EINVAL;
}

static int queue_stack_get_next_key(struct rawtp_map *map, const void *key, void *next)
{
	return -EINVAL;
}

static void queue_stack_recover(struct rawtp_map *map)
{
	uint64_t *word = &control_of(map)->owner, owner = __atomic_load_n(word, __ATOMIC_RELAXED);

	if (owner && rawtp_owner_is_dead(owner))
		__atomic_compare_exchange_n(word, &owner, 0, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_RELAXED);
}

const struct rawtp_map_ops rawtp_queue_stack_ops = {
	.check = queue_stack_check,
	.layout = queue_stack_layout,
	.open = queue_stack_open,
	.init = queue_stack_init,
	.get_next_key = queue_stack_get_next_key,
	.sys_lookup = queue_stack_sys_lookup,
	.sys_update = queue_stack_sys_update,
	.sys_lookup_and_delete = queue_stack_sys_lookup_and_delete,
	.recover = queue_stack_recover,
	.delete = queue_stack_delete,
	.push = push,
	.pop = pop,
	.peek = peek,
};
