/* SPDX-License-Identifier: MIT */
/* Loads, stores and atomics: what a register points at, and whether the access stays inside. */
#include "bpf/verifier/env.h"

#include <string.h>

/* What each kind of program may read of its context. */
struct context_rule {
	uint32_t type, start, end;
};

static const struct context_rule context_rules[] = {
	{BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 8 * RAWTP_MAX_ARGS},
	{BPF_PROG_TYPE_TRACING, 0, 8 * RAWTP_MAX_ARGS},
	{BPF_PROG_TYPE_TRACEPOINT, 8, 8192},
	{BPF_PROG_TYPE_KPROBE, 0, 168},
	{BPF_PROG_TYPE_SOCKET_FILTER, 0, 0},
};

static int check_context(struct rawtp_env *env, uint32_t regno, int32_t off, uint32_t size,
			 int access)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);
	const struct context_rule *rule = context_rules;

	while (rule->type != env->prog->type)
		rule++;
	if (access & RAWTP_WRITE)
		return rawtp_refuse(env, CONTEXT_WRITE, regno);
	if (reg->off || !rawtp_scalar_is_const(&reg->var) || reg->var.bits.value)
		return rawtp_refuse(env, CONTEXT_MOVED, regno, regno);
	if (off < (int32_t)rule->start || (uint32_t)off + size > rule->end || off % (int32_t)size)
		return rawtp_refuse(env, CONTEXT_RANGE, regno, size, off, rule->start, rule->end);
	if ((uint32_t)off + size > env->max_ctx_access)
		env->max_ctx_access = (uint32_t)off + size;
	env->ctx_slots_read |= 1U << (off / 8 & 31);
	return 0;
}

static int check_map_flags(struct rawtp_env *env, const struct rawtp_reg *reg, uint32_t regno,
			   int access)
{
	const struct rawtp_map *map = env->prog->maps[reg->map];

	if ((access & RAWTP_WRITE) && (map->flags & BPF_F_RDONLY_PROG))
		return rawtp_refuse(env, MAP_READ_ONLY, regno, map->name);
	if ((access & RAWTP_READ) && (map->flags & BPF_F_WRONLY_PROG))
		return rawtp_refuse(env, MAP_WRITE_ONLY, regno, map->name);
	return 0;
}

struct object {
	const char *name;
	uint64_t size;
};

static struct object object_of(const struct rawtp_env *env, const struct rawtp_reg *reg)
{
	switch (reg->type) {
	case RAWTP_REG_VALUE:
		return (struct object){"the map value", env->prog->maps[reg->map]->value_size};
	case RAWTP_REG_KEY:
		return (struct object){"the map key", env->prog->maps[reg->map]->key_size};
	}
	return (struct object){"the ring buffer record", reg->size};
}

int rawtp_check_range(struct rawtp_env *env, uint32_t regno, int32_t off, uint64_t size, int access)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);
	const struct rawtp_range *var = &reg->var.r64;
	const struct object object = object_of(env, reg);
	uint64_t limit = object.size;
	int64_t fixed = (int64_t)reg->off + off;
	/* Far beyond every limit is far enough, and cannot overflow. */
	int64_t high = fixed + (var->smax < RAWTP_FAR_OFFSET ? var->smax : RAWTP_FAR_OFFSET);
	int64_t low = fixed + var->smin;
	int err = reg->type == RAWTP_REG_VALUE ? check_map_flags(env, reg, regno, access) : 0;

	if (reg->type == RAWTP_REG_KEY && (access & RAWTP_WRITE))
		return rawtp_refuse(env, KEY_WRITTEN, regno, regno);
	if (err)
		return err;
	if (var->smin < 0 && !rawtp_scalar_is_const(&reg->var))
		return rawtp_refuse(env, NEGATIVE_OFFSET, regno, regno, (long long)low);
	if (low < 0 || size > limit || (uint64_t)high > limit - size)
		return rawtp_refuse(env, OUT_OF_RANGE, regno, regno, object.name, (long long)low,
				    (long long)high, (unsigned long long)size,
				    (unsigned long long)limit);
	return 0;
}

