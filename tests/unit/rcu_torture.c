/* SPDX-License-Identifier: MIT */
/*
 * Grace periods: a reader never sees an element after the grace period that follows its removal.
 * A writer marks each element as dead as soon as rawtp_synchronize() says that it may be freed.
 */
#include "harness.h"
#include "base/rcu.h"
#include "base/task_id.h"
#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef RAWTP_SANITIZED
#define ROUNDS 1000
#else
#define ROUNDS 5000
#endif
#define READERS 3

struct element {
	uint64_t alive;
	char pad[56];
};

static struct element *shared;
static int stop;
static uint64_t reads, errors;

static void *read_side(void *arg)
{
	uint64_t n = 0, bad = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct rawtp_thread *self = rawtp_read_lock();
		struct element *element = __atomic_load_n(&shared, __ATOMIC_ACQUIRE);
		struct rawtp_thread *nested = NULL;
		int i;

		if (n % 7 == 0)
			nested = rawtp_read_lock();
		for (i = 0; i < (int)(n % 64); i++)
			bad += __atomic_load_n(&element->alive, __ATOMIC_RELAXED) != 1;
		if (nested)
			rawtp_read_unlock(nested);
		if (n % 1024 == 0)
			sched_yield(); /* a preempted reader */
		bad += __atomic_load_n(&element->alive, __ATOMIC_RELAXED) != 1;
		rawtp_read_unlock(self);
		n++;
	}
	__atomic_fetch_add(&reads, n, __ATOMIC_RELAXED);
	__atomic_fetch_add(&errors, bad, __ATOMIC_RELAXED);
	return NULL;
}

static void *write_side(void *arg)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		struct element *fresh = calloc(1, sizeof(*fresh)), *old;

		fresh->alive = 1;
		pthread_mutex_lock(&lock);
		old = shared;
		__atomic_store_n(&shared, fresh, __ATOMIC_RELEASE);
		pthread_mutex_unlock(&lock);
		rawtp_synchronize();
		__atomic_store_n(&old->alive, 0, __ATOMIC_RELAXED);
		free(old);
	}
	return NULL;
}

TEST(rcu_torture)
{
	pthread_t readers[READERS], writers[2];
	int i;

	shared = calloc(1, sizeof(*shared));
	shared->alive = 1;
	for (i = 0; i < READERS; i++)
		CHECK_EQ(pthread_create(&readers[i], NULL, read_side, NULL), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&writers[i], NULL, write_side, NULL), 0);
	for (i = 0; i < 2; i++)
		pthread_join(writers[i], NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	CHECK(reads > 0);
	CHECK_EQ(errors, 0);
	free(shared);
}

/* synchronize() waits for a section that was there before it, nested or not, and for that alone. */
static int entered, leave, left;

static void *long_section(void *arg)
{
	struct rawtp_thread *outer = rawtp_read_lock();
	struct rawtp_thread *inner = rawtp_read_lock();

	__atomic_store_n(&entered, 1, __ATOMIC_RELEASE);
	rawtp_read_unlock(inner);
	while (!__atomic_load_n(&leave, __ATOMIC_ACQUIRE))
		usleep(100);
	usleep(20000);
	__atomic_store_n(&left, 1, __ATOMIC_RELEASE);
	rawtp_read_unlock(outer);
	return NULL;
}

TEST(rcu_waits)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, long_section, NULL), 0);
	while (!__atomic_load_n(&entered, __ATOMIC_ACQUIRE))
		sched_yield();
	__atomic_store_n(&leave, 1, __ATOMIC_RELEASE);
	rawtp_synchronize();
	CHECK_EQ(__atomic_load_n(&left, __ATOMIC_ACQUIRE), 1);
	pthread_join(thread, NULL);
	rawtp_synchronize();
}

static void *touch(void *arg)
{
	struct rawtp_thread *self = rawtp_read_lock();

	*(uint32_t *)arg = self ? self->index : UINT32_MAX;
	if (self)
		rawtp_read_unlock(self);
	return NULL;
}

/* Records of threads that ended are used again. */
TEST(rcu_records_are_reused)
{
	uint32_t index, highest = 0, before = rawtp_thread_count();
	int i;

	for (i = 0; i < 5000; i++) {
		pthread_t thread;

		CHECK_EQ(pthread_create(&thread, NULL, touch, &index), 0);
		pthread_join(thread, NULL);
		if (index > highest)
			highest = index;
	}
	CHECK(before < 2000);
	CHECK(highest < 2 * before + 128);
}

struct holder {
	pthread_t thread;
	uint32_t index;
};
static pthread_barrier_t together;

static void *hold(void *arg)
{
	touch(&((struct holder *)arg)->index);
	pthread_barrier_wait(&together);
	return NULL;
}

/* More threads at once than the first block has records: no two share one. */
TEST(rcu_many_threads)
{
	enum { N = RAWTP_THREAD_BLOCK + 100 };
	static struct holder holders[N];
	static bool taken[8 * RAWTP_THREAD_BLOCK];
	pthread_attr_t attr;
	int i, n, twice = 0;

#ifdef RAWTP_SANITIZED
	test_skip("too many threads for a sanitizer");
#endif
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	pthread_barrier_init(&together, NULL, N + 1);
	for (n = 0; n < N; n++)
		if (pthread_create(&holders[n].thread, &attr, hold, &holders[n]))
			break;
	if (n < N) {
		for (i = 0; i < n; i++)
			pthread_cancel(holders[i].thread);
		test_skip("this machine gives %d threads", n);
	}
	pthread_barrier_wait(&together);
	for (i = 0; i < N; i++) {
		pthread_join(holders[i].thread, NULL);
		CHECK(holders[i].index < sizeof(taken));
		if (holders[i].index < sizeof(taken)) {
			twice += taken[holders[i].index];
			taken[holders[i].index] = true;
		}
	}
	CHECK_EQ(twice, 0);
	rawtp_synchronize();
}

/* A thread whose first event comes in its vfork() child, which has its memory and another number. */
static void *first_in_vfork_child(void *arg)
{
	volatile bool *parent_is_gone = arg;
	struct rawtp_thread *self;
	pid_t tid = gettid(), pid = vfork();

	if (!pid) {
		self = rawtp_read_lock();
		if (self)
			rawtp_read_unlock(self);
		*parent_is_gone = rawtp_thread_is_gone((uint32_t)tid);
		(void)rawtp_task_id();
		_exit(0);
	}
	CHECK(pid > 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(rawtp_task_id().tid, tid);
	self = rawtp_read_lock();
	CHECK(self != NULL);
	CHECK_EQ(self->tid, tid);
	rawtp_read_unlock(self);
	return NULL;
}

TEST(rcu_vfork)
{
	volatile bool parent_is_gone = false;
	pthread_t thread;

#ifdef __SANITIZE_THREAD__
	test_skip("the thread sanitizer makes a fork of it");
#endif
	rawtp_rcu_init();
	CHECK_EQ(pthread_create(&thread, NULL, first_in_vfork_child, (void *)&parent_is_gone), 0);
	pthread_join(thread, NULL);
	CHECK(!parent_is_gone);
}
