/* SPDX-License-Identifier: MIT */
/* Jumps: which way they can go, what each side learns, and the branches that are left to walk. */
#include "bpf/verifier/env.h"

#include <stdlib.h>
#include <string.h>

int rawtp_push_pending(struct rawtp_env *env, uint32_t pc, struct rawtp_state **state)
{
	struct rawtp_pending *pending;

	if (env->n_pending == RAWTP_MAX_PENDING)
		return rawtp_refuse(env, TOO_MANY_BRANCHES, RAWTP_NO_REG, RAWTP_MAX_PENDING);
	pending = malloc(sizeof(*pending));
	if (!pending || rawtp_state_copy(&pending->state, &env->cur)) {
		free(pending);
		return -ENOMEM;
	}
	pending->pc = pc;
	pending->is_again = false;
	pending->next = env->pending;
	env->pending = pending;
	env->n_pending++;
	if (env->n_pending > env->max_pending)
		env->max_pending = env->n_pending;
	if (env->cur.parent)
		env->cur.parent->open++;
	*state = &pending->state;
	return 0;
}

int rawtp_pop_pending(struct rawtp_env *env)
{
	struct rawtp_pending *pending = env->pending;

	if (!pending)
		return 0;
	rawtp_state_clear(&env->cur);
	env->cur = pending->state;
	env->pc = pending->pc;
	env->pending = pending->next;
	env->n_pending--;
	if (pending->is_again)
		rawtp_reopen(env->cur.parent);
	free(pending);
	return 1;
}

/* A jump as a comparison: a OP b, after swapping. */
struct condition {
	enum rawtp_compare op;
	bool is_swapped;
};

static struct condition condition_of(uint8_t jump)
{
	switch (jump) {
	case BPF_JEQ:
		return (struct condition){RAWTP_EQ, false};
	case BPF_JNE:
		return (struct condition){RAWTP_NE, false};
	case BPF_JSET:
		return (struct condition){RAWTP_SET, false};
	case BPF_JLT:
		return (struct condition){RAWTP_ULT, false};
	case BPF_JLE:
		return (struct condition){RAWTP_ULE, false};
	case BPF_JGT:
		return (struct condition){RAWTP_ULT, true};
	case BPF_JGE:
		return (struct condition){RAWTP_ULE, true};
	case BPF_JSLT:
		return (struct condition){RAWTP_SLT, false};
	case BPF_JSLE:
		return (struct condition){RAWTP_SLE, false};
	case BPF_JSGT:
		return (struct condition){RAWTP_SLT, true};
	default:
		return (struct condition){RAWTP_SLE, true};
	}
}

/* not (a < b) is b <= a. */
static struct condition negated(struct condition c)
{
	switch (c.op) {
	case RAWTP_EQ:
		return (struct condition){RAWTP_NE, c.is_swapped};
	case RAWTP_NE:
		return (struct condition){RAWTP_EQ, c.is_swapped};
	case RAWTP_SET:
		return (struct condition){RAWTP_CLEAR, c.is_swapped};
	case RAWTP_CLEAR:
		return (struct condition){RAWTP_SET, c.is_swapped};
	case RAWTP_ULT:
		return (struct condition){RAWTP_ULE, !c.is_swapped};
	case RAWTP_ULE:
		return (struct condition){RAWTP_ULT, !c.is_swapped};
	case RAWTP_SLT:
		return (struct condition){RAWTP_SLE, !c.is_swapped};
	case RAWTP_SLE:
		return (struct condition){RAWTP_SLT, !c.is_swapped};
	}
	return c;
}

struct learnt {
	struct rawtp_env *env;
	uint32_t old_value, new_value;
	uint32_t base;
	int32_t delta;
	struct rawtp_scalar var;
};

static void learn_reg(struct rawtp_reg *reg, void *arg)
{
	const struct learnt *learnt = arg;

	if (reg->type != RAWTP_REG_SCALAR || reg->value != learnt->old_value)
		return;
	reg->base = learnt->base;
	reg->delta = learnt->delta;
	reg->var = learnt->var;
	reg->value = learnt->new_value;
}

