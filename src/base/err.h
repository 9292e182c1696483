/* SPDX-License-Identifier: MIT */
/*
 * Errors inside the library: 0 or a negative errno; a function that returns a pointer returns the
 * errno in the pointer (the last page of the address space is never mapped). errno itself is set at
 * the public edge only.
 */
#ifndef RAWTP_BASE_ERR_H
#define RAWTP_BASE_ERR_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#define RAWTP_MAX_ERRNO 4095
#define RAWTP_ENOTSUPP  524 /* the kernel's own ENOTSUPP, which bpf(2) lets out; not in <errno.h> */

static inline void *rawtp_err_ptr(long err)
{
	return (void *)(intptr_t)err;
}

static inline long rawtp_ptr_err(const void *ptr)
{
	return (long)(intptr_t)ptr;
}

static inline bool rawtp_is_err(const void *ptr)
{
	return (uintptr_t)ptr >= (uintptr_t)-RAWTP_MAX_ERRNO;
}

#endif
