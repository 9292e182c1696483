/* SPDX-License-Identifier: MIT */
/* One instruction: to its room by kind. What concerns registers alone is done here. */
#include "bpf/verifier/env.h"
#include "bpf/btf_internal.h"

#include <string.h>

int rawtp_check_reg_read(struct rawtp_env *env, uint32_t regno)
{
	if (rawtp_reg(env, regno)->type == RAWTP_REG_NOT_INIT)
		return rawtp_refuse(env, UNSET_REGISTER, regno, regno);
	return 0;
}

/* The second operand as a register: the source, or the immediate, sign-extended. */
static struct rawtp_reg operand_of(struct rawtp_env *env, const struct bpf_insn *insn)
{
	struct rawtp_reg imm;

	if (BPF_SRC(insn->code) == BPF_X)
		return *rawtp_reg(env, insn->src_reg);
	memset(&imm, 0, sizeof(imm));
	imm.type = RAWTP_REG_SCALAR;
	imm.var = rawtp_scalar_const((uint64_t)(int64_t)insn->imm);
	return imm;
}

/* A pointer in 32-bit arithmetic, or two pointers: at best a number that nobody knows. */
static int check_odd_pointer_alu(struct rawtp_env *env, const struct bpf_insn *insn,
				 struct rawtp_reg *dst, const struct rawtp_reg *src)
{
	uint32_t regno = rawtp_reg_is_pointer(dst) ? insn->dst_reg : insn->src_reg;
	bool is64 = BPF_CLASS(insn->code) == BPF_ALU64;

	if (BPF_OP(insn->code) != BPF_SUB)
		return is64 ? rawtp_refuse(env, POINTER_AND_POINTER, regno, regno)
			    : rawtp_refuse(env, POINTER_IN_32_BITS, regno, regno);
	rawtp_mark_scalar(env, dst, rawtp_scalar_loaded(is64 ? 8 : 4, false), 0, 0);
	return 0;
}

/* dst = dst +- number: what is learnt of one later, is learnt of the other. */
static void check_scalar_alu(struct rawtp_env *env, const struct bpf_insn *insn,
			     struct rawtp_reg *dst, const struct rawtp_reg *src)
{
	bool is64 = BPF_CLASS(insn->code) == BPF_ALU64;
	uint8_t op = BPF_OP(insn->code);
	struct rawtp_reg old = *dst;
	int64_t delta = (int64_t)old.delta + (op == BPF_ADD ? insn->imm : -(int64_t)insn->imm);

	rawtp_mark_scalar(env, dst, rawtp_scalar_alu(&old.var, &src->var, op, is64, insn->off == 1),
			  old.value, src->value);
	if (!is64 || BPF_SRC(insn->code) != BPF_K || (op != BPF_ADD && op != BPF_SUB) ||
	    rawtp_scalar_is_const(&old.var) || delta != (int32_t)delta)
		return;
	dst->base = rawtp_reg_base(&old);
	dst->delta = (int32_t)delta;
}

static int check_alu(struct rawtp_env *env, const struct bpf_insn *insn)
{
	struct rawtp_reg *dst = rawtp_reg(env, insn->dst_reg), src;
	bool is64 = BPF_CLASS(insn->code) == BPF_ALU64;
	int err = rawtp_check_reg_read(env, insn->dst_reg);

	if (!err && BPF_SRC(insn->code) == BPF_X)
		err = rawtp_check_reg_read(env, insn->src_reg);
	if (err)
		return err;
	src = operand_of(env, insn);
	if (dst->type == RAWTP_REG_SCALAR && src.type == RAWTP_REG_SCALAR) {
		check_scalar_alu(env, insn, dst, &src);
		return 0;
	}
	if (!is64 || (rawtp_reg_is_pointer(dst) && rawtp_reg_is_pointer(&src)))
		return check_odd_pointer_alu(env, insn, dst, &src);
	return rawtp_check_pointer_alu(env, insn, dst, &src);
}

static int check_mov(struct rawtp_env *env, const struct bpf_insn *insn)
{
	struct rawtp_reg *dst = rawtp_reg(env, insn->dst_reg), *src;
	bool is64 = BPF_CLASS(insn->code) == BPF_ALU64;
	int err;

	if (BPF_SRC(insn->code) == BPF_K) {
		uint64_t value = is64 ? (uint64_t)(int64_t)insn->imm : (uint32_t)insn->imm;

		rawtp_mark_scalar(env, dst, rawtp_scalar_const(value), 0, 0);
		return 0;
	}
	err = rawtp_check_reg_read(env, insn->src_reg);
	if (err)
		return err;
	src = rawtp_reg(env, insn->src_reg);
	if (is64 || (src->type == RAWTP_REG_SCALAR && src->var.r64.umax <= UINT32_MAX)) {
		*dst = *src;
		return 0;
	}
	if (src->type != RAWTP_REG_SCALAR)
		rawtp_mark_scalar(env, dst, rawtp_scalar_loaded(4, false), 0, 0);
	else
		rawtp_mark_scalar(env, dst, rawtp_scalar_zero_extended(&src->var, 32), src->value,
				  0);
	return 0;
}

/* What these make of a pointer is a number that nobody knows, as in the kernel for who may see it. */
static struct rawtp_reg number_of(struct rawtp_env *env, uint32_t regno)
{
	struct rawtp_reg reg = *rawtp_reg(env, regno);