/* One that differs from it by a number that is known. */
static void learn_by_distance(struct rawtp_reg *reg, void *arg)
{
	const struct learnt *learnt = arg;
	struct rawtp_scalar distance, there, var = reg->var;
	int32_t delta = reg->delta;

	if (reg->type != RAWTP_REG_SCALAR || reg->value == learnt->new_value ||
	    rawtp_reg_base(reg) != learnt->base)
		return;
	distance = rawtp_scalar_const((uint64_t)((int64_t)delta - learnt->delta));
	there = rawtp_scalar_alu(&learnt->var, &distance, BPF_ADD, true, false);
	if (!rawtp_scalar_refine(&var, &there, RAWTP_EQ, true) ||
	    memcmp(&var, &reg->var, sizeof(var)) == 0)
		return;
	rawtp_mark_scalar(learnt->env, reg, var, reg->value, learnt->new_value);
	reg->base = learnt->base;
	reg->delta = delta;
}

/* All registers that hold the same value learn the same. */
static void learn(struct rawtp_env *env, struct rawtp_state *state, const struct rawtp_reg *reg,
		  struct rawtp_scalar var, uint32_t other)
{
	struct learnt learnt = {.env = env,
				.old_value = reg->value,
				.new_value = reg->value,
				.base = rawtp_reg_base(reg),
				.delta = reg->delta,
				.var = var};
	struct rawtp_reg made;

	if (!reg->value || memcmp(&reg->var, &var, sizeof(var)) == 0)
		return;
	if (other) {
		rawtp_mark_scalar(env, &made, var, reg->value, other);
		learnt.new_value = made.value;
	}
	rawtp_state_each_reg(state, learn_reg, &learnt);
	rawtp_state_each_reg(state, learn_by_distance, &learnt);
}

/* If nothing satisfies the condition, this side is walked with what was known before. */
static void refine_side(struct rawtp_env *env, struct rawtp_state *state,
			const struct rawtp_reg *dst, const struct rawtp_reg *src,
			struct condition c, bool is64)
{
	struct rawtp_scalar a = dst->var, b = src->var;

	if (dst->value == src->value)
		return;
	if (!rawtp_scalar_refine(c.is_swapped ? &b : &a, c.is_swapped ? &a : &b, c.op, is64))
		return;
	learn(env, state, dst, a, src->value);
	learn(env, state, src, b, dst->value);
}

static int check_scalar_jump(struct rawtp_env *env, const struct bpf_insn *insn, uint32_t goal,
			     const struct rawtp_reg *dst, const struct rawtp_reg *src)
{
	bool is64 = BPF_CLASS(insn->code) == BPF_JMP;
	struct condition c = condition_of(BPF_OP(insn->code));
	const struct rawtp_scalar *a = c.is_swapped ? &src->var : &dst->var;
	const struct rawtp_scalar *b = c.is_swapped ? &dst->var : &src->var;
	int taken = rawtp_scalar_decide(a, b, c.op, is64);
	struct rawtp_state *other;
	int err;

	if (taken >= 0) {
		/* The side that is not walked is not proved: what decided it must hold again. */
		rawtp_mark_precise(env, dst);
		rawtp_mark_precise(env, src);
		env->next_pc = taken ? goal : env->next_pc;
		return 0;
	}
	err = rawtp_push_pending(env, goal, &other);
	if (err)
		return err;
	refine_side(env, other, dst, src, c, is64);
	refine_side(env, &env->cur, dst, src, negated(c), is64);
	return 0;
}

struct null_check {
	struct rawtp_env *env;
	uint32_t id;
	bool is_null;
};

