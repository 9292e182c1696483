/* SPDX-License-Identifier: MIT */
/*
 * Brute force. At 4 bits: every pair of tracked numbers and of ranges, every operation, every pair of
 * members: the result must hold what the machine computes. At 32 and 64 bits: random values inside
 * random knowledge.
 */
#include "bpf/verifier/scalar.h"
#include "harness.h"

#include <linux/bpf.h>

#define WIDTH 4
#define LIMIT (1u << WIDTH)

static bool bits_hold(struct rawtp_tnum t, uint64_t v)
{
	return (v & ~t.mask) == t.value;
}

static bool range_holds(struct rawtp_range r, uint64_t v, unsigned int width)
{
	int64_t s = rawtp_sign_extend(v, width);

	return r.umin <= v && v <= r.umax && r.smin <= s && s <= r.smax;
}

/* What the operations mean. */
enum bits_op { ADD, SUB, MUL, AND, OR, XOR, N_BITS_OPS };

static uint64_t compute(enum bits_op op, uint64_t a, uint64_t b)
{
	switch (op) {
	case ADD:
		return a + b;
	case SUB:
		return a - b;
	case MUL:
		return a * b;
	case AND:
		return a & b;
	case OR:
		return a | b;
	default:
		return a ^ b;
	}
}

static struct rawtp_tnum bits_compute(enum bits_op op, struct rawtp_tnum a, struct rawtp_tnum b)
{
	switch (op) {
	case ADD:
		return rawtp_tnum_add(a, b);
	case SUB:
		return rawtp_tnum_sub(a, b);
	case MUL:
		return rawtp_tnum_mul(a, b);
	case AND:
		return rawtp_tnum_and(a, b);
	case OR:
		return rawtp_tnum_or(a, b);
	default:
		return rawtp_tnum_xor(a, b);
	}
}

static void check_bits_pair(struct rawtp_tnum a, struct rawtp_tnum b)
{
	struct rawtp_tnum meet = a;
	bool can_meet = rawtp_tnum_meet(&meet, b), is_in = true;
	unsigned int x, y, op;

	for (op = 0; op < N_BITS_OPS; op++) {
		struct rawtp_tnum r = bits_compute(op, a, b);

		CHECK((r.value & r.mask) == 0);
		for (x = 0; x < LIMIT; x++)
			for (y = 0; bits_hold(a, x) && y < LIMIT; y++)
				if (bits_hold(b, y) && !bits_hold(r, compute(op, x, y)))
					CHECK(!"a result is not held");
	}
	for (x = 0; x < LIMIT; x++) {
		if (bits_hold(a, x) && bits_hold(b, x))
			CHECK(can_meet && bits_hold(meet, x));
		if (bits_hold(b, x) && !bits_hold(a, x))
			is_in = false;
	}
	CHECK_EQ(rawtp_tnum_in(a, b), is_in);
}

TEST(bits_exhaustive)
{
	unsigned int av, am, bv, bm;

	for (am = 0; am < LIMIT; am++)
		for (av = 0; av < LIMIT; av++)
			for (bm = 0; !(av & am) && bm < LIMIT; bm++)
				for (bv = 0; bv < LIMIT; bv++)
					if (!(bv & bm))
						check_bits_pair((struct rawtp_tnum){av, am},
								(struct rawtp_tnum){bv, bm});
}

TEST(bits_of_ranges_and_shifts)
{
	unsigned int min, max, v, s;

	for (min = 0; min < 64; min++)
		for (max = min; max < 64; max++)
			for (v = min; v <= max; v++)
				CHECK(bits_hold(rawtp_tnum_range(min, max), v));
	for (max = 0; max < 256; max++)
		for (min = 0; min < 256; min++)
			for (v = 0; !(min & max) && v < 256; v++) {
				struct rawtp_tnum t = {min, max};

				for (s = 0; bits_hold(t, v) && s < 8; s++) {
					int64_t sar = rawtp_sign_extend(v, 8) >> s;

					CHECK(bits_hold(rawtp_tnum_shl(t, s), (uint64_t)v << s));
					CHECK(bits_hold(rawtp_tnum_shr(t, s), v >> s));
					CHECK(bits_hold(rawtp_tnum_sar(t, s, 8), sar & 0xff));
				}
			}
}

