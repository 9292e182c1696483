/* SPDX-License-Identifier: MIT */
/* The server's tracepoints: a thread begins and ends a request. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM server

#if !defined(SERVER_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define SERVER_EVENTS_H

#include <rawtp/tracepoint.h>

/* clang-format off */
DECLARE_EVENT_CLASS(server_request,
	TP_PROTO(unsigned int request),
	TP_ARGS(request),
	TP_STRUCT__entry(__field(unsigned int, request)),
	TP_fast_assign(__entry->request = request;),
	TP_printk("request %u", __entry->request));

DEFINE_EVENT(server_request, server_begin, TP_PROTO(unsigned int request), TP_ARGS(request));
DEFINE_EVENT(server_request, server_end, TP_PROTO(unsigned int request), TP_ARGS(request));
/* clang-format on */

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE server_events
#include <rawtp/define_trace.h>
