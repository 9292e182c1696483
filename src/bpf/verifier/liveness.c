/* SPDX-License-Identifier: MIT */
/*
 * Third pass: which registers may still be read, before they are written, from each instruction on.
 *
 *	live before i = (live after i, without what i writes) with what i reads
 *	live after i  = the union over its successors
 *
 * solved by sweeping backwards until nothing changes. A call reads its arguments and writes R0 to
 * R5; exit reads R0. R10 never dies and is left out. If the sweeps do not settle soon, everything is
 * taken to be live: less is pruned, nothing is wrong.
 */
#include "bpf/verifier/env.h"

#define ALL_LIVE   0x3ff
#define MAX_SWEEPS 64

struct use {
	uint16_t reads, writes;
};

static uint16_t helper_reads(const struct bpf_insn *insn)
{
	const struct rawtp_helper *helper = rawtp_helper(insn->imm);
	uint16_t reads = 0;
	int i;

	if (!helper)
		return 0x3e;
	for (i = 0; i < 5; i++)
		if (helper->args[i] != ARG_NONE)
			reads |= 2u << i;
	return reads;
}

static struct use use_of(const struct bpf_insn *insn, uint8_t kind)
{
	uint16_t dst = 1u << insn->dst_reg;
	uint16_t src = insn->src_reg < RAWTP_N_REGS ? 1u << insn->src_reg : 0;
	uint16_t operand = BPF_SRC(insn->code) == BPF_X ? src : 0;

	switch (kind) {
	case RAWTP_KIND_ALU:
		return (struct use){dst | operand, dst};
	case RAWTP_KIND_MOV:
	case RAWTP_KIND_MOVSX:
		return (struct use){operand, dst};
	case RAWTP_KIND_NEG:
	case RAWTP_KIND_END:
		return (struct use){dst, dst};
	case RAWTP_KIND_LD_IMM64:
		return (struct use){0, dst};
	case RAWTP_KIND_LOAD:
	case RAWTP_KIND_PROBE:
	case RAWTP_KIND_LOAD_ACQ:
		return (struct use){src, dst};
	case RAWTP_KIND_STORE:
	case RAWTP_KIND_STORE_REL:
		return (struct use){dst | src, 0};
	case RAWTP_KIND_STORE_IMM:
		return (struct use){dst, 0};
	case RAWTP_KIND_ATOMIC:
		return (struct use){dst | src | (insn->imm == BPF_CMPXCHG ? 1 : 0), 0};
	case RAWTP_KIND_JUMP_IF:
		return (struct use){dst | operand, 0};
	case RAWTP_KIND_CALL:
		return (struct use){helper_reads(insn), 0x3f};
	case RAWTP_KIND_CALL_LOCAL:
		return (struct use){0x3e, 0x3f};
	case RAWTP_KIND_EXIT:
		return (struct use){1, 0};
	}
	return (struct use){0, 0};
}

static uint16_t live_after(const struct rawtp_env *env, uint32_t i, uint8_t kind)
{
	const struct bpf_insn *insn = &env->prog->insns[i];
	uint32_t goal = i + 1 + (insn->code == (BPF_JMP32 | BPF_JA) ? insn->imm : insn->off);

	switch (kind) {
	case RAWTP_KIND_EXIT:
		return 0;
	case RAWTP_KIND_JUMP:
		return env->aux[goal].live;
	case RAWTP_KIND_JUMP_IF:
		return env->aux[goal].live | env->aux[i + 1].live;
	case RAWTP_KIND_LD_IMM64:
		return env->aux[i + 2].live;
	}
	return env->aux[i + 1].live;
}

static bool sweep(struct rawtp_env *env)
{
	bool changed = false;
	uint32_t i = env->prog->n_insns;

	while (i--) {
		uint8_t kind = rawtp_opcodes[env->aux[i].op].kind;
		struct use use;
		uint16_t live;

		if (!env->aux[i].op)
			continue;
		use = use_of(&env->prog->insns[i], kind);
		live = ((live_after(env, i, kind) & ~use.writes) | use.reads) & ALL_LIVE;
		changed |= live != env->aux[i].live;
		env->aux[i].live = live;
	}
	return changed;
}

int rawtp_mark_liveness(struct rawtp_env *env)
{
	uint32_t i;

	for (i = 0; i < MAX_SWEEPS; i++)
		if (!sweep(env))
			return 0;
	for (i = 0; i < env->prog->n_insns; i++)
		env->aux[i].live = ALL_LIVE;
	return 0;
}
