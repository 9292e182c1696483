/* SPDX-License-Identifier: MIT */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM perf

#if !defined(PERF_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define PERF_EVENTS_H

#include <rawtp/tracepoint.h>

/* clang-format off */
TRACE_EVENT(perf_event_made,
	TP_PROTO(const char *text, unsigned int size),
	TP_ARGS(text, size),
	TP_STRUCT__entry(__string(text, text) __field(unsigned int, size)),
	TP_fast_assign(__assign_str(text, text); __entry->size = size;),
	TP_printk("%s %u", __get_str(text), __entry->size));
/* clang-format on */

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE perf_events
#include <rawtp/define_trace.h>
