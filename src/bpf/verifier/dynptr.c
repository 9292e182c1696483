/* SPDX-License-Identifier: MIT */
/*
 * Dynptrs: 16 bytes of the stack that only helpers write (helpers/dynptr.h). They are followed as two
 * spilled registers that have one id; so whatever overwrites a half of one, by whatever way, ends it,
 * and one that is copied, compared or carried over is followed as every spilled pointer is. A half is
 * never loaded. A dynptr of a ring buffer holds a reference, and so does memory of it.
 */
#include "bpf/verifier/env.h"

#define DYNPTR_BYTES 16

/* The half of the dynptr at @regno; NULL where that is not a place for one. */
static struct rawtp_slot *slot_of(struct rawtp_env *env, uint32_t regno, uint32_t half)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);
	struct rawtp_function *function = env->cur.functions[reg->frame];
	int64_t off = (int64_t)reg->off + (int64_t)reg->var.bits.value + 8 * (int64_t)half;
	uint32_t slot = (uint32_t)((-off - 1) / 8);

	if (off & 7 || off >= 0 || slot >= function->n_slots)
		return NULL;
	return &function->slots[slot];
}

static bool is_half(const struct rawtp_slot *slot, uint32_t half)
{
	return slot && rawtp_slot_spill_size(slot) == 8 && slot->reg.type == RAWTP_REG_DYNPTR &&
	       slot->reg.size == half;
}

int rawtp_check_dynptr(struct rawtp_env *env, uint32_t regno, const char *helper, bool is_ringbuf,
		       uint32_t *ref)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);
	const struct rawtp_slot *first, *second;
	uint32_t half;

	*ref = 0;
	if (reg->type == RAWTP_REG_DYNPTR_ARG && !is_ringbuf && !reg->off &&
	    rawtp_scalar_is_const(&reg->var) && !reg->var.bits.value)
		return 0;
	if (reg->type != RAWTP_REG_STACK || !rawtp_scalar_is_const(&reg->var))
		return rawtp_refuse(env, NO_DYNPTR, regno, regno, helper);
	first = slot_of(env, regno, 0);
	second = slot_of(env, regno, 1);
	if (!is_half(first, 0) || !is_half(second, 1) || first->reg.id != second->reg.id ||
	    (is_ringbuf && !first->reg.ref))
		return rawtp_refuse(env, NO_DYNPTR, regno, regno, helper);
	*ref = first->reg.ref;
	for (half = 0; half < 2; half++)
		rawtp_mark_slot_read(&env->cur, reg->frame,
				     (uint32_t)(slot_of(env, regno, half) -
						env->cur.functions[reg->frame]->slots));
	return 0;
}

int rawtp_check_dynptr_place(struct rawtp_env *env, uint32_t regno, const char *helper)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);
	int64_t off = (int64_t)reg->off + (int64_t)reg->var.bits.value;

	if (reg->type != RAWTP_REG_STACK || !rawtp_scalar_is_const(&reg->var) || off & 7 ||
	    off < -RAWTP_MAX_STACK || off > -DYNPTR_BYTES)
		return rawtp_refuse(env, NO_DYNPTR_PLACE, regno, regno, helper);
	return 0;
}

int rawtp_mark_dynptr(struct rawtp_env *env, uint32_t regno, uint32_t ref)
{
	struct rawtp_reg half = {
		.type = RAWTP_REG_DYNPTR, .ref = ref, .var = rawtp_scalar_const(0)};
	int err = rawtp_check_stack_fill(env, regno, 0, DYNPTR_BYTES, true);
	uint32_t i;

	if (err)
		return err;
	half.id = ++env->n_ids;
	for (half.size = 0; half.size < 2; half.size++) {
		struct rawtp_slot *slot = slot_of(env, regno, half.size);

		for (i = 0; i < 8; i++)
			slot->bytes[i] = RAWTP_BYTE_SPILL;
		slot->reg = half;
	}
	return 0;
}