/* Every unsigned and every signed interval of 4-bit numbers, alone and together. */
static struct rawtp_range range_number(unsigned int i)
{
	struct rawtp_range r = rawtp_range_full(WIDTH);
	unsigned int a = i % LIMIT, b = i / LIMIT % LIMIT;

	if (i / (LIMIT * LIMIT) == 0) {
		r.umin = a < b ? a : b;
		r.umax = a < b ? b : a;
	} else {
		int64_t x = rawtp_sign_extend(a, WIDTH), y = rawtp_sign_extend(b, WIDTH);

		r.smin = x < y ? x : y;
		r.smax = x < y ? y : x;
	}
	return r;
}

#define N_RANGES (2 * LIMIT * LIMIT)

static void check_range_pair(struct rawtp_range a, struct rawtp_range b)
{
	struct rawtp_range sum = rawtp_range_add(a, b, WIDTH);
	struct rawtp_range difference = rawtp_range_sub(a, b, WIDTH);
	struct rawtp_range product = rawtp_range_mul(a, b, WIDTH);
	unsigned int x, y;

	for (x = 0; x < LIMIT; x++)
		for (y = 0; range_holds(a, x, WIDTH) && y < LIMIT; y++) {
			if (!range_holds(b, y, WIDTH))
				continue;
			if (!range_holds(sum, (x + y) % LIMIT, WIDTH) ||
			    !range_holds(difference, (x - y) % LIMIT, WIDTH) ||
			    !range_holds(product, (x * y) % LIMIT, WIDTH))
				CHECK(!"a result is not held");
		}
}

static void check_range_shift(struct rawtp_range a, unsigned int min, unsigned int max)
{
	struct rawtp_range left = rawtp_range_shl(a, min, max, WIDTH);
	struct rawtp_range right = rawtp_range_shr(a, min, max, WIDTH);
	struct rawtp_range sign = rawtp_range_sar(a, min, max, WIDTH);
	unsigned int x, s;

	for (x = 0; x < LIMIT; x++)
		for (s = min; range_holds(a, x, WIDTH) && s <= max; s++) {
			int64_t sar = rawtp_sign_extend(x, WIDTH) >> s;

			CHECK(range_holds(left, (x << s) % LIMIT, WIDTH));
			CHECK(range_holds(right, x >> s, WIDTH));
			CHECK(range_holds(sign, (uint64_t)sar % LIMIT, WIDTH));
		}
}

TEST(ranges_exhaustive)
{
	unsigned int i, j, min, max;

	for (i = 0; i < N_RANGES; i++) {
		for (j = 0; j < N_RANGES; j++)
			check_range_pair(range_number(i), range_number(j));
		for (max = 0; max < WIDTH; max++)
			for (min = 0; min <= max; min++)
				check_range_shift(range_number(i), min, max);
	}
}

/* What the views teach each other loses no number, and finds no contradiction where there is one. */
TEST(views_exhaustive)
{
	unsigned int i, j, v, value, mask;

	for (i = 0; i < LIMIT * LIMIT; i++)
		for (j = LIMIT * LIMIT; j < N_RANGES; j += 3)
			for (mask = 0; mask < LIMIT; mask++)
				for (value = 0; value < LIMIT; value++) {
					struct rawtp_range u = range_number(i), s = range_number(j);
					struct rawtp_range before = {u.umin, u.umax, s.smin,
								     s.smax};
					struct rawtp_range r = before;
					struct rawtp_tnum t = {value, mask}, bits = t;
					bool ok;

					if (value & mask)
						continue;
					ok = rawtp_range_sync(&r, &bits, WIDTH);
					for (v = 0; v < LIMIT; v++)
						if (bits_hold(t, v) &&
						    range_holds(before, v, WIDTH) &&
						    (!ok || !bits_hold(bits, v) ||
						     !range_holds(r, v, WIDTH)))
							CHECK(!"a number is lost");
				}
}

