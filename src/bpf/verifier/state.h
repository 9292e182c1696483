/* SPDX-License-Identifier: MIT */
/*
 * What is known at one point of one path: registers, stack and held references of each active
 * function. Made, copied and freed here; judged elsewhere.
 */
#ifndef RAWTP_BPF_VERIFIER_STATE_H
#define RAWTP_BPF_VERIFIER_STATE_H

#include "bpf/insn.h"
#include "bpf/verifier/scalar.h"

#define RAWTP_MAX_SLOTS (RAWTP_MAX_STACK / 8)
#define RAWTP_MAX_REFS  32
#define RAWTP_N_REGS    11

enum rawtp_reg_type {
	RAWTP_REG_NOT_INIT,
	RAWTP_REG_SCALAR,
	RAWTP_REG_CTX,
	RAWTP_REG_STACK,
	RAWTP_REG_MAP,
	RAWTP_REG_FUNC, /* a function of the program */
	RAWTP_REG_KEY,  /* of a map, as a callback gets it */
	RAWTP_REG_VALUE,
	RAWTP_REG_VALUE_OR_NULL,
	RAWTP_REG_RECORD,
	RAWTP_REG_RECORD_OR_NULL,
	RAWTP_REG_TASK,       /* the thread; a name, and no memory */
	RAWTP_REG_DYNPTR,     /* half of one, on the stack; never in a register */
	RAWTP_REG_BTF,        /* what it points to has a type, and may not be there */
	RAWTP_REG_DYNPTR_ARG, /* the address of one, as a callback gets it */
};

struct rawtp_reg {
	uint8_t type;  /* enum rawtp_reg_type */
	uint8_t frame; /* STACK: whose */
	uint8_t map;   /* MAP, VALUE: index into prog->maps */
	/* VALUE: an address in the program's text, not from a lookup. RECORD: memory of a dynptr. */
	bool is_direct;
	int32_t off;     /* pointers: the fixed part of the offset; var is the rest */
	uint32_t id;     /* OR_NULL: pointers with the same id are null together */
	uint32_t ref;    /* RECORD, DYNPTR: the reference that keeps it alive */
	uint32_t size;   /* RECORD: its bytes; FUNC: the subprogram; DYNPTR: which half */
	uint32_t btf_id; /* BTF: the structure, in prog->attach_btf; 0: none */
	uint32_t value;  /* SCALAR: its number in the graph of values; same number, same value */
	/* SCALAR: it is the number that value @base stood for, plus @delta; 0: none such is known. */
	uint32_t base;
	int32_t delta;
	struct rawtp_scalar var;
};

/* What one byte of the stack holds. */
enum rawtp_byte {
	RAWTP_BYTE_INVALID, /* never written */
	RAWTP_BYTE_MISC,    /* written, unknown */
	RAWTP_BYTE_ZERO,
	RAWTP_BYTE_SPILL, /* part of the spilled register */
};

/* Eight bytes of stack: slot i is [fp - 8 * (i + 1), fp - 8 * i). */
struct rawtp_slot {
	uint8_t bytes[8];     /* from the lowest address on; a spill starts at byte 0 */
	struct rawtp_reg reg; /* where bytes[0] is SPILL */
};

struct rawtp_function {
	struct rawtp_reg regs[RAWTP_N_REGS];
	uint32_t call_site; /* where the caller goes on; of a callback: the call, once more */
	bool is_callback;
	/*
	 * While a helper calls back from this function: how often it has, on this path, and which
	 * execution of the call that is (loops.c).
	 */
	uint32_t n_callbacks, activation;
	uint32_t subprog;
	uint32_t n_slots, max_slots;
	struct rawtp_slot *slots;
	uint64_t written; /* slots overwritten as a whole since the last checkpoint */
};

struct rawtp_checkpoint;

struct rawtp_state {
	struct rawtp_function *functions[RAWTP_MAX_CALL_FRAMES];
	uint32_t depth; /* functions[depth] runs */
	uint32_t refs[RAWTP_MAX_REFS];
	uint32_t ref_insns[RAWTP_MAX_REFS]; /* where each was acquired */
	uint32_t n_refs;
	uint32_t n_rounds; /* of loops that end by themselves (loops.c), on this path */
	bool is_returning; /* from a callback, to the call */
	struct rawtp_checkpoint *parent;
};

/* 0 or -ENOMEM. @to is overwritten; after a failure it is empty. */
int rawtp_state_copy(struct rawtp_state *to, const struct rawtp_state *from);
void rawtp_state_clear(struct rawtp_state *state);
/* A fresh function with nothing but R10; NULL where memory is short. */
struct rawtp_function *rawtp_function_new(uint32_t frame, uint32_t subprog, uint32_t call_site);
void rawtp_function_free(struct rawtp_function *function);
/* Makes slots [0, n) exist, n <= RAWTP_MAX_SLOTS. 0 or -ENOMEM. */
int rawtp_function_grow(struct rawtp_function *function, uint32_t n);
/* Bytes of memory. */
uint64_t rawtp_state_size(const struct rawtp_state *state);

/* Calls @fn for each register and each spilled register of every active function. */
typedef void (*rawtp_reg_fn)(struct rawtp_reg *reg, void *arg);
void rawtp_state_each_reg(struct rawtp_state *state, rawtp_reg_fn fn, void *arg);

static inline struct rawtp_function *rawtp_state_top(struct rawtp_state *state)
{
	return state->functions[state->depth];
}

static inline bool rawtp_reg_is_pointer(const struct rawtp_reg *reg)
{
	return reg->type > RAWTP_REG_SCALAR;
}

/* Numbers with the same base differ by their deltas. */
static inline uint32_t rawtp_reg_base(const struct rawtp_reg *reg)
{
	return reg->base ? reg->base : reg->value;
}

static inline bool rawtp_reg_maybe_null(const struct rawtp_reg *reg)
{
	return reg->type == RAWTP_REG_VALUE_OR_NULL || reg->type == RAWTP_REG_RECORD_OR_NULL;
}

static inline bool rawtp_slot_is_spill(const struct rawtp_slot *slot)
{
	return slot->bytes[0] == RAWTP_BYTE_SPILL;
}

/* How many bytes of a spilled register a slot holds. */
unsigned int rawtp_slot_spill_size(const struct rawtp_slot *slot);

#endif
