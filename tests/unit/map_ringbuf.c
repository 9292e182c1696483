/* SPDX-License-Identifier: MIT */
/*
 * Ring buffers: a reader that does what libbpf's does, against producers in threads, processes and
 * signal handlers, some of which are killed.
 */
#include "bpf/maps/ringbuf.h"
#include "harness.h"

#include "base/bits.h"
#include "base/err.h"
#include "bpf/helpers/helper.h"
#include "rawtp/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PRODUCERS 256

struct ring_reader {
	int fd;
	struct rawtp_map *map;
	uint64_t *consumer;
	const uint64_t *producer;
	const char *data;
	uint64_t mask;
};

/* What a record of the stress tests holds; then (size - header) bytes of a pattern. */
struct payload {
	uint32_t producer;
	uint32_t size;
	uint64_t sequence;
	char pattern[];
};

struct tally {
	uint64_t next[MAX_PRODUCERS]; /* sequence expected */
	uint64_t records, discards, damaged;
};

static void ring_open(struct ring_reader *ring, uint32_t size)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_RINGBUF, .max_entries = size};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *tmp;

	ring->fd = rawtp_map_create(&attr);
	CHECK(ring->fd >= 0);
	ring->map = rawtp_map_open(ring->fd);
	CHECK(!rawtp_is_err(ring->map));
	ring->mask = size - 1;
#ifdef __SANITIZE_THREAD__
	/* It knows memory by address: two mappings of one page would be strangers to it. */
	ring->consumer = (uint64_t *)ring->map->base;
	ring->producer = (uint64_t *)(ring->map->base + page);
	ring->data = ring->map->base + 2 * page;
	(void)tmp;
	return;
#endif
	/* As libbpf: the consumer page for writing, the rest read-only. */
	ring->consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	tmp = mmap(NULL, page + 2 * (size_t)size, PROT_READ, MAP_SHARED, ring->fd, (off_t)page);
	ring->producer = (uint64_t *)tmp;
	ring->data = tmp + page;
}

static void ring_close(struct ring_reader *ring)
{
#ifndef __SANITIZE_THREAD__
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	munmap(ring->consumer, page);
	munmap((void *)(uintptr_t)ring->producer, page + 2 * (ring->mask + 1));
#endif
	rawtp_map_put(ring->map);
	close(ring->fd);
}

/* The loop of libbpf's ringbuf_process_ring(). Returns how many records there were. */
static int ring_read(struct ring_reader *ring, void (*fn)(void *, const void *, uint32_t),
		     void *context, uint64_t *discards)
{
	uint64_t consumed = *ring->consumer;
	int records = 0;
	bool more;

	do {
		uint64_t produced = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);

		more = false;
		while (consumed < produced) {
			const uint32_t *at =
				(const uint32_t *)(ring->data + (consumed & ring->mask));
			uint32_t length = __atomic_load_n(at, __ATOMIC_ACQUIRE);

			if (length & BPF_RINGBUF_BUSY_BIT)
				return records;
			more = true;
			consumed += (((length << 2) >> 2) + 8 + 7) / 8 * 8;
			if (length & BPF_RINGBUF_DISCARD_BIT) {
				++*discards;
			} else {
				fn(context, (const char *)at + 8, length);
				records++;
			}
			__atomic_store_n(ring->consumer, consumed, __ATOMIC_RELEASE);
		}
	} while (more);
	return records;
}

static void check_payload(void *context, const void *data, uint32_t length)
{
	const struct payload *payload = data;
	struct tally *tally = context;
	uint32_t i;

	tally->records++;
	if (length < sizeof(*payload) || payload->size != length ||
	    payload->producer >= MAX_PRODUCERS ||
	    payload->sequence != tally->next[payload->producer]) {
		tally->damaged++;
		return;
	}
	tally->next[payload->producer]++;
	for (i = 0; i < length - sizeof(*payload); i++)
		if (payload->pattern[i] != (char)(payload->sequence + i))
			tally->damaged++;
}

