/* SPDX-License-Identifier: MIT */
/* LTTng-UST, as the bench loads it: a library of its own, so that nothing else needs it. */
#include "peers.h"

#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_events.h"

#define RUN(event)                                                                          \
	static __attribute__((noinline)) void run_##event(uint64_t events, const void *dev, \
							  const void *prog)                 \
	{                                                                                   \
		for (uint64_t i = 0; i < events; i++)                                       \
			lttng_ust_tracepoint(rawtp_bench, event, dev, prog, (uint32_t)i);   \
	}                                                                                   \
	struct rawtp_bench_needs_a_semicolon

RUN(off);
RUN(recorded);
RUN(rejected);

void bench_peer_run(unsigned int which, uint64_t events, const void *dev, const void *prog)
{
	if (which == BENCH_LTTNG_RECORDED)
		run_recorded(events, dev, prog);
	else if (which == BENCH_LTTNG_REJECTED)
		run_rejected(events, dev, prog);
	else
		run_off(events, dev, prog);
}

int bench_peer_ready(unsigned int which)
{
	switch (which) {
	case BENCH_LTTNG_RECORDED:
		return lttng_ust_tracepoint_enabled(rawtp_bench, recorded);
	case BENCH_LTTNG_REJECTED:
		return lttng_ust_tracepoint_enabled(rawtp_bench, rejected);
	default:
		return !lttng_ust_tracepoint_enabled(rawtp_bench, off);
	}
}
