/* SPDX-License-Identifier: MIT */
/*
 * Memory for machine code, never writable and executable at once: it is mapped read-write, written,
 * and made read-execute before anybody knows its address; it is never made writable again.
 *
 * Private and anonymous: after fork(2) parent and child each have their own, and what one of them
 * frees stays in the other.
 */
#ifndef RAWTP_BPF_JIT_EXEC_MEMORY_H
#define RAWTP_BPF_JIT_EXEC_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writable memory, within @reach bytes of @near where that can be had, each byte @fill: what stands
 * behind the code. NULL where there is none.
 */
void *rawtp_exec_alloc(size_t size, const void *near, size_t reach, unsigned char fill);
/* The same as address space that nobody can touch yet. */
void *rawtp_exec_reserve(size_t size, const void *near, size_t reach);
/* Makes it executable: 0, or -errno where that is forbidden (EACCES, EPERM, ENOMEM). */
int rawtp_exec_publish(void *memory, size_t size);
void rawtp_exec_free(void *memory, size_t size);

#endif
