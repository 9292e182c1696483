/* SPDX-License-Identifier: MIT */
/* LRU hashes make room, and keep what is used; queues and stacks between threads lose nothing. */
#include "bpf/maps/map.h"
#include "harness.h"

#include "base/err.h"
#include "bpf/maps/slots.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static struct rawtp_map *make_map(uint32_t type, uint32_t key, uint32_t entries)
{
	union bpf_attr attr = {
		.map_type = type, .key_size = key, .value_size = 8, .max_entries = entries};
	int fd = rawtp_map_create(&attr);
	struct rawtp_map *map = rawtp_map_open(fd);

	CHECK(!rawtp_is_err(map));
	close(fd);
	return map;
}

static uint32_t count_keys(struct rawtp_map *map)
{
	uint64_t key, next;
	uint32_t n = 0;
	bool first = true;

	while (!map->ops->get_next_key(map, first ? NULL : &key, &next)) {
		key = next;
		first = false;
		n++;
	}
	return n;
}

static long put(struct rawtp_map *map, uint64_t key)
{
	uint64_t values[1024] = {key, key};

	return rawtp_map_is_percpu(map->type) ? map->ops->sys_update(map, &key, values, BPF_ANY)
					      : map->ops->update(map, &key, values, BPF_ANY);
}

static const uint32_t types[] = {BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH};

TEST(lru_makes_room)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		struct rawtp_map *map = make_map(types[i], 8, 64);
		uint64_t key;

		test_case("type %u", types[i]);
		for (key = 0; key < 64; key++)
			CHECK_EQ(put(map, key), 0);
		CHECK_EQ(count_keys(map), 64);
		for (; key < 20000; key++) {
			CHECK_EQ(put(map, key), 0);
			/* What was just put is there. */
			CHECK(rawtp_map_is_percpu(types[i]) || map->ops->lookup(map, &key));
		}
		CHECK_EQ(count_keys(map), 64);
		/* Deleted keys make room, too: nothing else goes. */
		for (key = 19990; key < 20000; key++)
			map->ops->delete (map, &key);
		CHECK(count_keys(map) < 64);
		rawtp_map_put(map);
	}
}

/* A key that is looked up all the time outlives a thousand times as many that are not. */
TEST(lru_keeps_what_is_used)
{
	struct rawtp_map *map = make_map(BPF_MAP_TYPE_LRU_HASH, 8, 100);
	uint64_t hot = 1, key;
	unsigned int missing = 0;

	put(map, hot);
	for (key = 1000; key < 101000; key++) {
		missing += !map->ops->lookup(map, &hot);
		put(map, key);
	}
	CHECK_EQ(missing, 0);
	rawtp_map_put(map);
}

/* The kernel's order of removal is its own; here an untouched table goes in the order of insertion. */
TEST(lru_of_one)
{
	struct rawtp_map *map = make_map(BPF_MAP_TYPE_LRU_HASH, 8, 1);
	uint64_t key;

	for (key = 0; key < 100; key++) {
		CHECK_EQ(put(map, key), 0);
		CHECK_EQ(count_keys(map), 1);
		CHECK(map->ops->lookup(map, &key) != NULL);
	}
	rawtp_map_put(map);
}

static struct rawtp_map *shared;

static void *lru_thread(void *data)
{
	uint64_t key, failed = 0, first = (uintptr_t)data;

	for (key = 0; key < 50000; key++)
		failed += put(shared, first + key % 1000) != 0;
	return (void *)(uintptr_t)failed;
}

TEST(lru_threads)
{
	pthread_t threads[4];
	void *failed;
	uint64_t i;

	shared = make_map(BPF_MAP_TYPE_LRU_HASH, 8, 256);
	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, lru_thread, (void *)(uintptr_t)(i * 500));
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		CHECK_EQ((uintptr_t)failed, 0);
	}
	CHECK(count_keys(shared) <= 256 && count_keys(shared) > 128);
	rawtp_map_put(shared);
}

#define PER_THREAD 20000

static uint64_t sum_in, sum_out;

static void *producer(void *data)
{
	uint64_t i, value, sum = 0;

	for (i = 1; i <= PER_THREAD; i++) {
		value = (uintptr_t)data + i;
		while (shared->ops->push(shared, &value, BPF_ANY))
			sched_yield();
		sum += value;
	}
	__atomic_fetch_add(&sum_in, sum, __ATOMIC_RELAXED);
	return NULL;
}

static void *consumer(void *data)
{
	uint64_t i, value, sum = 0;

	for (i = 0; i < PER_THREAD; i++) {
		while (shared->ops->pop(shared, &value))
			sched_yield();
		sum += value;
	}
	__atomic_fetch_add(&sum_out, sum, __ATOMIC_RELAXED);
	return NULL;
}

TEST(queue_and_stack_threads)
{
	static const uint32_t kinds[] = {BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK};
	pthread_t threads[4];
	size_t kind, i;
	uint64_t value;

	for (kind = 0; kind < 2; kind++) {
		test_case("type %u", kinds[kind]);
		shared = make_map(kinds[kind], 0, 10);
		sum_in = sum_out = 0;
		for (i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, i & 1 ? producer : consumer,
				       (void *)(uintptr_t)(i << 32));
		for (i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		CHECK_EQ(sum_in, sum_out);
		CHECK_EQ(shared->ops->pop(shared, &value), -ENOENT);
		rawtp_map_put(shared);
	}
}

/* Whatever a peer has written there, an access stays inside. */
TEST(queue_of_a_liar)
{
	struct rawtp_map *map = make_map(BPF_MAP_TYPE_QUEUE, 0, 3);
	uint64_t *words = (uint64_t *)(void *)map->base, value = 1;
	uint32_t i, random = 1;

	for (i = 0; i < 1000; i++) {
		random = random * 1664525 + 1013904223;
		words[0] = 0;
		words[1] = (uint64_t)random << 32 | random * 77;
		map->ops->push(map, &value, i & 1 ? BPF_EXIST : BPF_ANY);
		map->ops->peek(map, &value);
		map->ops->pop(map, &value);
		CHECK_EQ(words[0], 0);
	}
	/* An owner who never ends: others do not wait for ever. */
	words[0] = 1;
	CHECK_EQ(map->ops->push(map, &value, 0), -EBUSY);
	CHECK_EQ(map->ops->pop(map, &value), -EBUSY);
	rawtp_map_put(map);
}
