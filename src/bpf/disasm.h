/* SPDX-License-Identifier: MIT */
/*
 * Text for logs and the command line, in the syntax of the kernel's verifier log ("r1 += 8"); a
 * 64-bit immediate ends in " ll", as LLVM writes it, so that text can be assembled again.
 */
#ifndef RAWTP_BPF_DISASM_H
#define RAWTP_BPF_DISASM_H

#include <linux/bpf.h>
#include <stddef.h>

/*
 * Writes one instruction (two slots for a 64-bit immediate) as text, always NUL-terminated, cut at
 * @size. Returns how many slots it took: 1 or 2. Any bytes are accepted; what is no instruction is
 * shown as "BUG_xx".
 */
int rawtp_disasm(const struct bpf_insn *insn, unsigned int n_left, char *buf, size_t size);

#endif
