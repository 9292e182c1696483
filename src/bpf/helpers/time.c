/* SPDX-License-Identifier: MIT */
/* Helpers: clocks and random numbers. None makes a system call where the vDSO has a clock. */
#include "base/task_id.h"
#include "bpf/helpers/helper.h"

#include <errno.h>
#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000ULL

static uint64_t now_ns(clockid_t clock)
{
	int saved = errno;
	struct timespec ts = {0};

	clock_gettime(clock, &ts);
	errno = saved;
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t rawtp_helper_ktime_get_ns(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	return now_ns(CLOCK_MONOTONIC);
}

uint64_t rawtp_helper_ktime_get_coarse_ns(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
					  uint64_t r5)
{
	return now_ns(CLOCK_MONOTONIC_COARSE);
}

uint64_t rawtp_helper_ktime_get_boot_ns(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
					uint64_t r5)
{
	return now_ns(CLOCK_BOOTTIME);
}

uint64_t rawtp_helper_ktime_get_tai_ns(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
				       uint64_t r5)
{
	return now_ns(CLOCK_TAI);
}

/* A process does not know the kernel's HZ: ticks are those of times(2), USER_HZ, 100 on all CPUs. */
uint64_t rawtp_helper_jiffies64(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	return now_ns(CLOCK_MONOTONIC_COARSE) / (NSEC_PER_SEC / 100);
}

/*
 * One generator a thread: SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
 * Generators", OOPSLA 2014). Not for secrets. A signal handler that comes between the load and the
 * store may be given the same number as what it interrupts.
 */
uint64_t rawtp_helper_get_prandom_u32(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
				      uint64_t r5)
{
	static __thread uint64_t state __attribute__((tls_model("initial-exec")));
	static __thread uint32_t seeded_in __attribute__((tls_model("initial-exec")));
	struct rawtp_task_id id = rawtp_task_id();
	uint64_t x = state;

	/* A child must not repeat the numbers of its parent. */
	if (__builtin_expect(seeded_in != id.fork, 0)) {
		x ^= now_ns(CLOCK_MONOTONIC) ^ (uint64_t)(uintptr_t)&state ^
		     ((uint64_t)id.tid << 40);
		seeded_in = id.fork;
	}
	x += 0x9e3779b97f4a7c15ULL;
	state = x;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return (uint32_t)((x ^ (x >> 31)) >> 32);
}
