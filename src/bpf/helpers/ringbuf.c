/* SPDX-License-Identifier: MIT */
/* Helpers on ring buffers: to come. */
#include "bpf/helpers/helper.h"

#include "base/err.h"

/* clang-format off */
#define RAWTP_HELPER(number, fn_name, returns, a1, a2, a3, a4, a5, doc)                            \
	uint64_t rawtp_helper_##fn_name(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,        \
					uint64_t r5);
#include "bpf/helpers/list.h"
/* clang-format on */

uint64_t rawtp_helper_ringbuf_output(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
				     uint64_t r5)
{
	return (uint64_t)-EAGAIN;
}

uint64_t rawtp_helper_ringbuf_reserve(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
				      uint64_t r5)
{
	return 0;
}

uint64_t rawtp_helper_ringbuf_submit(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
				     uint64_t r5)
{
	return 0;
}

uint64_t rawtp_helper_ringbuf_discard(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
				      uint64_t r5)
{
	return 0;
}

uint64_t rawtp_helper_ringbuf_query(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	return 0;
}
