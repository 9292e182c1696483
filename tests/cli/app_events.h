/* SPDX-License-Identifier: MIT */
/* Tracepoints of the program that the command's tests trace. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM app

#if !defined(APP_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define APP_EVENTS_H

#include <rawtp/tracepoint.h>

/* The header is read several times; types are not. */
#ifndef APP_KIND
#define APP_KIND
enum app_kind { APP_ONE, APP_TWO };
#endif

/* clang-format off */
DECLARE_EVENT_CLASS(app_class,
	TP_PROTO(unsigned long n, const char *name),
	TP_ARGS(n, name),
	TP_STRUCT__entry(__field(unsigned long, n)),
	TP_fast_assign(__entry->n = n;),
	TP_printk("%lu", __entry->n));

DEFINE_EVENT(app_class, app_tick, TP_PROTO(unsigned long n, const char *name), TP_ARGS(n, name));
DEFINE_EVENT(app_class, app_tock, TP_PROTO(unsigned long n, const char *name), TP_ARGS(n, name));

TRACE_EVENT(app_types,
	TP_PROTO(signed char c, unsigned short h, int i, long long l, double d, enum app_kind k,
		 _Bool b, void (*f)(int)),
	TP_ARGS(c, h, i, l, d, k, b, f),
	TP_STRUCT__entry(__field(int, i)),
	TP_fast_assign(__entry->i = i;),
	TP_printk("%d", __entry->i));
/* clang-format on */

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE app_events
#include <rawtp/define_trace.h>
