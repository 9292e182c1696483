/* SPDX-License-Identifier: MIT */
/*
 * What is known of a number's size, as unsigned and as signed, for numbers of @width bits (1 to 64).
 * The same text serves 64-bit and 32-bit registers, and 4-bit numbers in the tests, where every case
 * can be tried. Both ranges are closed and never empty; signed bounds are sign-extended to 64 bits.
 * Pure: values in, values out.
 */
#ifndef RAWTP_BPF_VERIFIER_RANGE_H
#define RAWTP_BPF_VERIFIER_RANGE_H

#include "bpf/verifier/tnum.h"

struct rawtp_range {
	uint64_t umin, umax;
	int64_t smin, smax;
};

static inline uint64_t rawtp_width_mask(unsigned int width)
{
	return ~0ULL >> (64 - width);
}

static inline int64_t rawtp_sign_extend(uint64_t value, unsigned int width)
{
	return (int64_t)(value << (64 - width)) >> (64 - width);
}

struct rawtp_range rawtp_range_full(unsigned int width);
struct rawtp_range rawtp_range_const(uint64_t value, unsigned int width);
struct rawtp_range rawtp_range_unsigned(uint64_t min, uint64_t max, unsigned int width);
struct rawtp_range rawtp_range_add(struct rawtp_range a, struct rawtp_range b, unsigned int width);
struct rawtp_range rawtp_range_sub(struct rawtp_range a, struct rawtp_range b, unsigned int width);
struct rawtp_range rawtp_range_mul(struct rawtp_range a, struct rawtp_range b, unsigned int width);
/* Shifts by any of [min, max], max < width. */
struct rawtp_range rawtp_range_shl(struct rawtp_range a, unsigned int min, unsigned int max,
				   unsigned int width);
struct rawtp_range rawtp_range_shr(struct rawtp_range a, unsigned int min, unsigned int max,
				   unsigned int width);
struct rawtp_range rawtp_range_sar(struct rawtp_range a, unsigned int min, unsigned int max,
				   unsigned int width);

/* Each of the three views learns from the others. False where they contradict each other. */
bool rawtp_range_sync(struct rawtp_range *a, struct rawtp_tnum *bits, unsigned int width);
/* Is every number of @b one of @a? */
bool rawtp_range_in(const struct rawtp_range *a, const struct rawtp_range *b);

static inline bool rawtp_range_empty(const struct rawtp_range *a)
{
	return a->umin > a->umax || a->smin > a->smax;
}

#endif
