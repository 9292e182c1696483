/* SPDX-License-Identifier: MIT */
/*
 * A little memory for who allocates while the real malloc is being looked up (dlsym() of some libc
 * versions does). Never given back. Thread- and async-signal-safe.
 */
#ifndef RAWTP_LIBC_EARLY_MEMORY_H
#define RAWTP_LIBC_EARLY_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAWTP_EARLY_SIZE 16384

extern char rawtp_early_memory[RAWTP_EARLY_SIZE] __attribute__((visibility("hidden")));

/* Zeroed, aligned to 16; NULL with errno ENOMEM where it is used up. */
void *rawtp_early_alloc(size_t size) __attribute__((visibility("hidden")));
void *rawtp_early_calloc(size_t nmemb, size_t size) __attribute__((visibility("hidden")));
/* Copies what @old (NULL, or of this memory) holds to @to (NULL: failed), at most @size bytes. */
void *rawtp_early_move(void *old, size_t size, void *to) __attribute__((visibility("hidden")));

static inline bool rawtp_early_owns(const void *ptr)
{
	return (uintptr_t)ptr - (uintptr_t)rawtp_early_memory < RAWTP_EARLY_SIZE;
}

#endif
