/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU slots and the maps on them: nobody shares a slot, whatever preempts, interrupts or dies,
 * so that plain additions through per-CPU maps add up exactly.
 */
#include "bpf/maps/map.h"
#include "harness.h"

#include "base/err.h"
#include "bpf/maps/owner.h"
#include "bpf/run.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8

static struct rawtp_map *make_map(uint32_t type, uint32_t value_size, uint32_t entries)
{
	union bpf_attr attr = {
		.map_type = type, .key_size = 4, .value_size = value_size, .max_entries = entries};
	int fd = rawtp_map_create(&attr);
	struct rawtp_map *map = rawtp_map_open(fd);

	CHECK(fd >= 0);
	CHECK(!rawtp_is_err(map));
	close(fd);
	return map;
}

/* As a compiled program would: not atomically. Returns 0 where there is no value. */
static uint64_t add_one(const void *ctx, const struct rawtp_prog *prog)
{
	struct rawtp_map *map = prog->percpu_maps[0];
	uint32_t key = *(const uint32_t *)ctx;
	volatile uint64_t *value = map->ops->lookup(map, &key);
	uint64_t zero = 0;

	if (!value && map->type == BPF_MAP_TYPE_PERCPU_HASH) {
		map->ops->update(map, &key, &zero, BPF_NOEXIST);
		value = map->ops->lookup(map, &key);
	}
	if (!value)
		return 0;
	*value = *value + 1;
	return 1;
}

static struct rawtp_prog make_prog(struct rawtp_map *map)
{
	return (struct rawtp_prog){.run = add_one, .percpu_maps = {map}, .n_percpu_maps = 1};
}

/* Was the event counted? */
static bool fire(const struct rawtp_prog *prog, uint32_t key)
{
	struct rawtp_thread *self = rawtp_read_lock();
	uint64_t ret = 0;
	bool ran = self && rawtp_prog_run(self, prog, &key, &ret) && ret;

	if (self)
		rawtp_read_unlock(self);
	return ran;
}

static uint64_t sum_of(struct rawtp_map *map, uint32_t key)
{
	uint64_t *values = calloc(map->n_cpus, map->elem_size), sum = 0;
	uint32_t i;

	if (!map->ops->sys_lookup(map, &key, values, 0))
		for (i = 0; i < map->n_cpus; i++)
			sum += values[i];
	free(values);
	return sum;
}

struct worker {
	pthread_t thread;
	const struct rawtp_prog *prog;
	uint64_t counted, rounds;
};

static void *worker(void *arg)
{
	struct worker *me = arg;
	uint64_t i;

	for (i = 0; i < me->rounds; i++)
		me->counted += fire(me->prog, (uint32_t)(i % 4));
	return NULL;
}

static void check_sum(struct rawtp_map *map, uint64_t counted)
{
	uint64_t sum = 0;
	uint32_t key;

	for (key = 0; key < 4; key++)
		sum += sum_of(map, key);
	CHECK_EQ(sum, counted);
}

static void run_threads(uint32_t type)
{
	struct rawtp_map *map = make_map(type, 8, 4);
	struct rawtp_prog prog = make_prog(map);
	struct worker workers[THREADS];
	uint64_t counted = 0;
	uint32_t i;

	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.prog = &prog, .rounds = 100000};
		CHECK(!pthread_create(&workers[i].thread, NULL, worker, &workers[i]));
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		CHECK_EQ(workers[i].counted, workers[i].rounds);
		counted += workers[i].counted;
	}
	check_sum(map, counted);
	rawtp_map_put(map);
}

TEST(map_slots_threads)
{
	test_case("array");
	run_threads(BPF_MAP_TYPE_PERCPU_ARRAY);
	test_case("hash");
	run_threads(BPF_MAP_TYPE_PERCPU_HASH);
}

static const struct rawtp_prog *signal_prog;
static volatile uint64_t signal_counted, signal_runs;

static void on_signal(int number)
{
	signal_counted += fire(signal_prog, 1);
	signal_runs++;
}

/* Another program on the same map, in a handler, in the middle of the first. */
TEST(map_slots_signals)
{
	struct itimerval timer = {.it_interval.tv_usec = 100, .it_value.tv_usec = 100};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct rawtp_map *map = make_map(BPF_MAP_TYPE_PERCPU_ARRAY, 8, 4);
	struct rawtp_prog prog = make_prog(map), second = make_prog(map);
	struct worker me = {.prog = &prog, .rounds = 10000};

	signal_prog = &second;
	signal_counted = signal_runs = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	while (signal_runs < 500)
		worker(&me);
	setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
	signal(SIGALRM, SIG_DFL);
	CHECK_EQ(signal_counted, signal_runs);
	check_sum(map, me.counted + signal_counted);
	rawtp_map_put(map);
}

