/* SPDX-License-Identifier: MIT */
/*
 * Tail calls: a program goes on in another and does not come back.
 *
 * The other runs inside of the helper, as a call, in a frame of its own (its per-CPU slots are others),
 * and what it returns is what the function that called returns: a program's chain is at most 33 long,
 * as in the kernel, so the stack is bounded. An engine therefore compiles
 *
 *	call tail_call		result = rawtp_tail_call(R1, R2, R3)
 *				if (result.is_done) R0 = result.r0, and as exit does
 *
 * and goes on behind it where there was no program to go to.
 */
#ifndef RAWTP_BPF_TAIL_CALL_H
#define RAWTP_BPF_TAIL_CALL_H

#include <stdint.h>

#define RAWTP_MAX_TAIL_CALLS 33 /* MAX_TAIL_CALL_CNT */

/* In two registers, on every CPU that we compile for. */
struct rawtp_tail_result {
	uint64_t is_done, r0;
};

/* In a run, of verified arguments: the context, a program array, an index. */
struct rawtp_tail_result rawtp_tail_call(uint64_t ctx, uint64_t map, uint64_t index);

#endif
