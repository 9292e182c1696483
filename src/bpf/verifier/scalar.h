/* SPDX-License-Identifier: MIT */
/*
 * All that is known of a 64-bit register that holds a number: its bits, its range, and the range of
 * its low half. Pure: values in, values out.
 */
#ifndef RAWTP_BPF_VERIFIER_SCALAR_H
#define RAWTP_BPF_VERIFIER_SCALAR_H

#include "bpf/verifier/range.h"

struct rawtp_scalar {
	struct rawtp_tnum bits;
	struct rawtp_range r64;
	struct rawtp_range r32; /* of the low 32 bits */
};

/* Comparisons, after swapping and negating: two orders, equality, common bits. */
enum rawtp_compare {
	RAWTP_EQ,
	RAWTP_NE,
	RAWTP_ULT,
	RAWTP_ULE,
	RAWTP_SLT,
	RAWTP_SLE,
	RAWTP_SET,   /* a & b != 0 */
	RAWTP_CLEAR, /* a & b == 0 */
};

struct rawtp_scalar rawtp_scalar_unknown(void);
struct rawtp_scalar rawtp_scalar_const(uint64_t value);
/* Anything of [min, max], as signed numbers. */
struct rawtp_scalar rawtp_scalar_signed(int64_t min, int64_t max);
/* What a load of @size bytes gives. */
struct rawtp_scalar rawtp_scalar_loaded(unsigned int size, bool sign_extended);

static inline bool rawtp_scalar_is_const(const struct rawtp_scalar *a)
{
	return rawtp_tnum_is_const(a->bits);
}

/* dst = the low @width bits (8, 16, 32) of @a, the others zero, or copies of the sign. */
struct rawtp_scalar rawtp_scalar_zero_extended(const struct rawtp_scalar *a, unsigned int width);
struct rawtp_scalar rawtp_scalar_sign_extended(const struct rawtp_scalar *a, unsigned int width);

/*
 * a op b, for op one of BPF_ADD, SUB, MUL, DIV, MOD, OR, AND, LSH, RSH, NEG (0 - b), XOR, ARSH;
 * @is_signed: SDIV, SMOD. 32-bit results are zero-extended. Division by zero is 0, modulo by zero
 * leaves a, shift counts are taken modulo the width.
 */
struct rawtp_scalar rawtp_scalar_alu(const struct rawtp_scalar *a, const struct rawtp_scalar *b,
				     uint8_t op, bool is64, bool is_signed);

/* 1: always true, 0: never, -1: it depends. */
int rawtp_scalar_decide(const struct rawtp_scalar *a, const struct rawtp_scalar *b,
			enum rawtp_compare op, bool is64);
/*
 * Narrows both to the pairs for which the comparison may hold. False where there are none, and then
 * both are unchanged.
 */
bool rawtp_scalar_refine(struct rawtp_scalar *a, struct rawtp_scalar *b, enum rawtp_compare op,
			 bool is64);

/* Is every number of @b one of @a? */
bool rawtp_scalar_in(const struct rawtp_scalar *a, const struct rawtp_scalar *b);

#endif