/* Slots of killed processes come back, and what was counted stays. */
TEST(map_slots_kill)
{
	uint64_t *done =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct rawtp_map *map = make_map(BPF_MAP_TYPE_PERCPU_ARRAY, 8, 4);
	struct rawtp_prog prog = make_prog(map);
	uint64_t least = 0, most = 0;
	uint32_t round, i, held = 0;

	for (round = 0; round < 100; round++) {
		pid_t pid;

		*done = 0;
		pid = fork();
		if (!pid)
			for (;;)
				__atomic_fetch_add(done, fire(&prog, 0), __ATOMIC_SEQ_CST);
		while (!__atomic_load_n(done, __ATOMIC_SEQ_CST))
			usleep(100);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		least += *done;
		most += *done + 1;
	}
	rawtp_map_recover(map);
	for (i = 0; i < map->n_slots; i++)
		held += map->slot_owners[i * RAWTP_SLOT_STRIDE] != 0;
	CHECK_EQ(held, 0);
	CHECK(sum_of(map, 0) >= least && sum_of(map, 0) <= most);
	rawtp_map_put(map);
	munmap(done, 4096);
}

/* All overflow slots and the CPUs' taken: no run, and all given back. */
TEST(map_slots_exhausted)
{
	struct rawtp_map *map = make_map(BPF_MAP_TYPE_PERCPU_ARRAY, 8, 4);
	struct rawtp_prog prog = make_prog(map);
	uint32_t i;

	CHECK(fire(&prog, 0));
	for (i = 0; i < map->n_slots; i++)
		map->slot_owners[i * RAWTP_SLOT_STRIDE] = 1ULL << 63 | 1;
	CHECK(!fire(&prog, 0));
	for (i = 0; i < map->n_slots; i++)
		map->slot_owners[i * RAWTP_SLOT_STRIDE] = 0;
	CHECK(fire(&prog, 0));
	check_sum(map, 2);
	rawtp_map_put(map);
}

/* Overflow slots are added to CPUs word by word; the width follows from the value's size. */
TEST(map_slots_fold)
{
	static const struct {
		uint32_t size;
		uint64_t a, b, sum;
	} table[] = {
		{8, 5, 7, 12},
		{8, 0xffffffff, 1, 0x100000000},
		{4, 0xffffffff, 2, 1},
		{12, 0x1ffffffff, 0x200000001, 0x300000000},
	};
	uint64_t values[512];
	uint32_t key = 0;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rawtp_map *map = make_map(BPF_MAP_TYPE_PERCPU_ARRAY, table[i].size, 1);
		uint64_t *used = &map->slot_owners[map->n_slots * RAWTP_SLOT_STRIDE];
		uint64_t slot_words = (map->elem_size + 63) / 64 * 8;

		test_case("row %zu", i);
		memcpy(map->base, &table[i].a, 8);
		memcpy(map->base + map->n_cpus * slot_words * 8, &table[i].b, 8);
		*used = 1; /* the first overflow slot, shown under CPU 0 */
		CHECK_EQ(map->ops->sys_lookup(map, &key, values, 0), 0);
		CHECK_EQ(values[0], table[i].sum);
		CHECK_EQ(map->ops->sys_update(map, &key, values, 0), 0);
		CHECK_EQ(map->ops->sys_lookup(map, &key, values, 0), 0);
		CHECK_EQ(values[0], table[i].sum);
		rawtp_map_put(map);
	}
}

/* Processes without /proc cannot know whether they count pids in the same namespace. */
TEST(map_slots_owners_of_unknown_namespaces)
{
	uint64_t self, dead, ours = (1ULL << RAWTP_OWNER_NS_SHIFT) - 1;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	rawtp_owner_init();
	self = rawtp_owner_word;
	dead = (self & ~RAWTP_OWNER_PID_MASK) | (uint64_t)pid;
	CHECK(rawtp_owner_is_dead(dead));
	rawtp_owner_word = self & ours;
	CHECK(!rawtp_owner_is_dead(dead & ours));
	rawtp_owner_word = self;
}
