/* SPDX-License-Identifier: MIT */
#include "bpf/verifier/scalar.h"

#include <linux/bpf.h>

/* A number at one width: what the operations below work on. */
struct view {
	struct rawtp_tnum bits;
	struct rawtp_range range;
};

struct rawtp_scalar rawtp_scalar_unknown(void)
{
	return (struct rawtp_scalar){RAWTP_TNUM_UNKNOWN, rawtp_range_full(64),
				     rawtp_range_full(32)};
}

struct rawtp_scalar rawtp_scalar_const(uint64_t value)
{
	return (struct rawtp_scalar){rawtp_tnum_const(value), rawtp_range_const(value, 64),
				     rawtp_range_const(value, 32)};
}

static void learn_low_from_whole(struct rawtp_scalar *a)
{
	struct rawtp_range *lo = &a->r32;
	const struct rawtp_range *r = &a->r64;

	if (r->umin >> 32 == r->umax >> 32) {
		lo->umin = (uint32_t)r->umin > lo->umin ? (uint32_t)r->umin : lo->umin;
		lo->umax = (uint32_t)r->umax < lo->umax ? (uint32_t)r->umax : lo->umax;
	}
	if (r->smin >= INT32_MIN && r->smax <= INT32_MAX) {
		lo->smin = r->smin > lo->smin ? r->smin : lo->smin;
		lo->smax = r->smax < lo->smax ? r->smax : lo->smax;
	}
}

/*
 * A number with the upper half of the bound has a lower half of its own; one with another upper half
 * is further in. So a bound moves in to the nearest number that has a possible lower half, as a signed
 * number too, since the lower halves of both are unsigned.
 */
static void learn_whole_from_low(struct rawtp_scalar *a)
{
	const struct rawtp_range *lo = &a->r32;
	struct rawtp_range *r = &a->r64;
	uint64_t umin = (r->umin >> 32 << 32) | lo->umin, umax = (r->umax >> 32 << 32) | lo->umax;
	int64_t smin = (int64_t)(((uint64_t)r->smin >> 32 << 32) | lo->umin);
	int64_t smax = (int64_t)(((uint64_t)r->smax >> 32 << 32) | lo->umax);

	r->umin = umin > r->umin ? umin : r->umin;
	r->umax = umax < r->umax ? umax : r->umax;
	r->smin = smin > r->smin ? smin : r->smin;
	r->smax = smax < r->smax ? smax : r->smax;
	if (r->smin >= INT32_MIN && r->smax <= INT32_MAX) {
		r->smin = lo->smin > r->smin ? lo->smin : r->smin;
		r->smax = lo->smax < r->smax ? lo->smax : r->smax;
	}
}

/* False where the views contradict each other. */
static bool scalar_sync(struct rawtp_scalar *a)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct rawtp_tnum low = rawtp_tnum_cut(a->bits, 32);

		learn_low_from_whole(a);
		if (rawtp_range_empty(&a->r32) || !rawtp_range_sync(&a->r32, &low, 32))
			return false;
		a->bits.value = (a->bits.value >> 32 << 32) | low.value;
		a->bits.mask = (a->bits.mask >> 32 << 32) | low.mask;
		learn_whole_from_low(a);
		if (rawtp_range_empty(&a->r64) || !rawtp_range_sync(&a->r64, &a->bits, 64))
			return false;
	}
	return true;
}

/* No number at all cannot be the result of an operation; if it seems so, know nothing. */
static struct rawtp_scalar settled(struct rawtp_scalar a)
{
	return scalar_sync(&a) ? a : rawtp_scalar_unknown();
}

struct rawtp_scalar rawtp_scalar_signed(int64_t min, int64_t max)
{
	struct rawtp_scalar a = rawtp_scalar_unknown();

	a.r64.smin = min;
	a.r64.smax = max;
	return settled(a);
}

static struct rawtp_scalar from_low(struct view low, unsigned int width)
{
	struct rawtp_scalar a = rawtp_scalar_unknown();

	a.bits = rawtp_tnum_cut(low.bits, width);
	a.r64.umin = low.range.umin;
	a.r64.umax = low.range.umax;
	if (width == 32)
		a.r32 = low.range;
	return settled(a);
}

static struct view view_of(const struct rawtp_scalar *a, unsigned int width)
{
	struct view v = {a->bits, a->r64};

