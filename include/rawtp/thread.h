/* SPDX-License-Identifier: MIT */
/*
 * The one thread-local record of the hot path: read-side section, recursion guard and per-CPU slots
 * all hang on it. What a thread owns is a pointer in initial-exec TLS; the record itself lives in a
 * table of the library and outlives the thread, so that a writer may look at it at any time, and a
 * thread needs no destructor: a tracepoint may fire in the first and in the last instruction of a
 * thread, and in a signal handler.
 *
 * Part of the library's ABI, since tracepoints use it inline. Applications do not touch it.
 */
#ifndef RAWTP_THREAD_H
#define RAWTP_THREAD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct rawtp_frame; /* a program that runs on this thread; src/bpf/run.h */

struct rawtp_thread {
	/*
	 * Read side: (generation << 16) | nesting. Written by its thread alone, with single
	 * stores, so that a signal handler that nests finds and leaves it whole.
	 */
	uint64_t rcu;
	struct rawtp_frame *frame; /* innermost running program, or NULL */
	uint32_t tid;              /* of the owner; 0 = free */
	uint32_t index;            /* in the table */
} __attribute__((aligned(128)));

#define RAWTP_RCU_NEST_MASK 0xffffUL

/* NULL until the thread's first event. */
extern __thread struct rawtp_thread *rawtp_self __attribute__((tls_model("initial-exec")));
/* The current generation, already shifted and with a nesting of one. */
extern uint64_t rawtp_rcu_generation;

/*
 * Gives the calling thread its record. Async-signal-safe. Returns NULL where the table is full (the
 * event is then counted in rawtp_thread_misses and skipped).
 */
struct rawtp_thread *rawtp_thread_attach(void);

/*
 * Enter and leave the read side. Nest, never block, make no system call after the thread's first
 * event. Writers pay with membarrier(2), so a compiler barrier is all that readers need.
 * rawtp_read_lock() returns NULL where the thread has no record and can get none.
 * rawtp_read_enter_first() is for a thread that has one; inside a section it does nothing and
 * returns 0.
 */
static inline __attribute__((always_inline)) int rawtp_read_enter_first(struct rawtp_thread *self)
{
	/* Atomic, lest it become a load of 16 bits, which may have to wait for the last store. */
	uint64_t rcu = __atomic_load_n(&self->rcu, __ATOMIC_RELAXED);

	/*
	 * A branch and not a conditional move: what is stored must not wait for what the event
	 * before has stored there.
	 */
	if (__builtin_expect(rcu & RAWTP_RCU_NEST_MASK, 0))
		return 0;
	__atomic_store_n(&self->rcu, __atomic_load_n(&rawtp_rcu_generation, __ATOMIC_RELAXED),
			 __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return 1;
}

static inline __attribute__((always_inline)) struct rawtp_thread *rawtp_read_lock(void)
{
	struct rawtp_thread *self = rawtp_self;

	if (__builtin_expect(!self, 0)) {
		self = rawtp_thread_attach();
		if (!self)
			return (struct rawtp_thread *)0;
	}
	if (!rawtp_read_enter_first(self)) {
		__atomic_store_n(&self->rcu, self->rcu + 1, __ATOMIC_RELAXED);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	}
	return self;
}

static inline __attribute__((always_inline)) void rawtp_read_unlock(struct rawtp_thread *self)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	/* Release: on weakly ordered CPUs the section's loads end before the writer sees it left. */
	__atomic_store_n(&self->rcu, self->rcu - 1, __ATOMIC_RELEASE);
}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