/* Everything that cannot be dereferenced, and what to do about it. */
static int check_may_access(struct rawtp_env *env, uint32_t regno)
{
	switch (rawtp_reg(env, regno)->type) {
	case RAWTP_REG_NOT_INIT:
		return rawtp_refuse(env, UNSET_REGISTER, regno, regno);
	case RAWTP_REG_SCALAR:
		return rawtp_refuse(env, NOT_A_POINTER, regno, regno);
	case RAWTP_REG_VALUE_OR_NULL:
		return rawtp_refuse(env, NULL_VALUE, regno, regno);
	case RAWTP_REG_RECORD_OR_NULL:
		return rawtp_refuse(env, NULL_RECORD, regno, regno);
	case RAWTP_REG_MAP:
		return rawtp_refuse(env, MAP_DEREFERENCED, regno, regno);
	case RAWTP_REG_FUNC:
		return rawtp_refuse(env, FUNCTION_DEREFERENCED, regno, regno);
	case RAWTP_REG_TASK:
		return rawtp_refuse(env, TASK_DEREFERENCED, regno, regno);
	case RAWTP_REG_DYNPTR_ARG:
		return rawtp_refuse(env, DYNPTR_READ, regno);
	}
	return 0;
}

static bool is_sign_extended(const struct bpf_insn *insn)
{
	return BPF_MODE(insn->code) == RAWTP_BPF_MEMSX;
}

/* One instruction is compiled one way: all pointers that come to it must be of one kind. */
static int check_through(struct rawtp_env *env, const struct rawtp_reg *reg, uint32_t regno)
{
	uint8_t *through = &env->aux[env->pc].through;
	uint8_t is = reg->type == RAWTP_REG_BTF ? RAWTP_THROUGH_BTF : RAWTP_THROUGH_SAFE;

	if (*through && *through != is)
		return rawtp_refuse(env, MIXED_POINTERS, regno, regno);
	*through = is;
	return 0;
}

/* Memory of the process is not written, and not read with an order. */
static int check_may_change(struct rawtp_env *env, uint32_t regno)
{
	if (rawtp_reg(env, regno)->type == RAWTP_REG_BTF)
		return rawtp_refuse(env, STRUCTURE_WRITTEN, regno, regno);
	return 0;
}

/* Atomic operations, load-acquire, store-release: in memory of our own, aligned. */
static int check_ordered(struct rawtp_env *env, uint32_t regno, int32_t off, uint32_t size)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);
	struct rawtp_tnum place = rawtp_tnum_add(
		reg->var.bits, rawtp_tnum_const((uint64_t)((int64_t)reg->off + off)));

	if (reg->type == RAWTP_REG_CTX)
		return rawtp_refuse(env, CONTEXT_ATOMIC, regno);
	if (reg->type == RAWTP_REG_BTF)
		return check_may_change(env, regno);
	if ((place.value | place.mask) & (size - 1))
		return rawtp_refuse(env, UNALIGNED_ATOMIC, regno, size);
	return 0;
}

static uint64_t read_number(const char *from, uint32_t size)
{
	union {
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
	} number = {0};

	memcpy(&number, from, size);
	return size == 1 ? number.u8 : size == 2 ? number.u16 : size == 4 ? number.u32 : number.u64;
}

/*
 * What a load gives. From the program's copy of a frozen array that programs may not write it is a
 * constant, if the place is known. (Of the array itself that could not be said: others map its
 * memory, and may lie.)
 */
static struct rawtp_scalar loaded_value(const struct rawtp_env *env, const struct rawtp_reg *reg,
					const struct bpf_insn *insn, uint32_t size)
{
	int64_t at = (int64_t)reg->off + insn->off + reg->var.r64.smin;
	const char *copy = NULL;
	uint64_t value;

	if (reg->type == RAWTP_REG_VALUE && reg->is_direct && rawtp_scalar_is_const(&reg->var))
		copy = env->prog->frozen_values[reg->map];
	if (!copy || at < 0 || at + size > env->prog->maps[reg->map]->value_size)
		return rawtp_scalar_loaded(size, is_sign_extended(insn));
	value = read_number(copy + at, size);
	return rawtp_scalar_const(
		is_sign_extended(insn) ? (uint64_t)rawtp_sign_extend(value, size * 8) : value);
}

