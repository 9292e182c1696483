/* SPDX-License-Identifier: MIT */
/*
 * Copies that may fault, and the way out of them: fault_copy_<cpu>.c.
 *
 * They keep nothing on the stack, so that wherever inside them a fault comes, a handler may let them
 * go on at one place, which returns -EFAULT to their caller. Only for threads on which such a handler
 * is known to run (base/signals.h).
 */
#ifndef RAWTP_BASE_FAULT_COPY_H
#define RAWTP_BASE_FAULT_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 or -EFAULT. */
int rawtp_fault_copy(void *dst, const void *src, size_t size);
/* As rawtp_nofault_string(); @size is not 0. */
long rawtp_fault_string(char *dst, const char *src, size_t size);

/*
 * For machine code: one for each size, 1 << i at rawtp_fault_loads + 64 * i. On x86-64 the address is in
 * r11 and the number, zero-extended, is returned there, r9 and r10 are spoilt; on arm64 x9, and x10, x12,
 * x15 to x18 and the link register. All other registers are kept, the stack may be anywhere. What cannot be
 * read is 0. Any thread may call them.
 */
extern const char rawtp_fault_loads[] __attribute__((visibility("hidden")));
/* nofault.c: the way that they go where a fault is not known to be survived; @size 0: there was one. */
uint64_t rawtp_fault_load_slow(const void *src, uint32_t size);

/*
 * @context: the third argument of a handler of SIGSEGV or SIGBUS. True where the fault was one of the
 * above; when the handler returns, the copy fails.
 */
bool rawtp_fault_resume(void *context);

#endif
