/* SPDX-License-Identifier: MIT */
/*
 * librawtp-libc.so: preloaded into any dynamic program, gives it the tracepoints of libc_events.h.
 *
 * Every function here is the real one and a tracepoint, and nothing else: errno is the real one's,
 * nothing allocates, and what is async-signal-safe in libc stays so. While a tracepoint is off its
 * function is a no-op and a jump through a pointer. The pointer leads to a first_*() function until
 * the real one has been looked up: other libraries' constructors, and the dynamic linker itself,
 * may call before our own constructor has run.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define CREATE_TRACE_POINTS
#include "libc_events.h"

#include "early_memory.h"
#include "real.h"

#define API     __attribute__((visibility("default")))
#define TRACING __attribute__((noinline, cold))

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The clock is read only while somebody listens. */
static uint64_t since(uint64_t start)
{
	return start ? now() - start : 0;
}

static TRACING void *traced_malloc(size_t size)
{
	void *ptr = rawtp_real.malloc(size);
	int saved = errno;

	trace_libc_malloc(size, ptr);
	errno = saved;
	return ptr;
}

API void *malloc(size_t size)
{
	if (trace_libc_malloc_enabled())
		return traced_malloc(size);
	return rawtp_real.malloc(size);
}

static TRACING void traced_free(void *ptr)
{
	int saved = errno;

	trace_libc_free(ptr);
	errno = saved;
}

API void free(void *ptr)
{
	if (trace_libc_free_enabled())
		traced_free(ptr);
	if (__builtin_expect(rawtp_early_owns(ptr), 0))
		return;
	rawtp_real.free(ptr);
}

static TRACING void *traced_calloc(size_t nmemb, size_t size)
{
	void *ptr = rawtp_real.calloc(nmemb, size);
	int saved = errno;

	trace_libc_calloc(nmemb, size, ptr);
	errno = saved;
	return ptr;
}

API void *calloc(size_t nmemb, size_t size)
{
	if (trace_libc_calloc_enabled())
		return traced_calloc(nmemb, size);
	return rawtp_real.calloc(nmemb, size);
}

static void *plain_realloc(void *old, size_t size)
{
	if (__builtin_expect(rawtp_early_owns(old), 0))
		return rawtp_early_move(old, size, rawtp_real.malloc(size));
	return rawtp_real.realloc(old, size);
}

static TRACING void *traced_realloc(void *old, size_t size)
{
	void *ptr = plain_realloc(old, size);
	int saved = errno;

	trace_libc_realloc(old, size, ptr);
	errno = saved;
	return ptr;
}

API void *realloc(void *old, size_t size)
{
	if (trace_libc_realloc_enabled())
		return traced_realloc(old, size);
	return plain_realloc(old, size);
}

static TRACING ssize_t traced_read(int fd, void *buf, size_t count)
{
	uint64_t start = now();
	ssize_t result = rawtp_real.read(fd, buf, count);
	int saved = errno;

	trace_libc_read(fd, buf, count, result, since(start));
	errno = saved;
	return result;
}

API ssize_t read(int fd, void *buf, size_t count)
{
	if (trace_libc_read_enabled())
		return traced_read(fd, buf, count);
	return rawtp_real.read(fd, buf, count);
}

/* What programs built with _FORTIFY_SOURCE call instead. */
API ssize_t __read_chk(int fd, void *buf, size_t count, size_t size);
API ssize_t __read_chk(int fd, void *buf, size_t count, size_t size)
{
	if (__builtin_expect(count > size, 0))
		return rawtp_real.read_chk(fd, buf, count, size);
	return read(fd, buf, count);
}

static TRACING ssize_t traced_write(int fd, const void *buf, size_t count)
{
	uint64_t start = now();
	ssize_t result = rawtp_real.write(fd, buf, count);
	int saved = errno;

	trace_libc_write(fd, buf, count, result, since(start));
	errno = saved;
	return result;
}

API ssize_t write(int fd, const void *buf, size_t count)
{
	if (trace_libc_write_enabled())
		return traced_write(fd, buf, count);
	return rawtp_real.write(fd, buf, count);
}

static TRACING int traced_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	uint64_t start = now();
	int result = rawtp_real.pthread_mutex_lock(mutex), saved = errno;

	trace_libc_pthread_mutex_lock(mutex, result, since(start));
	errno = saved;
	return result;
}

API int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	if (trace_libc_pthread_mutex_lock_enabled())
		return traced_pthread_mutex_lock(mutex);
	return rawtp_real.pthread_mutex_lock(mutex);
}