static void fill_payload(struct payload *payload, uint32_t producer, uint64_t sequence,
			 uint32_t size)
{
	uint32_t i;

	payload->producer = producer;
	payload->size = size;
	payload->sequence = sequence;
	for (i = 0; i < size - sizeof(*payload); i++)
		payload->pattern[i] = (char)(sequence + i);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* One record; false: no room. Some are reserved and given up first. */
static bool produce(struct rawtp_map *map, uint32_t producer, uint64_t sequence, uint32_t *random)
{
	uint32_t size = (uint32_t)sizeof(struct payload) + next_random(random) % 200;
	void *record;

	if (next_random(random) % 16 == 0) {
		record = rawtp_ringbuf_reserve(map, next_random(random) % 100);
		if (record)
			rawtp_ringbuf_commit(record, 0, true);
	}
	record = rawtp_ringbuf_reserve(map, size);
	if (!record)
		return false;
	fill_payload(record, producer, sequence, size);
	rawtp_ringbuf_commit(record, 0, false);
	return true;
}

static void keep_record(void *context, const void *data, uint32_t length)
{
	uint64_t *kept = context;

	kept[0]++;
	kept[1] = length;
	kept[2] = length >= 8 ? *(const uint64_t *)data : 0;
}

TEST(map_ringbuf_one_record)
{
	struct ring_reader ring;
	uint64_t kept[3] = {0}, discards = 0, *record;

	ring_open(&ring, 65536);
	CHECK_EQ(rawtp_ringbuf_query(ring.map, BPF_RB_RING_SIZE), 65536);
	record = rawtp_ringbuf_reserve(ring.map, 24);
	CHECK(record != NULL);
	record[0] = 4711;
	CHECK_EQ(rawtp_ringbuf_query(ring.map, BPF_RB_AVAIL_DATA), 32);
	CHECK_EQ(ring_read(&ring, keep_record, kept, &discards), 0); /* BUSY */
	CHECK(!rawtp_ringbuf_has_data(ring.map));
	rawtp_ringbuf_commit(record, 0, false);
	CHECK(rawtp_ringbuf_has_data(ring.map));
	CHECK_EQ(ring_read(&ring, keep_record, kept, &discards), 1);
	CHECK_EQ(kept[1], 24);
	CHECK_EQ(kept[2], 4711);
	record = rawtp_ringbuf_reserve(ring.map, 0);
	CHECK(record != NULL);
	rawtp_ringbuf_commit(record, 0, true);
	CHECK_EQ(ring_read(&ring, keep_record, kept, &discards), 0);
	CHECK_EQ(discards, 1);
	CHECK_EQ(rawtp_ringbuf_query(ring.map, BPF_RB_CONS_POS), 40);
	CHECK_EQ(rawtp_ringbuf_query(ring.map, BPF_RB_PROD_POS), 40);
	CHECK_EQ(rawtp_ringbuf_query(ring.map, 17), 0);
	ring_close(&ring);
}

TEST(map_ringbuf_later_before_earlier)
{
	struct ring_reader ring;
	uint64_t kept[3] = {0}, discards = 0, *first, *second;

	ring_open(&ring, 4096);
	first = rawtp_ringbuf_reserve(ring.map, 8);
	second = rawtp_ringbuf_reserve(ring.map, 8);
	CHECK(first && second);
	first[0] = 1;
	second[0] = 2;
	rawtp_ringbuf_commit(second, 0, false);
	CHECK_EQ(ring_read(&ring, keep_record, kept, &discards), 0);
	rawtp_ringbuf_commit(first, 0, false);
	CHECK_EQ(ring_read(&ring, keep_record, kept, &discards), 2);
	CHECK_EQ(kept[2], 2);
	ring_close(&ring);
}

TEST(map_ringbuf_room)
{
	static const struct {
		uint64_t size;
		bool fits;
	} rows[] = {
		{0, true},     {1, true},        {4088, true},        {4089, false},
		{4096, false}, {1 << 30, false}, {UINT64_MAX, false}, {UINT64_MAX - 7, false},
	};
	struct ring_reader ring;
	uint64_t drops = 0;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *record;

		test_case("size %llu", (unsigned long long)rows[i].size);
		ring_open(&ring, 4096);
		record = rawtp_ringbuf_reserve(ring.map, rows[i].size);
		CHECK_EQ(record != NULL, rows[i].fits);
		CHECK_EQ(rawtp_ringbuf_drops(ring.map), !rows[i].fits);
		ring_close(&ring);
	}
	test_case(NULL);
	ring_open(&ring, 4096);
	for (i = 0; i < 4096 / 64; i++)
		CHECK(rawtp_ringbuf_reserve(ring.map, 56) != NULL);
	for (; drops < 5; drops++)
		CHECK(!rawtp_ringbuf_reserve(ring.map, 0));
	CHECK_EQ(rawtp_ringbuf_drops(ring.map), drops);
	ring_close(&ring);
}

/* Records as long as the ring fit when it is empty, wherever it stands: at the second attempt. */
TEST(map_ringbuf_long_records)
{
	struct ring_reader ring;
	uint64_t kept[3] = {0}, discards = 0;
	uint32_t round;

	ring_open(&ring, 4096);
	for (round = 0; round < 200; round++) {
		void *record = rawtp_ringbuf_reserve(ring.map, 100 + round);

		CHECK(record != NULL);
		rawtp_ringbuf_commit(record, 0, false);
		ring_read(&ring, keep_record, kept, &discards);
		record = rawtp_ringbuf_reserve(ring.map, 4000);
		if (!record) {
			ring_read(&ring, keep_record, kept, &discards);
			record = rawtp_ringbuf_reserve(ring.map, 4000);
		}
		CHECK(record != NULL);
		memset(record, 0xff, 4000); /* headers of later records must not be seen in it */
		rawtp_ringbuf_commit(record, 0, false);
		CHECK_EQ(ring_read(&ring, keep_record, kept, &discards), 1);
		CHECK_EQ(kept[1], 4000);
	}
	CHECK_EQ(kept[0], 400);
	ring_close(&ring);
}

