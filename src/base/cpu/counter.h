/* SPDX-License-Identifier: MIT */
/*
 * Counters that one thread writes and others read. A signal handler of the same thread may count in
 * the middle of it: where the CPU adds to memory in one instruction, that instruction will do;
 * elsewhere it is an atomic without order.
 */
#ifndef RAWTP_BASE_CPU_COUNTER_H
#define RAWTP_BASE_CPU_COUNTER_H

#include <stdint.h>

static inline void rawtp_counter_add_own(uint64_t *counter, uint64_t value)
{
#if defined(__x86_64__) && !defined(RAWTP_SANITIZED)
	__asm__("addq %1, %0" : "+m"(*counter) : "er"(value) : "cc");
#else
	__atomic_fetch_add(counter, value, __ATOMIC_RELAXED);
#endif
}

static inline void rawtp_counter_add_shared(uint64_t *counter, uint64_t value)
{
	__atomic_fetch_add(counter, value, __ATOMIC_RELAXED);
}

static inline uint64_t rawtp_counter_read(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
