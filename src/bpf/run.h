/* SPDX-License-Identifier: MIT */
/*
 * The only way into a program: recursion guard, per-CPU slots, the call.
 *
 * The caller is in a read-side section (rawtp_read_lock()). A program that already runs on this
 * thread is not entered again; a program whose per-CPU slots are all taken is not entered either.
 * Both are the caller's to count as misses.
 */
#ifndef RAWTP_BPF_RUN_H
#define RAWTP_BPF_RUN_H

#include "rawtp/thread.h"
#include "bpf/prog.h"
#include "bpf/maps/slots.h"

struct rawtp_frame {
	struct rawtp_frame *prev;
	const struct rawtp_prog *prog; /* NULL: nothing may run on this thread (the agent's) */
	uint32_t slots[8];             /* slot held in prog->percpu_maps[i] */
	uint64_t cookie;               /* of the link, for bpf_get_attach_cookie() */
};

/* Out of line: true where @prog runs on this thread already, or the thread is muted. */
bool rawtp_frame_blocks(const struct rawtp_frame *frame, const struct rawtp_prog *prog);

/* Returns false where the program was not run. *@ret is R0. */
static inline bool rawtp_prog_run_with(struct rawtp_thread *self, const struct rawtp_prog *prog,
				       uint64_t cookie, const void *ctx, uint64_t *ret)
{
	struct rawtp_frame frame;

	/* Not an initializer: slots of maps that the program does not have need no zeros. */
	frame.prev = self->frame;
	frame.prog = prog;
	frame.cookie = cookie;
	if (__builtin_expect(frame.prev != NULL, 0) && rawtp_frame_blocks(frame.prev, prog))
		return false;
	if (prog->n_percpu_maps && !rawtp_slots_claim(prog, self, frame.slots))
		return false;
	self->frame = &frame;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	*ret = prog->run(ctx, prog);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	self->frame = frame.prev;
	if (prog->n_percpu_maps)
		rawtp_slots_release(prog, frame.slots);
	return true;
}

static inline bool rawtp_prog_run(struct rawtp_thread *self, const struct rawtp_prog *prog,
				  const void *ctx, uint64_t *ret)
{
	return rawtp_prog_run_with(self, prog, 0, ctx, ret);
}

/* From now on no program runs on the calling thread: for threads of the library itself. */
void rawtp_thread_mute(void);

#endif
