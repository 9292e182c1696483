/* SPDX-License-Identifier: MIT */
/*
 * Killed at any instruction: a child does one operation on a shared map while ptrace(2) steps it,
 * and is killed after its Nth store to the map's memory, for every N (between stores, one moment of
 * death is as good as another). After each death a peer recovers, and the map must be whole: the
 * operation has happened or it has not, and nothing has leaked.
 */
#include "bpf/maps/ringbuf.h"
#include "harness.h"

#include "base/err.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENTRIES 4

/*
 * Runs @fn in a child and kills it after @stores changes of the map's memory. 1: it had ended by
 * itself; 0: killed; -1: it cannot be stepped here.
 */
static int run_stores(void (*fn)(void *), struct rawtp_map *map, uint32_t stores)
{
	char *before = malloc(map->size);
	int status, ended = 0;
	pid_t pid = fork();

	if (!pid) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(2);
		syscall(SYS_kill, getpid(), SIGSTOP);
		fn(map);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) {
		free(before);
		return -1;
	}
	memcpy(before, map->base, map->size);
	while (stores && !ended) {
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid)
			break;
		ended = WIFEXITED(status) || WIFSIGNALED(status);
		if (memcmp(before, map->base, map->size)) {
			memcpy(before, map->base, map->size);
			stores--;
		}
	}
	free(before);
	if (ended)
		return WIFEXITED(status) && !WEXITSTATUS(status) ? 1 : -1;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return stores ? -1 : 0;
}

struct row {
	const char *name;
	uint32_t type;
	void (*prepare)(struct rawtp_map *map);
	void (*operation)(void *map);
	void (*verify)(struct rawtp_map *map);
};

static long put(struct rawtp_map *map, uint64_t key, uint64_t value)
{
	uint64_t values[1024] = {value}; /* of all CPUs, where it is per CPU */
	uint32_t i;

	for (i = 0; i < map->n_cpus && i < 1024; i++)
		values[i] = value;
	return map->ops->sys_update(map, &key, values, BPF_ANY);
}

static int64_t get(struct rawtp_map *map, uint64_t key)
{
	uint64_t values[1024] = {0};
	uint32_t i;

	if (map->ops->sys_lookup(map, &key, values, 0))
		return -1;
	for (i = 1; i < map->n_cpus && rawtp_map_is_percpu(map->type); i++)
		CHECK_EQ(values[i], values[0]);
	return (int64_t)values[0];
}

static void hash_prepare(struct rawtp_map *map)
{
	uint64_t key;

	while (!map->ops->get_next_key(map, NULL, &key))
		CHECK_EQ(map->ops->delete (map, &key), 0);
	CHECK_EQ(put(map, 1, 10), 0);
	CHECK_EQ(put(map, 2, 20), 0);
}

static void hash_fill(struct rawtp_map *map)
{
	hash_prepare(map);
	CHECK_EQ(put(map, 3, 30), 0);
	CHECK_EQ(put(map, 4, 40), 0);
}

static void hash_insert(void *map)
{
	put(map, 3, 30);
}

static void hash_replace(void *map)
{
	put(map, 2, 21);
}

static void hash_delete(void *arg)
{
	struct rawtp_map *map = arg;
	uint64_t key = 2;

	map->ops->delete (map, &key);
}

static void hash_take(void *arg)
{
	struct rawtp_map *map = arg;
	uint64_t key = 2, values[1024];

	map->ops->sys_lookup_and_delete(map, &key, values);
}

/* The keys that were there, once each; and room for the rest, and no more than the rest. */
static void hash_verify(struct rawtp_map *map)
{
	uint64_t key, *last = NULL, seen = 0, extra;
	int64_t second = get(map, 2), third = get(map, 3);

	CHECK_EQ(get(map, 1), 10);
	CHECK(second == 20 || second == 21 || second == -1);
	CHECK(third == 30 || third == -1);
	while (!map->ops->get_next_key(map, last, &key)) {
		CHECK(!(seen >> key & 1));
		seen |= 1ULL << key;
		last = &key;
	}
	for (extra = 10; __builtin_popcountll(seen) < ENTRIES; extra++) {
		CHECK_EQ(put(map, extra, 1), 0);
		seen |= 1ULL << extra;
	}
	CHECK_EQ(put(map, 9, 1), -E2BIG);
	CHECK_EQ(put(map, 1, 11), 0);
}

static void ring_drain(struct rawtp_map *map)
{
	const struct rawtp_ringbuf *ring = rawtp_ringbuf_of(map);

	while (rawtp_ringbuf_has_data(map)) {
		uint64_t pos = *ring->consumer_pos;
		uint32_t length = rawtp_ringbuf_header_at(ring, pos)->length;

		if (!(length & BPF_RINGBUF_DISCARD_BIT))
			CHECK(length == 600 || length == 24);
		pos += ((length & ~RAWTP_RINGBUF_FLAGS) + 15) & ~7U;
		__atomic_store_n(ring->consumer_pos, pos, __ATOMIC_SEQ_CST);
	}
}

static void ring_prepare(struct rawtp_map *map)
{
	bool sure;

	ring_drain(map);
	rawtp_ringbuf_arm(map, &sure); /* so that commits go the whole way */
}

static void ring_produce(void *map)
{
	void *record = rawtp_ringbuf_reserve(map, 600);

	if (record)
		rawtp_ringbuf_commit(record, 0, false);
}