/* A generator that gives the same numbers everywhere. */
static uint64_t seed = 0x9e3779b97f4a7c15ULL;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Numbers near the places where things change, more often than others. */
static uint64_t random_value(void)
{
	static const uint64_t edges[] = {0,         1,          UINT32_MAX, 1ULL << 31, 1ULL << 32,
					 INT64_MAX, 1ULL << 63, UINT64_MAX, 64,         255};

	switch (random64() % 4) {
	case 0:
		return random64();
	case 1:
		return random64() >> (random64() % 64);
	case 2:
		return (uint64_t)((int64_t)random64() >> (random64() % 64));
	default:
		return edges[random64() % 10] + random64() % 5 - 2;
	}
}

static bool scalar_holds(const struct rawtp_scalar *s, uint64_t v)
{
	return bits_hold(s->bits, v) && range_holds(s->r64, v, 64) &&
	       range_holds(s->r32, (uint32_t)v, 32);
}

/* Something that is true of @v, learnt the way that programs teach it: by operations and branches. */
static struct rawtp_scalar random_scalar(uint64_t v)
{
	struct rawtp_scalar s = rawtp_scalar_unknown(), other;
	unsigned int i, n = random64() % 4;

	if (random64() % 8 == 0)
		return rawtp_scalar_const(v);
	for (i = 0; i < n; i++) {
		bool is64 = random64() % 2;
		uint64_t o = random_value();
		bool below = is64 ? v < o : (uint32_t)v < (uint32_t)o;
		bool sbelow = is64 ? (int64_t)v < (int64_t)o : (int32_t)v < (int32_t)o;
		bool set = is64 ? v & o : (uint32_t)(v & o);

		other = rawtp_scalar_const(o);
		switch (random64() % 3) {
		case 0:
			below ? rawtp_scalar_refine(&s, &other, RAWTP_ULT, is64)
			      : rawtp_scalar_refine(&other, &s, RAWTP_ULE, is64);
			break;
		case 1:
			sbelow ? rawtp_scalar_refine(&s, &other, RAWTP_SLT, is64)
			       : rawtp_scalar_refine(&other, &s, RAWTP_SLE, is64);
			break;
		default:
			rawtp_scalar_refine(&s, &other, set ? RAWTP_SET : RAWTP_CLEAR, is64);
		}
	}
	return s;
}

static const uint8_t alu_ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_MOD, BPF_OR,
				  BPF_AND, BPF_LSH, BPF_RSH, BPF_NEG, BPF_XOR, BPF_ARSH};

static uint64_t alu(uint8_t op, uint64_t a, uint64_t b, bool is64)
{
	unsigned int width = is64 ? 64 : 32;
	uint64_t mask = rawtp_width_mask(width), r = 0;

	a &= mask;
	b &= mask;
	switch (op) {
	case BPF_ADD:
		r = a + b;
		break;
	case BPF_SUB:
		r = a - b;
		break;
	case BPF_MUL:
		r = a * b;
		break;
	case BPF_DIV:
		r = b ? a / b : 0;
		break;
	case BPF_MOD:
		r = b ? a % b : a;
		break;
	case BPF_OR:
		r = a | b;
		break;
	case BPF_AND:
		r = a & b;
		break;
	case BPF_LSH:
		r = a << b % width;
		break;
	case BPF_RSH:
		r = a >> b % width;
		break;
	case BPF_NEG:
		r = -b;
		break;
	case BPF_XOR:
		r = a ^ b;
		break;
	case BPF_ARSH:
		r = (uint64_t)(rawtp_sign_extend(a, width) >> b % width);
		break;
	}
	return r & mask;
}

TEST(scalar_operations_random)
{
	unsigned int i, k;

	for (i = 0; i < 200000; i++) {
		uint64_t x = random_value(), y = random_value();
		struct rawtp_scalar a = random_scalar(x), b = random_scalar(y), r;
		uint8_t op = alu_ops[random64() % sizeof(alu_ops)];
		bool is64 = random64() % 2;

		if (!scalar_holds(&a, x) || !scalar_holds(&b, y)) {
			CHECK(!"a refinement lost a number");
			return;
		}
		r = rawtp_scalar_alu(&a, &b, op, is64, false);
		if (!scalar_holds(&r, alu(op, x, y, is64))) {
			test_fail(__FILE__, __LINE__, "op 0x%x, is64 %d: %llx, %llx", op, is64,
				  (unsigned long long)x, (unsigned long long)y);
			return;
		}
		for (k = 8; k <= 32; k *= 2) {
			r = rawtp_scalar_zero_extended(&a, k);
			CHECK(scalar_holds(&r, x & rawtp_width_mask(k)));
			r = rawtp_scalar_sign_extended(&a, k);
			CHECK(scalar_holds(&r, (uint64_t)rawtp_sign_extend(x, k)));
		}
	}
}

