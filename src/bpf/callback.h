/* SPDX-License-Identifier: MIT */
/*
 * Functions of a program that helpers call back.
 *
 * R = func NAME is, in the runnable form, a 64-bit immediate that keeps its source BPF_PSEUDO_FUNC and
 * the distance in instructions. What it loads depends on the engine:
 *  - machine code: the address of the function's code, which is entered and left as C is. A JIT has
 *    to load an address relative to its own place (rawtp_jit_function()), and no more: no table, no
 *    trampoline. Its functions must keep what C functions keep and leave R0 where C has its result;
 *  - the interpreter: the address of the function's first instruction; as it calls the helper it puts
 *    the address of a struct of its own in its place, with bit 63 set, which no address has.
 * The verifier has proved that the register is the second argument, and the function one of these.
 */
#ifndef RAWTP_BPF_CALLBACK_H
#define RAWTP_BPF_CALLBACK_H

#include "bpf/helpers/helper.h"

#include <stdint.h>

#define RAWTP_CALLBACK_INTERPRETED (1ULL << 63)

/* interp.c */
uint64_t rawtp_interpret_callback(uint64_t function, const uint64_t *args);

/* Calls what a helper got as ARG_PTR_TO_FUNC, in the same run; returns its R0. */
static inline uint64_t rawtp_call_back(uint64_t function, uint64_t r1, uint64_t r2, uint64_t r3,
				       uint64_t r4)
{
	uint64_t args[5] = {r1, r2, r3, r4, 0};

	if (__builtin_expect(function & RAWTP_CALLBACK_INTERPRETED, 0))
		return rawtp_interpret_callback(function, args);
	return ((rawtp_helper_fn)(uintptr_t)function)(r1, r2, r3, r4, 0);
}

#endif
