/* SPDX-License-Identifier: MIT */
/*
 * Restartable sequences, rseq(2): a few instructions that the kernel sends elsewhere if the thread is
 * preempted, moved to another CPU or interrupted by a signal before the last of them. glibc 2.35 and
 * later registers every thread and says where its area is; elsewhere there is none, and false.
 */
#ifndef RAWTP_BASE_CPU_RSEQ_H
#define RAWTP_BASE_CPU_RSEQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAWTP_RSEQ_STRIDE 64 /* bytes from word to word */

/* Sanitizers do not see what assembly does: they get the path of machines without. */
#if defined(__x86_64__) && !defined(RAWTP_SANITIZED)

extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

/* include/uapi/linux/rseq.h, as of Linux 4.18. */
struct rawtp_rseq {
	uint32_t cpu_id_start;
	uint32_t cpu_id; /* above any CPU while not registered */
	uint64_t rseq_cs;
	uint32_t flags;
};

static inline struct rawtp_rseq *rawtp_rseq_area(void)
{
	char *thread;

	if (!&__rseq_size || !__rseq_size)
		return NULL;
	__asm__("movq %%fs:0, %0" : "=r"(thread));
	return (struct rawtp_rseq *)(thread + __rseq_offset);
}

/*
 * If the word of the CPU that we are on is 0, stores @value in it, with one plain store that no other
 * thread of this CPU can come before. *@cpu is its number then. False: it is not 0, the CPU's number
 * is not below @n, there is no rseq, or we were disturbed.
 */
static inline bool rawtp_rseq_claim(uint64_t *words, uint32_t n, uint64_t value, uint32_t *cpu)
{
	struct rawtp_rseq *rseq = rawtp_rseq_area();

	if (!rseq)
		return false;
	__asm__ volatile goto(
		/* What the kernel looks at: version, flags, start, length, where to go. */
		".pushsection __rseq_cs, \"aw\"\n\t"
		".balign 32\n"
		"3:\n\t"
		".long 0, 0\n\t"
		".quad 1f, 2f - 1f, 4f\n\t"
		".popsection\n\t"
		"leaq 3b(%%rip), %%rax\n\t"
		"movq %%rax, 8(%[rseq])\n"
		"1:\n\t"
		"movl 4(%[rseq]), %%eax\n\t"
		"cmpl %[n], %%eax\n\t"
		"jae %l[busy]\n\t"
		"movl %%eax, (%[cpu])\n\t"
		"shlq $6, %%rax\n\t"
		"cmpq $0, (%[words], %%rax)\n\t"
		"jne %l[busy]\n\t"
		"movq %[value], (%[words], %%rax)\n"
		"2:\n\t"
		/* The signature of glibc's registration stands before the way out. */
		".pushsection __rseq_failure, \"ax\"\n\t"
		".byte 0x0f, 0xb9, 0x3d\n\t"
		".long 0x53053053\n"
		"4:\n\t"
		"jmp %l[busy]\n\t"
		".popsection"
		:
		:
		[rseq] "r"(rseq), [words] "r"(words), [n] "r"(n), [value] "r"(value), [cpu] "r"(cpu)
		: "memory", "cc", "rax"
		: busy);
	/* The library may be unloaded: the area must not point into it for longer than needed. */
	*(volatile uint64_t *)&rseq->rseq_cs = 0;
	return true;
busy:
	*(volatile uint64_t *)&rseq->rseq_cs = 0;
	return false;
}

#else

static inline bool rawtp_rseq_claim(uint64_t *words, uint32_t n, uint64_t value, uint32_t *cpu)
{
	return false;
}

#endif
#endif
