/* SPDX-License-Identifier: MIT */
#include "bpf/verifier/tnum.h"

static uint64_t low_bits(unsigned int width)
{
	return width >= 64 ? ~0ULL : (1ULL << width) - 1;
}

struct rawtp_tnum rawtp_tnum_range(uint64_t min, uint64_t max)
{
	uint64_t differ = min ^ max, unknown;

	if (!differ)
		return rawtp_tnum_const(min);
	/* From the highest bit that differs downwards, everything may vary. */
	unknown = low_bits(64 - __builtin_clzll(differ));
	return (struct rawtp_tnum){min & ~unknown, unknown};
}

struct rawtp_tnum rawtp_tnum_shl(struct rawtp_tnum a, unsigned int shift)
{
	return (struct rawtp_tnum){a.value << shift, a.mask << shift};
}

struct rawtp_tnum rawtp_tnum_shr(struct rawtp_tnum a, unsigned int shift)
{
	return (struct rawtp_tnum){a.value >> shift, a.mask >> shift};
}

/* An unknown sign bit is copied into the mask, a known one into the value. */
struct rawtp_tnum rawtp_tnum_sar(struct rawtp_tnum a, unsigned int shift, unsigned int width)
{
	unsigned int up = 64 - width;
	uint64_t value = (uint64_t)((int64_t)(a.value << up) >> up >> shift);
	uint64_t mask = (uint64_t)((int64_t)(a.mask << up) >> up >> shift);

	return (struct rawtp_tnum){value & low_bits(width), mask & low_bits(width)};
}

struct rawtp_tnum rawtp_tnum_add(struct rawtp_tnum a, struct rawtp_tnum b)
{
	uint64_t low = a.value + b.value;      /* every unknown bit 0 */
	uint64_t high = low + a.mask + b.mask; /* every unknown bit 1 */
	uint64_t unknown = (low ^ high) | a.mask | b.mask;

	return (struct rawtp_tnum){low & ~unknown, unknown};
}

struct rawtp_tnum rawtp_tnum_sub(struct rawtp_tnum a, struct rawtp_tnum b)
{
	uint64_t difference = a.value - b.value;
	uint64_t unknown = ((difference + a.mask) ^ (difference - b.mask)) | a.mask | b.mask;

	return (struct rawtp_tnum){difference & ~unknown, unknown};
}

/* Long multiplication: a known 1 adds b, an unknown bit adds "b or nothing". */
struct rawtp_tnum rawtp_tnum_mul(struct rawtp_tnum a, struct rawtp_tnum b)
{
	struct rawtp_tnum sum = rawtp_tnum_const(0);

	while (a.value || a.mask) {
		if (a.value & 1)
			sum = rawtp_tnum_add(sum, b);
		else if (a.mask & 1)
			sum = rawtp_tnum_add(sum, (struct rawtp_tnum){0, b.value | b.mask});
		a = rawtp_tnum_shr(a, 1);
		b = rawtp_tnum_shl(b, 1);
	}
	return sum;
}

struct rawtp_tnum rawtp_tnum_and(struct rawtp_tnum a, struct rawtp_tnum b)
{
	uint64_t ones = a.value & b.value;
	uint64_t possible = (a.value | a.mask) & (b.value | b.mask);

	return (struct rawtp_tnum){ones, possible & ~ones};
}

struct rawtp_tnum rawtp_tnum_or(struct rawtp_tnum a, struct rawtp_tnum b)
{
	uint64_t ones = a.value | b.value;

	return (struct rawtp_tnum){ones, (a.mask | b.mask) & ~ones};
}

struct rawtp_tnum rawtp_tnum_xor(struct rawtp_tnum a, struct rawtp_tnum b)
{
	uint64_t unknown = a.mask | b.mask;

	return (struct rawtp_tnum){(a.value ^ b.value) & ~unknown, unknown};
}

struct rawtp_tnum rawtp_tnum_cut(struct rawtp_tnum a, unsigned int width)
{
	return (struct rawtp_tnum){a.value & low_bits(width), a.mask & low_bits(width)};
}

bool rawtp_tnum_meet(struct rawtp_tnum *a, struct rawtp_tnum b)
{
	uint64_t unknown = a->mask & b.mask;

	if ((a->value ^ b.value) & ~(a->mask | b.mask))
		return false;
	a->value = (a->value | b.value) & ~unknown;
	a->mask = unknown;
	return true;
}

bool rawtp_tnum_in(struct rawtp_tnum a, struct rawtp_tnum b)
{
	return !(b.mask & ~a.mask) && (b.value & ~a.mask) == a.value;
}
