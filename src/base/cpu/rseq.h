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

/*
 * If we are on @cpu and *@head is @old, writes a record and, by the last store, @new to *@head; no
 * other thread of this CPU comes between. @last is the record's last word, zeroed first; then come
 * its two first fields and its bytes, in two pieces. False: it is not so, or we were disturbed; what
 * was written of the record is anybody's then.
 */
struct rawtp_rseq_append {
	uint64_t cpu;
	uint64_t *head, old, new;
	uint64_t *last;
	uint64_t *first, first_value;
	uint32_t *second;
	uint64_t second_value;
	const void *from;
	char *to[2];
	size_t n[2];
};

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

/*
 * rcx bytes from rsi to rdi, then the second piece: words, then bytes; "rep" for many, since its start
 * takes as long as a small record.
 */
#define RAWTP_RSEQ_COPY                    \
	"movq %c[n](%[a]), %%rcx\n"        \
	"5:\n\t"                           \
	"cmpq $512, %%rcx\n\t"             \
	"jae 7f\n\t"                       \
	"subq $8, %%rcx\n\t"               \
	"jb 6f\n\t"                        \
	"movq (%%rsi), %%rax\n\t"          \
	"movq %%rax, (%%rdi)\n\t"          \
	"addq $8, %%rsi\n\t"               \
	"addq $8, %%rdi\n\t"               \
	"jmp 5b\n"                         \
	"6:\n\t"                           \
	"addq $8, %%rcx\n\t"               \
	"jz 8f\n"                          \
	"7:\n\t"                           \
	"rep movsb\n"                      \
	"8:\n\t"                           \
	"movq 8 + %c[n](%[a]), %%rcx\n\t"  \
	"testq %%rcx, %%rcx\n\t"           \
	"jz 9f\n\t"                        \
	"movq 8 + %c[to](%[a]), %%rdi\n\t" \
	"rep movsb\n"                      \
	"9:\n\t"

static inline bool rawtp_rseq_append(const struct rawtp_rseq_append *append)
{
	struct rawtp_rseq *rseq = rawtp_rseq_area();

	if (!rseq)
		return false;
	__asm__ volatile goto(
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
		"cmpl %c[cpu](%[a]), %%eax\n\t"
		"jne %l[failed]\n\t"
		"movq %c[head](%[a]), %%rdx\n\t"
		"movq %c[old](%[a]), %%rax\n\t"
		"cmpq %%rax, (%%rdx)\n\t"
		"jne %l[failed]\n\t"
		"movq %c[last](%[a]), %%rdi\n\t"
		"movq $0, (%%rdi)\n\t"
		"movq %c[first](%[a]), %%rdi\n\t"
		"movq %c[first_value](%[a]), %%rax\n\t"
		"movq %%rax, (%%rdi)\n\t"
		"movq %c[second](%[a]), %%rdi\n\t"
		"movq %c[second_value](%[a]), %%rax\n\t"
		"movl %%eax, (%%rdi)\n\t"
		"movq %c[from](%[a]), %%rsi\n\t"
		"movq %c[to](%[a]), %%rdi\n\t" RAWTP_RSEQ_COPY "movq %c[new](%[a]), %%rax\n\t"
		"movq %%rax, (%%rdx)\n"
		"2:\n\t"
		".pushsection __rseq_failure, \"ax\"\n\t"
		".byte 0x0f, 0xb9, 0x3d\n\t"
		".long 0x53053053\n"
		"4:\n\t"
		"jmp %l[failed]\n\t"
		".popsection"
		:
#define RAWTP_RSEQ_FIELD(name) [name] "i"(offsetof(struct rawtp_rseq_append, name))
		: [rseq] "r"(rseq), [a] "r"(append), RAWTP_RSEQ_FIELD(cpu), RAWTP_RSEQ_FIELD(head),
		  RAWTP_RSEQ_FIELD(old), RAWTP_RSEQ_FIELD(new), RAWTP_RSEQ_FIELD(last),
		  RAWTP_RSEQ_FIELD(first), RAWTP_RSEQ_FIELD(first_value), RAWTP_RSEQ_FIELD(second),
		  RAWTP_RSEQ_FIELD(second_value), RAWTP_RSEQ_FIELD(from), RAWTP_RSEQ_FIELD(to),
		  RAWTP_RSEQ_FIELD(n)
#undef RAWTP_RSEQ_FIELD
		: "memory", "cc", "rax", "rcx", "rdx", "rsi", "rdi"
		: failed);
	*(volatile uint64_t *)&rseq->rseq_cs = 0;
	return true;
failed:
	*(volatile uint64_t *)&rseq->rseq_cs = 0;
	return false;
}

#undef RAWTP_RSEQ_COPY

/* The CPU that we are on; above any where that is not known. */
static inline uint32_t rawtp_rseq_cpu(void)
{
	struct rawtp_rseq *rseq = rawtp_rseq_area();

	return rseq ? __atomic_load_n(&rseq->cpu_id, __ATOMIC_RELAXED) : UINT32_MAX;
}

#else

static inline bool rawtp_rseq_claim(uint64_t *words, uint32_t n, uint64_t value, uint32_t *cpu)
{
	return false;
}

static inline bool rawtp_rseq_append(const struct rawtp_rseq_append *append)
{
	return false;
}

static inline uint32_t rawtp_rseq_cpu(void)
{
	return UINT32_MAX;
}

#endif
#endif