	if (rawtp_reg_is_pointer(&reg))
		rawtp_mark_unknown(env, &reg);
	return reg;
}

static int check_movsx(struct rawtp_env *env, const struct bpf_insn *insn)
{
	int err = rawtp_check_reg_read(env, insn->src_reg);
	struct rawtp_reg src;
	struct rawtp_scalar var;

	if (err)
		return err;
	src = number_of(env, insn->src_reg);
	var = rawtp_scalar_sign_extended(&src.var, insn->off);
	if (BPF_CLASS(insn->code) == BPF_ALU)
		var = rawtp_scalar_zero_extended(&var, 32);
	rawtp_mark_scalar(env, rawtp_reg(env, insn->dst_reg), var, src.value, 0);
	return 0;
}

static int check_neg(struct rawtp_env *env, const struct bpf_insn *insn)
{
	bool is64 = BPF_CLASS(insn->code) == BPF_ALU64;
	int err = rawtp_check_reg_read(env, insn->dst_reg);
	struct rawtp_reg old;

	if (err)
		return err;
	old = number_of(env, insn->dst_reg);
	rawtp_mark_scalar(env, rawtp_reg(env, insn->dst_reg),
			  rawtp_scalar_alu(&old.var, &old.var, BPF_NEG, is64, false), old.value, 0);
	return 0;
}

/* Byte order: what is left is known by its width alone. */
static int check_end(struct rawtp_env *env, const struct bpf_insn *insn)
{
	int err = rawtp_check_reg_read(env, insn->dst_reg);
	struct rawtp_reg old;

	if (err)
		return err;
	old = number_of(env, insn->dst_reg);
	rawtp_mark_scalar(env, rawtp_reg(env, insn->dst_reg),
			  rawtp_scalar_loaded(insn->imm / 8, false), old.value, 0);
	return 0;
}

/* Without function information nothing is said to be global. */
static bool is_global(const struct rawtp_env *env, uint32_t subprog)
{
	const struct rawtp_prog *prog = env->prog;
	uint32_t i;

	for (i = 0; prog->btf && i < prog->n_func_info; i++)
		if (prog->func_info[i].insn_off == env->subprogs[subprog].start)
			return rawtp_btf_vlen(rawtp_btf_type(
				       prog->btf, prog->func_info[i].type_id)) == BTF_FUNC_GLOBAL;
	return false;
}

static int check_ld_imm64(struct rawtp_env *env, const struct bpf_insn *insn)
{
	struct rawtp_reg *dst = rawtp_reg(env, insn->dst_reg);

	env->next_pc = env->pc + 2;
	if (!insn->src_reg) {
		uint64_t value = (uint64_t)(uint32_t)insn[1].imm << 32 | (uint32_t)insn->imm;

		rawtp_mark_scalar(env, dst, rawtp_scalar_const(value), 0, 0);
		return 0;
	}
	memset(dst, 0, sizeof(*dst));
	dst->var = rawtp_scalar_const(0);
	if (insn->src_reg == BPF_PSEUDO_FUNC) {
		dst->type = RAWTP_REG_FUNC;
		dst->size = rawtp_find_subprog(env, env->pc + 1 + insn->imm);
		return is_global(env, dst->size)
			       ? rawtp_refuse(env, CALLBACK_IS_GLOBAL, RAWTP_NO_REG)
			       : 0;
	}
	dst->map = insn->imm;
	dst->type = RAWTP_REG_MAP;
	if (insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE) {
		dst->type = RAWTP_REG_VALUE;
		dst->is_direct = true;
		dst->off = insn[1].imm;
	}
	return 0;
}

static int check_exit(struct rawtp_env *env, const struct bpf_insn *insn)
{
	return rawtp_check_exit(env);
}

typedef int (*transfer_fn)(struct rawtp_env *env, const struct bpf_insn *insn);

static const transfer_fn transfers[] = {
	[RAWTP_KIND_ALU] = check_alu,
	[RAWTP_KIND_MOV] = check_mov,
	[RAWTP_KIND_MOVSX] = check_movsx,
	[RAWTP_KIND_NEG] = check_neg,
	[RAWTP_KIND_END] = check_end,
	[RAWTP_KIND_LD_IMM64] = check_ld_imm64,
	[RAWTP_KIND_LOAD] = rawtp_check_load,
	[RAWTP_KIND_LOAD_ACQ] = rawtp_check_load,
	[RAWTP_KIND_STORE] = rawtp_check_store,
	[RAWTP_KIND_STORE_REL] = rawtp_check_store,
	[RAWTP_KIND_STORE_IMM] = rawtp_check_store,
	[RAWTP_KIND_ATOMIC] = rawtp_check_atomic,
	[RAWTP_KIND_JUMP] = rawtp_check_jump,
	[RAWTP_KIND_JUMP_IF] = rawtp_check_jump,
	[RAWTP_KIND_CALL] = rawtp_check_helper_call,
	[RAWTP_KIND_CALL_LOCAL] = rawtp_check_subprog_call,
	[RAWTP_KIND_EXIT] = check_exit,
};

int rawtp_check_insn(struct rawtp_env *env, const struct bpf_insn *insn)
{
	env->next_pc = env->pc + 1;
	return transfers[rawtp_opcodes[env->aux[env->pc].op].kind](env, insn);
}
