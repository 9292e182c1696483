/* SPDX-License-Identifier: MIT */
/*
 * Helpers: the stack of the event. A process has one stack for all it does, so BPF_F_USER_STACK makes
 * no difference. The first address is where the tracepoint stands: frames of the library and of the
 * tracepoint's own functions are left out.
 */
#include "base/err.h"
#include "base/unwind.h"
#include "bpf/helpers/helper.h"
#include "bpf/maps/stack_trace.h"

#include <string.h>

static inline void *pointer(uint64_t reg)
{
	return (void *)(uintptr_t)reg;
}

/*
 * The context lies in the frame of the program's own machine code, which the tracepoint has called, or
 * in one of the library's functions; who calls that, by a pointer, is the tracepoint's own function.
 */
static bool leave_library(struct rawtp_unwind *unwind, uintptr_t ctx)
{
	uintptr_t pc;
	unsigned int n;

	for (n = 0; unwind->sp <= ctx; n++)
		if (n == RAWTP_MAX_STACK_DEPTH || !rawtp_unwind_step(unwind))
			return false;
	pc = unwind->pc;
	if (unwind->by_table && rawtp_unwind_was_called_indirectly(unwind) &&
	    !rawtp_unwind_step(unwind))
		rawtp_unwind_at(unwind, pc, UINTPTR_MAX, 0); /* better than nothing */
	return true;
}

/* At most @max addresses after the first @skip. Returns how many; 0: there are none. */
static uint32_t collect(struct rawtp_unwind *unwind, uint64_t ctx, uint64_t skip, void *addresses,
			uint32_t max)
{
	uint32_t n = 0;

	if (skip + max > RAWTP_MAX_STACK_DEPTH)
		max = skip < RAWTP_MAX_STACK_DEPTH ? RAWTP_MAX_STACK_DEPTH - (uint32_t)skip : 0;
	if (!max || !leave_library(unwind, (uintptr_t)ctx))
		return 0;
	do {
		uint64_t pc = unwind->pc;

		if (skip)
			skip--;
		else
			memcpy((char *)addresses + sizeof(pc) * n++, &pc, sizeof(pc));
	} while (n < max && rawtp_unwind_step(unwind));
	return n;
}

/* r1: context, r2: map, r3: frames to skip and flags. */
uint64_t rawtp_helper_get_stackid(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	const uint64_t known = BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP |
			       BPF_F_REUSE_STACKID;
	uint64_t addresses[RAWTP_MAX_STACK_DEPTH];
	struct rawtp_map *map = pointer(r2);
	struct rawtp_unwind unwind;
	uint32_t n;

	if (r3 & ~known)
		return (uint64_t)-EINVAL;
	rawtp_unwind_start(&unwind);
	n = collect(&unwind, r1, r3 & BPF_F_SKIP_FIELD_MASK, addresses,
		    rawtp_stack_trace_depth(map));
	return n ? (uint64_t)rawtp_stack_trace_add(map, addresses, n, r3) : (uint64_t)-EFAULT;
}

/* r1: context, r2: buffer of r3 bytes, r4: frames to skip and flags. The bytes that were filled. */
uint64_t rawtp_helper_get_stack(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	char *to = pointer(r2);
	size_t size = (size_t)r3, used = 0;
	struct rawtp_unwind unwind;
	int64_t err = 0;

	if (r4 & ~(uint64_t)(BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK) || size % sizeof(uint64_t)) {
		err = -EINVAL;
	} else {
		rawtp_unwind_start(&unwind);
		used = sizeof(uint64_t) * collect(&unwind, r1, r4 & BPF_F_SKIP_FIELD_MASK, to,
						  size < UINT32_MAX
							  ? (uint32_t)(size / sizeof(uint64_t))
							  : UINT32_MAX / 8);
		err = used ? (int64_t)used : -EFAULT;
	}
	memset(to + used, 0, size - used);
	return (uint64_t)err;
}
