/* SPDX-License-Identifier: MIT */
/* What run.h keeps out of line: the paths that an undisturbed event does not take. */
#include "bpf/run.h"
#include "base/thread.h"

bool rawtp_frame_blocks(const struct rawtp_frame *frame, const struct rawtp_prog *prog)
{
	for (; frame; frame = frame->prev)
		if (!frame->prog || frame->prog == prog)
			return true;
	return false;
}

void rawtp_thread_mute(void)
{
	/* Only ever read, so one serves all threads. */
	static struct rawtp_frame muted;
	struct rawtp_thread *self = rawtp_self ? rawtp_self : rawtp_thread_attach();

	rawtp_quick = NULL;
	if (self)
		self->frame = &muted;
}
