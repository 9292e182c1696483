/* SPDX-License-Identifier: MIT */
/* The way in and out of programs that C jumps to with plain arguments (jit.h). */
#ifndef RAWTP_BPF_JIT_X86_64_ENTRY_H
#define RAWTP_BPF_JIT_X86_64_ENTRY_H

#include "bpf/jit/compiler.h"

/* A frame that is linked through rbp, and its end. */
void rawtp_x86_make_frame(struct rawtp_jit *jit);
void rawtp_x86_leave_frame(struct rawtp_jit *jit);

/* May decide that a brief program is to be treated as any other. */
bool rawtp_x86_can_enter(struct rawtp_jit *jit);
/* The program has jit->own_regs, and no frame. */
bool rawtp_x86_entry_regs(const struct rawtp_jit *jit);
/* Bytes that it needs at rsp, beside the program's stack: a multiple of 16. */
uint32_t rawtp_x86_entry_locals(const struct rawtp_jit *jit);
/* Before the frame is made: up to where nothing is in the way of a run. */
void rawtp_x86_entry_begin(struct rawtp_jit *jit);
/* Once it is made: fills the locals. */
void rawtp_x86_entry_fill(struct rawtp_jit *jit);
/* Once the program has run and rsp is at the locals; then, once the frame is gone. */
void rawtp_x86_entry_release(struct rawtp_jit *jit);
void rawtp_x86_entry_end(struct rawtp_jit *jit);
/* Before the code of an instruction that may be an effect (effect.h). */
void rawtp_x86_entry_effect(struct rawtp_jit *jit);
/* Behind its write: what comes after it in the instruction's code is none of the section. */
void rawtp_x86_entry_effect_end(struct rawtp_jit *jit);
/* Out of a brief program whose effect has not happened, if @cond (enum x86_cond; -1: always). */
void rawtp_x86_entry_away(struct rawtp_jit *jit, int cond);
/* What the kernel says is the CPU's number; in a restartable program its slots are the program's. */
void rawtp_x86_entry_cpu(struct rawtp_jit *jit, unsigned int reg);
/* rawtp_self is in r11 while the program runs. */
bool rawtp_x86_entry_keeps_self(const struct rawtp_jit *jit);

/* Offsets from the thread pointer: of a thread-local variable of the library; of rawtp_self. */
int32_t rawtp_x86_thread_offset(const void *variable);
int32_t rawtp_x86_self(void);

#endif
