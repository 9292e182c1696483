/* SPDX-License-Identifier: MIT */
/*
 * Copies that survive a bad address.
 *
 * rawtp_nofault_*: the kernel does the copy (process_vm_readv(2) on oneself), so nothing in the process
 * has to know: no signal handler is installed, and a page that goes away in the middle is an error, not
 * a crash. Costs a system call. Where a sandbox refuses that call the bytes go through a pipe.
 *
 * rawtp_probe_*: the same for programs that run, as a plain copy where a fault is known to be survived
 * (base/signals.h), else as above.
 *
 * Async-signal-safe; thread-safe; errno is left alone.
 */
#ifndef RAWTP_BASE_NOFAULT_H
#define RAWTP_BASE_NOFAULT_H

#include <stddef.h>
#include <stdint.h>

/*
 * 0, or -EFAULT where a byte of the other side cannot be read or written; what was copied until then
 * is unspecified. @size may be 0: -EFAULT then where user memory can never be.
 */
int rawtp_nofault_read(void *dst, const void *src, size_t size);
int rawtp_nofault_write(void *dst, const void *src, size_t size);

/*
 * Copies a string of at most @size bytes with its NUL; cut and terminated where it is longer.
 * Returns the bytes written, NUL included (0 where @size is 0); -EFAULT where an address before the
 * NUL cannot be read (@dst is then unspecified). Touches nothing behind the page of the NUL, and
 * writes nothing behind the NUL.
 */
long rawtp_nofault_string(char *dst, const char *src, size_t size);

int rawtp_probe_read(void *dst, const void *src, size_t size);
long rawtp_probe_string(char *dst, const char *src, size_t size);
/* A number of 1, 2, 4 or 8 bytes, zero-extended; 0 where it cannot be read. */
uint64_t rawtp_probe_load(const void *src, uint32_t size);

#endif
