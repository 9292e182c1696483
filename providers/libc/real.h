/* SPDX-License-Identifier: MIT */
/* The functions that the provider stands before. Usable at any time, also before constructors. */
#ifndef RAWTP_LIBC_REAL_H
#define RAWTP_LIBC_REAL_H

#include <pthread.h>
#include <sys/types.h>

/*
 * THE list of them: return type, name of the member, symbol, parameters, arguments, and what a
 * call gives that comes while the symbols are being looked up, on the same thread.
 */
#define RAWTP_REAL_FUNCTIONS(X)                                                               \
	X(void *, malloc, "malloc", (size_t size), (size), rawtp_early_alloc(size))           \
	X(void *, calloc, "calloc", (size_t nmemb, size_t size), (nmemb, size),               \
	  rawtp_early_calloc(nmemb, size))                                                    \
	X(void *, realloc, "realloc", (void *ptr, size_t size), (ptr, size),                  \
	  rawtp_early_move(ptr, size, rawtp_early_alloc(size)))                               \
	X(ssize_t, read, "read", (int fd, void *buf, size_t count), (fd, buf, count),         \
	  syscall(SYS_read, fd, buf, count))                                                  \
	X(ssize_t, read_chk, "__read_chk", (int fd, void *buf, size_t count, size_t size),    \
	  (fd, buf, count, size), (abort(), -1))                                              \
	X(ssize_t, write, "write", (int fd, const void *buf, size_t count), (fd, buf, count), \
	  syscall(SYS_write, fd, buf, count))                                                 \
	X(int, pthread_mutex_lock, "pthread_mutex_lock", (pthread_mutex_t * mutex), (mutex),  \
	  early_lock(mutex))

struct rawtp_real {
#define RAWTP_REAL_MEMBER(type, name, symbol, params, args, early) type(*name) params;
	RAWTP_REAL_FUNCTIONS(RAWTP_REAL_MEMBER)
#undef RAWTP_REAL_MEMBER
	void (*free)(void *ptr);
};

extern struct rawtp_real rawtp_real __attribute__((visibility("hidden")));

#endif
