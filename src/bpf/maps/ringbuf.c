/* SPDX-License-Identifier: MIT */
/* BPF_MAP_TYPE_RINGBUF as a map, and its reader's side. ringbuf.h has the layout. */
#include "bpf/maps/ringbuf.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/membarrier.h"
#include "base/rcu.h"

#define RINGBUF_FLAGS BPF_F_NUMA_NODE
#define MAX_RINGS     256 /* ring buffers that a process has open */
#define RECOVER_MS    100
#define UNSURE_MS     5 /* longest sleep of a reader that cannot be sure to be woken */

/* bpf_ringbuf_submit() has only the record's address to go by. */
static const struct rawtp_ringbuf *rings[MAX_RINGS];
static uint32_t n_rings; /* highest that was ever used */

const struct rawtp_ringbuf *rawtp_ringbuf_around(const void *sample)
{
	uint32_t n = __atomic_load_n(&n_rings, __ATOMIC_ACQUIRE), i;

	for (i = 0; i < n; i++) {
		const struct rawtp_ringbuf *ring = __atomic_load_n(&rings[i], __ATOMIC_ACQUIRE);

		if (ring && (uintptr_t)sample - (uintptr_t)ring->data <= ring->size)
			return ring;
	}
	return NULL;
}

static int register_ring(const struct rawtp_ringbuf *ring)
{
	uint32_t i, n;

	for (i = 0; i < MAX_RINGS; i++) {
		const struct rawtp_ringbuf *none = NULL;

		if (!__atomic_compare_exchange_n(&rings[i], &none, ring, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_RELAXED))
			continue;
		n = __atomic_load_n(&n_rings, __ATOMIC_RELAXED);
		while (n <= i && !__atomic_compare_exchange_n(&n_rings, &n, i + 1, false,
							      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			;
		return 0;
	}
	return -ENOMEM;
}

static void unregister_ring(const struct rawtp_ringbuf *ring)
{
	uint32_t i;

	for (i = 0; i < MAX_RINGS; i++)
		if (__atomic_load_n(&rings[i], __ATOMIC_RELAXED) == ring)
			__atomic_store_n(&rings[i], NULL, __ATOMIC_RELEASE);
}

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static int ringbuf_check(const union bpf_attr *attr)
{
	if (attr->map_flags & ~RINGBUF_FLAGS)
		return -EINVAL;
	if (attr->key_size || attr->value_size || !rawtp_is_power_of_2(attr->max_entries) ||
	    attr->max_entries & (page_size() - 1))
		return -EINVAL;
	return rawtp_map_check_flags(attr, RINGBUF_FLAGS);
}

static uint64_t set_geometry(const struct rawtp_map *map, struct rawtp_ringbuf *ring)
{
	uint64_t page = page_size(), at;

	ring->size = map->max_entries;
	ring->size_shift = rawtp_bits_for(ring->size) - 1;
	ring->length_bits = rawtp_bits_for(ring->size / 8);
	ring->consumer_pos = (uint64_t *)map->base;
	ring->producer_pos = (uint64_t *)(map->base + page);
	ring->tail = ring->producer_pos + 1;
	ring->data = map->base + 2 * page;
	ring->descs = (uint64_t *)(ring->data + ring->size);
	at = 2 * page + 2 * ring->size;
	ring->control = (struct rawtp_ringbuf_control *)(map->base + at);
	return at + sizeof(*ring->control);
}

static uint64_t ringbuf_layout(const struct rawtp_map *map)
{
	struct rawtp_ringbuf ring = {0};

	return set_geometry(map, &ring);
}

static int ringbuf_open(struct rawtp_map *map)
{
	struct rawtp_ringbuf *ring = calloc(1, sizeof(*ring));
	int err;

	if (!ring)
		return -ENOMEM;
	set_geometry(map, ring);
	err = register_ring(ring);
	if (err) {
		free(ring);
		return err;
	}
	map->priv = ring;
	ring->in_reach = rawtp_membarrier_join_all();
	rawtp_ringbuf_join(ring);
	return 0;
}

static void ringbuf_close(struct rawtp_map *map)
{
	struct rawtp_ringbuf *ring = rawtp_ringbuf_of(map);

	rawtp_ringbuf_leave(ring);
	unregister_ring(ring);
	/* A commit to another ring may be looking at ours, on its way through all of them. */
	rawtp_synchronize();
	free(ring);
	map->priv = NULL;
}

static int ringbuf_init(struct rawtp_map *map)
{
	/* Zeroed words are of lap 0, before the beginning. */
	return rawtp_map_populate(map, 0, map->size);
}

static void ringbuf_after_fork(struct rawtp_map *map)
{
	rawtp_ringbuf_join_fresh(rawtp_ringbuf_of(map));
}

uint64_t rawtp_ringbuf_query(const struct rawtp_map *map, uint64_t flags)
{
	const struct rawtp_ringbuf *ring = rawtp_ringbuf_of(map);
	uint64_t consumed = __atomic_load_n(ring->consumer_pos, __ATOMIC_ACQUIRE);
	uint64_t produced = __atomic_load_n(ring->producer_pos, __ATOMIC_ACQUIRE);

	switch (flags) {
	case BPF_RB_AVAIL_DATA:
		return produced - consumed;
	case BPF_RB_RING_SIZE:
		return ring->size;
	case BPF_RB_CONS_POS:
		return consumed;
	case BPF_RB_PROD_POS:
		return produced;
	default:
		return 0;
	}
}

bool rawtp_ringbuf_has_data(const struct rawtp_map *map)
{
	const struct rawtp_ringbuf *ring = rawtp_ringbuf_of(map);
	uint64_t consumed = __atomic_load_n(ring->consumer_pos, __ATOMIC_SEQ_CST);

	if (consumed == __atomic_load_n(ring->producer_pos, __ATOMIC_SEQ_CST))
		return false;
	return !(__atomic_load_n(&rawtp_ringbuf_header_at(ring, consumed)->length,
				 __ATOMIC_SEQ_CST) &
		 BPF_RINGBUF_BUSY_BIT);
}

bool rawtp_ringbuf_arm(const struct rawtp_map *map, bool *sure)
{
	__atomic_store_n(&rawtp_ringbuf_of(map)->control->armed, 1, __ATOMIC_SEQ_CST);
	*sure = rawtp_membarrier_all();
	if (!rawtp_ringbuf_has_data(map))
		return true;
	rawtp_ringbuf_disarm(map);
	return false;
}

void rawtp_ringbuf_disarm(const struct rawtp_map *map)
{
	__atomic_store_n(&rawtp_ringbuf_of(map)->control->armed, 0, __ATOMIC_SEQ_CST);
}

uint32_t *rawtp_ringbuf_futex(const struct rawtp_map *map)
{
	return &rawtp_ringbuf_of(map)->control->futex;
}

uint64_t rawtp_ringbuf_drops(const struct rawtp_map *map)
{
	return __atomic_load_n(&rawtp_ringbuf_of(map)->control->drops, __ATOMIC_RELAXED);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int rawtp_ringbuf_wait(struct rawtp_map *map, int timeout_ms)
{
	uint32_t *futex = rawtp_ringbuf_futex(map);
	int64_t end = now_ms() + timeout_ms;

	for (;;) {
		uint32_t seen = __atomic_load_n(futex, __ATOMIC_SEQ_CST);
		int64_t left = timeout_ms < 0 ? RECOVER_MS : end - now_ms();
		struct timespec sleep;
		bool sure;
		long err;

		if (!rawtp_ringbuf_arm(map, &sure))
			return 1;
		if (left <= 0)
			break;
		if (left > (sure ? RECOVER_MS : UNSURE_MS))
			left = sure ? RECOVER_MS : UNSURE_MS;
		sleep = (struct timespec){.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
		err = syscall(SYS_futex, futex, FUTEX_WAIT, seen, &sleep, NULL, 0);
		if (err && errno == EINTR)
			break;
		/* Nothing for a while, and yet something is there: its producer may be dead. */
		if (err && errno == ETIMEDOUT && rawtp_ringbuf_is_held_up(map))
			rawtp_ringbuf_recover(map);
	}
	rawtp_ringbuf_disarm(map);
	return rawtp_ringbuf_has_data(map);
}

/* There are no keys. */
static void *ringbuf_lookup(struct rawtp_map *map, const void *key)
{
	return NULL;
}

static long ringbuf_update(struct rawtp_map *map, const void *key, const void *value,
			   uint64_t flags)
{
	return -RAWTP_ENOTSUPP;
}

static long ringbuf_delete(struct rawtp_map *map, const void *key)
{
	return -RAWTP_ENOTSUPP;
}

static int ringbuf_get_next_key(struct rawtp_map *map, const void *key, void *next)
{
	return -RAWTP_ENOTSUPP;
}

static int ringbuf_sys_lookup(struct rawtp_map *map, const void *key, void *value, uint64_t flags)
{
	return -RAWTP_ENOTSUPP;
}

static int ringbuf_sys_update(struct rawtp_map *map, const void *key, const void *value,
			      uint64_t flags)
{
	return -RAWTP_ENOTSUPP;
}

const struct rawtp_map_ops rawtp_ringbuf_ops = {
	.check = ringbuf_check,
	.layout = ringbuf_layout,
	.open = ringbuf_open,
	.close = ringbuf_close,
	.init = ringbuf_init,
	.recover = rawtp_ringbuf_recover,
	.after_fork = ringbuf_after_fork,
	.get_next_key = ringbuf_get_next_key,
	.sys_lookup = ringbuf_sys_lookup,
	.sys_update = ringbuf_sys_update,
	.lookup = ringbuf_lookup,
	.update = ringbuf_update,
	.delete = ringbuf_delete,
};