	if (width == 64)
		return v;
	v.bits = rawtp_tnum_cut(a->bits, width);
	v.range = width == 32 ? a->r32 : rawtp_range_full(width);
	if (width < 32 && a->r64.umax <= rawtp_width_mask(width))
		v.range = rawtp_range_unsigned(a->r64.umin, a->r64.umax, width);
	return v;
}

struct rawtp_scalar rawtp_scalar_zero_extended(const struct rawtp_scalar *a, unsigned int width)
{
	return from_low(view_of(a, width), width);
}

struct rawtp_scalar rawtp_scalar_sign_extended(const struct rawtp_scalar *a, unsigned int width)
{
	struct view low = view_of(a, width);
	struct rawtp_scalar r = rawtp_scalar_unknown();

	rawtp_range_sync(&low.range, &low.bits, width);
	r.bits.value = (uint64_t)rawtp_sign_extend(low.bits.value, width);
	r.bits.mask = (uint64_t)rawtp_sign_extend(low.bits.mask, width);
	r.bits.value &= ~r.bits.mask;
	r.r64.smin = low.range.smin;
	r.r64.smax = low.range.smax;
	return settled(r);
}

struct rawtp_scalar rawtp_scalar_loaded(unsigned int size, bool sign_extended)
{
	struct rawtp_scalar a = rawtp_scalar_unknown();

	if (size == 8)
		return a;
	return sign_extended ? rawtp_scalar_sign_extended(&a, size * 8)
			     : rawtp_scalar_zero_extended(&a, size * 8);
}

static struct view view_unknown(unsigned int width)
{
	return (struct view){rawtp_tnum_cut(RAWTP_TNUM_UNKNOWN, width), rawtp_range_full(width)};
}

static struct view view_unsigned(uint64_t min, uint64_t max, unsigned int width)
{
	return (struct view){rawtp_tnum_range(min, max), rawtp_range_unsigned(min, max, width)};
}

/* By a constant other than 0; all else is unknown. */
static struct view divide(struct view a, struct view b, uint8_t op, unsigned int width)
{
	uint64_t by = b.bits.value;

	if (!rawtp_tnum_is_const(b.bits) || !by)
		return view_unknown(width);
	if (op == BPF_DIV)
		return view_unsigned(a.range.umin / by, a.range.umax / by, width);
	if (a.range.umax < by)
		return a;
	return view_unsigned(0, by - 1, width);
}

static struct view shift(struct view a, struct view b, uint8_t op, unsigned int width)
{
	bool fixed = rawtp_tnum_is_const(b.bits);
	unsigned int min = b.range.umin, max = b.range.umax;
	struct view r = view_unknown(width);

	if (b.range.umax >= width)
		return r;
	switch (op) {
	case BPF_LSH:
		r.range = rawtp_range_shl(a.range, min, max, width);
		if (fixed)
			r.bits = rawtp_tnum_cut(rawtp_tnum_shl(a.bits, min), width);
		break;
	case BPF_RSH:
		r.range = rawtp_range_shr(a.range, min, max, width);
		if (fixed)
			r.bits = rawtp_tnum_shr(a.bits, min);
		break;
	default:
		r.range = rawtp_range_sar(a.range, min, max, width);
		if (fixed)
			r.bits = rawtp_tnum_sar(a.bits, min, width);
	}
	return r;
}

/* What the bits say, and for AND and OR one bound that they cannot say. */
static struct view bitwise(struct view a, struct view b, uint8_t op, unsigned int width)
{
	struct view r = view_unknown(width);

	switch (op) {
	case BPF_AND:
		r.bits = rawtp_tnum_and(a.bits, b.bits);
		r.range.umax = a.range.umax < b.range.umax ? a.range.umax : b.range.umax;
		break;
	case BPF_OR:
		r.bits = rawtp_tnum_or(a.bits, b.bits);
		r.range.umin = a.range.umin > b.range.umin ? a.range.umin : b.range.umin;
		break;
	default:
		r.bits = rawtp_tnum_xor(a.bits, b.bits);
	}
	return r;
}

static struct view alu_at(struct view a, struct view b, uint8_t op, unsigned int width)
{
	struct view r;

