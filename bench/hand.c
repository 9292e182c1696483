/* SPDX-License-Identifier: MIT */
#include "hand.h"
#include "percpu_add.h"
#include "percpu_record.h"
#include "programs.h"

#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_CPUS 4096

static struct bench_percpu percpu[MAX_CPUS];
static uint64_t shared __attribute__((aligned(64)));

static struct {
	uint32_t key;
	bool used;
	uint64_t count;
} table[BENCH_HASH_KEYS * 2];

struct record {
	uint64_t dev, prog, act;
};

static __thread struct record *own __attribute__((tls_model("initial-exec")));
static __thread uint64_t own_next __attribute__((tls_model("initial-exec")));

static struct {
	uint64_t producer __attribute__((aligned(64)));
	uint64_t consumer __attribute__((aligned(64)));
	char data[BENCH_RING_BYTES] __attribute__((aligned(64)));
} ring;

static uint32_t hash_of(uint32_t key)
{
	return (key * 2654435761u) >> 21;
}

void bench_hand_init(void)
{
	uint32_t key, at;

	if (table[hash_of(0)].used)
		return;
	for (key = 0; key < BENCH_HASH_KEYS; key++) {
		for (at = hash_of(key); table[at].used; at = (at + 1) % (BENCH_HASH_KEYS * 2))
			;
		table[at].key = key;
		table[at].used = true;
	}
}

void bench_hand_empty(const void *dev, const void *prog, uint32_t act)
{
	__asm__ volatile("" ::"r"(dev), "r"(prog), "r"(act));
}

void bench_hand_percpu(const void *dev, const void *prog, uint32_t act)
{
	bench_percpu_add(percpu, 1);
}

void bench_hand_shared(const void *dev, const void *prog, uint32_t act)
{
	__atomic_fetch_add(&shared, 1, __ATOMIC_RELAXED);
}

void bench_hand_hash(const void *dev, const void *prog, uint32_t act)
{
	uint32_t key = act % BENCH_HASH_KEYS, at = hash_of(key);

	for (; table[at].used; at = (at + 1) % (BENCH_HASH_KEYS * 2)) {
		if (table[at].key == key) {
			__atomic_fetch_add(&table[at].count, 1, __ATOMIC_RELAXED);
			return;
		}
	}
}

void bench_hand_own_ring(const void *dev, const void *prog, uint32_t act)
{
	if (!own) {
		own = calloc(1, BENCH_RING_BYTES);
		if (!own)
			abort();
	}
	own[own_next++ % (BENCH_RING_BYTES / 32)] =
		(struct record){(uintptr_t)dev, (uintptr_t)prog, act};
}

static struct bench_percpu_ring cpu_rings[256];

void bench_hand_cpu_ring(const void *dev, const void *prog, uint32_t act)
{
	bench_percpu_record(cpu_rings, (uintptr_t)dev, (uintptr_t)prog, act);
}

void bench_hand_cpu_ring_drain(void)
{
	struct bench_percpu_ring *mine = &cpu_rings[sched_getcpu()];

	__atomic_store_n(&mine->tail, __atomic_load_n(&mine->head, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELEASE);
}

void bench_hand_clock(const void *dev, const void *prog, uint32_t act)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	__asm__ volatile("" ::"r"(now.tv_nsec));
}

void bench_hand_ring(const void *dev, const void *prog, uint32_t act)
{
	uint64_t at = __atomic_load_n(&ring.producer, __ATOMIC_RELAXED);
	struct record *record;
	uint64_t *header;

	do {
		if (at + 32 - __atomic_load_n(&ring.consumer, __ATOMIC_ACQUIRE) > BENCH_RING_BYTES)
			return;
	} while (!__atomic_compare_exchange_n(&ring.producer, &at, at + 32, true, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	header = (uint64_t *)(ring.data + at % BENCH_RING_BYTES);
	record = (struct record *)(header + 1);
	*record = (struct record){(uintptr_t)dev, (uintptr_t)prog, act};
	__atomic_store_n(header, at + sizeof(*record), __ATOMIC_RELEASE);
}

void bench_hand_ring_drain(void)
{
	__atomic_store_n(&ring.consumer, __atomic_load_n(&ring.producer, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELEASE);
}
