/* SPDX-License-Identifier: MIT */
/* What waiting needs to know of the CPU. */
#ifndef RAWTP_BASE_CPU_RELAX_H
#define RAWTP_BASE_CPU_RELAX_H

/*
 * RAWTP_SHOOTDOWN_IS_BARRIER: taking a right from a mapped page interrupts every CPU that runs the
 * process. arm64 broadcasts it in hardware instead.
 */
#if defined(__x86_64__)
#define RAWTP_SHOOTDOWN_IS_BARRIER 1
#else
#define RAWTP_SHOOTDOWN_IS_BARRIER 0
#endif

/* A hint that the caller spins. */
static inline void rawtp_cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#else
	__asm__ volatile("" ::: "memory");
#endif
}

#endif
