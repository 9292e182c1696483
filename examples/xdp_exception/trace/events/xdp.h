/* SPDX-License-Identifier: MIT */
/*
 * The tracepoint xdp_exception, declared as the kernel's headers declare theirs: its name and its
 * arguments are the kernel's.
 */
/* clang-format off */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xdp

#if !defined(_TRACE_XDP_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_XDP_H

#include <linux/tracepoint.h>

TRACE_EVENT(xdp_exception,

	TP_PROTO(const struct net_device *dev, const struct bpf_prog *xdp, u32 act),

	TP_ARGS(dev, xdp, act),

	TP_STRUCT__entry(
		__field(	int,	ifindex	)
		__field(	u32,	act	)
	),

	TP_fast_assign(
		__entry->ifindex = dev->ifindex;
		__entry->act = act;
	),

	TP_printk("ifindex=%d action=%u", __entry->ifindex, __entry->act)
);

#endif /* _TRACE_XDP_H */

/* This part must be outside protection */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH trace/events
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE xdp
#include <trace/define_trace.h>
