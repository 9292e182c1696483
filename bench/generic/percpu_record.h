/* SPDX-License-Identifier: MIT */
/* A record to a ring of each CPU where no restartable sequence is written here: an atomic add. */
#ifndef RAWTP_BENCH_PERCPU_RECORD_H
#define RAWTP_BENCH_PERCPU_RECORD_H

#include <sched.h>
#include <stdint.h>

#include "programs.h"

struct bench_percpu_ring {
	uint64_t head __attribute__((aligned(64)));
	uint64_t tail __attribute__((aligned(64)));
	char data[BENCH_RING_BYTES] __attribute__((aligned(64)));
};

static inline __attribute__((always_inline)) void bench_percpu_record(
	struct bench_percpu_ring *rings, uint64_t first, uint64_t second, uint64_t third)
{
	struct bench_percpu_ring *ring = &rings[sched_getcpu()];
	uint64_t at = __atomic_fetch_add(&ring->head, 32, __ATOMIC_RELAXED);
	uint64_t *record = (uint64_t *)(ring->data + at % BENCH_RING_BYTES);

	record[1] = first;
	record[2] = second;
	record[3] = third;
	__atomic_store_n(record, 24, __ATOMIC_RELEASE);
}

#endif