static bool compare(enum rawtp_compare op, uint64_t x, uint64_t y, bool is64)
{
	if (!is64) {
		x = (uint32_t)x;
		y = (uint32_t)y;
	}
	switch (op) {
	case RAWTP_EQ:
		return x == y;
	case RAWTP_NE:
		return x != y;
	case RAWTP_ULT:
		return x < y;
	case RAWTP_ULE:
		return x <= y;
	case RAWTP_SLT:
		return is64 ? (int64_t)x < (int64_t)y : (int32_t)x < (int32_t)y;
	case RAWTP_SLE:
		return is64 ? (int64_t)x <= (int64_t)y : (int32_t)x <= (int32_t)y;
	case RAWTP_SET:
		return (x & y) != 0;
	default:
		return (x & y) == 0;
	}
}

TEST(scalar_comparisons_random)
{
	unsigned int i, decided = 0, op;

	for (i = 0; i < 100000; i++) {
		uint64_t x = random_value(), y = random64() % 4 ? random_value() : x;
		struct rawtp_scalar a = random_scalar(x), b = random_scalar(y);
		bool is64 = random64() % 2;

		for (op = RAWTP_EQ; op <= RAWTP_CLEAR; op++) {
			bool holds = compare(op, x, y, is64);
			int decision = rawtp_scalar_decide(&a, &b, op, is64);
			struct rawtp_scalar ra = a, rb = b;
			bool possible = rawtp_scalar_refine(&ra, &rb, op, is64);

			decided += decision >= 0;
			if ((decision >= 0 && decision != holds) ||
			    (holds &&
			     (!possible || !scalar_holds(&ra, x) || !scalar_holds(&rb, y)))) {
				test_fail(__FILE__, __LINE__, "op %u, is64 %d: %llx, %llx", op,
					  is64, (unsigned long long)x, (unsigned long long)y);
				return;
			}
		}
	}
	CHECK(decided > 20000);
}

/* Not only sound: what programs rely on is really known. */
TEST(scalar_knowledge)
{
	struct rawtp_scalar a = rawtp_scalar_loaded(4, false), b = rawtp_scalar_const(63);

	CHECK_EQ(a.r64.umax, UINT32_MAX);
	CHECK_EQ(a.r64.smin, 0);
	a = rawtp_scalar_alu(&a, &b, BPF_AND, true, false);
	CHECK_EQ(a.r64.umax, 63);
	CHECK_EQ(a.r32.smax, 63);
	b = rawtp_scalar_const(3);
	a = rawtp_scalar_alu(&a, &b, BPF_LSH, true, false);
	CHECK_EQ(a.r64.umax, 63 * 8);
	CHECK_EQ(a.bits.mask, 63 * 8);
	a = rawtp_scalar_unknown();
	b = rawtp_scalar_const(10);
	CHECK(rawtp_scalar_refine(&a, &b, RAWTP_ULT, true));
	CHECK_EQ(a.r64.umax, 9);
	CHECK_EQ(a.r64.smin, 0);
	CHECK_EQ(a.bits.mask, 15);
	b = rawtp_scalar_const(0);
	CHECK(rawtp_scalar_refine(&b, &a, RAWTP_ULT, true));
	CHECK_EQ(a.r64.umin, 1);
	CHECK_EQ(rawtp_scalar_decide(&a, &b, RAWTP_EQ, true), 0);
	a = rawtp_scalar_signed(-4095, 64);
	b = rawtp_scalar_const(0);
	CHECK(rawtp_scalar_refine(&b, &a, RAWTP_SLE, true));
	CHECK_EQ(a.r64.umax, 64);
}
