/* SPDX-License-Identifier: MIT */
/*
 * Hash tables under threads, signals and kills. What is counted: no key is lost, found twice or with
 * another's value; exactly max_entries keys fit, afterwards as before.
 */
#include "bpf/maps/map.h"
#include "harness.h"

#include "base/err.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8

struct value {
	uint64_t key;
	uint64_t count;
	uint64_t check; /* key ^ count ^ CHECK_WORD */
};

#define CHECK_WORD 0x5ca1ab1e0ddba11ULL

static struct rawtp_map *make_map(uint32_t max_entries)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_HASH,
			       .key_size = sizeof(uint64_t),
			       .value_size = sizeof(struct value),
			       .max_entries = max_entries};
	int fd = rawtp_map_create(&attr);
	struct rawtp_map *map = rawtp_map_open(fd);

	CHECK(fd >= 0);
	CHECK(!rawtp_is_err(map));
	close(fd);
	return map;
}

static long put(struct rawtp_map *map, uint64_t key, uint64_t count, uint64_t flags)
{
	struct value value = {.key = key, .count = count, .check = key ^ count ^ CHECK_WORD};

	return map->ops->update(map, &key, &value, flags);
}

/* -1: not there; -2: somebody else's; else the count. */
static int64_t get(struct rawtp_map *map, uint64_t key)
{
	struct value value;
	int err = map->ops->sys_lookup(map, &key, &value, 0);

	if (err)
		return -1;
	if (value.key != key || value.check != (key ^ value.count ^ CHECK_WORD))
		return -2;
	return (int64_t)value.count;
}

/* Walks the map. Every key once, with its own value. */
static uint32_t count_keys(struct rawtp_map *map)
{
	uint64_t keys[4096], *last = NULL;
	uint32_t n = 0, i;

	while (n < 4096 && !map->ops->get_next_key(map, last, &keys[n])) {
		CHECK(get(map, keys[n]) >= 0);
		for (i = 0; i < n; i++)
			CHECK(keys[i] != keys[n]);
		last = &keys[n++];
	}
	return n;
}

/* Quiet now: exactly max_entries keys must fit, and all of them be replaceable. */
static void check_capacity(struct rawtp_map *map)
{
	uint32_t n = count_keys(map), i;

	for (i = n; i < map->max_entries; i++)
		CHECK_EQ(put(map, 1000000 + i, 1, BPF_NOEXIST), 0);
	CHECK_EQ(put(map, 999999, 1, BPF_ANY), -E2BIG);
	CHECK_EQ(count_keys(map), map->max_entries);
	for (i = 0; i < 300; i++)
		CHECK_EQ(put(map, 1000000 + map->max_entries - 1, i, BPF_EXIST),
			 n < map->max_entries ? 0 : -ENOENT);
}

struct worker {
	pthread_t thread;
	struct rawtp_map *map;
	uint32_t number, rounds;
	uint64_t wrong;
};

