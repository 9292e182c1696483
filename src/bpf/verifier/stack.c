/* SPDX-License-Identifier: MIT */
/*
 * The stack, eight bytes a slot. A register stored at the start of a slot is remembered and comes
 * back when the same number of bytes is loaded; of everything else only "written", "written with
 * zero" or "never written" is known, byte by byte. What was never written may be read: nothing is
 * known of it, and the engines see to it that it is zero.
 */
#include "bpf/verifier/env.h"

#include <string.h>

/* Where an access goes: bytes [low, high) of a frame, offsets from its R10. */
struct place {
	struct rawtp_function *function;
	uint32_t frame;
	int64_t low, high;
	bool is_fixed;
};

static uint32_t slot_at(int64_t off)
{
	return (uint32_t)((-off - 1) / 8);
}

static struct place place_of(struct rawtp_env *env, uint32_t regno, int32_t off, uint64_t size)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);
	struct place p = {.frame = reg->frame, .function = env->cur.functions[reg->frame]};

	p.is_fixed = rawtp_scalar_is_const(&reg->var);
	p.low = (int64_t)reg->off + off + reg->var.r64.smin;
	p.high = (int64_t)reg->off + off + (int64_t)size;
	/* Far beyond the stack is far enough, and cannot overflow. */
	p.high += reg->var.r64.smax < RAWTP_FAR_OFFSET ? reg->var.r64.smax : RAWTP_FAR_OFFSET;
	return p;
}

static int check_place(struct rawtp_env *env, uint32_t regno, const struct place *p)
{
	if (p->low < -RAWTP_MAX_STACK || p->high > 0 || p->low > p->high)
		return rawtp_refuse(env, STACK_RANGE, regno, (long long)p->low, (long long)p->high,
				    RAWTP_MAX_STACK);
	return 0;
}

/* Direct accesses must be aligned, whatever the CPU permits. */
static int check_aligned(struct rawtp_env *env, uint32_t regno, int32_t off, uint32_t size)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);
	struct rawtp_tnum at = rawtp_tnum_add(
		reg->var.bits, rawtp_tnum_const((uint64_t)((int64_t)reg->off + off)));

	if ((at.value | at.mask) & (size - 1))
		return rawtp_refuse(env, UNALIGNED_STACK, regno, size, reg->off + off);
	return 0;
}

/* Makes the slots down to @low exist. All active frames together must stay within the limit. */
static int check_grow(struct rawtp_env *env, const struct place *p)
{
	uint32_t n = slot_at(p->low) + 1, total = 0, i;
	struct rawtp_subprog *subprog = &env->subprogs[p->function->subprog];

	if (n > p->function->n_slots) {
		for (i = 0; i <= env->cur.depth; i++)
			total += env->cur.functions[i]->n_slots;
		total += n - p->function->n_slots;
		if (total > RAWTP_MAX_SLOTS)
			return rawtp_refuse(env, STACKS_TOO_DEEP, RAWTP_NO_REG, total * 8,
					    RAWTP_MAX_STACK);
		if (rawtp_function_grow(p->function, n))
			return -ENOMEM;
	}
	if (subprog->stack_depth < n * 8)
		subprog->stack_depth = n * 8;
	return 0;
}

/* What was never written will be read, or may be left as it is: so it must begin as zero. */
static void mark_cleared(struct rawtp_env *env, const struct place *p)
{
	struct rawtp_subprog *subprog = &env->subprogs[p->function->subprog];
	int64_t off;

	for (off = p->low; off < p->high; off++)
		if (p->function->slots[slot_at(off)].bytes[off & 7] == RAWTP_BYTE_INVALID)
			subprog->cleared |= 1ULL << slot_at(off);
}

static bool has_dynptr(const struct place *p)
{
	int64_t off;

	for (off = p->low & ~7LL; off < p->high; off += 8)
		if (rawtp_slot_is_spill(&p->function->slots[slot_at(off)]) &&
		    p->function->slots[slot_at(off)].reg.type == RAWTP_REG_DYNPTR)
			return true;
	return false;
}

