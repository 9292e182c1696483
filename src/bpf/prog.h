/* SPDX-License-Identifier: MIT */
/* The program object: verified instructions, the maps they use, and how to run them. */
#ifndef RAWTP_BPF_PROG_H
#define RAWTP_BPF_PROG_H

#include "bpf/insn.h"
#include <stdbool.h>
#include <stddef.h>

struct rawtp_map;
struct rawtp_btf;
struct rawtp_prog;

/* Runs @prog on @ctx (u64 args[] for a raw tracepoint); returns R0. */
typedef uint64_t (*rawtp_prog_fn)(const void *ctx, const struct rawtp_prog *prog);

struct rawtp_subprog {
	uint32_t start;       /* its first instruction; subprogs[0].start is 0 */
	uint32_t stack_depth; /* bytes, a multiple of 8 */
	/* Slots that may be read before they are written: bit i is [R10 - 8 * (i + 1), R10 - 8 * i). */
	uint64_t cleared; /* an engine writes zeros there when it enters */
	bool goes_on;     /* has a tail call */
};

struct rawtp_prog {
	rawtp_prog_fn run; /* machine code, or rawtp_interpret */
	/* Maps whose per-CPU slots a run holds: set by the verifier, read by run.h. */
	struct rawtp_map *percpu_maps[8];
	uint32_t n_percpu_maps;

	uint32_t refcount; /* atomic */
	uint32_t type;     /* enum bpf_prog_type */
	char name[BPF_OBJ_NAME_LEN];
	uint64_t id; /* inode of its memfd; 0 while it has none */

	/*
	 * Stored form, then, once verified, runnable form. There a lookup in an array whose key was
	 * proved to be one and the same on every way has 1 + that key as its offset (a u16).
	 */
	struct bpf_insn *insns;
	uint32_t n_insns;
	struct rawtp_map **maps; /* a reference on each is held */
	uint32_t n_maps;
	/* One of maps, that no instruction refers to: for bpf_trace_printk(), or NULL. */
	struct rawtp_map *trace_ring;
	/*
	 * Per map, set by the verifier: its own copy of what a frozen read-only array holds, or NULL.
	 * Its constants are part of the proof, so they must not lie in memory that others map.
	 */
	void **frozen_values;
	struct rawtp_subprog *subprogs; /* set by the verifier */
	uint32_t n_subprogs;

	struct rawtp_prog **tails; /* it may go to them: rawtp_prog_adopt() */
	uint32_t n_tails;

	struct rawtp_btf *btf; /* or NULL */
	/* BPF_PROG_TYPE_TRACING: the target's types, and typedef btf_trace_NAME among them. */
	struct rawtp_btf *attach_btf;
	uint32_t attach_btf_id;
	struct bpf_func_info *func_info;
	uint32_t n_func_info;
	struct bpf_line_info *line_info;
	uint32_t n_line_info;

	/* What the verifier learnt. */
	uint32_t max_ctx_access; /* end of the highest context byte read: 8 * arguments needed */
	uint32_t ctx_slots_read; /* a bit for each u64 of the context that its loads reach */
	uint32_t verified_insns; /* walked */
	uint32_t xlated_insns;

	void *jit_image;                       /* NULL where it is interpreted */
	size_t jit_size;                       /* bytes of machine code */
	struct rawtp_jit_symbols *jit_symbols; /* what debuggers are told of it, or NULL */
};

/* Whether its context is the arguments of a tracepoint. */
static inline bool rawtp_prog_is_attachable(const struct rawtp_prog *prog)
{
	return prog->type == BPF_PROG_TYPE_RAW_TRACEPOINT || prog->type == BPF_PROG_TYPE_TRACING;
}

/*
 * Makes a program of @n_insns zeroed instructions with one reference. NULL where memory is short.
 * rawtp_prog_put() frees it with the last reference: its machine code, its references on maps and
 * BTF. The caller sees to it that no thread runs it any more (rawtp_synchronize()).
 */
struct rawtp_prog *rawtp_prog_new(uint32_t n_insns);
void rawtp_prog_get(struct rawtp_prog *prog);
/*
 * From now on @prog may go to @tail, where a program array of either, or of another tail of @prog,
 * names it. Takes a reference that lasts as long as @prog. @prog then counts as reading the arguments
 * that @tail reads. 0 or -ENOMEM. Not in a read-side section; callers see to it that nobody else adopts
 * for @prog meanwhile.
 */
int rawtp_prog_adopt(struct rawtp_prog *prog, struct rawtp_prog *tail);
void rawtp_prog_put(struct rawtp_prog *prog);

#endif