	switch (op) {
	case BPF_ADD:
		r.bits = rawtp_tnum_add(a.bits, b.bits);
		r.range = rawtp_range_add(a.range, b.range, width);
		break;
	case BPF_NEG:
		a = (struct view){rawtp_tnum_const(0), rawtp_range_const(0, width)};
		/* fall through */
	case BPF_SUB:
		r.bits = rawtp_tnum_sub(a.bits, b.bits);
		r.range = rawtp_range_sub(a.range, b.range, width);
		break;
	case BPF_MUL:
		r.bits = rawtp_tnum_mul(a.bits, b.bits);
		r.range = rawtp_range_mul(a.range, b.range, width);
		break;
	case BPF_AND:
	case BPF_OR:
	case BPF_XOR:
		return bitwise(a, b, op, width);
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH:
		return shift(a, b, op, width);
	case BPF_DIV:
	case BPF_MOD:
		return divide(a, b, op, width);
	default:
		return view_unknown(width);
	}
	r.bits = rawtp_tnum_cut(r.bits, width);
	return r;
}

/* Does the low half of the result depend on nothing but the low halves? */
static bool is_low_closed(uint8_t op)
{
	switch (op) {
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_AND:
	case BPF_OR:
	case BPF_XOR:
	case BPF_NEG:
		return true;
	}
	return false;
}

/* x << 32, half of what compilers zero-extend with: exact in the bounds of the low half. */
static struct rawtp_range low_moved_up(const struct rawtp_range *low)
{
	return (struct rawtp_range){low->umin << 32, low->umax << 32, low->smin * (1LL << 32),
				    low->smax * (1LL << 32)};
}

struct rawtp_scalar rawtp_scalar_alu(const struct rawtp_scalar *a, const struct rawtp_scalar *b,
				     uint8_t op, bool is64, bool is_signed)
{
	struct rawtp_scalar r = rawtp_scalar_unknown();
	struct view whole, low;

	if (is_signed)
		return is64 ? r : from_low(view_unknown(32), 32);
	low = alu_at(view_of(a, 32), view_of(b, 32), op, 32);
	if (!is64)
		return from_low(low, 32);
	whole = alu_at(view_of(a, 64), view_of(b, 64), op, 64);
	r.bits = whole.bits;
	r.r64 = whole.range;
	if (op == BPF_LSH && rawtp_tnum_is_const(b->bits) && b->bits.value == 32)
		r.r64 = low_moved_up(&a->r32);
	if (is_low_closed(op))
		r.r32 = low.range;
	return settled(r);
}

int rawtp_scalar_decide(const struct rawtp_scalar *sa, const struct rawtp_scalar *sb,
			enum rawtp_compare op, bool is64)
{
	struct view a = view_of(sa, is64 ? 64 : 32), b = view_of(sb, is64 ? 64 : 32);
	struct rawtp_tnum both;

	switch (op) {
	case RAWTP_EQ:
		both = a.bits;
		if (rawtp_tnum_is_const(a.bits) && rawtp_tnum_is_const(b.bits))
			return a.bits.value == b.bits.value;
		if (a.range.umax < b.range.umin || a.range.umin > b.range.umax ||
		    a.range.smax < b.range.smin || a.range.smin > b.range.smax ||
		    !rawtp_tnum_meet(&both, b.bits))
			return 0;
		return -1;
	case RAWTP_ULT:
		return a.range.umax < b.range.umin ? 1 : a.range.umin >= b.range.umax ? 0 : -1;
	case RAWTP_ULE:
		return a.range.umax <= b.range.umin ? 1 : a.range.umin > b.range.umax ? 0 : -1;
	case RAWTP_SLT:
		return a.range.smax < b.range.smin ? 1 : a.range.smin >= b.range.smax ? 0 : -1;
	case RAWTP_SLE:
		return a.range.smax <= b.range.smin ? 1 : a.range.smin > b.range.smax ? 0 : -1;
	case RAWTP_SET:
		both = rawtp_tnum_and(a.bits, b.bits);
		return both.value ? 1 : !both.mask ? 0 : -1;
	case RAWTP_NE:
	case RAWTP_CLEAR:
		break;
	}
	/* The two that negate another. */
	{
		int other =
			rawtp_scalar_decide(sa, sb, op == RAWTP_NE ? RAWTP_EQ : RAWTP_SET, is64);

		return other < 0 ? other : !other;
	}
}

/* a != value: only an end of a range can be cut off. */
static void exclude(struct rawtp_range *a, const struct view *b, unsigned int width)
{
	uint64_t value = b->bits.value;
	int64_t svalue = rawtp_sign_extend(value, width);

	if (!rawtp_tnum_is_const(b->bits))
		return;
	a->umin += a->umin == value && a->umin < a->umax;
	a->umax -= a->umax == value && a->umax > a->umin;
	a->smin += a->smin == svalue && a->smin < a->smax;
	a->smax -= a->smax == svalue && a->smax > a->smin;
}

