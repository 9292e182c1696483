/* SPDX-License-Identifier: MIT */
#include "world.h"

#include "random_insns.h"

#include <errno.h>
#include <sys/mman.h>

#define MAX_CPUS  512
#define N_KEYS    9 /* that programs use */
#define RING_SIZE (random_prog_shapes[RANDOM_EVENTS].max_entries)

static uint64_t mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0x9e3779b97f4a7c15ULL;
	return sum ^ sum >> 29;
}

static uint64_t mix_bytes(uint64_t sum, const char *bytes, uint32_t n)
{
	uint64_t word;
	uint32_t i;

	for (i = 0; i < n; i += 8) {
		word = 0;
		memcpy(&word, bytes + i, n - i < 8 ? n - i : 8);
		sum = mix(sum, word);
	}
	return sum;
}

static int element(struct world *world, int cmd, enum random_prog_map map, const void *key,
		   void *value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)world->fds[map];
	attr.key = oracle_ptr(key);
	attr.value = oracle_ptr(value);
	return world->bpf(cmd, &attr, sizeof(attr));
}

static void *map_pages(int fd, size_t size, int prot, off_t off)
{
	void *memory = mmap(NULL, size, prot, MAP_SHARED, fd, off);

	return memory == MAP_FAILED ? NULL : memory;
}

static int open_ring(struct world *world)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = world->fds[RANDOM_EVENTS];
	char *rest;

	world->consumer = map_pages(fd, page, PROT_READ | PROT_WRITE, 0);
	/* The kernel has the data twice, one after the other, so that no record is in two pieces. */
	rest = map_pages(fd, page + RING_SIZE * (world->is_kernel ? 2 : 1), PROT_READ, (off_t)page);
	if (!world->consumer || !rest)
		return -ENOMEM;
	world->producer = (const uint64_t *)(const void *)rest;
	world->records = rest + page;
	return 0;
}

static int open_rodata(struct world *world)
{
	union bpf_attr attr;
	uint32_t key = 0;
	int err = element(world, BPF_MAP_UPDATE_ELEM, RANDOM_RODATA, &key,
			  (void *)(uintptr_t)random_prog_rodata);

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)world->fds[RANDOM_RODATA];
	return err ? err : world->bpf(BPF_MAP_FREEZE, &attr, sizeof(attr));
}

int world_open(struct world *world, bool is_kernel)
{
	union bpf_attr attr;
	uint32_t i;
	int err;

	memset(world, 0, sizeof(*world));
	world->is_kernel = is_kernel;
	world->bpf = is_kernel ? oracle_kernel : oracle_rawtp;
	for (i = 0; i < RANDOM_N_MAPS; i++) {
		const struct random_prog_shape *shape = &random_prog_shapes[i];

		memset(&attr, 0, sizeof(attr));
		attr.map_type = shape->type;
		attr.key_size = shape->key_size;
		attr.value_size = shape->value_size;
		attr.max_entries = shape->max_entries;
		attr.map_flags = shape->flags;
		world->fds[i] = world->bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
		if (world->fds[i] < 0)
			return world->fds[i];
		if (!(shape->flags & BPF_F_MMAPABLE))
			continue;
		world->values[i] = map_pages(world->fds[i], (size_t)sysconf(_SC_PAGESIZE),
					     PROT_READ | PROT_WRITE, 0);
		if (!world->values[i])
			return -ENOMEM;
	}
	err = open_rodata(world);
	return err ? err : open_ring(world);
}

static uint32_t array_size(enum random_prog_map map)
{
	return random_prog_shapes[map].max_entries * random_prog_shapes[map].value_size;
}

static void reset_array(struct world *world, enum random_prog_map map, uint64_t seed)
{
	uint64_t *words = (uint64_t *)(void *)world->values[map], state = seed | 1;
	uint32_t i;

	for (i = 0; i < array_size(map) / 8; i++)
		words[i] = random_u64(&state) >> (i % 3 * 28);
}

