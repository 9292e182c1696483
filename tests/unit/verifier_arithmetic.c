/* SPDX-License-Identifier: MIT */
/*
 * Brute force. At 3, 4 and 5 bits: every pair of tracked numbers and of ranges, every operation, every
 * pair of members: the result must hold what the machine computes. At 32 and 64 bits: all intervals
 * between the numbers where things change, and random values inside random knowledge.
 */
#include "bpf/verifier/scalar.h"
#include "harness.h"

#include <linux/bpf.h>

static unsigned int width; /* of the numbers that are tried */
#define width width
#define LIMIT (1u << width)
#ifdef RAWTP_SANITIZED
#define WIDEST 4
#else
#define WIDEST 5
#endif

static bool bits_hold(struct rawtp_tnum t, uint64_t v)
{
	return (v & ~t.mask) == t.value;
}

static bool range_holds(struct rawtp_range r, uint64_t v, unsigned int bits)
{
	int64_t s = rawtp_sign_extend(v, bits);

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

static void check_all_bits(void)
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

TEST(bits_exhaustive)
{
	for (width = 3; width <= WIDEST; width++)
		check_all_bits();
}

TEST(bits_of_ranges_and_shifts)
{
	unsigned int min, max, v, s;

	for (min = 0; min < 64; min++)
		for (max = min; max < 64; max++)
			for (v = min; v <= max; v++)
				CHECK(bits_hold(rawtp_tnum_range(min, max), v));
	/* Cut to fewer bits. */
	for (max = 0; max < 64; max++)
		for (min = 0; min < 64; min++)
			for (v = 0; !(min & max) && v < 64; v++)
				for (s = 1; bits_hold((struct rawtp_tnum){min, max}, v) && s < 7;
				     s++)
					CHECK(bits_hold(
						rawtp_tnum_cut((struct rawtp_tnum){min, max}, s),
						v & ((1u << s) - 1)));
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

/*
 * Every unsigned and every signed interval of small numbers, each alone: the other view of it says
 * nothing.
 */
#define MAX_RANGES 1100
static struct rawtp_range ranges[MAX_RANGES];
static unsigned int n_ranges, n_unsigned;

static void make_ranges(void)
{
	const int64_t low = -(int64_t)(LIMIT / 2), high = LIMIT / 2 - 1;
	int64_t a, b;

	n_ranges = 0;
	for (a = 0; a < LIMIT; a++)
		for (b = a; b < LIMIT; b++) {
			ranges[n_ranges] = rawtp_range_full(width);
			ranges[n_ranges].umin = (uint64_t)a;
			ranges[n_ranges++].umax = (uint64_t)b;
		}
	n_unsigned = n_ranges;
	for (a = low; a <= high; a++)
		for (b = a; b <= high; b++) {
			ranges[n_ranges] = rawtp_range_full(width);
			ranges[n_ranges].smin = a;
			ranges[n_ranges++].smax = b;
		}
}

static void check_range_pair(struct rawtp_range a, struct rawtp_range b)
{
	struct rawtp_range sum = rawtp_range_add(a, b, width);
	struct rawtp_range difference = rawtp_range_sub(a, b, width);
	struct rawtp_range product = rawtp_range_mul(a, b, width);
	unsigned int x, y;

	for (x = 0; x < LIMIT; x++)
		for (y = 0; range_holds(a, x, width) && y < LIMIT; y++) {
			if (!range_holds(b, y, width))
				continue;
			if (!range_holds(sum, (x + y) % LIMIT, width) ||
			    !range_holds(difference, (x - y) % LIMIT, width) ||
			    !range_holds(product, (x * y) % LIMIT, width))
				CHECK(!"a result is not held");
		}
}

static void check_range_shift(struct rawtp_range a, unsigned int min, unsigned int max)
{
	struct rawtp_range left = rawtp_range_shl(a, min, max, width);
	struct rawtp_range right = rawtp_range_shr(a, min, max, width);
	struct rawtp_range sign = rawtp_range_sar(a, min, max, width);
	unsigned int x, s;

	for (x = 0; x < LIMIT; x++)
		for (s = min; range_holds(a, x, width) && s <= max; s++) {
			int64_t sar = rawtp_sign_extend(x, width) >> s;

			CHECK(range_holds(left, (x << s) % LIMIT, width));
			CHECK(range_holds(right, x >> s, width));
			CHECK(range_holds(sign, (uint64_t)sar % LIMIT, width));
		}
}

static bool is_range_in(struct rawtp_range a, struct rawtp_range b)
{
	unsigned int v;

	for (v = 0; v < LIMIT; v++)
		if (range_holds(b, v, width) && !range_holds(a, v, width))
			return false;
	return true;
}

static void check_all_ranges(void)
{
	unsigned int i, j, min, max;

	make_ranges();
	for (i = 0; i < n_ranges; i++) {
		for (j = 0; j < n_ranges; j++) {
			check_range_pair(ranges[i], ranges[j]);
			/* It may say no where the other view would have to be asked; never yes. */
			if (rawtp_range_in(&ranges[i], &ranges[j]))
				CHECK(is_range_in(ranges[i], ranges[j]));
		}
		for (max = 0; max < width; max++)
			for (min = 0; min <= max; min++)
				check_range_shift(ranges[i], min, max);
	}
}

TEST(ranges_exhaustive)
{
	for (width = 3; width <= WIDEST; width++)
		check_all_ranges();
}

/* What the views teach each other loses no number, and finds no contradiction where there is one. */
static void check_views(struct rawtp_range before, struct rawtp_tnum t)
{
	struct rawtp_range r = before;
	struct rawtp_tnum bits = t;
	bool ok = rawtp_range_sync(&r, &bits, width);
	unsigned int v;

	for (v = 0; v < LIMIT; v++)
		if (bits_hold(t, v) && range_holds(before, v, width) &&
		    (!ok || !bits_hold(bits, v) || !range_holds(r, v, width)))
			CHECK(!"a number is lost");
}

static void check_all_views(unsigned int step)
{
	unsigned int i, j, value, mask;

	make_ranges();
	for (i = 0; i < n_unsigned; i++)
		for (j = n_unsigned; j < n_ranges; j += step) {
			struct rawtp_range both = {ranges[i].umin, ranges[i].umax, ranges[j].smin,
						   ranges[j].smax};

			for (mask = 0; mask < LIMIT; mask++)
				for (value = 0; value < LIMIT; value++)
					if (!(value & mask))
						check_views(both, (struct rawtp_tnum){value, mask});
		}
}

TEST(views_exhaustive)
{
	for (width = 3; width <= WIDEST; width++)
		check_all_views(width < 5 ? 1 : 7);
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
	unsigned int bits = is64 ? 64 : 32;
	uint64_t mask = rawtp_width_mask(bits), r = 0;

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
		r = a << b % bits;
		break;
	case BPF_RSH:
		r = a >> b % bits;
		break;
	case BPF_NEG:
		r = -b;
		break;
	case BPF_XOR:
		r = a ^ b;
		break;
	case BPF_ARSH:
		r = (uint64_t)(rawtp_sign_extend(a, bits) >> b % bits);
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

/* Numbers at which something changes: all intervals between them, as unsigned and as signed. */
static const uint64_t places[] = {
	0,          1,          2,         63,         INT32_MAX,           1ULL << 31,
	UINT32_MAX, 1ULL << 32, INT64_MAX, 1ULL << 63, (uint64_t)INT32_MIN, UINT64_MAX - 1,
	UINT64_MAX,
};
#define N_PLACES (sizeof(places) / sizeof(*places))

static struct rawtp_scalar intervals[N_PLACES * N_PLACES * 2];
static unsigned int n_intervals;

static void add_interval(uint64_t from, uint64_t to, bool is_signed)
{
	struct rawtp_scalar s = rawtp_scalar_unknown(), low = rawtp_scalar_const(from),
			    high = rawtp_scalar_const(to);
	enum rawtp_compare op = is_signed ? RAWTP_SLE : RAWTP_ULE;

	if (is_signed ? (int64_t)from > (int64_t)to : from > to)
		return;
	CHECK(rawtp_scalar_refine(&low, &s, op, true));
	CHECK(rawtp_scalar_refine(&s, &high, op, true));
	intervals[n_intervals++] = s;
}

static void make_intervals(void)
{
	unsigned int i, j;

	n_intervals = 0;
	for (i = 0; i < N_PLACES; i++)
		for (j = 0; j < N_PLACES; j++) {
			add_interval(places[i], places[j], false);
			add_interval(places[i], places[j], true);
		}
}

static uint64_t alu_signed(uint8_t op, uint64_t a, uint64_t b, bool is64)
{
	unsigned int bits = is64 ? 64 : 32;
	int64_t x = rawtp_sign_extend(a, bits), y = rawtp_sign_extend(b, bits);
	uint64_t mask = rawtp_width_mask(bits);

	if (op == BPF_DIV)
		return !y ? 0 : y == -1 ? -(uint64_t)x & mask : (uint64_t)(x / y) & mask;
	return !y ? (uint64_t)x & mask : y == -1 ? 0 : (uint64_t)(x % y) & mask;
}

static void check_members(const struct rawtp_scalar *a, const struct rawtp_scalar *b, uint8_t op,
			  bool is64, bool is_signed)
{
	struct rawtp_scalar r = rawtp_scalar_alu(a, b, op, is64, is_signed);
	unsigned int i, j;

	for (i = 0; i < N_PLACES; i++)
		for (j = 0; scalar_holds(a, places[i]) && j < N_PLACES; j++) {
			uint64_t x = places[i], y = places[j];

			if (!scalar_holds(b, y) ||
			    scalar_holds(&r, is_signed ? alu_signed(op, x, y, is64)
						       : alu(op, x, y, is64)))
				continue;
			test_fail(__FILE__, __LINE__, "op 0x%x, is64 %d, signed %d: %llx, %llx", op,
				  is64, is_signed, (unsigned long long)x, (unsigned long long)y);
			return;
		}
}

TEST(scalar_operations_of_intervals)
{
	unsigned int i, j, k, is64;

	make_intervals();
	for (i = 0; i < n_intervals; i++)
		for (j = 0; j < n_intervals; j++)
			for (is64 = 0; is64 < 2; is64++) {
				for (k = 0; k < sizeof(alu_ops); k++)
					check_members(&intervals[i], &intervals[j], alu_ops[k],
						      is64, false);
				check_members(&intervals[i], &intervals[j], BPF_DIV, is64, true);
				check_members(&intervals[i], &intervals[j], BPF_MOD, is64, true);
			}
}

static void check_compared(const struct rawtp_scalar *a, const struct rawtp_scalar *b,
			   enum rawtp_compare op, bool is64)
{
	int decision = rawtp_scalar_decide(a, b, op, is64);
	struct rawtp_scalar ra = *a, rb = *b;
	bool possible = rawtp_scalar_refine(&ra, &rb, op, is64);
	unsigned int i, j;

	for (i = 0; i < N_PLACES; i++)
		for (j = 0; scalar_holds(a, places[i]) && j < N_PLACES; j++) {
			uint64_t x = places[i], y = places[j];
			bool holds;

			if (!scalar_holds(b, y))
				continue;
			holds = compare(op, x, y, is64);
			if ((decision < 0 || decision == holds) &&
			    (!holds || (possible && scalar_holds(&ra, x) && scalar_holds(&rb, y))))
				continue;
			test_fail(__FILE__, __LINE__, "op %u, is64 %d: %llx, %llx", op, is64,
				  (unsigned long long)x, (unsigned long long)y);
			return;
		}
}

TEST(scalar_comparisons_of_intervals)
{
	unsigned int i, j, op, is64;

	make_intervals();
	for (i = 0; i < n_intervals; i++)
		for (j = 0; j < n_intervals; j++)
			for (is64 = 0; is64 < 2; is64++)
				for (op = RAWTP_EQ; op <= RAWTP_CLEAR; op++)
					check_compared(&intervals[i], &intervals[j], op, is64);
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
