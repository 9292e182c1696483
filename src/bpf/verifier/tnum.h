/* SPDX-License-Identifier: MIT */
/*
 * What is known of single bits ("tracked numbers"): a bit set in mask is unknown, any other bit is as
 * in value. value & mask is always 0. Pure: values in, values out.
 *
 * Addition and subtraction: Vishwanathan, Shachnai, Narayana, Nagarakatte, "Sound, Precise, and Fast
 * Abstract Interpretation with Tristate Numbers", CGO 2022. The rest is checked by brute force
 * (tests/unit/verifier_arithmetic.c).
 */
#ifndef RAWTP_BPF_VERIFIER_TNUM_H
#define RAWTP_BPF_VERIFIER_TNUM_H

#include <stdbool.h>
#include <stdint.h>

struct rawtp_tnum {
	uint64_t value, mask;
};

#define RAWTP_TNUM_UNKNOWN ((struct rawtp_tnum){0, ~0ULL})

static inline struct rawtp_tnum rawtp_tnum_const(uint64_t value)
{
	return (struct rawtp_tnum){value, 0};
}

static inline bool rawtp_tnum_is_const(struct rawtp_tnum a)
{
	return a.mask == 0;
}

/* The smallest one that holds every number of [min, max]. */
struct rawtp_tnum rawtp_tnum_range(uint64_t min, uint64_t max);
/* a << shift; a >> shift; the same with the sign of a number of @width bits. shift < 64. */
struct rawtp_tnum rawtp_tnum_shl(struct rawtp_tnum a, unsigned int shift);
struct rawtp_tnum rawtp_tnum_shr(struct rawtp_tnum a, unsigned int shift);
struct rawtp_tnum rawtp_tnum_sar(struct rawtp_tnum a, unsigned int shift, unsigned int width);
struct rawtp_tnum rawtp_tnum_add(struct rawtp_tnum a, struct rawtp_tnum b);
struct rawtp_tnum rawtp_tnum_sub(struct rawtp_tnum a, struct rawtp_tnum b);
struct rawtp_tnum rawtp_tnum_mul(struct rawtp_tnum a, struct rawtp_tnum b);
struct rawtp_tnum rawtp_tnum_and(struct rawtp_tnum a, struct rawtp_tnum b);
struct rawtp_tnum rawtp_tnum_or(struct rawtp_tnum a, struct rawtp_tnum b);
struct rawtp_tnum rawtp_tnum_xor(struct rawtp_tnum a, struct rawtp_tnum b);
/* The low @width bits; the others become 0. */
struct rawtp_tnum rawtp_tnum_cut(struct rawtp_tnum a, unsigned int width);
/* Both hold. False where they contradict each other. */
bool rawtp_tnum_meet(struct rawtp_tnum *a, struct rawtp_tnum b);
/* Is every number of @b one of @a? */
bool rawtp_tnum_in(struct rawtp_tnum a, struct rawtp_tnum b);

#endif
