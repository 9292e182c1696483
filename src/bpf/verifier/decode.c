/* SPDX-License-Identifier: MIT */
/*
 * First pass, over the instructions as they stand: each is one of opcodes.h, its registers exist,
 * fields that it does not read are zero, and 64-bit immediates name maps that the program has. It
 * keeps in aux what each instruction is, so that no later pass has to ask again.
 */
#include "bpf/verifier/env.h"

static int check_imm64(struct rawtp_env *env, uint32_t i)
{
	const struct bpf_insn *insn = &env->prog->insns[i];
	const struct rawtp_map *map;
	uint32_t index = insn->imm;
	uint64_t addr;

	if (i + 1 >= env->prog->n_insns)
		return rawtp_refuse(env, HALF_IMM64, RAWTP_NO_REG);
	if (insn[1].code || insn[1].dst_reg || insn[1].src_reg || insn[1].off || insn->off)
		return rawtp_refuse(env, RESERVED_FIELD, RAWTP_NO_REG);
	if (insn->src_reg == 0)
		return 0;
	if (insn->src_reg == BPF_PSEUDO_FUNC)
		return 0;
	if (insn->src_reg == BPF_PSEUDO_BTF_ID)
		return rawtp_refuse(env, NO_KERNEL_SYMBOL, RAWTP_NO_REG);
	if (insn->src_reg != BPF_PSEUDO_MAP_IDX && insn->src_reg != BPF_PSEUDO_MAP_IDX_VALUE)
		return rawtp_refuse(env, UNKNOWN_IMM64, RAWTP_NO_REG, insn->src_reg);
	if (index >= env->prog->n_maps || index >= RAWTP_MAX_MAPS)
		return rawtp_refuse(env, NO_SUCH_MAP, RAWTP_NO_REG, index, env->prog->n_maps);
	map = env->prog->maps[index];
	if (insn->src_reg == BPF_PSEUDO_MAP_IDX)
		return insn[1].imm ? rawtp_refuse(env, RESERVED_FIELD, RAWTP_NO_REG) : 0;
	if (!map->ops->value_addr)
		return rawtp_refuse(env, NO_DIRECT_VALUE, RAWTP_NO_REG, map->name);
	if ((uint32_t)insn[1].imm >= map->value_size ||
	    map->ops->value_addr(env->prog->maps[index], insn[1].imm, &addr))
		return rawtp_refuse(env, DIRECT_VALUE_RANGE, RAWTP_NO_REG, (uint32_t)insn[1].imm,
				    map->name, map->value_size);
	return 0;
}

/* A constant shift count must be smaller than the width, a constant divisor not zero. */
static int check_constant(struct rawtp_env *env, const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code);
	uint32_t width = BPF_CLASS(insn->code) == BPF_ALU64 ? 64 : 32;

	if (BPF_SRC(insn->code) == BPF_X)
		return 0;
	if ((op == BPF_DIV || op == BPF_MOD) && insn->imm == 0)
		return rawtp_refuse(env, DIVISION_BY_ZERO, RAWTP_NO_REG);
	if ((op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH) && (uint32_t)insn->imm >= width)
		return rawtp_refuse(env, SHIFT_COUNT, RAWTP_NO_REG, insn->imm, width);
	return 0;
}

static bool writes_dst(uint8_t kind)
{
	switch (kind) {
	case RAWTP_KIND_ALU:
	case RAWTP_KIND_MOV:
	case RAWTP_KIND_MOVSX:
	case RAWTP_KIND_NEG:
	case RAWTP_KIND_END:
	case RAWTP_KIND_LD_IMM64:
	case RAWTP_KIND_LOAD:
	case RAWTP_KIND_LOAD_ACQ:
		return true;
	}
	return false;
}

static int check_registers(struct rawtp_env *env, const struct bpf_insn *insn, uint8_t kind)
{
	if (insn->dst_reg >= RAWTP_N_REGS)
		return rawtp_refuse(env, NO_SUCH_REGISTER, RAWTP_NO_REG, insn->dst_reg);
	if (kind != RAWTP_KIND_LD_IMM64 && kind != RAWTP_KIND_CALL_LOCAL &&
	    insn->src_reg >= RAWTP_N_REGS)
		return rawtp_refuse(env, NO_SUCH_REGISTER, RAWTP_NO_REG, insn->src_reg);
	if (insn->dst_reg == BPF_REG_10 && writes_dst(kind))
		return rawtp_refuse(env, FRAME_POINTER_WRITTEN, RAWTP_NO_REG);
	/* The old value comes back in the source register. */
	if (kind == RAWTP_KIND_ATOMIC && (insn->imm & BPF_FETCH) && insn->imm != BPF_CMPXCHG &&
	    insn->src_reg == BPF_REG_10)
		return rawtp_refuse(env, FRAME_POINTER_WRITTEN, RAWTP_NO_REG);
	return 0;
}

int rawtp_check_decode(struct rawtp_env *env)
{
	uint32_t i;
	int err;

	for (i = 0; i < env->prog->n_insns; i++) {
		const struct bpf_insn *insn = &env->prog->insns[i];
		enum rawtp_op op = rawtp_decode(insn);
		uint8_t kind = rawtp_opcodes[op].kind;

		env->pc = i;
		if (op == RAWTP_OP_INVALID || kind == RAWTP_KIND_PROBE)
			return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg
				       ? rawtp_refuse(env, NO_KERNEL_CALL, RAWTP_NO_REG)
				       : rawtp_refuse(env, UNKNOWN_OPCODE, RAWTP_NO_REG,
						      insn->code);
		env->aux[i].op = op;
		err = check_registers(env, insn, kind);
		if (err)
			return err;
		if (kind != RAWTP_KIND_LD_IMM64 && !rawtp_reserved_zero(insn, op))
			return rawtp_refuse(env, RESERVED_FIELD, RAWTP_NO_REG);
		err = kind == RAWTP_KIND_ALU ? check_constant(env, insn) : 0;
		if (!err && kind == RAWTP_KIND_LD_IMM64)
			err = check_imm64(env, i++);
		if (err)
			return err;
	}
	return 0;
}