static bool refine_equal(struct view *a, struct view *b)
{
	struct rawtp_range *x = &a->range, *y = &b->range;

	x->umin = y->umin = x->umin > y->umin ? x->umin : y->umin;
	x->umax = y->umax = x->umax < y->umax ? x->umax : y->umax;
	x->smin = y->smin = x->smin > y->smin ? x->smin : y->smin;
	x->smax = y->smax = x->smax < y->smax ? x->smax : y->smax;
	if (!rawtp_tnum_meet(&a->bits, b->bits))
		return false;
	b->bits = a->bits;
	return true;
}

/* a < b + slack. The differences cannot wrap: where they would, decide() has said "never". */
static bool refine_order(struct view *a, struct view *b, bool is_signed, unsigned int slack)
{
	struct rawtp_range *x = &a->range, *y = &b->range;
	uint64_t step = 1 - slack;

	if (is_signed) {
		if (step && (y->smax == INT64_MIN || x->smin == INT64_MAX))
			return false;
		x->smax = x->smax < y->smax - (int64_t)step ? x->smax : y->smax - (int64_t)step;
		y->smin = y->smin > x->smin + (int64_t)step ? y->smin : x->smin + (int64_t)step;
		return true;
	}
	if (step && (y->umax == 0 || x->umin == UINT64_MAX))
		return false;
	x->umax = x->umax < y->umax - step ? x->umax : y->umax - step;
	y->umin = y->umin > x->umin + step ? y->umin : x->umin + step;
	return true;
}

/* With a constant b: its only bit is set in a; or none of its bits is. */
static bool refine_bits(struct view *a, const struct view *b, bool is_set)
{
	uint64_t value = b->bits.value;

	if (!rawtp_tnum_is_const(b->bits))
		return true;
	if (!is_set)
		return rawtp_tnum_meet(&a->bits, (struct rawtp_tnum){0, ~value});
	if (value & (value - 1))
		return true;
	return rawtp_tnum_meet(&a->bits, (struct rawtp_tnum){value, ~value});
}

static bool refine_views(struct view *a, struct view *b, enum rawtp_compare op, unsigned int width)
{
	struct view old = *a;

	switch (op) {
	case RAWTP_EQ:
		return refine_equal(a, b);
	case RAWTP_NE:
		exclude(&a->range, b, width);
		exclude(&b->range, &old, width);
		return true;
	case RAWTP_ULT:
	case RAWTP_ULE:
		return refine_order(a, b, false, op == RAWTP_ULE);
	case RAWTP_SLT:
	case RAWTP_SLE:
		return refine_order(a, b, true, op == RAWTP_SLE);
	case RAWTP_SET:
	case RAWTP_CLEAR:
		return refine_bits(a, b, op == RAWTP_SET) && refine_bits(b, &old, op == RAWTP_SET);
	}
	return true;
}

static bool put_view(struct rawtp_scalar *s, const struct view *v, bool is64)
{
	if (is64) {
		s->bits = v->bits;
		s->r64 = v->range;
	} else {
		s->bits.value = (s->bits.value >> 32 << 32) | (uint32_t)v->bits.value;
		s->bits.mask = (s->bits.mask >> 32 << 32) | (uint32_t)v->bits.mask;
		s->r32 = v->range;
	}
	return !rawtp_range_empty(&v->range) && scalar_sync(s);
}

bool rawtp_scalar_refine(struct rawtp_scalar *a, struct rawtp_scalar *b, enum rawtp_compare op,
			 bool is64)
{
	unsigned int width = is64 ? 64 : 32;
	struct view va = view_of(a, width), vb = view_of(b, width);
	struct rawtp_scalar na = *a, nb = *b;

	if (!refine_views(&va, &vb, op, width) || !put_view(&na, &va, is64) ||
	    !put_view(&nb, &vb, is64))
		return false;
	*a = na;
	*b = nb;
	return true;
}

bool rawtp_scalar_in(const struct rawtp_scalar *a, const struct rawtp_scalar *b)
{
	return rawtp_tnum_in(a->bits, b->bits) && rawtp_range_in(&a->r64, &b->r64) &&
	       rawtp_range_in(&a->r32, &b->r32);
}
