/* SPDX-License-Identifier: MIT */
/* An exact counter for each CPU where no restartable sequence is written here: an atomic add. */
#ifndef RAWTP_BENCH_PERCPU_ADD_H
#define RAWTP_BENCH_PERCPU_ADD_H

#include <sched.h>
#include <stdint.h>

#define BENCH_PERCPU_KIND "atomic add"

struct bench_percpu {
	uint64_t count;
} __attribute__((aligned(64)));

static inline __attribute__((always_inline)) void bench_percpu_add(struct bench_percpu *counters,
								   uint64_t n)
{
	__atomic_fetch_add(&counters[sched_getcpu()].count, n, __ATOMIC_RELAXED);
}

#endif
