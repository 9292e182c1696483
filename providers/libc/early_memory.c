/* SPDX-License-Identifier: MIT */
#include "early_memory.h"

#include <errno.h>
#include <string.h>

#define ALIGNMENT 16

/* Each piece has its size in the 16 bytes before it. */
char rawtp_early_memory[RAWTP_EARLY_SIZE] __attribute__((aligned(ALIGNMENT)));
static size_t used;

void *rawtp_early_alloc(size_t size)
{
	size_t whole = ((size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1)) + ALIGNMENT, at;

	if (size > RAWTP_EARLY_SIZE)
		goto full;
	at = __atomic_fetch_add(&used, whole, __ATOMIC_RELAXED);
	if (at > RAWTP_EARLY_SIZE || whole > RAWTP_EARLY_SIZE - at) {
		__atomic_fetch_sub(&used, whole, __ATOMIC_RELAXED);
		goto full;
	}
	memcpy(rawtp_early_memory + at, &size, sizeof(size));
	return rawtp_early_memory + at + ALIGNMENT;

full:
	errno = ENOMEM;
	return NULL;
}

void *rawtp_early_calloc(size_t nmemb, size_t size)
{
	size_t whole;

	if (__builtin_mul_overflow(nmemb, size, &whole)) {
		errno = ENOMEM;
		return NULL;
	}
	return rawtp_early_alloc(whole);
}

void *rawtp_early_move(void *old, size_t size, void *to)
{
	size_t has;

	if (!rawtp_early_owns(old) || !to)
		return to;
	memcpy(&has, (char *)old - ALIGNMENT, sizeof(has));
	memcpy(to, old, has < size ? has : size);
	return to;
}
