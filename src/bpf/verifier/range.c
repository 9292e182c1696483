/* SPDX-License-Identifier: MIT */
#include "bpf/verifier/range.h"

typedef __int128 wide;

static int64_t signed_min(unsigned int width)
{
	return (int64_t)(~0ULL << (width - 1));
}

static int64_t signed_max(unsigned int width)
{
	return ~signed_min(width);
}

struct rawtp_range rawtp_range_full(unsigned int width)
{
	return (struct rawtp_range){0, rawtp_width_mask(width), signed_min(width),
				    signed_max(width)};
}

struct rawtp_range rawtp_range_const(uint64_t value, unsigned int width)
{
	uint64_t u = value & rawtp_width_mask(width);
	int64_t s = rawtp_sign_extend(value, width);

	return (struct rawtp_range){u, u, s, s};
}

struct rawtp_range rawtp_range_unsigned(uint64_t min, uint64_t max, unsigned int width)
{
	struct rawtp_range r = rawtp_range_full(width);

	r.umin = min;
	r.umax = max;
	return r;
}

/*
 * Exact results [low, high], taken modulo 2^width. They stay one interval of unsigned numbers if
 * both ends fall into the same lap of 2^width; the signed view counts laps from -2^(width-1).
 */
static void wrap_unsigned(struct rawtp_range *r, wide low, wide high, unsigned int width)
{
	wide lap_low = low >> width, lap_high = high >> width, lap = (wide)1 << width;

	if (lap_low != lap_high)
		return;
	r->umin = (uint64_t)(low - lap_low * lap);
	r->umax = (uint64_t)(high - lap_high * lap);
}

static void wrap_signed(struct rawtp_range *r, wide low, wide high, unsigned int width)
{
	wide half = (wide)1 << (width - 1), lap = (wide)1 << width;
	wide lap_low = (low + half) >> width, lap_high = (high + half) >> width;

	if (lap_low != lap_high)
		return;
	r->smin = (int64_t)(low - lap_low * lap);
	r->smax = (int64_t)(high - lap_high * lap);
}

struct rawtp_range rawtp_range_add(struct rawtp_range a, struct rawtp_range b, unsigned int width)
{
	struct rawtp_range r = rawtp_range_full(width);

	wrap_unsigned(&r, (wide)a.umin + b.umin, (wide)a.umax + b.umax, width);
	wrap_signed(&r, (wide)a.smin + b.smin, (wide)a.smax + b.smax, width);
	return r;
}

struct rawtp_range rawtp_range_sub(struct rawtp_range a, struct rawtp_range b, unsigned int width)
{
	struct rawtp_range r = rawtp_range_full(width);

	wrap_unsigned(&r, (wide)a.umin - b.umax, (wide)a.umax - b.umin, width);
	wrap_signed(&r, (wide)a.smin - b.smax, (wide)a.smax - b.smin, width);
	return r;
}

/* Only what cannot wrap: a product that does says nothing about size. */
struct rawtp_range rawtp_range_mul(struct rawtp_range a, struct rawtp_range b, unsigned int width)
{
	struct rawtp_range r = rawtp_range_full(width);
	unsigned __int128 high = (unsigned __int128)a.umax * b.umax;
	wide corner[4] = {(wide)a.smin * b.smin, (wide)a.smin * b.smax, (wide)a.smax * b.smin,
			  (wide)a.smax * b.smax};
	wide least = corner[0], most = corner[0];
	int i;

	if (high <= rawtp_width_mask(width)) {
		r.umin = a.umin * b.umin;
		r.umax = (uint64_t)high;
	}
	for (i = 1; i < 4; i++) {
		least = corner[i] < least ? corner[i] : least;
		most = corner[i] > most ? corner[i] : most;
	}
	if (least >= signed_min(width) && most <= signed_max(width)) {
		r.smin = (int64_t)least;
		r.smax = (int64_t)most;
	}
	return r;
}

struct rawtp_range rawtp_range_shl(struct rawtp_range a, unsigned int min, unsigned int max,
				   unsigned int width)
{
	struct rawtp_range r = rawtp_range_full(width);

	if (a.umax <= rawtp_width_mask(width) >> max) {
		r.umin = a.umin << min;
		r.umax = a.umax << max;
	}
	return r;
}

struct rawtp_range rawtp_range_shr(struct rawtp_range a, unsigned int min, unsigned int max,
				   unsigned int width)
{
	return rawtp_range_unsigned(a.umin >> max, a.umax >> min, width);
}

/* A negative number grows towards -1 with the shift, a positive one shrinks towards 0. */
struct rawtp_range rawtp_range_sar(struct rawtp_range a, unsigned int min, unsigned int max,
				   unsigned int width)
{
	struct rawtp_range r = rawtp_range_full(width);

	r.smin = a.smin >> (a.smin < 0 ? min : max);
	r.smax = a.smax >> (a.smax < 0 ? max : min);
	return r;
}

static void raise_umin(struct rawtp_range *a, uint64_t min)
{
	a->umin = min > a->umin ? min : a->umin;
}

static void lower_umax(struct rawtp_range *a, uint64_t max)
{
	a->umax = max < a->umax ? max : a->umax;
}

static void raise_smin(struct rawtp_range *a, int64_t min)
{
	a->smin = min > a->smin ? min : a->smin;
}

static void lower_smax(struct rawtp_range *a, int64_t max)
{
	a->smax = max < a->smax ? max : a->smax;
}

static void learn_from_bits(struct rawtp_range *a, struct rawtp_tnum bits, unsigned int width)
{
	uint64_t sign = 1ULL << (width - 1);

	raise_umin(a, bits.value);
	lower_umax(a, bits.value | bits.mask);
	raise_smin(a, rawtp_sign_extend(bits.value | (bits.mask & sign), width));
	lower_smax(a, rawtp_sign_extend(bits.value | (bits.mask & ~sign), width));
}

static void learn_signs(struct rawtp_range *a, unsigned int width)
{
	int64_t low = rawtp_sign_extend(a->umin, width), high = rawtp_sign_extend(a->umax, width);

	/* The unsigned range does not cross the sign: the same interval, read as signed. */
	if (low <= high) {
		raise_smin(a, low);
		lower_smax(a, high);
	}
	if ((a->smin < 0) == (a->smax < 0)) {
		raise_umin(a, (uint64_t)a->smin & rawtp_width_mask(width));
		lower_umax(a, (uint64_t)a->smax & rawtp_width_mask(width));
	}
}

bool rawtp_range_sync(struct rawtp_range *a, struct rawtp_tnum *bits, unsigned int width)
{
	int i;

	for (i = 0; i < 2; i++) {
		learn_from_bits(a, *bits, width);
		if (rawtp_range_empty(a))
			return false;
		learn_signs(a, width);
		if (rawtp_range_empty(a))
			return false;
		if (!rawtp_tnum_meet(bits, rawtp_tnum_range(a->umin, a->umax)))
			return false;
	}
	return true;
}

bool rawtp_range_in(const struct rawtp_range *a, const struct rawtp_range *b)
{
	return a->umin <= b->umin && a->umax >= b->umax && a->smin <= b->smin && a->smax >= b->smax;
}
