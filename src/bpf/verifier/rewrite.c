/* SPDX-License-Identifier: MIT */
/*
 * Edits after the proof: from the stored form to the runnable one. Nothing here proves anything, and
 * nothing here can fail but for want of memory, which is asked for first.
 */
#include "bpf/verifier/env.h"

#include <stdlib.h>
#include <string.h>

typedef bool (*rewrite_fn)(struct rawtp_env *env, uint32_t i, struct bpf_insn *insn);

/* No path leads here, so nothing was proved of it: whatever it was, it now does no harm. */
static bool rewrite_dead(struct rawtp_env *env, uint32_t i, struct bpf_insn *insn)
{
	bool is_pair = rawtp_opcodes[env->aux[i].op].kind == RAWTP_KIND_LD_IMM64;

	if (env->aux[i].is_walked)
		return false;
	insn[0] = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
	if (is_pair)
		insn[1] = insn[0];
	return true;
}

static bool rewrite_map_address(struct rawtp_env *env, uint32_t i, struct bpf_insn *insn)
{
	struct rawtp_map *map;
	uint64_t address;

	if (!rawtp_names_map(env, i))
		return false;
	map = env->prog->maps[insn->imm];
	address = (uint64_t)(uintptr_t)map;
	/* check_decode() has seen that there is one. */
	if (insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE) {
		char *copy = env->prog->frozen_values[insn->imm];

		map->ops->value_addr(map, (uint32_t)insn[1].imm, &address);
		if (copy)
			address = (uint64_t)(uintptr_t)(copy + (uint32_t)insn[1].imm);
	}
	insn[0].src_reg = 0;
	insn[0].imm = (int32_t)(uint32_t)address;
	insn[1].imm = (int32_t)(address >> 32);
	return true;
}

/* Through a pointer that nobody vouches for. */
static bool rewrite_probe(struct rawtp_env *env, uint32_t i, struct bpf_insn *insn)
{
	if (env->aux[i].through != RAWTP_THROUGH_BTF)
		return false;
	insn->code = BPF_LDX | BPF_SIZE(insn->code) |
		     (BPF_MODE(insn->code) == RAWTP_BPF_MEMSX ? RAWTP_BPF_PROBE_MEMSX
							      : RAWTP_BPF_PROBE_MEM);
	return true;
}

/* See prog.h. */
static bool rewrite_known_key(struct rawtp_env *env, uint32_t i, struct bpf_insn *insn)
{
	uint16_t key = env->aux[i].key;

	if (!key || key == RAWTP_NO_KEY)
		return false;
	insn->off = (int16_t)key;
	return true;
}

/* The first that applies is the only one. */
static const rewrite_fn rewrites[] = {rewrite_dead, rewrite_probe, rewrite_map_address,
				      rewrite_known_key};

int rawtp_rewrite(struct rawtp_env *env)
{
	struct rawtp_prog *prog = env->prog;
	struct rawtp_subprog *subprogs = malloc(env->n_subprogs * sizeof(*subprogs));
	uint32_t i;
	size_t k;

	if (!subprogs)
		return -ENOMEM;
	memcpy(subprogs, env->subprogs, env->n_subprogs * sizeof(*subprogs));
	free(prog->subprogs);
	prog->subprogs = subprogs;
	prog->n_subprogs = env->n_subprogs;
	for (i = 0; i < prog->n_insns; i++) {
		if (!env->aux[i].op)
			continue;
		for (k = 0; k < sizeof(rewrites) / sizeof(*rewrites); k++)
			if (rewrites[k](env, i, &prog->insns[i]))
				break;
	}
	prog->max_ctx_access = env->max_ctx_access;
	prog->ctx_slots_read = env->ctx_slots_read;
	prog->verified_insns = env->n_walked;
	prog->xlated_insns = prog->n_insns;
	return 0;
}
