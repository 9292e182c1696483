/* SPDX-License-Identifier: MIT */
#include "base/unwind.h"
#include "base/cpu/unwind.h"
#include "base/nofault.h"

#include <string.h>

#define MAX_FRAME (1UL << 26) /* bytes; a frame pointer farther away is something else */

void rawtp_unwind_at(struct rawtp_unwind *unwind, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	unwind->pc = rawtp_unwind_strip(pc);
	unwind->sp = sp;
	unwind->fp = fp;
	unwind->is_exact = false;
	unwind->by_table = false;
	unwind->window_at = UINTPTR_MAX;
}

bool rawtp_unwind_word(struct rawtp_unwind *unwind, uintptr_t at, uintptr_t *word)
{
	uintptr_t start = at & ~(uintptr_t)(RAWTP_UNWIND_WINDOW - 1);

	if (at & (sizeof(*word) - 1))
		return false;
	if (start != unwind->window_at) {
		unwind->window_at = UINTPTR_MAX;
		/* A window is within one page: all of it can be read or nothing. */
		if (rawtp_probe_read(unwind->window, (const void *)start, RAWTP_UNWIND_WINDOW))
			return false;
		unwind->window_at = start;
	}
	*word = (uintptr_t)unwind->window[(at - start) / sizeof(*word)];
	return true;
}

/* The caller's frame pointer and the return address lie where the frame pointer points. */
static bool step_by_frame_pointer(struct rawtp_unwind *unwind)
{
	uintptr_t fp = unwind->fp, caller_fp, pc;

	if (fp < unwind->sp || fp - unwind->sp > MAX_FRAME ||
	    !rawtp_unwind_word(unwind, fp, &caller_fp) ||
	    !rawtp_unwind_word(unwind, fp + sizeof(fp), &pc))
		return false;
	unwind->pc = rawtp_unwind_strip(pc);
	unwind->sp = fp + 2 * sizeof(fp);
	unwind->fp = caller_fp;
	unwind->is_exact = false;
	return true;
}

bool rawtp_unwind_step(struct rawtp_unwind *unwind)
{
	uintptr_t sp = unwind->sp;
	bool crosses = unwind->is_exact;
	int known;

	if (!RAWTP_CAN_UNWIND)
		return false;
	known = rawtp_unwind_cfi(unwind);
	unwind->by_table = known > 0;
	if (known < 0 ? !step_by_frame_pointer(unwind) : !known)
		return false;
	/* A signal may have come on a stack of its own; else a stack has one direction. */
	return unwind->pc && (unwind->sp > sp || crosses || unwind->is_exact);
}

bool rawtp_unwind_was_called_indirectly(const struct rawtp_unwind *unwind)
{
	uint8_t code[8];

	return !unwind->is_exact &&
	       !rawtp_probe_read(code, (const void *)(unwind->pc - sizeof(code)), sizeof(code)) &&
	       rawtp_unwind_is_indirect(code);
}