static void run_workers(struct rawtp_map *map, void *(*fn)(void *), uint32_t rounds)
{
	struct worker workers[THREADS];
	uint32_t i;

	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.map = map, .number = i, .rounds = rounds};
		CHECK(!pthread_create(&workers[i].thread, NULL, fn, &workers[i]));
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		CHECK_EQ(workers[i].wrong, 0);
	}
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* As programs count: look up, else insert zero if nobody has, and add. */
static void *count_worker(void *arg)
{
	struct worker *me = arg;
	uint32_t random = me->number + 1, i;

	for (i = 0; i < me->rounds; i++) {
		uint64_t key = next_random(&random) % 100;
		struct value *value = me->map->ops->lookup(me->map, &key);

		if (!value) {
			put(me->map, key, 0, BPF_NOEXIST);
			value = me->map->ops->lookup(me->map, &key);
		}
		if (!value || value->key != key)
			me->wrong++;
		else
			__atomic_fetch_add(&value->count, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

TEST(map_hash_counts_are_exact)
{
	uint32_t rounds = 20000, turn;

	for (turn = 0; turn < 5; turn++) {
		struct rawtp_map *map = make_map(100);
		uint64_t key, sum = 0, *last = NULL;
		struct value value;

		run_workers(map, count_worker, rounds);
		while (!map->ops->get_next_key(map, last, &key)) {
			CHECK_EQ(map->ops->sys_lookup(map, &key, &value, 0), 0);
			sum += value.count;
			last = &key;
		}
		CHECK_EQ(sum, (uint64_t)rounds * THREADS);
		rawtp_map_put(map);
	}
}

/* Keys of one's own behave as if one were alone, though the buckets are everybody's. */
static void *own_keys_worker(void *arg)
{
	struct worker *me = arg;
	uint32_t random = me->number + 1, i;
	int64_t have[16];

	memset(have, 0xff, sizeof(have));
	for (i = 0; i < me->rounds; i++) {
		uint32_t mine = next_random(&random) % 16, what = next_random(&random) % 4;
		uint64_t key = me->number + (uint64_t)mine * THREADS;
		bool there = have[mine] >= 0;
		long err;

		if (get(me->map, key) != have[mine])
			me->wrong++;
		if (what == 0) {
			err = me->map->ops->delete (me->map, &key);
			if (err != (there ? 0 : -ENOENT))
				me->wrong++;
			have[mine] = -1;
		} else {
			err = put(me->map, key, i, what == 1 ? BPF_NOEXIST : BPF_ANY);
			if (err != (what == 1 && there ? -EEXIST : 0))
				me->wrong++;
			else if (!err)
				have[mine] = i;
		}
	}
	return NULL;
}

TEST(map_hash_own_keys)
{
	struct rawtp_map *map = make_map(THREADS * 16);

	run_workers(map, own_keys_worker, 20000);
	check_capacity(map);
	rawtp_map_put(map);
}

/* Everybody at the same few keys, in a map that is too small for them. */
static void *churn_worker(void *arg)
{
	struct worker *me = arg;
	uint32_t random = me->number + 1, i;

	for (i = 0; i < me->rounds; i++) {
		uint64_t key = next_random(&random) % 60, after;
		long err = 0;

		switch (next_random(&random) % 5) {
		case 0:
			err = me->map->ops->delete (me->map, &key);
			break;
		case 1:
			err = put(me->map, key, i, BPF_NOEXIST);
			break;
		case 2:
			err = put(me->map, key, i, BPF_EXIST);
			break;
		case 3:
			err = put(me->map, key, i, BPF_ANY);
			break;
		case 4:
			err = me->map->ops->get_next_key(me->map, &key, &after);
			if (!err && after >= 60)
				me->wrong++;
			break;
		}
		if (err && err != -ENOENT && err != -EEXIST && err != -E2BIG)
			me->wrong++;
		if (get(me->map, key) == -2)
			me->wrong++;
	}
	return NULL;
}

TEST(map_hash_churn)
{
	struct rawtp_map *map = make_map(40);

	run_workers(map, churn_worker, 20000);
	check_capacity(map);
	rawtp_map_put(map);
}

static struct rawtp_map *signal_map;
static uint64_t signal_runs, signal_wrong;

/* In the middle of whatever the thread was doing to the same map. */
static void on_signal(int number)
{
	static uint32_t random = 3;
	uint64_t key = next_random(&random) % 8;
	long err = next_random(&random) % 3 ? put(signal_map, key, signal_runs, BPF_ANY)
					    : signal_map->ops->delete (signal_map, &key);

	if ((err && err != -ENOENT && err != -E2BIG) || get(signal_map, key) == -2)
		signal_wrong++;
	signal_runs++;
}

TEST(map_hash_signals)
{
	struct itimerval timer = {.it_interval.tv_usec = 100, .it_value.tv_usec = 100};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct worker worker = {.rounds = 1000};

	signal_map = worker.map = make_map(40);
	signal_runs = signal_wrong = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	while (signal_runs < 500)
		churn_worker(&worker);
	setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
	signal(SIGALRM, SIG_DFL);
	CHECK_EQ(worker.wrong, 0);
	CHECK_EQ(signal_wrong, 0);
	check_capacity(worker.map);
	rawtp_map_put(worker.map);
}

TEST(map_hash_kill)
{
	struct rawtp_map *map = make_map(40);
	uint32_t round, i, random = 99;
	pid_t children[4] = {0};

	for (round = 0; round < 200; round++) {
		i = next_random(&random) % 4;
		if (children[i] > 0) {
			kill(children[i], SIGKILL);
			waitpid(children[i], NULL, 0);
		}
		children[i] = fork();
		if (!children[i]) {
			struct worker worker = {.map = map, .number = round, .rounds = UINT32_MAX};

			churn_worker(&worker);
			_exit(0);
		}
		usleep(next_random(&random) % 2000);
		if (round % 16 == 0)
			rawtp_map_recover(map); /* while the others go on */
	}
	for (i = 0; i < 4; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	rawtp_map_recover(map);
	check_capacity(map);
	rawtp_map_put(map);
}
