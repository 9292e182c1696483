/* SPDX-License-Identifier: MIT */
/*
 * Grace periods (base/rcu.h).
 *
 * A reader stores the generation that it saw into its own record and begins to read, without a
 * fence. A writer, having unpublished what it wants to free, moves the generation on, makes every
 * running thread of the process pass a full barrier (membarrier(2), PRIVATE_EXPEDITED), and waits
 * until no record holds an older generation. A reader whose store came before the barrier is seen
 * and waited for; one whose store came after it does its loads after it too and finds the new
 * pointers. The generation has 48 bits behind the nesting and is never reused, so one pass is
 * enough. Readers leave with a release store that the writer's acquire load pairs with.
 *
 * Where the kernel has no PRIVATE_EXPEDITED (before 4.14) MEMBARRIER_CMD_GLOBAL does the same in
 * milliseconds. Where membarrier is missing or forbidden, the protection of a page is changed
 * back and forth: the TLB shoot-down interrupts every CPU that runs this process, which is a full
 * barrier there; where CPUs broadcast it without an interrupt (arm64), stores are given 50 ms to
 * drain as well.
 */
#include "base/rcu.h"
#include "base/cpu/relax.h"
#include "base/membarrier.h"
#include "base/task_id.h"
#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* From <linux/membarrier.h>, which old systems lack in part. */
enum {
	CMD_QUERY = 0,
	CMD_GLOBAL = 1 << 0,
	CMD_PRIVATE_EXPEDITED = 1 << 3,
	CMD_REGISTER_PRIVATE_EXPEDITED = 1 << 4,
	CMD_PRIVATE_EXPEDITED_SYNC_CORE = 1 << 5,
	CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 1 << 6,
};

#define GENERATION_STEP (RAWTP_RCU_NEST_MASK + 1)

uint64_t rawtp_rcu_generation = GENERATION_STEP | 1;
uint64_t rawtp_rcu_generation_near = GENERATION_STEP | 1;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int barrier_command;
static bool has_sync_core;
static char *fallback_page;

static long membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

static void init_once(void)
{
	int saved = errno;
	long commands = membarrier(CMD_QUERY);

	rawtp_task_id(); /* before a vfork() child can be the first who asks */
	if (commands < 0)
		commands = 0;
	if ((commands & CMD_PRIVATE_EXPEDITED) && !membarrier(CMD_REGISTER_PRIVATE_EXPEDITED))
		barrier_command = CMD_PRIVATE_EXPEDITED;
	else if (commands & CMD_GLOBAL)
		barrier_command = CMD_GLOBAL;
	has_sync_core = (commands & CMD_PRIVATE_EXPEDITED_SYNC_CORE) &&
			!membarrier(CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE);
	if (!barrier_command) {
		fallback_page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (fallback_page == MAP_FAILED)
			fallback_page = NULL;
	}
	errno = saved;
}

void rawtp_rcu_init(void)
{
	pthread_once(&once, init_once);
}

static void sleep_ns(long ns)
{
	struct timespec ts = {0, ns};

	/* The system call: libc's nanosleep() is a cancellation point. */
	syscall(SYS_nanosleep, &ts, NULL);
}

static void barrier_by_page(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	if (fallback_page) {
		/* Touched, so that there is an entry in the TLBs to shoot down. */
		*(volatile char *)fallback_page = 1;
		mprotect(fallback_page, size, PROT_READ);
		mprotect(fallback_page, size, PROT_READ | PROT_WRITE);
	}
	if (!fallback_page || !RAWTP_SHOOTDOWN_IS_BARRIER)
		sleep_ns(50000000);
}

void rawtp_membarrier(void)
{
	int saved = errno;

	rawtp_rcu_init();
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!barrier_command || membarrier(barrier_command))
		barrier_by_page();
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	errno = saved;
}

void rawtp_membarrier_sync_core(void)
{
	int saved = errno;

	rawtp_rcu_init();
	if (!has_sync_core || membarrier(CMD_PRIVATE_EXPEDITED_SYNC_CORE))
		rawtp_membarrier();
	errno = saved;
}

/* The thread that holds @record is in a section that began before @generation. */
static bool is_reading(struct rawtp_thread *record, uint64_t generation)
{
	uint64_t rcu = __atomic_load_n(&record->rcu, __ATOMIC_ACQUIRE);

	return (rcu & RAWTP_RCU_NEST_MASK) && rcu < generation;
}

static void wait_for(struct rawtp_thread *record, uint64_t generation)
{
	long ns = 10000;
	int spins;

	for (spins = 0; spins < 200; spins++) {
		if (!is_reading(record, generation))
			return;
		rawtp_cpu_relax();
	}
	while (is_reading(record, generation)) {
		/* A thread that ended inside a section (from within a probe) never leaves it. */
		uint32_t tid = __atomic_load_n(&record->tid, __ATOMIC_ACQUIRE);

		if (ns > 500000 && tid && rawtp_thread_is_gone(tid))
			return;
		sleep_ns(ns);
		if (ns < 1000000)
			ns *= 2;
	}
}

void rawtp_synchronize(void)
{
	uint64_t generation;
	int saved = errno;
	uint32_t i, n;

	rawtp_rcu_init();
	pthread_mutex_lock(&lock);
	generation = rawtp_rcu_generation + GENERATION_STEP;
	__atomic_store_n(&rawtp_rcu_generation, generation, __ATOMIC_RELAXED);
	__atomic_store_n(&rawtp_rcu_generation_near, generation, __ATOMIC_RELAXED);
	generation &= ~RAWTP_RCU_NEST_MASK;
	rawtp_membarrier();
	/* After the barrier: a thread that takes a record later begins to read later, too. */
	n = rawtp_thread_count();
	for (i = 0; i < n; i++)
		if (is_reading(rawtp_thread_at(i), generation))
			wait_for(rawtp_thread_at(i), generation);
	pthread_mutex_unlock(&lock);
	errno = saved;
}

void rawtp_rcu_before_fork(void)
{
	rawtp_rcu_init();
	pthread_mutex_lock(&lock);
}

void rawtp_rcu_after_fork_parent(void)
{
	pthread_mutex_unlock(&lock);
}

void rawtp_rcu_after_fork_child(void)
{
	rawtp_task_id();
	rawtp_thread_after_fork_child();
	/* The kernel keeps membarrier's registration in the memory map, which fork copies. */
	pthread_mutex_unlock(&lock);
}
