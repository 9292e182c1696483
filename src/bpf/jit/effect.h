/* SPDX-License-Identifier: MIT */
/*
 * Which programs may be thrown out at any instruction and begun again, as the kernel does with a
 * restartable sequence: those that do nothing that can be seen but in the last place.
 *
 * An effect is a write to memory that is not the program's stack. A program is brief if it has one
 * subprogram and no way back, calls nothing (what rawtp_jit_inline_lookup() finds is no call, where the
 * map is an array or a hash table; nor is what rawtp_jit_inline_output() finds, which is an effect),
 * names no more registers than a leaf function has, and has at most one effect
 * on each way through it, behind which nothing but registers and the stack is written. Brief programs
 * need no guard against themselves: until its effect a run has not begun, and after it, it has ended.
 *
 * What qualifies is decided here alone. To let more qualify, say in effect.c that an instruction is no
 * effect (inlined code that only reads), or is one (that writes once, in its last instruction).
 */
#ifndef RAWTP_BPF_JIT_EFFECT_H
#define RAWTP_BPF_JIT_EFFECT_H

#include <stdbool.h>
#include <stdint.h>

struct rawtp_jit;

#define RAWTP_JIT_MAX_EFFECTS 4

struct rawtp_jit_effects {
	bool is_brief; /* the rest is 0 where it is not */
	/*
	 * What it reads must still hold when it writes: nothing may come between. An effect that is
	 * no atomic operation, or memory of the CPU's own.
	 */
	bool is_restartable;
	uint32_t n;
	uint32_t at[RAWTP_JIT_MAX_EFFECTS]; /* instructions, in their order */
	uint16_t regs;                      /* BPF registers that code for it names or spoils */
	bool is_wide;   /* code for it wants R0 to R5 where calls have them, and a register more */
	uint32_t stack; /* bytes */
};

/* Fills jit->effects. jit->flags must tell targets. */
void rawtp_jit_find_effects(struct rawtp_jit *jit);

/*
 * Is the call at instruction @index a way out of a brief program: its run is begun again by the general
 * way? Seldom taken, or brief is no gain: a key's first event.
 */
bool rawtp_jit_is_way_out(const struct rawtp_jit *jit, uint32_t index);

/* Is instruction @index one of them? Its number, or -1. */
int rawtp_jit_effect_number(const struct rawtp_jit *jit, uint32_t index);

#endif