static void ring_verify(struct rawtp_map *map)
{
	uint32_t i;

	for (i = 0; i < 3; i++) {
		void *record = rawtp_ringbuf_reserve(map, 24);

		CHECK(record != NULL);
		if (record)
			rawtp_ringbuf_commit(record, 0, false);
	}
	ring_drain(map);
	CHECK_EQ(rawtp_ringbuf_query(map, BPF_RB_AVAIL_DATA), 0);
}

static void queue_prepare(struct rawtp_map *map)
{
	uint64_t value;

	while (!map->ops->pop(map, &value))
		;
	for (value = 1; value <= 2; value++)
		CHECK_EQ(map->ops->push(map, &value, BPF_ANY), 0);
}

static void queue_push(void *arg)
{
	struct rawtp_map *map = arg;
	uint64_t value = 3;

	map->ops->push(map, &value, BPF_EXIST);
}

static void queue_pop(void *arg)
{
	struct rawtp_map *map = arg;
	uint64_t value;

	map->ops->pop(map, &value);
}

/* 1 2 as they were; 1 2 3, or 2 3, after a push; 2, or 1 after a pop. */
static void queue_verify(struct rawtp_map *map)
{
	uint64_t value, all = 0;

	while (!map->ops->pop(map, &value))
		all = all * 10 + value;
	CHECK(all == 12 || all == 21 || all == 123 || all == 321 || all == 1 || all == 2);
	for (value = 1; value <= ENTRIES; value++)
		CHECK_EQ(map->ops->push(map, &value, BPF_ANY), 0);
	CHECK_EQ(map->ops->push(map, &value, BPF_ANY), -E2BIG);
	CHECK_EQ(map->ops->push(map, &value, BPF_EXIST), 0);
}

/* Full, and the next key removes one. */
static void lru_prepare(struct rawtp_map *map)
{
	uint64_t key;

	for (key = 1; key <= 2 * ENTRIES; key++)
		CHECK_EQ(put(map, key, 10), 0);
}

static void lru_insert(void *map)
{
	put(map, 77, 10);
}

static void lru_verify(struct rawtp_map *map)
{
	uint64_t key, n = 0, *last = NULL;

	while (!map->ops->get_next_key(map, last, &key)) {
		CHECK_EQ(get(map, key), 10);
		last = &key;
		n++;
	}
	CHECK(n == ENTRIES || n == ENTRIES - 1);
}

static const struct row rows[] = {
	{"insert", BPF_MAP_TYPE_HASH, hash_prepare, hash_insert, hash_verify},
	{"replace", BPF_MAP_TYPE_HASH, hash_prepare, hash_replace, hash_verify},
	{"replace in a full map", BPF_MAP_TYPE_HASH, hash_fill, hash_replace, hash_verify},
	{"delete", BPF_MAP_TYPE_HASH, hash_prepare, hash_delete, hash_verify},
	{"look up and delete", BPF_MAP_TYPE_HASH, hash_prepare, hash_take, hash_verify},
	{"per-CPU insert", BPF_MAP_TYPE_PERCPU_HASH, hash_prepare, hash_insert, hash_verify},
	{"per-CPU delete", BPF_MAP_TYPE_PERCPU_HASH, hash_prepare, hash_delete, hash_verify},
	{"queue push", BPF_MAP_TYPE_QUEUE, queue_prepare, queue_push, queue_verify},
	{"queue pop", BPF_MAP_TYPE_QUEUE, queue_prepare, queue_pop, queue_verify},
	{"stack pop", BPF_MAP_TYPE_STACK, queue_prepare, queue_pop, queue_verify},
	{"LRU insert", BPF_MAP_TYPE_LRU_HASH, lru_prepare, lru_insert, lru_verify},
	{"ring buffer record", BPF_MAP_TYPE_RINGBUF, ring_prepare, ring_produce, ring_verify},
};

static void run_row(const struct row *row)
{
	union bpf_attr attr = {.map_type = row->type, .max_entries = 4096};
	struct rawtp_map *map;
	uint32_t stores;
	int ended = 0, fd;

	if (row->type != BPF_MAP_TYPE_RINGBUF) {
		attr.max_entries = ENTRIES;
		attr.key_size = attr.value_size = sizeof(uint64_t);
	}
	if (row->type == BPF_MAP_TYPE_QUEUE || row->type == BPF_MAP_TYPE_STACK)
		attr.key_size = 0;
	fd = rawtp_map_create(&attr);
	map = rawtp_map_open(fd);
	CHECK(!rawtp_is_err(map));
	close(fd);
	for (stores = 1; !ended; stores++) {
		test_case("%s, killed after %u stores", row->name, stores);
		row->prepare(map);
		ended = run_stores(row->operation, map, stores);
		if (ended < 0) {
			rawtp_map_put(map);
			test_skip("no single steps here (ptrace: %s)", strerror(errno));
		}
		rawtp_map_recover(map);
		row->verify(map);
	}
	CHECK(stores > 3);
	rawtp_map_put(map);
}

TEST(map_killed_at_any_store)
{
	size_t i;

#ifdef __SANITIZE_THREAD__
	test_skip("one step at a time through the sanitizer's own code takes too long");
#endif
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run_row(&rows[i]);
}
