/* SPDX-License-Identifier: MIT */
/* The tracepoints of the program, in the kernel's form. Each source that uses them includes this. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hello

#if !defined(HELLO_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define HELLO_EVENTS_H

#include <rawtp/tracepoint.h>

/* clang-format off */
TRACE_EVENT(hello_request,
	/* What the tracepoint is given: a program sees these as ctx->args[0], [1], [2]. */
	TP_PROTO(const char *path, int status, unsigned int bytes),
	TP_ARGS(path, status, bytes),
	/* What is recorded where no program, but a trace file wants it. */
	TP_STRUCT__entry(__string(path, path) __field(int, status) __field(unsigned int, bytes)),
	TP_fast_assign(__assign_str(path, path); __entry->status = status; __entry->bytes = bytes;),
	TP_printk("%s %d %u", __get_str(path), __entry->status, __entry->bytes));
/* clang-format on */

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE hello_events
#include <rawtp/define_trace.h>
