/* SPDX-License-Identifier: MIT */
/* Helpers that are compiled to code of their own, and calls of the others. */
#ifndef RAWTP_BPF_JIT_X86_64_INLINE_H
#define RAWTP_BPF_JIT_X86_64_INLINE_H

#include "bpf/jit/compiler.h"

void rawtp_x86_call_helper(struct rawtp_jit *jit, uint32_t id);

bool rawtp_x86_inlines_lookup(const struct rawtp_jit *jit, const struct rawtp_map *map);
/*
 * The value of the key at rsi, in rax; NULL where there is none. Spoils what a call may spoil, but
 * for r9 to r11, and writes nothing but up to 8 bytes below rsp.
 */
void rawtp_x86_lookup(struct rawtp_jit *jit, const struct rawtp_map *map);

#endif
