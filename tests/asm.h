/* SPDX-License-Identifier: MIT */
/*
 * An assembler for tests, in the syntax of the kernel's verifier log and of LLVM. It reads the texts
 * of src/bpf/opcodes.h, so that it knows each instruction that the library knows.
 *
 *	r1 = 5; w1 += w2; r0 = *(u64 *)(r1 + 8); *(u32 *)(r10 - 4) = r1; *(u64 *)(r10 - 8) = 5
 *	if r1 s> -1 goto label        targets: label, +3, pc+3
 *	call map_lookup_elem          or bpf_map_lookup_elem, 1; with a label: a call of a subprogram
 *	r1 = map[0]                   BPF_PSEUDO_MAP_IDX; map_value[0] + 16, map_fd[3], func label
 *	r1 = 0x1122334455667788 ll
 *	lock *(u64 *)(r1 + 0) += r2; r2 = atomic64_fetch_add((u64 *)(r1 + 0), r2)
 *	name:                         a label, on its own or before an instruction
 *
 * Instructions are separated by newlines or ';'. '#' at the start of a word begins a comment.
 */
#ifndef RAWTP_TESTS_ASM_H
#define RAWTP_TESTS_ASM_H

#include <linux/bpf.h>
#include <stddef.h>

/* Returns how many slots of @out (of @max) the program takes, or -1 with a message in @err. */
int asm_program(const char *text, struct bpf_insn *out, unsigned int max, char *err,
		size_t err_size);

#endif
