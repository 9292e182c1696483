/* SPDX-License-Identifier: MIT */
/*
 * Between the driver (jit.c) and a CPU's table. The driver walks the program in passes and knows
 * where each instruction's machine code begins; the CPU knows encodings and brings one row for each
 * row of opcodes.h, in that order.
 *
 * Errors stick: once err is set, emitting does nothing more, so that emitting code needs no checks;
 * the driver looks at the end.
 *
 * Branches are made short without going back and forth: the first pass takes each as long, a later
 * one measures with the offsets of the pass before, at both ends. Nothing between two instructions
 * is aligned, so lengths and with them distances only shrink from pass to pass, and what is short
 * stays short. When a pass changes no offset, or there were passes enough, one more writes the image.
 */
#ifndef RAWTP_BPF_JIT_COMPILER_H
#define RAWTP_BPF_JIT_COMPILER_H

#include "bpf/opcodes.h"
#include "bpf/jit/effect.h"
#include "bpf/jit/jit.h"
#include "bpf/jit/unwind.h"
#include "bpf/prog.h"

#include <errno.h>

#define RAWTP_JIT_MAX_BYTES 1024 /* of one instruction, of a prologue */

enum {
	RAWTP_JIT_TARGET = 1, /* is jumped to */
	RAWTP_JIT_SHORT = 2,  /* is a short branch */
};

struct rawtp_jit {
	const struct rawtp_prog *prog;
	uint32_t index;        /* of the instruction at hand */
	uint32_t at;           /* bytes of machine code before it */
	uint32_t *offsets;     /* of this pass: [n_insns + 1] */
	uint32_t *old_offsets; /* of the pass before; UINT32_MAX in the first */
	uint32_t *entries;     /* of the subprograms' prologues: [n_subprogs] */
	uint8_t *flags;        /* of instructions: [n_insns + 1] */
	bool settled;          /* no branch becomes short any more */
	uint8_t *image;        /* what is written in the last pass, else NULL */
	uintptr_t address;     /* where the image will run; 0 while that is not known */
	bool far_calls;        /* the library is out of reach of a relative call */

	/* NULL where it is prog->run that is made. Set by the prologue: where C comes in. */
	const struct rawtp_jit_entry *entry;
	const struct rawtp_jit_frame *frames;
	const void *const
		*tenant; /* of the place that it will run in; NULL while that is not known */
	uint32_t entry_at;
	struct rawtp_jit_effects effects;
	/* The CPU's. */
	bool entry_is_quiet;
	bool spoils_args;
	uint8_t own_regs[16];
	const uint8_t *regs; /* its register for each of BPF's */
	struct {
		uint32_t leave, nowhere, revoked, walk, slow, away, start, end;
		uint32_t effect_ends[RAWTP_JIT_MAX_EFFECTS]; /* behind the write itself */
	} marks; /* offsets of an entry's parts, of this pass or the one before */

	/* The subprogram at hand. */
	uint32_t subprog;
	uint32_t first_exit; /* which has its epilogue; UINT32_MAX while there is none */
	uint32_t exit_bytes; /* of that epilogue */
	uint16_t regs_used;  /* a bit for each BPF register that it names */
	bool calls;          /* it calls helpers or subprograms */

	uint8_t code[RAWTP_JIT_MAX_BYTES]; /* of the instruction at hand */
	unsigned int n_code;
	int err;

	struct rawtp_jit_unwind unwind; /* of the last pass */
	uint16_t machine;               /* as in the header of an object file */
};

struct rawtp_jit_row {
	void (*emit)(struct rawtp_jit *jit, const struct bpf_insn *insn,
		     const struct rawtp_jit_row *row);
	uint32_t opcode; /* the CPU's, for the shape that @emit stands for */
	uint8_t modifier;
	uint8_t flags;
};

