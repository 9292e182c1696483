/* SPDX-License-Identifier: MIT */
/* The generator's rooms to each other: random_prog.c holds what flows, random_steps.c the steps. */
#ifndef RAWTP_TESTS_RANDOM_PROG_INTERNAL_H
#define RAWTP_TESTS_RANDOM_PROG_INTERNAL_H

#include "random_prog.h"

#define N_SLOTS       8
#define BUFFER        -96 /* 32 bytes of stack below the slots, never a spill */
#define BUFFER_SIZE   32
#define KEY           -104
#define MAX_FUNCTIONS 4
#define MAX_CALLS     6
#define ANY_NUMBER    UINT64_MAX

enum kind { UNSET, NUMBER, CONTEXT, VALUE, STACK, RECORD };

/* What the generator knows of a register or a slot. */
struct known {
	uint8_t kind; /* enum kind */
	uint8_t map;
	uint8_t align;     /* of a number, or of an offset */
	bool is_locked;    /* not to be written */
	int32_t low, high; /* pointers: bounds of the offset */
	int32_t size;      /* pointers: of the object */
	uint64_t max;      /* numbers */
};

struct state {
	struct known regs[10], slots[N_SLOTS];
};

struct function {
	struct known args[5];
	uint32_t calls[MAX_CALLS]; /* instructions whose imm names it */
	uint32_t n_calls;
	uint32_t depth;
	bool is_callback;
};

struct gen {
	struct random_prog *out;
	uint64_t random;
	struct state now;
	uint32_t spoil; /* one choice in so many is wrong; 0: none */
	uint32_t depth, loops, call_depth;
	uint32_t limit;  /* instructions: beyond it nothing is begun */
	uint32_t n_held; /* records: no exit */
	bool is_callback;
	struct function functions[MAX_FUNCTIONS];
	uint32_t n_functions, n_made; /* made: their bodies are there */
};

/* random_prog.c */
uint32_t gen_below(struct gen *g, uint32_t n);
static inline bool gen_one_in(struct gen *g, uint32_t n)
{
	return gen_below(g, n) == 0;
}
/* Should this choice be a wrong one? */
bool gen_spoils(struct gen *g);
int32_t gen_imm(struct gen *g);
void gen_emit(struct gen *g, uint8_t code, uint32_t dst, uint32_t src, int32_t off, int32_t imm);
void gen_map(struct gen *g, uint32_t dst, uint32_t kind, uint32_t map, uint32_t off);
void gen_call(struct gen *g, int32_t helper);
/* A register of @kind, or where there is none, -1. */
int gen_find(struct gen *g, enum kind kind);
/* One that holds a number; one is made if there is none. */
uint32_t gen_number(struct gen *g);
/* One that may be overwritten. */
uint32_t gen_target(struct gen *g);
void gen_set_number(struct gen *g, uint32_t reg, uint64_t max, uint32_t align);
/* Where control goes on behind the jump at @at. */
void gen_land(struct gen *g, uint32_t at);
/* Ends the function here, unless a jump at @skip goes around it. */
void gen_exit(struct gen *g);
void gen_block(struct gen *g, uint32_t n);
void gen_merge(struct state *to, const struct state *other);
void gen_begin_loop(struct gen *g, struct state *head);
void gen_end_loop(struct gen *g, const struct state *head);

/* random_steps.c: what has no control flow. */
uint32_t gen_own_number(struct gen *g); /* one that may be changed */
void gen_bound(struct gen *g, uint32_t reg, uint32_t max);
void gen_pointer(struct gen *g, uint32_t reg);
/* A register that points to memory; one is made where there is none. */
uint32_t gen_memory(struct gen *g);
/* Where in the object that @ptr points into @n bytes can be used, relative to it. False: nowhere. */
bool gen_place(struct gen *g, uint32_t ptr, int32_t n, bool aligned, int32_t *off);

/* THE list of statements, and of how many of 100 each is. */
#define GEN_STEPS(X)       \
	X(alu, 12)         \
	X(unary, 3)        \
	X(move, 8)         \
	X(imm64, 2)        \
	X(context, 4)      \
	X(spill, 8)        \
	X(fill, 7)         \
	X(bound, 5)        \
	X(pointer, 4)      \
	X(move_pointer, 8) \
	X(access, 11)      \
	X(branch, 7)       \
	X(loop, 3)         \
	X(function, 2)     \
	X(callback, 3)     \
	X(lookup, 4)       \
	X(change_map, 2)   \
	X(record, 2)       \
	X(output, 1)       \
	X(probe_read, 2)   \
	X(ask, 2)

#define GEN_STEP_DECLARATION(name, weight) void gen_step_##name(struct gen *g);
GEN_STEPS(GEN_STEP_DECLARATION)
#undef GEN_STEP_DECLARATION

/* random_flow.c: one statement of any kind. */
void gen_step(struct gen *g);

#endif
