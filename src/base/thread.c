/* SPDX-License-Identifier: MIT */
/*
 * The table of thread records (rawtp/thread.h).
 *
 * A record belongs to the thread whose tid stands in it; 0 is free. The lowest free one is taken,
 * with one compare-and-exchange. It is never given back by its thread, since a tracepoint may fire
 * after the thread's last destructor: from time to time, when as many records are in use as were
 * found alive twice over, those of threads that are gone are freed. The table grows by blocks that
 * are mapped, never unmapped, and read without a lock.
 */
#include "base/thread.h"
#include "base/task_id.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FREE       0u
#define RECLAIMING UINT32_MAX /* no tid: they end at 2^22 */

__thread struct rawtp_thread *rawtp_self __attribute__((tls_model("initial-exec")));
__thread struct rawtp_thread *rawtp_quick __attribute__((tls_model("initial-exec")));

static struct rawtp_thread first_block[RAWTP_THREAD_BLOCK];
static struct rawtp_thread *blocks[RAWTP_THREAD_BLOCKS] = {first_block};
static uint32_t high;            /* records [0, high) have been used */
static uint32_t reclaim_at = 64; /* look for dead owners when @high gets there */
static uint32_t reclaiming;      /* one at a time: a record must not change hands in between */
static uint64_t misses;

uint64_t rawtp_thread_misses(void)
{
	return __atomic_load_n(&misses, __ATOMIC_RELAXED);
}

uint32_t rawtp_thread_count(void)
{
	return __atomic_load_n(&high, __ATOMIC_ACQUIRE);
}

struct rawtp_thread *rawtp_thread_at(uint32_t i)
{
	struct rawtp_thread *block =
		__atomic_load_n(&blocks[i / RAWTP_THREAD_BLOCK], __ATOMIC_ACQUIRE);

	return &block[i % RAWTP_THREAD_BLOCK];
}

bool rawtp_thread_is_gone(uint32_t tid)
{
	int saved = errno;
	bool gone = syscall(SYS_tgkill, getpid(), tid, 0) < 0 && errno == ESRCH;

	/* To a vfork() child its parent's threads look so, and the table is theirs. */
	if (gone && rawtp_in_vfork_child())
		gone = false;

	errno = saved;
	return gone;
}

static void clear(struct rawtp_thread *record)
{
	record->frame = NULL;
	__atomic_store_n(&record->rcu, 0, __ATOMIC_RELEASE);
}

static struct rawtp_thread *take_free(uint32_t tid)
{
	uint32_t i, n = rawtp_thread_count();

	for (i = 0; i < n; i++) {
		struct rawtp_thread *record = rawtp_thread_at(i);
		uint32_t owner = FREE;

		if (__atomic_load_n(&record->tid, __ATOMIC_RELAXED) == FREE &&
		    __atomic_compare_exchange_n(&record->tid, &owner, tid, false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED)) {
			record->index = i;
			return record;
		}
	}
	return NULL;
}

/* Returns whether it was worth it. */
static bool reclaim(void)
{
	uint32_t i, n = rawtp_thread_count(), alive = 0;

	if (n < __atomic_load_n(&reclaim_at, __ATOMIC_RELAXED) ||
	    __atomic_exchange_n(&reclaiming, 1, __ATOMIC_ACQUIRE))
		return false;
	for (i = 0; i < n; i++) {
		struct rawtp_thread *record = rawtp_thread_at(i);
		uint32_t owner = __atomic_load_n(&record->tid, __ATOMIC_ACQUIRE);

		if (owner == FREE)
			continue;
		if (!rawtp_thread_is_gone(owner)) {
			alive++;
			continue;
		}
		__atomic_store_n(&record->tid, RECLAIMING, __ATOMIC_RELAXED);
		/* Pairs with the owner's last rawtp_read_unlock(): all it wrote was before. */
		(void)__atomic_load_n(&record->rcu, __ATOMIC_ACQUIRE);
		clear(record);
		__atomic_store_n(&record->tid, FREE, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&reclaim_at, alive < 32 ? 64 : 2 * alive, __ATOMIC_RELAXED);
	__atomic_store_n(&reclaiming, 0, __ATOMIC_RELEASE);
	return alive < n;
}

static bool add_block(uint32_t i)
{
	size_t size = RAWTP_THREAD_BLOCK * sizeof(struct rawtp_thread);
	struct rawtp_thread *none = NULL;
	void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (block == MAP_FAILED)
		return false;
	if (!__atomic_compare_exchange_n(&blocks[i], &none, block, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		munmap(block, size);
	return true;
}

/* One more record; any thread may then take it. */
static bool grow(void)
{
	uint32_t n = rawtp_thread_count();
	uint32_t block = n / RAWTP_THREAD_BLOCK;

	if (block >= RAWTP_THREAD_BLOCKS)
		return false;
	if (!__atomic_load_n(&blocks[block], __ATOMIC_ACQUIRE) && !add_block(block))
		return false;
	__atomic_compare_exchange_n(&high, &n, n + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	return true;
}

static struct rawtp_thread *find_record(uint32_t tid)
{
	struct rawtp_thread *record;

	do {
		record = take_free(tid);
		if (!record && reclaim())
			record = take_free(tid);
	} while (!record && grow());
	return record;
}

struct rawtp_thread *rawtp_thread_attach(void)
{
	struct rawtp_thread *self;
	uint64_t all = ~0ULL, old = 0; /* the kernel's sigset, without libc's exceptions */
	int saved = errno;

	/* A handler that fires in between would take a second record. */
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &old, sizeof(all));
	self = rawtp_self;
	if (!self) {
		/* In a vfork() child it would stay with its parent's thread, under the child's number. */
		if (!rawtp_in_vfork_child())
			self = find_record((uint32_t)syscall(SYS_gettid));
		rawtp_self = self;
		if (self && self->index < RAWTP_THREAD_QUICK)
			rawtp_quick = self;
		if (!self)
			__atomic_fetch_add(&misses, 1, __ATOMIC_RELAXED);
	}
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(all));
	errno = saved;
	return self;
}

/* In a fork's child only the caller is left, under another tid. */
void rawtp_thread_after_fork_child(void)
{
	struct rawtp_thread *self = rawtp_self;
	uint32_t i, n = rawtp_thread_count();

	for (i = 0; i < n; i++) {
		struct rawtp_thread *record = rawtp_thread_at(i);

		if (record == self)
			continue;
		clear(record);
		__atomic_store_n(&record->tid, FREE, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&reclaiming, 0, __ATOMIC_RELEASE);
	if (self)
		self->tid = (uint32_t)syscall(SYS_gettid);
}