static int check_readable(struct rawtp_env *env, uint32_t regno, const struct place *p)
{
	int64_t off;
	int err = p->low < p->high ? check_grow(env, p) : 0;

	if (!err && has_dynptr(p))
		err = rawtp_refuse(env, DYNPTR_READ, regno);
	if (err)
		return err;
	mark_cleared(env, p);
	for (off = p->low & ~7LL; off < p->high; off += 8)
		rawtp_mark_slot_read(&env->cur, p->frame, slot_at(off));
	return 0;
}

/* Forgets the register in a slot; its bytes stay written. */
static void mark_slot_misc(struct rawtp_slot *slot)
{
	int i;

	for (i = 0; i < 8; i++)
		if (slot->bytes[i] == RAWTP_BYTE_SPILL)
			slot->bytes[i] = RAWTP_BYTE_MISC;
	memset(&slot->reg, 0, sizeof(slot->reg));
}

static bool all_zero(const struct place *p)
{
	int64_t off;

	for (off = p->low; off < p->high; off++)
		if (p->function->slots[slot_at(off)].bytes[off & 7] != RAWTP_BYTE_ZERO)
			return false;
	return true;
}

/* A load that begins where a spilled register does. */
static int load_spilled(struct rawtp_env *env, uint32_t regno, const struct rawtp_slot *slot,
			uint32_t size, bool sign_extended, struct rawtp_reg *out)
{
	const struct rawtp_reg *reg = &slot->reg;
	unsigned int spilled = rawtp_slot_spill_size(slot);
	struct rawtp_scalar var;

	if (spilled == size && !sign_extended) {
		*out = *reg;
		return 0;
	}
	if (rawtp_reg_is_pointer(reg))
		return rawtp_refuse(env, PART_OF_POINTER, regno, size);
	if (spilled < size)
		rawtp_mark_scalar(env, out, rawtp_scalar_loaded(size, sign_extended), 0, 0);
	else {
		var = sign_extended ? rawtp_scalar_sign_extended(&reg->var, size * 8)
				    : rawtp_scalar_zero_extended(&reg->var, size * 8);
		rawtp_mark_scalar(env, out, var, reg->value, 0);
	}
	return 0;
}

int rawtp_check_stack_load(struct rawtp_env *env, uint32_t regno, int32_t off, uint32_t size,
			   bool sign_extended, struct rawtp_reg *out)
{
	struct place p = place_of(env, regno, off, size);
	const struct rawtp_slot *slot;
	int err = check_place(env, regno, &p);

	if (!err)
		err = check_aligned(env, regno, off, size);
	if (!err)
		err = check_readable(env, regno, &p);
	if (err)
		return err;
	slot = &p.function->slots[slot_at(p.low)];
	if (p.is_fixed && (p.low & 7) == 0 && rawtp_slot_is_spill(slot))
		return load_spilled(env, regno, slot, size, sign_extended, out);
	/* Out of the middle of a pointer. */
	if (p.is_fixed && slot->bytes[p.low & 7] == RAWTP_BYTE_SPILL &&
	    rawtp_reg_is_pointer(&slot->reg))
		return rawtp_refuse(env, PART_OF_POINTER, regno, size);
	rawtp_mark_scalar(env, out,
			  all_zero(&p) ? rawtp_scalar_const(0)
				       : rawtp_scalar_loaded(size, sign_extended),
			  0, 0);
	return 0;
}

static bool is_zero(const struct rawtp_reg *reg)
{
	return reg->type == RAWTP_REG_SCALAR && rawtp_scalar_is_const(&reg->var) &&
	       reg->var.bits.value == 0;
}

static void store_bytes(struct rawtp_env *env, const struct place *p, const struct rawtp_reg *value)
{
	struct rawtp_slot *slot = &p->function->slots[slot_at(p->low)];
	uint8_t byte = RAWTP_BYTE_MISC;
	int64_t off;

	if (rawtp_slot_is_spill(slot))
		mark_slot_misc(slot);
	/* A zero is remembered as such, whatever it is used for later. */
	if (is_zero(value)) {
		rawtp_mark_precise(env, value);
		byte = RAWTP_BYTE_ZERO;
	}
	for (off = p->low; off < p->high; off++)
		slot->bytes[off & 7] = byte;
}

