/* SPDX-License-Identifier: MIT */
/* clang-format off */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM matrix

#if !defined(MATRIX_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define MATRIX_EVENTS_H

#include <rawtp/tracepoint.h>
#include <stdint.h>

struct net_device;
struct bpf_prog;

DECLARE_EVENT_CLASS(xdp_class,
	TP_PROTO(const struct net_device *dev, const struct bpf_prog *xdp, uint32_t act),
	TP_ARGS(dev, xdp, act),
	TP_STRUCT__entry(__field(uint32_t, act) __string(name, "name")),
	TP_fast_assign(__entry->act = act; __assign_str(name, "name");),
	TP_printk("%u %s", __entry->act, __get_str(name)));
DEFINE_EVENT(xdp_class, xdp_exception,
	TP_PROTO(const struct net_device *dev, const struct bpf_prog *xdp, uint32_t act),
	TP_ARGS(dev, xdp, act));
DEFINE_EVENT(xdp_class, xdp_other,
	TP_PROTO(const struct net_device *dev, const struct bpf_prog *xdp, uint32_t act),
	TP_ARGS(dev, xdp, act));
TRACE_EVENT(matrix_plain,
	TP_PROTO(int value, double weight),
	TP_ARGS(value, weight),
	TP_STRUCT__entry(__field(int, value)),
	TP_fast_assign(__entry->value = value;),
	TP_printk("%d", __entry->value));
DECLARE_TRACE(matrix_none, TP_PROTO(void), TP_ARGS());

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE matrix_events
#include <rawtp/define_trace.h>