int rawtp_check_load(struct rawtp_env *env, const struct bpf_insn *insn)
{
	uint32_t size = rawtp_op_bytes(insn);
	struct rawtp_reg *dst = rawtp_reg(env, insn->dst_reg), loaded;
	const struct rawtp_reg *src = rawtp_reg(env, insn->src_reg);
	int err = check_may_access(env, insn->src_reg);

	if (!err && BPF_CLASS(insn->code) == BPF_STX)
		err = check_ordered(env, insn->src_reg, insn->off, size);
	if (!err)
		err = check_through(env, src, insn->src_reg);
	if (err)
		return err;
	switch (src->type) {
	case RAWTP_REG_STACK:
		err = rawtp_check_stack_load(env, insn->src_reg, insn->off, size,
					     is_sign_extended(insn), &loaded);
		if (!err)
			*dst = loaded;
		return err;
	case RAWTP_REG_CTX:
		err = check_context(env, insn->src_reg, insn->off, size, RAWTP_READ);
		if (err || env->prog->type != BPF_PROG_TYPE_TRACING)
			break;
		err = rawtp_check_argument(env, insn->src_reg, insn->off, size, &loaded);
		if (!err)
			*dst = loaded;
		return err;
	case RAWTP_REG_BTF:
		err = rawtp_check_btf_load(env, insn, size, &loaded);
		if (!err)
			*dst = loaded;
		return err;
	default:
		err = rawtp_check_range(env, insn->src_reg, insn->off, size, RAWTP_READ);
	}
	if (!err)
		rawtp_mark_scalar(env, dst, loaded_value(env, src, insn, size), 0, 0);
	return err;
}

int rawtp_check_store(struct rawtp_env *env, const struct bpf_insn *insn)
{
	uint32_t size = rawtp_op_bytes(insn);
	struct rawtp_reg value;
	int err;

	if (BPF_CLASS(insn->code) == BPF_STX) {
		err = rawtp_check_reg_read(env, insn->src_reg);
		if (err)
			return err;
		value = *rawtp_reg(env, insn->src_reg);
	} else {
		rawtp_mark_scalar(env, &value, rawtp_scalar_const((uint64_t)(int64_t)insn->imm), 0,
				  0);
	}
	err = check_may_access(env, insn->dst_reg);
	if (!err && BPF_MODE(insn->code) == BPF_ATOMIC)
		err = check_ordered(env, insn->dst_reg, insn->off, size);
	if (!err)
		err = check_may_change(env, insn->dst_reg);
	if (err)
		return err;
	switch (rawtp_reg(env, insn->dst_reg)->type) {
	case RAWTP_REG_CTX:
		return check_context(env, insn->dst_reg, insn->off, size, RAWTP_WRITE);
	case RAWTP_REG_STACK:
		return rawtp_check_stack_store(env, insn->dst_reg, insn->off, size, &value);
	}
	return rawtp_check_range(env, insn->dst_reg, insn->off, size, RAWTP_WRITE);
}

static int check_atomic_place(struct rawtp_env *env, const struct bpf_insn *insn, uint32_t size)
{
	int err = check_ordered(env, insn->dst_reg, insn->off, size);

	if (err)
		return err;
	if (rawtp_reg(env, insn->dst_reg)->type != RAWTP_REG_STACK)
		return rawtp_check_range(env, insn->dst_reg, insn->off, size,
					 RAWTP_READ | RAWTP_WRITE);
	err = rawtp_check_stack_read(env, insn->dst_reg, insn->off, size);
	if (!err)
		err = rawtp_check_stack_fill(env, insn->dst_reg, insn->off, size, false);
	return err;
}

int rawtp_check_atomic(struct rawtp_env *env, const struct bpf_insn *insn)
{
	uint32_t size = rawtp_op_bytes(insn);
	struct rawtp_scalar old = rawtp_scalar_loaded(size, false);
	int err = rawtp_check_reg_read(env, insn->src_reg);

	if (!err && insn->imm == BPF_CMPXCHG)
		err = rawtp_check_reg_read(env, BPF_REG_0);
	if (!err)
		err = check_may_access(env, insn->dst_reg);
	if (!err)
		err = check_atomic_place(env, insn, size);
	if (err)
		return err;
	if (insn->imm == BPF_CMPXCHG)
		rawtp_mark_scalar(env, rawtp_reg(env, BPF_REG_0), old, 0, 0);
	else if (insn->imm & BPF_FETCH)
		rawtp_mark_scalar(env, rawtp_reg(env, insn->src_reg), old, 0, 0);
	return 0;
}
