/* SPDX-License-Identifier: MIT */
/* LTTng-UST's form of the benchmark's event. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER rawtp_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "lttng_events.h"

#if !defined(RAWTP_BENCH_LTTNG_EVENTS_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define RAWTP_BENCH_LTTNG_EVENTS_H

#include <lttng/tracepoint.h>
#include <stdint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT_CLASS(rawtp_bench, three,
	LTTNG_UST_TP_ARGS(const void *, dev, const void *, prog, uint32_t, act),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer_hex(uintptr_t, dev, (uintptr_t)dev)
		lttng_ust_field_integer_hex(uintptr_t, prog, (uintptr_t)prog)
		lttng_ust_field_integer(uint32_t, act, act)
	)
)
#define BENCH_LTTNG_EVENT(name)                                                 \
	LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(rawtp_bench, three, rawtp_bench, name, \
		LTTNG_UST_TP_ARGS(const void *, dev, const void *, prog, uint32_t, act))
BENCH_LTTNG_EVENT(off)
BENCH_LTTNG_EVENT(recorded)
BENCH_LTTNG_EVENT(rejected)
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
