/* SPDX-License-Identifier: MIT */
/* Machine code for verified programs. */
#ifndef RAWTP_BPF_JIT_H
#define RAWTP_BPF_JIT_H

#include "bpf/prog.h"
#include "bpf/run.h"

/*
 * Compiles the runnable form and sets prog->run, jit_image, jit_size. -ENOTSUP where this CPU has no
 * JIT or executable memory is refused: the caller falls back to rawtp_interpret.
 */
int rawtp_jit_compile(struct rawtp_prog *prog);
void rawtp_jit_free(struct rawtp_prog *prog);

struct rawtp_probe_place;

/*
 * The same program once more, as what a tracepoint's sites call (rawtp/record.h, struct tracepoint),
 * in one piece with what surrounds a run: read side, guard, slot, figures. Each argument is an integer
 * or a pointer, and reaches the program zero-extended.
 */
#define RAWTP_JIT_ENTRY_ARGS 5

struct rawtp_jit_entry {
	uint32_t n_args; /* 1 to RAWTP_JIT_ENTRY_ARGS */
	uint8_t arg_sizes[RAWTP_JIT_ENTRY_ARGS];
	/*
	 * Runs are counted in the thread's own counter: @counter_stride bytes from one to the next, a
	 * power of two. @watch is near them.
	 */
	uint64_t *counters;
	uint32_t counter_stride;
	/*
	 * While *@watch is not 0, @slow gets the runs before which the counter is not below (as a
	 * signed difference) the word that is @due_offset bytes behind it.
	 */
	const uint32_t *watch;
	int32_t due_offset;
	/* Where a tracepoint has the address of its walk. The same for all. */
	uint32_t walk_offset;
	/* What this does not do, is done by @slow, in the read side: to be watched, no slot. */
	void (*slow)(void *data, const uint64_t *args);
	void *data;
	uint64_t cookie; /* of the link */
	/* What calls it is near this. Calls are cheaper to code that is near, too. */
	const void *near;
};

struct rawtp_jit_frame {
	struct rawtp_frame frame;
} __attribute__((aligned(64)));

struct rawtp_jit_code {
	void *entry;
	struct rawtp_probe_place *place;
	size_t size;
	struct rawtp_jit_symbols *symbols; /* what debuggers are told of it, or NULL */
	/*
	 * Of runs that hold no slot, or slot i of the program's only per-CPU map. Only ever read, so
	 * that one serves all threads.
	 */
	struct rawtp_jit_frame *frames;
};

/*
 * Fills @code, which must stay where it is. -ENOTSUP where this CPU or this program is not up to it.
 * Callers of these serialize (the registry's lock).
 * Only events of the tracepoint that rawtp_jit_entry_admit() names run the program; all others, and
 * all of them after NULL, go along the tracepoint's walk.
 * Frees: a grace period after NULL.
 */
int rawtp_jit_entry_compile(const struct rawtp_prog *prog, const struct rawtp_jit_entry *entry,
			    struct rawtp_jit_code *code);
void rawtp_jit_entry_admit(struct rawtp_jit_code *code, const void *tracepoint);
void rawtp_jit_entry_free(struct rawtp_jit_code *code);

#endif
