/* SPDX-License-Identifier: MIT */
/*
 * What a C programmer writes for an exact counter for each CPU: one add in a restartable sequence
 * (rseq(2); the ABI is that of <linux/rseq.h>, glibc registers the area since 2.35).
 */
#ifndef RAWTP_BENCH_PERCPU_ADD_H
#define RAWTP_BENCH_PERCPU_ADD_H

#include <stdint.h>
#include <sys/rseq.h>

#define BENCH_PERCPU_KIND "rseq"

struct bench_percpu {
	uint64_t count;
} __attribute__((aligned(64)));

static inline __attribute__((always_inline)) void bench_percpu_add(struct bench_percpu *counters,
								   uint64_t n)
{
	struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);

	__asm__ volatile(".pushsection __rseq_cs, \"aw\"\n"
			 ".balign 32\n"
			 "3:\n"
			 ".long 0, 0\n"
			 ".quad 1f, 2f - 1f, 4f\n"
			 ".popsection\n"
			 "5:\n"
			 "leaq 3b(%%rip), %%rax\n"
			 "movq %%rax, %[cs]\n"
			 "1:\n"
			 "movl %[cpu], %%eax\n"
			 "shlq $6, %%rax\n"
			 "addq %[n], (%[counters], %%rax)\n"
			 "2:\n"
			 ".pushsection .text.unlikely, \"ax\"\n"
			 ".byte 0x0f, 0xb9, 0x3d\n"
			 ".long %c[signature]\n"
			 "4:\n"
			 "jmp 5b\n"
			 ".popsection\n"
			 : [cs] "=m"(area->rseq_cs)
			 : [cpu] "m"(area->cpu_id), [n] "r"(n), [counters] "r"(counters),
			   [signature] "i"(RSEQ_SIG)
			 : "rax", "memory", "cc");
}

#endif
