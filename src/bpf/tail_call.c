/* SPDX-License-Identifier: MIT */
#include "bpf/tail_call.h"

#include "bpf/maps/prog_array.h"
#include "bpf/run.h"

/*
 * A program that was gone to. Records of one run are one chain of frames without gaps; what interrupts
 * the thread and runs a program itself starts another.
 */
struct tail {
	struct rawtp_frame frame;
	struct tail *prev;
	uint32_t *n_calls; /* of the run */
};

static __thread struct tail *innermost __attribute__((tls_model("initial-exec")));

static bool run_tail(struct tail *tail, const struct rawtp_prog *prog, const void *ctx,
		     uint64_t *r0)
{
	struct rawtp_thread *self = rawtp_self;

	tail->frame.prev = self->frame;
	tail->frame.prog = prog;
	if (prog->n_percpu_maps && !rawtp_slots_claim(prog, self, tail->frame.slots))
		return false;
	tail->prev = innermost;
	innermost = tail;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	self->frame = &tail->frame;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	*r0 = prog->run(ctx, prog);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	self->frame = tail->frame.prev;
	innermost = tail->prev;
	if (prog->n_percpu_maps)
		rawtp_slots_release(prog, tail->frame.slots);
	return true;
}

struct rawtp_tail_result rawtp_tail_call(uint64_t ctx, uint64_t map, uint64_t index)
{
	const struct rawtp_map *array = (const struct rawtp_map *)(uintptr_t)map;
	const struct rawtp_prog *prog = rawtp_prog_array_get(array, (uint32_t)index);
	struct rawtp_tail_result result = {0, 0};
	struct tail tail, *prev = innermost;
	uint32_t n_calls = 0;

	/* Of a context the arguments are good that the caller may read; it is of the same type. */
	if (!prog || prog->type != rawtp_self->frame->prog->type)
		return result;
	tail.n_calls = prev && &prev->frame == rawtp_self->frame ? prev->n_calls : &n_calls;
	if (*tail.n_calls >= RAWTP_MAX_TAIL_CALLS)
		return result;
	++*tail.n_calls;
	result.is_done = run_tail(&tail, prog, (const void *)(uintptr_t)ctx, &result.r0);
	return result;
}