struct rawtp_jit_cpu {
	const struct rawtp_jit_row *rows; /* [RAWTP_N_OPS] */
	void (*prologue)(struct rawtp_jit *jit);
	/* Whether a lookup in @map is compiled to code that calls nothing; may be NULL. */
	bool (*inlines_lookup)(const struct rawtp_jit *jit, const struct rawtp_map *map);
	/* Whether helper @id, which reads no argument, is compiled to code that calls nothing; may be NULL. */
	bool (*inlines_helper)(uint32_t id);
	/* Whether a record of @size bytes to @map can be an effect (effect.h); may be NULL. */
	bool (*inlines_output)(const struct rawtp_map *map, uint32_t size);
	/* Whether rawtp_jit_entry_compile() can do it; may be NULL. */
	bool (*can_enter)(struct rawtp_jit *jit);
	uint8_t fill;      /* a byte that is a trap, behind the code */
	uint16_t machine;  /* EM_<cpu> */
	const char *loads; /* what rows of RAWTP_KIND_PROBE call */
	struct rawtp_jit_frame_start frame_start;
	intptr_t reach; /* of a call by distance, less what images take */
};

/* Fails to build unless @ROWS, a list of ROW(name, ...), is opcodes.h row by row. */
#define RAWTP_JIT_ENUM_ROW(name, ...) RAWTP_JIT_ROW_##name,
#define RAWTP_JIT_ASSERT_ROW(name, ...) \
	_Static_assert((int)RAWTP_JIT_ROW_##name == (int)RAWTP_OP_##name, "row " #name);
#define RAWTP_JIT_ASSERT_ROWS(ROWS)                                                \
	enum { RAWTP_JIT_ROW_INVALID, ROWS(RAWTP_JIT_ENUM_ROW) RAWTP_JIT_N_ROWS }; \
	ROWS(RAWTP_JIT_ASSERT_ROW)                                                 \
	_Static_assert((int)RAWTP_JIT_N_ROWS == (int)RAWTP_N_OPS, "a row is missing")

/* Brought by the CPU's table.c, where there is one (base/cpu/jit.h). */
extern const struct rawtp_jit_cpu rawtp_jit_cpu;

static inline void rawtp_jit_fail(struct rawtp_jit *jit, int err)
{
	if (!jit->err)
		jit->err = err;
}

static inline void rawtp_jit_byte(struct rawtp_jit *jit, uint8_t byte)
{
	if (jit->n_code < RAWTP_JIT_MAX_BYTES)
		jit->code[jit->n_code++] = byte;
	else
		rawtp_jit_fail(jit, -E2BIG);
}

/* The lowest @n bytes of @value, lowest first. */
static inline void rawtp_jit_bytes(struct rawtp_jit *jit, uint64_t value, unsigned int n)
{
	for (; n; n--, value >>= 8)
		rawtp_jit_byte(jit, value);
}

/*
 * Whether a branch at the end of the instruction at hand, to instruction @target, is short: reaches
 * @low to @high. *@distance in bytes from its end to the target is what the last pass has to write.
 */
bool rawtp_jit_is_short(struct rawtp_jit *jit, uint32_t target, int32_t low, int32_t high,
			int32_t *distance);

/*
 * Offset in the image of the subprogram that begins at instruction @target: of a call of it, or where
 * its address is taken (callback.h). In early passes it is not its last.
 */
uint32_t rawtp_jit_function(struct rawtp_jit *jit, uint32_t target);

/* A helper's address (of bpf_tail_call(): bpf/tail_call.h); 0 and an error where there is no such helper. */
uintptr_t rawtp_jit_helper(struct rawtp_jit *jit, uint32_t id);

/*
 * The map of the lookup at instruction @index, where the CPU inlines it, else NULL. The map is known
 * where the instruction before is R1 = its address, and nothing jumps in between; R1 is then not
 * read any more, so that instruction needs no code.
 */
const struct rawtp_map *rawtp_jit_inline_lookup(const struct rawtp_jit *jit, uint32_t index);
/* Whether it is one in an array by a key that is known (prog.h): never NULL. */
bool rawtp_jit_known_key(const struct rawtp_jit *jit, uint32_t index, uint32_t *key);

/* The call at instruction @index is one of the CPU's own; R0 and R1 are all that it spoils. */
bool rawtp_jit_inline_helper(const struct rawtp_jit *jit, uint32_t index);

/*
 * The call at instruction @index is bpf_perf_event_output() to the CPU's own ring, of a map and a size
 * that are known: constants are loaded before it, and nothing jumps in between. Only in an entry.
 */
struct rawtp_jit_output {
	const struct rawtp_map *map;
	uint32_t size;
};
bool rawtp_jit_inline_output(const struct rawtp_jit *jit, uint32_t index,
			     struct rawtp_jit_output *output);

#endif
