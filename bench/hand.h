/* SPDX-License-Identifier: MIT */
/*
 * The same work as the programs', as a C programmer writes it who needs nothing but this: no guard,
 * no verifier, no way to attach. Each is called through a pointer, which any hook has.
 */
#ifndef RAWTP_BENCH_HAND_H
#define RAWTP_BENCH_HAND_H

#include <stdint.h>

#pragma GCC visibility push(default) /* hand.so */

typedef void (*bench_hook)(const void *dev, const void *prog, uint32_t act);

void bench_hand_init(void);

void bench_hand_empty(const void *dev, const void *prog, uint32_t act);
/* One counter for each CPU, exact under preemption. */
void bench_hand_percpu(const void *dev, const void *prog, uint32_t act);
/* One counter for all, atomic. */
void bench_hand_shared(const void *dev, const void *prog, uint32_t act);
/* BENCH_HASH_KEYS counters behind an open-addressed table, atomic. */
void bench_hand_hash(const void *dev, const void *prog, uint32_t act);
/* A record to a ring of this thread's own. */
void bench_hand_own_ring(const void *dev, const void *prog, uint32_t act);
/*
 * A record to the ring of the CPU, exact under preemption; and the reader of the calling thread's CPU
 * takes everything that is there, unseen.
 */
void bench_hand_cpu_ring(const void *dev, const void *prog, uint32_t act);
void bench_hand_cpu_ring_drain(void);
/* The clock alone. */
void bench_hand_clock(const void *dev, const void *prog, uint32_t act);
/* A record to a ring that any number of threads write and one reads, header and commit included. */
void bench_hand_ring(const void *dev, const void *prog, uint32_t act);
/* The reader of that ring takes everything that is there, unseen. */
void bench_hand_ring_drain(void);

#pragma GCC visibility pop

#endif
