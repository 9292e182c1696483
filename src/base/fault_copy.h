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

/* 0 or -EFAULT. */
int rawtp_fault_copy(void *dst, const void *src, size_t size);
/* As rawtp_nofault_string(); @size is not 0. */
long rawtp_fault_string(char *dst, const char *src, size_t size);

/*
 * @context: the third argument of a handler of SIGSEGV or SIGBUS. True where the fault was one of the
 * above; when the handler returns, the copy fails.
 */
bool rawtp_fault_resume(void *context);

#endif
