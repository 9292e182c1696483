/* SPDX-License-Identifier: MIT */
/*
 * Tracepoints under threads: sites switched while threads run through them, arrays of probes
 * exchanged, signals, threads that end, forks. Each test counts something that must be exact.
 */
#include "harness.h"
#include <rawtp/tracepoint.h>
#include "base/rcu.h"
#include "base/text_patch.h"
#include "tracepoint/registry.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

DECLARE_TRACE(stress, TP_PROTO(uint64_t value), TP_ARGS(value));
DEFINE_TRACE(stress, TP_PROTO(uint64_t value), TP_ARGS(value));
DECLARE_TRACE(stress_signal, TP_PROTO(int value), TP_ARGS(value));
DEFINE_TRACE(stress_signal, TP_PROTO(int value), TP_ARGS(value));

#ifdef RAWTP_SANITIZED
#define FLIPS 500
#else
#define FLIPS 20000
#endif

/* The thunks are not run here. */
void bpf_trace_run1(void *data, uint64_t a)
{
	abort();
}

static int stop;
static __thread uint64_t seen, permanent;

/* A probe of which each thread counts what reached it. */
static void count_seen(void *data, uint64_t value)
{
	seen++;
}

static void count_permanent(void *data, uint64_t value)
{
	permanent++;
}

/* Several sites, so that one switch is a batch. */
static __attribute__((noinline)) void pass(uint64_t i)
{
	switch (i & 3) {
	case 0:
		trace_stress(i);
		break;
	case 1:
		trace_stress(i + 1);
		break;
	case 2:
		trace_stress(i + 2);
		break;
	default:
		trace_stress(i + 3);
	}
}

struct worker {
	pthread_t thread;
	uint64_t passed, seen, permanent;
	uint64_t turn; /* answered */
};

static void *run_worker(void *arg)
{
	struct worker *worker = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		pass(worker->passed++);
	worker->seen = seen;
	worker->permanent = permanent;
	return NULL;
}

static void start(struct worker *workers, int n, void *(*run)(void *))
{
	int i;

	__atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
	for (i = 0; i < n; i++) {
		workers[i] = (struct worker){0};
		CHECK_EQ(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
	}
}

static void finish(struct worker *workers, int n)
{
	int i;

	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < n; i++)
		pthread_join(workers[i].thread, NULL);
}

/* What passed between two changes of the switch is seen; nothing is seen that did not pass. */
TEST(tracepoint_flip_while_running)
{
	struct worker workers[3];
	int i, failed = 0;
	uint64_t total = 0;

	start(workers, 3, run_worker);
	for (i = 0; i < FLIPS; i++) {
		failed += register_trace_stress(count_seen, NULL) != 0;
		/* On: from here on no event of this thread may be missed. */
		seen = 0;
		pass((uint64_t)i);
		failed += seen != 1;
		failed += unregister_trace_stress(count_seen, NULL) != 0;
		pass((uint64_t)i);
		failed += seen != 1;
	}
	finish(workers, 3);
	CHECK_EQ(failed, 0);
	for (i = 0; i < 3; i++) {
		CHECK(workers[i].passed > 0);
		CHECK(workers[i].seen <= workers[i].passed);
		total += workers[i].seen;
	}
	CHECK(total > 0);
}

/* A worker that answers each turn with one event. */
static uint64_t turn;

static void *run_turns(void *arg)
{
	struct worker *worker = arg;
	uint64_t now, last = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE);
		if (now == last) {
			sched_yield();
			continue;
		}
		last = now;
		pass(now);
		worker->passed++;
		worker->seen = seen;
		__atomic_store_n(&worker->turn, now, __ATOMIC_RELEASE);
	}
	return NULL;
}

static uint64_t take_turn(struct worker *worker)
{
	uint64_t next = turn + 1;

	__atomic_store_n(&turn, next, __ATOMIC_RELEASE);
	while (__atomic_load_n(&worker->turn, __ATOMIC_ACQUIRE) != next)
		sched_yield();
	return worker->seen;
}

/* Another thread's first event after register() is seen, its first after unregister() is not. */
TEST(tracepoint_switch_is_exact_elsewhere)
{
	struct worker worker;
	int i, failed = 0;
	uint64_t before;

	turn = 0;
	start(&worker, 1, run_turns);
	for (i = 0; i < FLIPS / 20; i++) {
		before = take_turn(&worker);
		failed += register_trace_stress(count_seen, NULL) != 0;
		failed += take_turn(&worker) != before + 1;
		failed += unregister_trace_stress(count_seen, NULL) != 0;
		failed += take_turn(&worker) != before + 1;
	}
	finish(&worker, 1);
	CHECK_EQ(failed, 0);
}

/* While others come and go, a probe that stays misses nothing. */
TEST(tracepoint_probes_exchanged)
{
	struct worker workers[3];
	int i, failed = 0;

	CHECK_EQ(register_trace_stress(count_permanent, NULL), 0);
	start(workers, 3, run_worker);
	for (i = 0; i < FLIPS / 10; i++) {
		int prio = i % 3 * 10;

		failed += register_trace_prio_stress(count_seen, &prio, prio) != 0;
		failed += register_trace_prio_stress(count_seen, NULL, 20 - prio) != 0;
		failed += unregister_trace_stress(count_seen, &prio) != 0;
		failed += unregister_trace_stress(count_seen, NULL) != 0;
	}
	finish(workers, 3);
	CHECK_EQ(failed, 0);
	for (i = 0; i < 3; i++)
		CHECK_EQ(workers[i].permanent, workers[i].passed);
	CHECK_EQ(unregister_trace_stress(count_permanent, NULL), 0);
}

