/* SPDX-License-Identifier: MIT */
/*
 * Random programs that are valid by construction: arithmetic, jumps forward, stack, atomics, calls
 * of subprograms; no pointer but the frame's ever reaches a result, so that every engine must give
 * the same R0. At the end all registers and the stack are folded into R0.
 */
#ifndef RAWTP_TESTS_RANDOM_INSNS_H
#define RAWTP_TESTS_RANDOM_INSNS_H

#include <linux/bpf.h>
#include <stdint.h>

#define RANDOM_MAX_INSNS 512

/* xorshift64*; @state must not be 0. */
uint64_t random_u64(uint64_t *state);

/* Writes a program of at most RANDOM_MAX_INSNS slots; the same for the same @seed. */
unsigned int random_program(uint64_t seed, struct bpf_insn *out);

#endif
