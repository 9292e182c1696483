/* SPDX-License-Identifier: MIT */
/* A function to put a uprobe on. */
#ifndef RAWTP_BENCH_NOP5_H
#define RAWTP_BENCH_NOP5_H

#define BENCH_NOP5_KIND "empty function"

static __attribute__((noinline, used)) void bench_nop5(const void *dev, const void *prog,
						       unsigned int act)
{
	__asm__ volatile("" ::"r"(dev), "r"(prog), "r"(act));
}

#endif