/* Threads that start and end, whose last events come from destructors of thread-local data. */
static pthread_key_t key;
static uint64_t total;

static void add_total(void *data, uint64_t value)
{
	__atomic_fetch_add(&total, value, __ATOMIC_RELAXED);
}

static void late_event(void *arg)
{
	static __thread int times;

	trace_stress(1);
	if (++times < 3)
		pthread_setspecific(key, arg);
}

static void *short_life(void *arg)
{
	pthread_setspecific(key, arg);
	trace_stress(1);
	return NULL;
}

TEST(tracepoint_ending_threads)
{
	enum { THREADS = 400, AT_ONCE = 8 };
	pthread_t threads[AT_ONCE];
	int i, k;

	CHECK_EQ(pthread_key_create(&key, late_event), 0);
	total = 0;
	CHECK_EQ(register_trace_stress(add_total, NULL), 0);
	for (i = 0; i < THREADS / AT_ONCE; i++) {
		for (k = 0; k < AT_ONCE; k++)
			CHECK_EQ(pthread_create(&threads[k], NULL, short_life, &total), 0);
		tracepoint_synchronize_unregister();
		for (k = 0; k < AT_ONCE; k++)
			pthread_join(threads[k], NULL);
	}
	CHECK_EQ(unregister_trace_stress(add_total, NULL), 0);
	CHECK_EQ(total, 4 * THREADS);
	CHECK_EQ(rawtp_thread_misses(), 0);
	pthread_key_delete(key);
}

/* Events from a handler that interrupts events. */
static volatile sig_atomic_t signals, signal_events;

static void count_signal(void *data, int value)
{
	signal_events++;
}

static void on_signal(int sig)
{
	signals++;
	trace_stress_signal(sig);
}

static void *bombarded(void *arg)
{
	/* Before this thread has its record, too. */
	return run_worker(arg);
}

TEST(tracepoint_signals)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct worker worker;
	sigset_t set;
	int i;

	sigaction(SIGUSR1, &action, NULL);
	CHECK_EQ(register_trace_stress_signal(count_signal, NULL), 0);
	CHECK_EQ(register_trace_stress(count_seen, NULL), 0);
	start(&worker, 1, bombarded);
	for (i = 0; i < 2000; i++) {
		pthread_kill(worker.thread, SIGUSR1);
		if (i % 16 == 0)
			tracepoint_synchronize_unregister();
	}
	sigemptyset(&set);
	finish(&worker, 1);
	CHECK(signals > 0);
	CHECK_EQ(signal_events, signals);
	CHECK_EQ(worker.seen, worker.passed);
	CHECK_EQ(unregister_trace_stress(count_seen, NULL), 0);
	CHECK_EQ(unregister_trace_stress_signal(count_signal, NULL), 0);
}

/* A child of a process whose threads are inside sections goes on by itself. */
static int child(void)
{
	uint64_t before = seen;

	pass(1);
	if (seen != before + 1)
		return 1;
	/* The parent's threads are not here: nobody is waited for. */
	rawtp_synchronize();
	if (unregister_trace_stress(count_seen, NULL))
		return 2;
	pass(1);
	if (seen != before + 1)
		return 3;
	return register_trace_stress(count_seen, NULL) ? 4 : 0;
}

TEST(tracepoint_fork)
{
	struct worker workers[2];
	int i, status;

#ifdef __SANITIZE_THREAD__
	test_skip("the thread sanitizer does not follow a fork with threads");
#endif
	CHECK_EQ(register_trace_stress(count_seen, NULL), 0);
	start(workers, 2, run_worker);
	for (i = 0; i < 50; i++) {
		pid_t pid;

		rawtp_registry_before_fork();
		rawtp_rcu_before_fork();
		pid = fork();
		if (!pid) {
			rawtp_rcu_after_fork_child();
			rawtp_registry_after_fork();
			alarm(20);
			_exit(child());
		}
		rawtp_rcu_after_fork_parent();
		rawtp_registry_after_fork();
		CHECK(pid > 0);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
	finish(workers, 2);
	for (i = 0; i < 2; i++)
		CHECK_EQ(workers[i].seen, workers[i].passed);
	CHECK_EQ(unregister_trace_stress(count_seen, NULL), 0);
}

/* A handler that ends the process in the middle of a section: exit() does not wait for itself. */
static void on_alarm(int sig)
{
	exit(42);
}

static void stay(void *data, uint64_t value)
{
	for (;;)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

TEST(tracepoint_exit_in_section)
{
	int status;
	pid_t pid;

#ifdef __SANITIZE_THREAD__
	test_skip("the thread sanitizer holds signals back until the next call");
#endif
	fflush(stdout);
	pid = fork();
	if (!pid) {
		signal(SIGALRM, on_alarm);
		if (register_trace_stress(stay, NULL))
			_exit(1);
		alarm(1);
		trace_stress(1);
		_exit(2);
	}
	CHECK(pid > 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 42);
}

/* A breakpoint on a site: refused, nothing changed; taken away, it works. */
TEST(tracepoint_foreign_bytes)
{
	static const uint8_t zeros[16];
	struct rawtp_text_patch patch = {(uint8_t *)zeros, zeros};

	CHECK_EQ(rawtp_text_patch(&patch, 1, true), -EBUSY);
	CHECK_EQ(rawtp_text_patch(NULL, 0, true), 0);
}