static void settle_null(struct rawtp_reg *reg, void *arg)
{
	const struct null_check *check = arg;

	if (!rawtp_reg_maybe_null(reg) || reg->id != check->id)
		return;
	if (check->is_null) {
		rawtp_mark_scalar(check->env, reg, rawtp_scalar_const(0), 0, 0);
		return;
	}
	reg->type = reg->type == RAWTP_REG_VALUE_OR_NULL ? RAWTP_REG_VALUE : RAWTP_REG_RECORD;
	reg->id = 0;
}

static void mark_null_check(struct rawtp_env *env, struct rawtp_state *state, uint32_t id,
			    uint32_t ref, bool is_null)
{
	struct null_check check = {env, id, is_null};
	uint32_t i;

	rawtp_state_each_reg(state, settle_null, &check);
	/* Nothing was reserved: nothing is to be given back. */
	for (i = 0; is_null && ref && i < state->n_refs; i++) {
		if (state->refs[i] != ref)
			continue;
		state->n_refs--;
		state->refs[i] = state->refs[state->n_refs];
		state->ref_insns[i] = state->ref_insns[state->n_refs];
	}
}

/* Objects that have a place; not so far before it that the address could come out as zero. */
static bool is_never_null(const struct rawtp_reg *reg)
{
	if (reg->type != RAWTP_REG_VALUE && reg->type != RAWTP_REG_RECORD &&
	    reg->type != RAWTP_REG_MAP && reg->type != RAWTP_REG_KEY && reg->type != RAWTP_REG_TASK)
		return false;
	return rawtp_scalar_is_const(&reg->var) && reg->off >= -RAWTP_MAX_STACK;
}

/* Pointers: against zero something is learnt, else the jump may go either way. */
static int check_pointer_jump(struct rawtp_env *env, const struct bpf_insn *insn, uint32_t goal)
{
	struct rawtp_reg dst = *rawtp_reg(env, insn->dst_reg);
	bool is_equal = BPF_OP(insn->code) == BPF_JEQ;
	bool is_null_check = BPF_CLASS(insn->code) == BPF_JMP && BPF_SRC(insn->code) == BPF_K &&
			     insn->imm == 0 && (is_equal || BPF_OP(insn->code) == BPF_JNE);
	struct rawtp_state *other;
	uint32_t ref;
	int err;

	if (is_null_check && is_never_null(&dst)) {
		env->next_pc = is_equal ? env->next_pc : goal;
		return 0;
	}
	err = rawtp_push_pending(env, goal, &other);
	if (err || !is_null_check || !rawtp_reg_maybe_null(&dst))
		return err;
	ref = dst.is_direct ? 0 : dst.ref; /* that of a dynptr's memory is the dynptr's */
	mark_null_check(env, other, dst.id, ref, is_equal);
	mark_null_check(env, &env->cur, dst.id, ref, !is_equal);
	return 0;
}

int rawtp_check_jump(struct rawtp_env *env, const struct bpf_insn *insn)
{
	uint32_t goal = env->pc + 1 + (insn->code == (BPF_JMP32 | BPF_JA) ? insn->imm : insn->off);
	struct rawtp_reg dst, src;
	int err;

	env->n_jumps++;
	if (BPF_OP(insn->code) == BPF_JA) {
		env->next_pc = goal;
		return 0;
	}
	err = rawtp_check_reg_read(env, insn->dst_reg);
	if (!err && BPF_SRC(insn->code) == BPF_X)
		err = rawtp_check_reg_read(env, insn->src_reg);
	if (err)
		return err;
	dst = *rawtp_reg(env, insn->dst_reg);
	memset(&src, 0, sizeof(src));
	src.type = RAWTP_REG_SCALAR;
	src.var = rawtp_scalar_const((uint64_t)(int64_t)insn->imm);
	if (BPF_SRC(insn->code) == BPF_X)
		src = *rawtp_reg(env, insn->src_reg);
	if (rawtp_reg_is_pointer(&dst) || rawtp_reg_is_pointer(&src))
		return check_pointer_jump(env, insn, goal);
	return check_scalar_jump(env, insn, goal, &dst, &src);
}
