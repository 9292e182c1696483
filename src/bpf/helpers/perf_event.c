/* SPDX-License-Identifier: MIT */
/* Helpers on perf event arrays. The verifier has proved their arguments. */
#include "bpf/helpers/helper.h"
#include "bpf/maps/perf_event.h"

/* clang-format off */
#define RAWTP_HELPER(number, fn_name, returns, a1, a2, a3, a4, a5, doc)                            \
	uint64_t rawtp_helper_##fn_name(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,        \
					uint64_t r5);
#include "bpf/helpers/list.h"
/* clang-format on */

uint64_t rawtp_helper_perf_event_output(uint64_t ctx, uint64_t map, uint64_t flags, uint64_t data,
					uint64_t size)
{
	return (uint64_t)rawtp_perf_output((const struct rawtp_map *)(uintptr_t)map, flags,
					   (const void *)(uintptr_t)data, size);
}