struct producer {
	pthread_t thread;
	struct rawtp_map *map;
	uint32_t number, wanted;
	uint64_t *made;
};

static void *producer_thread(void *arg)
{
	struct producer *me = arg;
	uint32_t random = me->number * 77 + 1;

	while (*me->made < me->wanted)
		if (produce(me->map, me->number, *me->made, &random))
			++*me->made;
		else
			sched_yield();
	return NULL;
}

/* Reads until all threads have made what they should; every record must be there, whole, in order. */
static void run_threads(uint32_t size, uint32_t n_threads, uint32_t wanted)
{
	struct producer producers[8];
	struct tally tally = {0};
	uint64_t made[8] = {0};
	struct ring_reader ring;
	uint32_t i;

	test_case("%u threads, %u bytes", n_threads, size);
	ring_open(&ring, size);
	for (i = 0; i < n_threads; i++) {
		producers[i] = (struct producer){
			.map = ring.map, .number = i, .wanted = wanted, .made = &made[i]};
		CHECK(!pthread_create(&producers[i].thread, NULL, producer_thread, &producers[i]));
	}
	while (tally.records < (uint64_t)n_threads * wanted && !tally.damaged) {
		CHECK(rawtp_ringbuf_wait(ring.map, -1) == 1);
		ring_read(&ring, check_payload, &tally, &tally.discards);
	}
	for (i = 0; i < n_threads; i++) {
		pthread_join(producers[i].thread, NULL);
		CHECK_EQ(tally.next[i], wanted);
	}
	CHECK_EQ(tally.damaged, 0);
	ring_read(&ring, check_payload, &tally, &tally.discards);
	CHECK_EQ(rawtp_ringbuf_query(ring.map, BPF_RB_AVAIL_DATA), 0);
	ring_close(&ring);
}

TEST(map_ringbuf_threads)
{
	run_threads(4096, 8, 2000);
	run_threads(65536, 8, 10000);
	run_threads(1 << 20, 2, 20000);
}

static struct rawtp_map *signal_map;
static uint64_t signal_made;

static void on_signal(int number)
{
	static uint32_t random = 5;

	if (produce(signal_map, 1, signal_made, &random))
		signal_made++;
}

/* A handler produces in the middle of what its thread was doing. */
TEST(map_ringbuf_signals)
{
	struct itimerval timer = {.it_interval.tv_usec = 150, .it_value.tv_usec = 150};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct tally tally = {0};
	uint32_t random = 9, round;
	struct ring_reader ring;
	uint64_t made = 0;

	ring_open(&ring, 65536);
	signal_map = ring.map;
	signal_made = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (round = 0; round < 200000 || signal_made < 100; round++) {
		if (produce(ring.map, 0, made, &random))
			made++;
		if (round % 64 == 0)
			ring_read(&ring, check_payload, &tally, &tally.discards);
	}
	setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
	signal(SIGALRM, SIG_DFL);
	ring_read(&ring, check_payload, &tally, &tally.discards);
	CHECK_EQ(tally.damaged, 0);
	CHECK_EQ(tally.next[0], made);
	CHECK_EQ(tally.next[1], signal_made);
	CHECK_EQ(rawtp_ringbuf_query(ring.map, BPF_RB_AVAIL_DATA), 0);
	ring_close(&ring);
}

static pid_t start_child(struct rawtp_map *map, uint32_t number, uint64_t *made)
{
	pid_t pid = fork();
	uint32_t random = number + (uint32_t)getpid();

	if (pid)
		return pid;
	for (;;)
		if (produce(map, number, *made, &random))
			__atomic_store_n(made, *made + 1, __ATOMIC_RELEASE);
}

static void read_for(struct ring_reader *ring, struct tally *tally, uint32_t reads)
{
	while (reads--) {
		rawtp_ringbuf_wait(ring->map, 1);
		ring_read(ring, check_payload, tally, &tally->discards);
	}
}

/*
 * Producers are killed at any instruction. What they said they had made is there; at most the record
 * that they were at may be there too; and the ring goes on. Each child has a number of its own: those
 * that live may hold up for a while what the dead have committed.
 */
