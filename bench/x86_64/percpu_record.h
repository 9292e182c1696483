/* SPDX-License-Identifier: MIT */
/*
 * What a C programmer writes for a record to a ring of each CPU: all of it in a restartable sequence
 * (rseq(2)), whose last store moves the ring's head. A full ring takes no more.
 */
#ifndef RAWTP_BENCH_PERCPU_RECORD_H
#define RAWTP_BENCH_PERCPU_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/rseq.h>

#include "programs.h"

struct bench_percpu_ring {
	uint64_t head __attribute__((aligned(64)));
	uint64_t tail __attribute__((aligned(64)));
	char data[BENCH_RING_BYTES] __attribute__((aligned(64)));
};

static inline __attribute__((always_inline)) void bench_percpu_record(
	struct bench_percpu_ring *rings, uint64_t first, uint64_t second, uint64_t third)
{
	struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);

	__asm__ volatile(
		".pushsection __rseq_cs, \"aw\"\n"
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
		"imulq %[stride], %%rax, %%rax\n"
		"addq %[rings], %%rax\n"
		"movq (%%rax), %%rcx\n"
		"movq %%rcx, %%rdx\n"
		"subq %c[tail](%%rax), %%rdx\n"
		"cmpq %[room], %%rdx\n"
		"ja 6f\n"
		"movq %%rcx, %%rdx\n"
		"andl %[mask], %%edx\n"
		"leaq %c[data](%%rax, %%rdx), %%rdx\n"
		"movq $24, (%%rdx)\n"
		"movq %[first], 8(%%rdx)\n"
		"movq %[second], 16(%%rdx)\n"
		"movq %[third], 24(%%rdx)\n"
		"addq $32, %%rcx\n"
		"movq %%rcx, (%%rax)\n"
		"2:\n"
		"6:\n"
		".pushsection .text.unlikely, \"ax\"\n"
		".byte 0x0f, 0xb9, 0x3d\n"
		".long %c[signature]\n"
		"4:\n"
		"jmp 5b\n"
		".popsection\n"
		: [cs] "=m"(area->rseq_cs)
		: [cpu] "m"(area->cpu_id), [rings] "r"(rings), [first] "r"(first),
		  [second] "r"(second), [third] "r"(third),
		  [stride] "i"(sizeof(struct bench_percpu_ring)), [room] "i"(BENCH_RING_BYTES - 32),
		  [mask] "i"(BENCH_RING_BYTES - 1),
		  [tail] "i"(offsetof(struct bench_percpu_ring, tail)),
		  [data] "i"(offsetof(struct bench_percpu_ring, data)), [signature] "i"(RSEQ_SIG)
		: "rax", "rcx", "rdx", "memory", "cc");
}

#endif
