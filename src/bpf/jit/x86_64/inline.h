/* SPDX-License-Identifier: MIT */
/* Helpers that are compiled to code of their own, and calls of the others. */
#ifndef RAWTP_BPF_JIT_X86_64_INLINE_H
#define RAWTP_BPF_JIT_X86_64_INLINE_H

#include "bpf/jit/compiler.h"

void rawtp_x86_call_helper(struct rawtp_jit *jit, uint32_t id);

bool rawtp_x86_inlines_lookup(const struct rawtp_jit *jit, const struct rawtp_map *map);
/*
 * The value of the key at rsi, in rax; NULL where there is none. Spoils what a call may spoil, but
 * for r9 to r11, and writes nothing but up to 8 bytes below rsp. In a brief program it may spoil r9,
 * writes nothing, and leaves the program where the helper is needed.
 */
void rawtp_x86_lookup(struct rawtp_jit *jit, const struct rawtp_map *map);

/* Helpers that look at what the thread has: its result in rax; spoils R1. */
bool rawtp_x86_inlines_helper(uint32_t id);
void rawtp_x86_inline_helper(struct rawtp_jit *jit, uint32_t id);

bool rawtp_x86_inlines_output(const struct rawtp_map *map, uint32_t size);
/*
 * In a brief program: the record at rcx into the ring of this CPU, and what is behind it: the reader is
 * woken, rax = 0. Leaves the program where the helper is needed.
 */
void rawtp_x86_output(struct rawtp_jit *jit, const struct rawtp_jit_output *output);

#endif
