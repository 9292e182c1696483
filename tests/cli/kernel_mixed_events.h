/* SPDX-License-Identifier: MIT */
/* Tracepoints of kernel_mixed.c: one of its own, and one whose name the kernel has too. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mixed

#if !defined(KERNEL_MIXED_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define KERNEL_MIXED_EVENTS_H

#include <rawtp/tracepoint.h>

/* clang-format off */
TRACE_EVENT(mixed_request,
	TP_PROTO(long n),
	TP_ARGS(n),
	TP_STRUCT__entry(__field(long, n)),
	TP_fast_assign(__entry->n = n;),
	TP_printk("n=%ld", __entry->n)
);

TRACE_EVENT(sys_exit,
	TP_PROTO(long n, long result),
	TP_ARGS(n, result),
	TP_STRUCT__entry(__field(long, n) __field(long, result)),
	TP_fast_assign(__entry->n = n; __entry->result = result;),
	TP_printk("n=%ld result=%ld", __entry->n, __entry->result)
);
/* clang-format on */

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE kernel_mixed_events
#include <rawtp/define_trace.h>