TEST(map_ringbuf_kill)
{
	uint64_t *made =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t round, i, random = 12345, number = 0;
	struct tally tally = {0};
	struct ring_reader ring;
	pid_t children[4];

	ring_open(&ring, 16384);
	for (i = 0; i < 4; i++, number++)
		children[i] = start_child(ring.map, number, &made[number]);
	for (round = 0; round < 150; round++, number++) {
		uint32_t victim = next_random(&random) % 4;

		read_for(&ring, &tally, 1 + next_random(&random) % 3);
		kill(children[victim], SIGKILL);
		waitpid(children[victim], NULL, 0);
		rawtp_ringbuf_recover(ring.map);
		children[victim] = start_child(ring.map, number, &made[number]);
	}
	for (i = 0; i < 4; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	/* Nobody lives who could hold anything up. */
	rawtp_ringbuf_recover(ring.map);
	ring_read(&ring, check_payload, &tally, &tally.discards);
	for (i = 0; i < number; i++)
		CHECK(tally.next[i] == made[i] || tally.next[i] == made[i] + 1);
	CHECK_EQ(tally.damaged, 0);
	CHECK(tally.records > 1000);
	CHECK_EQ(rawtp_ringbuf_query(ring.map, BPF_RB_AVAIL_DATA), 0);
	ring_close(&ring);
	munmap(made, 4096);
}

/*
 * Processes that end without a word leave their number behind. When all are given away, the next
 * one takes back those of the dead, and can be recovered itself.
 */
TEST(map_ringbuf_many_processes)
{
	struct rawtp_ringbuf *priv;
	struct ring_reader ring;
	uint64_t dead;
	uint32_t i;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	ring_open(&ring, 4096);
	priv = rawtp_ringbuf_of(ring.map);
	CHECK(priv->member != 0);
	/* Our own word with the number of a process that is gone. */
	dead = (priv->control->members[priv->member] & ~((1ULL << 22) - 1)) | (uint64_t)pid;
	rawtp_ringbuf_leave(priv);
	for (i = 1; i < RAWTP_RINGBUF_MEMBERS; i++)
		priv->control->members[i] = dead;
	rawtp_ringbuf_join(priv);
	CHECK(priv->member != 0);
	ring_close(&ring);
}

/* The helpers' checks of flags; what the kernel's give. */
static int put_state; /* 1: about to, 2: done */

static void *put_map(void *map)
{
	__atomic_store_n(&put_state, 1, __ATOMIC_SEQ_CST);
	rawtp_map_put(map);
	__atomic_store_n(&put_state, 2, __ATOMIC_SEQ_CST);
	return NULL;
}

/* A commit looks through all rings: none is freed while a program runs, be it another ring's. */
TEST(map_ringbuf_put_waits_for_commits)
{
	struct rawtp_thread *self;
	struct ring_reader ring;
	pthread_t thread;

	ring_open(&ring, 4096);
	self = rawtp_read_lock();
	CHECK(self != NULL);
	CHECK_EQ(pthread_create(&thread, NULL, put_map, ring.map), 0);
	while (!__atomic_load_n(&put_state, __ATOMIC_SEQ_CST))
		sched_yield();
	usleep(50000);
	CHECK_EQ(__atomic_load_n(&put_state, __ATOMIC_SEQ_CST), 1);
	rawtp_read_unlock(self);
	pthread_join(thread, NULL);
	CHECK_EQ(put_state, 2);
	close(ring.fd);
}

TEST(map_ringbuf_helpers)
{
	uint64_t data = 7, discards = 0, kept[3] = {0};
	struct ring_reader ring;
	uint64_t map, record;

	ring_open(&ring, 4096);
	map = (uint64_t)(uintptr_t)ring.map;
	CHECK_EQ(rawtp_helper(130)->fn(map, (uintptr_t)&data, 8, 4, 0), -EINVAL);
	CHECK_EQ(rawtp_helper(130)->fn(map, (uintptr_t)&data, 8, BPF_RB_NO_WAKEUP, 0), 0);
	CHECK_EQ(rawtp_helper(131)->fn(map, 8, 1, 0, 0), 0);
	record = rawtp_helper(131)->fn(map, 8, 0, 0, 0);
	CHECK(record != 0);
	rawtp_helper(132)->fn(record, BPF_RB_FORCE_WAKEUP, 0, 0, 0);
	record = rawtp_helper(131)->fn(map, 8, 0, 0, 0);
	rawtp_helper(133)->fn(record, 0, 0, 0, 0);
	CHECK_EQ(rawtp_helper(134)->fn(map, BPF_RB_PROD_POS, 0, 0, 0), 48);
	CHECK_EQ(ring_read(&ring, keep_record, kept, &discards), 2);
	CHECK_EQ(discards, 1);
	CHECK_EQ(rawtp_helper(130)->fn(map, (uintptr_t)&data, 5000, 0, 0), -EAGAIN);
	ring_close(&ring);
}
