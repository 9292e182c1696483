/* SPDX-License-Identifier: MIT */
/* Programs for tests of the engines: made without the verifier, run by one engine or the other. */
#ifndef RAWTP_TESTS_VM_H
#define RAWTP_TESTS_VM_H

#include "bpf/prog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VM_MAX_INSNS 4096

/*
 * A program of @insns in its runnable form: its subprograms are found by its calls, each with as
 * much stack as fits. NULL where memory is short. Free with rawtp_prog_put().
 */
struct rawtp_prog *vm_prog(const struct bpf_insn *insns, unsigned int n);

/*
 * A case of tests/run/NAME.txt. Lines of a case: "case NAME", then in any order "memory HEX" (what r1
 * points to; else it is NULL), "after HEX" (what it must be afterwards), "nokernel" (valid, but the
 * kernel's verifier does not take it), the program, and at the end "r0 is NUMBER".
 */
struct vm_case {
	char file[64], name[64];
	unsigned int line;
	struct bpf_insn insns[VM_MAX_INSNS];
	unsigned int n_insns;
	uint8_t memory[512], after[512];
	size_t n_memory;
	bool has_memory, has_after, no_kernel;
	uint64_t r0;
};

/*
 * Calls @fn with each case of each file in @folder. Returns how many there were, or -1 with a message
 * on standard error where a file cannot be read or understood.
 */
int vm_for_each_case(const char *folder, void (*fn)(const struct vm_case *vm_case, void *arg),
		     void *arg);

/* Bytes of hex digits, blanks between them allowed. Returns how many, or -1. */
int vm_parse_hex(const char *text, uint8_t *out, size_t max);

#endif
