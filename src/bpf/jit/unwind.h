/* SPDX-License-Identifier: MIT */
/*
 * What the code at hand does to the stack, in DWARF's call frame instructions, for those who walk
 * through it: a table for each image, made while the last pass writes it. A CPU's prologue and exits
 * note each step when it is done; without memory there is no table, and the code is as good.
 *
 * DWARF 5, 6.4; register numbers are the psABI's of the CPU.
 */
#ifndef RAWTP_BPF_JIT_UNWIND_H
#define RAWTP_BPF_JIT_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

struct rawtp_jit;

/* How a CPU's functions begin: the stack pointer's number, and what lies between it and the frame. */
struct rawtp_jit_frame_start {
	uint8_t stack_pointer, return_column;
	uint8_t bytes;            /* from the stack pointer to the canonical frame address */
	bool return_on_the_stack; /* just below that address */
};

struct rawtp_jit_unwind {
	uint8_t *table; /* of .debug_frame, or NULL */
	uint32_t size, room;
	uint32_t function; /* where the entry of the function at hand begins; 0: there is none */
	uint32_t at;       /* the code that was described last */
	bool failed;
};

/* Around each function of the last pass. */
void rawtp_jit_unwind_begin(struct rawtp_jit *jit, const struct rawtp_jit_frame_start *start);
void rawtp_jit_unwind_end(struct rawtp_jit *jit);

/* From here on, the canonical frame address is @reg + @bytes. */
void rawtp_jit_unwind_frame(struct rawtp_jit *jit, unsigned int reg, uint32_t bytes);
/* From here on, the caller's @reg lies @below bytes, a multiple of 8, below that address. */
void rawtp_jit_unwind_saved(struct rawtp_jit *jit, unsigned int reg, uint32_t below);
/* From here on, @reg is the caller's again. */
void rawtp_jit_unwind_restored(struct rawtp_jit *jit, unsigned int reg);
/* What is noted in between holds only there: the end of a function that has more code behind it. */
void rawtp_jit_unwind_push(struct rawtp_jit *jit);
void rawtp_jit_unwind_pop(struct rawtp_jit *jit);

#endif
