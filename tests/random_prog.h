/* SPDX-License-Identifier: MIT */
/*
 * Random programs as a compiler could have made them: maps of several types, pointers whose variable
 * offsets are masked or compared, spills and fills, branches, counted loops, subprograms, helpers,
 * ring buffer records, atomics. The generator knows what each register holds and writes what a
 * verifier should take. Most programs are then spoilt a little: a bound that is one too large, a null
 * check left out, an instruction changed.
 */
#ifndef RAWTP_TESTS_RANDOM_PROG_H
#define RAWTP_TESTS_RANDOM_PROG_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#define RANDOM_PROG_MAX 640 /* instructions */

/* THE list of maps that programs refer to by index: name, type, key, value, entries, flags. */
#define RANDOM_PROG_MAPS(X)                                     \
	X(CONFIG, BPF_MAP_TYPE_ARRAY, 4, 64, 1, BPF_F_MMAPABLE) \
	X(TABLE, BPF_MAP_TYPE_ARRAY, 4, 32, 8, BPF_F_MMAPABLE)  \
	X(PERCPU, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 32, 4, 0)       \
	X(COUNTS, BPF_MAP_TYPE_HASH, 4, 24, 16, 0)              \
	X(EVENTS, BPF_MAP_TYPE_RINGBUF, 0, 0, 65536, 0)         \
	X(RODATA, BPF_MAP_TYPE_ARRAY, 4, 16, 1, BPF_F_RDONLY_PROG)

enum random_prog_map {
#define RANDOM_PROG_MAP_ID(name, ...) RANDOM_##name,
	RANDOM_PROG_MAPS(RANDOM_PROG_MAP_ID)
#undef RANDOM_PROG_MAP_ID
		RANDOM_N_MAPS,
};

struct random_prog_shape {
	uint32_t type, key_size, value_size, max_entries, flags;
};

extern const struct random_prog_shape random_prog_shapes[RANDOM_N_MAPS];
/* What the frozen map holds. */
extern const uint8_t random_prog_rodata[16];

/*
 * What a program has in it that this verifier may know more of than the kernel's: quotients and
 * remainders, shifts by a register, common bits of two registers, atomic operations,
 * numbers subtracted from pointers (or others).
 */
#define RANDOM_HAS_DIVISION       1u
#define RANDOM_HAS_SHIFT_REG      2u
#define RANDOM_HAS_JSET_REG       4u
#define RANDOM_HAS_ATOMIC         8u
#define RANDOM_HAS_SUBTRACTION    16u
#define RANDOM_HAS_SIGN_EXTENSION 32u

struct random_prog {
	struct bpf_insn insns[RANDOM_PROG_MAX];
	uint32_t n;
	/* Nothing was spoilt: the result depends on context and maps alone. */
	bool is_exact;
};

/* The same program for the same @seed. */
void random_prog(uint64_t seed, struct random_prog *out);
/* RANDOM_HAS_ bits. */
uint32_t random_prog_features(const struct bpf_insn *insns, uint32_t n);
/* A bit for each map that an instruction names. */
uint32_t random_prog_maps(const struct bpf_insn *insns, uint32_t n);

#endif
