/* SPDX-License-Identifier: MIT */
/* One tracepoint a row, so that every row stays attached while all are measured in turn. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM bench

#if !defined(RAWTP_BENCH_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define RAWTP_BENCH_EVENTS_H

#include <rawtp/tracepoint.h>
#include <stdint.h>

/* The arguments of the kernel's xdp_exception. */
/* clang-format off */
DECLARE_EVENT_CLASS(bench_class,
	TP_PROTO(const void *dev, const void *prog, uint32_t act),
	TP_ARGS(dev, prog, act),
	TP_STRUCT__entry(
		__field(const void *, dev)
		__field(const void *, prog)
		__field(uint32_t, act)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->prog = prog;
		__entry->act = act;
	),
	TP_printk("dev=%p prog=%p act=%u", __entry->dev, __entry->prog, __entry->act)
);

#define BENCH_EVENT(name)                                                                          \
	DEFINE_EVENT(bench_class, name, TP_PROTO(const void *dev, const void *prog, uint32_t act), \
		     TP_ARGS(dev, prog, act))
BENCH_EVENT(bench_off);
BENCH_EVENT(bench_c_probe);
BENCH_EVENT(bench_empty);
BENCH_EVENT(bench_percpu);
BENCH_EVENT(bench_shared);
BENCH_EVENT(bench_hash);
BENCH_EVENT(bench_ring);
BENCH_EVENT(bench_perf);
BENCH_EVENT(bench_clock);
BENCH_EVENT(bench_peer_percpu);
BENCH_EVENT(bench_peer_filter);
BENCH_EVENT(bench_peer_ring);
BENCH_EVENT(bench_peer_stamp);
/* clang-format on */

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE events
#include <rawtp/define_trace.h>