static void reset_percpu(struct world *world)
{
	static char zeros[MAX_CPUS * 32];
	uint32_t key;

	for (key = 0; key < random_prog_shapes[RANDOM_PERCPU].max_entries; key++)
		element(world, BPF_MAP_UPDATE_ELEM, RANDOM_PERCPU, &key, zeros);
}

static void reset_counts(struct world *world, uint64_t seed)
{
	uint64_t value[3] = {seed, seed >> 32, 1};
	uint32_t key;

	for (key = 0; key < N_KEYS; key++) {
		if (key & 1)
			element(world, BPF_MAP_UPDATE_ELEM, RANDOM_COUNTS, &key, value);
		else
			element(world, BPF_MAP_DELETE_ELEM, RANDOM_COUNTS, &key, NULL);
	}
}

void world_reset(struct world *world, uint32_t maps, uint64_t seed)
{
	if (maps & 1u << RANDOM_CONFIG)
		reset_array(world, RANDOM_CONFIG, seed);
	if (maps & 1u << RANDOM_TABLE)
		reset_array(world, RANDOM_TABLE, seed + 1);
	if (maps & 1u << RANDOM_PERCPU)
		reset_percpu(world);
	if (maps & 1u << RANDOM_COUNTS)
		reset_counts(world, seed);
	if (maps & 1u << RANDOM_EVENTS)
		world_sum(world, RANDOM_EVENTS);
}

static uint64_t sum_percpu(struct world *world)
{
	static uint64_t values[MAX_CPUS * 4];
	uint64_t sum = 0, total[4];
	uint32_t key, i;

	for (key = 0; key < random_prog_shapes[RANDOM_PERCPU].max_entries; key++) {
		memset(values, 0, sizeof(values));
		memset(total, 0, sizeof(total));
		element(world, BPF_MAP_LOOKUP_ELEM, RANDOM_PERCPU, &key, values);
		for (i = 0; i < MAX_CPUS * 4; i++)
			total[i % 4] += values[i];
		sum = mix_bytes(sum, (const char *)total, sizeof(total));
	}
	return sum;
}

static uint64_t sum_counts(struct world *world)
{
	uint64_t sum = 0, value[3];
	uint32_t key;

	for (key = 0; key < N_KEYS; key++) {
		if (element(world, BPF_MAP_LOOKUP_ELEM, RANDOM_COUNTS, &key, value))
			memset(value, 0xa5, sizeof(value));
		sum = mix_bytes(sum, (const char *)value, sizeof(value));
	}
	return sum;
}

static uint64_t sum_records(struct world *world)
{
	uint64_t at = *world->consumer, sum = 0;
	uint64_t end = __atomic_load_n(world->producer, __ATOMIC_ACQUIRE);

	while (at < end) {
		const char *record = world->records + (at & (RING_SIZE - 1));
		uint32_t head, length;

		memcpy(&head, record, sizeof(head));
		if (head & BPF_RINGBUF_BUSY_BIT)
			return ~0ULL;
		length = head & ~BPF_RINGBUF_DISCARD_BIT;
		if (!(head & BPF_RINGBUF_DISCARD_BIT))
			sum = mix_bytes(mix(sum, length), record + BPF_RINGBUF_HDR_SZ, length);
		at += (length + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
	}
	__atomic_store_n(world->consumer, at, __ATOMIC_RELEASE);
	return sum;
}

uint64_t world_sum(struct world *world, enum random_prog_map map)
{
	switch (map) {
	case RANDOM_PERCPU:
		return sum_percpu(world);
	case RANDOM_COUNTS:
		return sum_counts(world);
	case RANDOM_EVENTS:
		return sum_records(world);
	case RANDOM_RODATA:
		return 0;
	default:
		return mix_bytes(0, world->values[map], array_size(map));
	}
}