static void store_register(struct rawtp_env *env, const struct place *p, uint32_t size,
			   const struct rawtp_reg *value)
{
	struct rawtp_slot *slot = &p->function->slots[slot_at(p->low)];

	if (rawtp_slot_is_spill(slot))
		mark_slot_misc(slot);
	memset(slot->bytes, RAWTP_BYTE_SPILL, size);
	if (size == 8 || value->var.r64.umax <= rawtp_width_mask(size * 8))
		slot->reg = *value;
	else
		rawtp_mark_scalar(env, &slot->reg,
				  rawtp_scalar_zero_extended(&value->var, size * 8), value->value,
				  0);
}

/* Any of several places is written: none of them is known any more, none is certainly written. */
static void store_somewhere(struct rawtp_env *env, const struct place *p)
{
	int64_t off;

	for (off = p->low; off < p->high; off++) {
		uint32_t i = slot_at(off);
		struct rawtp_slot *slot = &p->function->slots[i];

		if (rawtp_slot_is_spill(slot))
			mark_slot_misc(slot);
		if (slot->bytes[off & 7] == RAWTP_BYTE_ZERO)
			slot->bytes[off & 7] = RAWTP_BYTE_MISC;
	}
}

int rawtp_check_stack_store(struct rawtp_env *env, uint32_t regno, int32_t off, uint32_t size,
			    const struct rawtp_reg *value)
{
	struct place p = place_of(env, regno, off, size);
	int err = check_place(env, regno, &p);

	if (!err)
		err = check_aligned(env, regno, off, size);
	if (!err)
		err = check_grow(env, &p);
	if (err)
		return err;
	if ((value->type == RAWTP_REG_STACK || value->type == RAWTP_REG_DYNPTR_ARG) &&
	    p.frame != env->cur.depth)
		return rawtp_refuse(env, STACK_POINTER_ESCAPES, regno);
	if (!p.is_fixed) {
		store_somewhere(env, &p);
		return 0;
	}
	if (rawtp_reg_is_pointer(value) && size != 8)
		return rawtp_refuse(env, PART_OF_POINTER, regno, size);
	if (size == 8)
		p.function->written |= 1ULL << slot_at(p.low);
	if ((p.low & 7) == 0)
		store_register(env, &p, size, value);
	else
		store_bytes(env, &p, value);
	return 0;
}

int rawtp_check_stack_read(struct rawtp_env *env, uint32_t regno, int32_t off, uint64_t size)
{
	struct place p = place_of(env, regno, off, size);
	int err = check_place(env, regno, &p);

	return err ? err : check_readable(env, regno, &p);
}

bool rawtp_stack_constant(struct rawtp_env *env, uint32_t regno, uint32_t size, uint64_t *value)
{
	struct place p = place_of(env, regno, 0, size);
	const struct rawtp_slot *slot;

	if (!p.is_fixed || (p.low & ~7LL) != ((p.high - 1) & ~7LL))
		return false;
	slot = &p.function->slots[slot_at(p.low)];
	*value = 0;
	if (all_zero(&p))
		return true;
	if ((p.low & 7) || !rawtp_slot_is_spill(slot) || rawtp_slot_spill_size(slot) != size ||
	    slot->reg.type != RAWTP_REG_SCALAR || !rawtp_scalar_is_const(&slot->reg.var))
		return false;
	rawtp_mark_precise(env, &slot->reg);
	*value = slot->reg.var.bits.value;
	return true;
}

int rawtp_check_stack_fill(struct rawtp_env *env, uint32_t regno, int32_t off, uint64_t size,
			   bool is_exact)
{
	struct place p = place_of(env, regno, off, size);
	int64_t at;
	int err = check_place(env, regno, &p);

	if (!err && p.low < p.high)
		err = check_grow(env, &p);
	if (err)
		return err;
	if (!is_exact || !p.is_fixed)
		mark_cleared(env, &p);
	for (at = p.low; at < p.high; at++) {
		struct rawtp_slot *slot = &p.function->slots[slot_at(at)];

		if (rawtp_slot_is_spill(slot))
			mark_slot_misc(slot);
		slot->bytes[at & 7] = RAWTP_BYTE_MISC;
		if (is_exact && p.is_fixed && (at & 7) == 7 && at - 7 >= p.low)
			p.function->written |= 1ULL << slot_at(at);
	}
	return 0;
}
