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

/*
 * The same program once more, as what a C function jumps to with plain arguments, in one piece with
 * what surrounds a run: guard, slot, figures. It is entered in a read-side section, by
 *
 *	int (struct rawtp_thread *self, arguments)
 *
 * and leaves it. Each argument is an integer or a pointer, and reaches the program zero-extended.
 */
#define RAWTP_JIT_ENTRY_ARGS 5

struct rawtp_jit_entry {
	uint32_t n_args; /* 1 to RAWTP_JIT_ENTRY_ARGS */
	uint8_t arg_sizes[RAWTP_JIT_ENTRY_ARGS];
	/*
	 * Runs are counted in the thread's own counter: @counter_stride bytes from one to the next, a
	 * power of two, for threads with an index below *@n_counters. @watch is near them.
	 */
	uint64_t *counters;
	uint32_t counter_stride;
	const uint32_t *n_counters;
	/*
	 * While *@watch is not 0, @slow gets the runs before which the counter is not below (as a
	 * signed difference) the word that is @due_offset bytes behind it.
	 */
	const uint32_t *watch;
	int32_t due_offset;
	/* What this does not do, is done by @slow: nested, to be watched, no counter, no slot. */
	void (*slow)(void *data, const uint64_t *args);
	void *data;
	/* The end: leaves the read side. Code that stays, since nothing holds ours any more then. */
	int (*leave)(struct rawtp_thread *self);
};

struct rawtp_jit_frame {
	struct rawtp_frame frame;
} __attribute__((aligned(64)));

struct rawtp_jit_code {
	void *entry;
	void *image;
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
 * Frees: once no thread is in a read-side section that could have found it.
 */
int rawtp_jit_entry_compile(const struct rawtp_prog *prog, const struct rawtp_jit_entry *entry,
			    struct rawtp_jit_code *code);
void rawtp_jit_entry_free(struct rawtp_jit_code *code);

#endif
