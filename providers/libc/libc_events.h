/* SPDX-License-Identifier: MIT */
/*
 * Tracepoints of the C library, for programs that have none of their own.
 *
 * Each fires once a call has returned, with its arguments and its result, but libc_free, which fires
 * before the memory is given back: else another thread's libc_malloc of the same address could come
 * first. nsecs is the duration of the call in nanoseconds, 0 where the tracepoint was switched on
 * during it. Calls that libc makes inside itself (stdio's read and write) are not seen.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM libc

#if !defined(RAWTP_LIBC_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define RAWTP_LIBC_EVENTS_H

#include <rawtp/tracepoint.h>
#include <stdint.h>
#include <sys/types.h>

/* clang-format off */
TRACE_EVENT(libc_malloc,
	TP_PROTO(size_t size, void *ptr),
	TP_ARGS(size, ptr),
	TP_STRUCT__entry(__field(size_t, size) __field(void *, ptr)),
	TP_fast_assign(__entry->size = size; __entry->ptr = ptr;),
	TP_printk("size=%zu ptr=%p", __entry->size, __entry->ptr));

TRACE_EVENT(libc_free,
	TP_PROTO(void *ptr),
	TP_ARGS(ptr),
	TP_STRUCT__entry(__field(void *, ptr)),
	TP_fast_assign(__entry->ptr = ptr;),
	TP_printk("ptr=%p", __entry->ptr));

TRACE_EVENT(libc_calloc,
	TP_PROTO(size_t nmemb, size_t size, void *ptr),
	TP_ARGS(nmemb, size, ptr),
	TP_STRUCT__entry(__field(size_t, nmemb) __field(size_t, size) __field(void *, ptr)),
	TP_fast_assign(__entry->nmemb = nmemb; __entry->size = size; __entry->ptr = ptr;),
	TP_printk("nmemb=%zu size=%zu ptr=%p", __entry->nmemb, __entry->size, __entry->ptr));

TRACE_EVENT(libc_realloc,
	TP_PROTO(void *old, size_t size, void *ptr),
	TP_ARGS(old, size, ptr),
	TP_STRUCT__entry(__field(void *, old) __field(size_t, size) __field(void *, ptr)),
	TP_fast_assign(__entry->old = old; __entry->size = size; __entry->ptr = ptr;),
	TP_printk("old=%p size=%zu ptr=%p", __entry->old, __entry->size, __entry->ptr));

DECLARE_EVENT_CLASS(libc_io,
	TP_PROTO(int fd, const void *buf, size_t count, ssize_t result, uint64_t nsecs),
	TP_ARGS(fd, buf, count, result, nsecs),
	TP_STRUCT__entry(__field(int, fd) __field(const void *, buf) __field(size_t, count)
			 __field(ssize_t, result) __field(uint64_t, nsecs)),
	TP_fast_assign(__entry->fd = fd; __entry->buf = buf; __entry->count = count;
		       __entry->result = result; __entry->nsecs = nsecs;),
	TP_printk("fd=%d buf=%p count=%zu result=%zd nsecs=%llu", __entry->fd, __entry->buf,
		  __entry->count, __entry->result, (unsigned long long)__entry->nsecs));

DEFINE_EVENT(libc_io, libc_read,
	TP_PROTO(int fd, const void *buf, size_t count, ssize_t result, uint64_t nsecs),
	TP_ARGS(fd, buf, count, result, nsecs));

DEFINE_EVENT(libc_io, libc_write,
	TP_PROTO(int fd, const void *buf, size_t count, ssize_t result, uint64_t nsecs),
	TP_ARGS(fd, buf, count, result, nsecs));

TRACE_EVENT(libc_pthread_mutex_lock,
	TP_PROTO(void *mutex, int result, uint64_t nsecs),
	TP_ARGS(mutex, result, nsecs),
	TP_STRUCT__entry(__field(void *, mutex) __field(int, result) __field(uint64_t, nsecs)),
	TP_fast_assign(__entry->mutex = mutex; __entry->result = result; __entry->nsecs = nsecs;),
	TP_printk("mutex=%p result=%d nsecs=%llu", __entry->mutex, __entry->result,
		  (unsigned long long)__entry->nsecs));
/* clang-format on */

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE libc_events
#include <rawtp/define_trace.h>
