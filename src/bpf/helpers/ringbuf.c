/* SPDX-License-Identifier: MIT */
/* Helpers on ring buffers. The verifier has proved their arguments; the map is the host's object. */
#include "bpf/helpers/helper.h"
#include "bpf/maps/ringbuf.h"

#include <string.h>

#include "base/err.h"

/* clang-format off */
#define RAWTP_HELPER(number, fn_name, returns, a1, a2, a3, a4, a5, doc)                            \
	uint64_t rawtp_helper_##fn_name(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,        \
					uint64_t r5);
#include "bpf/helpers/list.h"
/* clang-format on */

static inline void *pointer(uint64_t reg)
{
	return (void *)(uintptr_t)reg;
}

uint64_t rawtp_helper_ringbuf_output(uint64_t map, uint64_t data, uint64_t size, uint64_t flags,
				     uint64_t r5)
{
	void *record;

	if (flags & ~(uint64_t)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		return (uint64_t)-EINVAL;
	record = rawtp_ringbuf_reserve(pointer(map), size);
	if (!record)
		return (uint64_t)-EAGAIN;
	memcpy(record, pointer(data), size);
	rawtp_ringbuf_commit(record, flags, false);
	return 0;
}

uint64_t rawtp_helper_ringbuf_reserve(uint64_t map, uint64_t size, uint64_t flags, uint64_t r4,
				      uint64_t r5)
{
	return flags ? 0 : (uint64_t)(uintptr_t)rawtp_ringbuf_reserve(pointer(map), size);
}

uint64_t rawtp_helper_ringbuf_submit(uint64_t record, uint64_t flags, uint64_t r3, uint64_t r4,
				     uint64_t r5)
{
	rawtp_ringbuf_commit(pointer(record), flags, false);
	return 0;
}

uint64_t rawtp_helper_ringbuf_discard(uint64_t record, uint64_t flags, uint64_t r3, uint64_t r4,
				      uint64_t r5)
{
	rawtp_ringbuf_commit(pointer(record), flags, true);
	return 0;
}

uint64_t rawtp_helper_ringbuf_query(uint64_t map, uint64_t flags, uint64_t r3, uint64_t r4,
				    uint64_t r5)
{
	return rawtp_ringbuf_query(pointer(map), flags);
}
