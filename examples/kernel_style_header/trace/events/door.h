/* SPDX-License-Identifier: MIT */
/*
 * An event header as the kernel has them, word for word: <linux/tracepoint.h>, a class with two
 * events, <trace/define_trace.h>. It would compile in the kernel too.
 */
/* clang-format off */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM door

#if !defined(_TRACE_DOOR_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DOOR_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(door_class,

	TP_PROTO(const char *who, u32 door),

	TP_ARGS(who, door),

	TP_STRUCT__entry(
		__string(	who,	who	)
		__field(	u32,	door	)
	),

	TP_fast_assign(
		__assign_str(who, who);
		__entry->door = door;
	),

	TP_printk("who=%s door=%u", __get_str(who), __entry->door)
);

DEFINE_EVENT(door_class, door_open,
	TP_PROTO(const char *who, u32 door),
	TP_ARGS(who, door)
);

DEFINE_EVENT(door_class, door_close,
	TP_PROTO(const char *who, u32 door),
	TP_ARGS(who, door)
);

#endif /* _TRACE_DOOR_H */

/* This part must be outside protection */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH trace/events
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE door
#include <trace/define_trace.h>
