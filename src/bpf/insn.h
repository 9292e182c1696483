/* SPDX-License-Identifier: MIT */
/*
 * What the rooms of src/bpf agree on about instructions.
 *
 * A program passes through three forms, all arrays of struct bpf_insn:
 *  1. loaded:   as BPF_PROG_LOAD got it. Map references are file descriptors.
 *  2. stored:   map references are BPF_PSEUDO_MAP_IDX / BPF_PSEUDO_MAP_IDX_VALUE with an index
 *               into prog->maps. This form lies in the program's memfd and is what is verified.
 *  3. runnable: after rawtp_verify(): 64-bit immediates are host addresses (src_reg 0) or functions
 *               of the program (BPF_PSEUDO_FUNC, as stored; callback.h), the imm of
 *               a helper call is an enum rawtp_helper_id (the kernel's number, or one of ours from
 *               RAWTP_HELPER_INTERNAL up), a call with src_reg BPF_PSEUDO_CALL keeps its relative
 *               imm. Interpreter and JITs read this form only.
 */
#ifndef RAWTP_BPF_INSN_H
#define RAWTP_BPF_INSN_H

#include <linux/bpf.h>
#include <stdint.h>

#define RAWTP_MAX_INSNS       1000000 /* BPF_COMPLEXITY_LIMIT_INSNS: loaded, and walked */
#define RAWTP_MAX_STACK       512     /* MAX_BPF_STACK, per program and its calls together */
#define RAWTP_MAX_CALL_FRAMES 8       /* MAX_CALL_FRAMES */
#define RAWTP_MAX_SUBPROGS    256     /* BPF_MAX_SUBPROGS */
#define RAWTP_MAX_MAPS        64      /* MAX_USED_MAPS */
#define RAWTP_MAX_ARGS        12      /* of a tracepoint */

#endif
