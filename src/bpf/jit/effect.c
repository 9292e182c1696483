/* SPDX-License-Identifier: MIT */
/*
 * Without a way back the order of instructions is an order of time, so one pass forward knows which
 * registers point into the stack, and one pass backward what may still come behind an instruction.
 * A pointer of which nothing is known counts as one that leads out of the stack.
 */
#include "bpf/jit/effect.h"

#include "bpf/jit/compiler.h"
#include "bpf/maps/map.h"

#include <stdlib.h>
#include <string.h>

#define MAX_INSNS 256 /* a run has to end before the thread is preempted, mostly */
#define UNSEEN    0xffff

/* Per instruction: registers that surely point into the stack, a bit each, or UNSEEN. */
struct finder {
	struct rawtp_jit *jit;
	struct rawtp_jit_effects *effects;
	uint16_t *on_stack;
	bool *later; /* an effect may come at or behind this one */
	bool is_brief;
};

static const struct bpf_insn *insn_at(const struct finder *finder, uint32_t i)
{
	return &finder->jit->prog->insns[i];
}

/* What comes next but for a jump: i + 1, or i + 2. */
static uint32_t next_of(const struct finder *finder, uint32_t i)
{
	return i + 1 + (rawtp_decode(insn_at(finder, i)) == RAWTP_OP_LD_IMM64);
}

/* Whether the instruction jumps, and where; goes back: no longer brief. */
static bool jumps(struct finder *finder, uint32_t i, uint32_t *target)
{
	const struct bpf_insn *insn = insn_at(finder, i);
	enum rawtp_op op = rawtp_decode(insn);
	unsigned int kind = rawtp_opcodes[op].kind;

	if (kind != RAWTP_KIND_JUMP && kind != RAWTP_KIND_JUMP_IF)
		return false;
	*target = i + 1 + (op == RAWTP_OP_JA32 ? insn->imm : insn->off);
	if (*target <= i || *target >= finder->jit->prog->n_insns) {
		finder->is_brief = false;
		return false;
	}
	return true;
}

/* Can what comes next be reached from here, but by a jump? */
static bool goes_on(const struct finder *finder, uint32_t i)
{
	unsigned int kind = rawtp_opcodes[rawtp_decode(insn_at(finder, i))].kind;

	return kind != RAWTP_KIND_JUMP && kind != RAWTP_KIND_EXIT &&
	       !rawtp_jit_is_way_out(finder->jit, i);
}

static void arrive(struct finder *finder, uint32_t i, uint16_t on_stack)
{
	if (i >= finder->jit->prog->n_insns)
		finder->is_brief = false;
	else if (finder->on_stack[i] == UNSEEN)
		finder->on_stack[i] = on_stack;
	else
		finder->on_stack[i] &= on_stack;
}

/* Of the registers that point into the stack before @insn, those that do after it. */
static uint16_t after(const struct bpf_insn *insn, uint16_t on_stack)
{
	const struct rawtp_opcode *row = &rawtp_opcodes[rawtp_decode(insn)];
	uint16_t dst = (uint16_t)(1 << insn->dst_reg), src = (uint16_t)(1 << insn->src_reg);
	enum rawtp_op op = rawtp_decode(insn);

	switch (row->kind) {
	case RAWTP_KIND_MOV:
		if (op == RAWTP_OP_MOV64_X && on_stack & src)
			return on_stack | dst;
		return on_stack & (uint16_t)~dst;
	case RAWTP_KIND_ALU:
		if (op == RAWTP_OP_ADD64_K || op == RAWTP_OP_SUB64_K)
			return on_stack;
		return on_stack & (uint16_t)~dst;
	case RAWTP_KIND_MOVSX:
	case RAWTP_KIND_NEG:
	case RAWTP_KIND_END:
	case RAWTP_KIND_LD_IMM64:
	case RAWTP_KIND_LOAD:
	case RAWTP_KIND_LOAD_ACQ:
		return on_stack & (uint16_t)~dst;
	case RAWTP_KIND_CALL: /* R0 to R5 */
		return on_stack & (uint16_t)~0x3f;
	default:
		return on_stack;
	}
}

/* The map's part in a lookup: whether code for it may stand in a brief program. */
static bool is_plain_lookup(struct finder *finder, uint32_t i)
{
	const struct rawtp_map *map = rawtp_jit_inline_lookup(finder->jit, i);

	if (!map)
		return false;
	if (map->type == BPF_MAP_TYPE_PERCPU_ARRAY)
		finder->effects->is_restartable = true;
	else if (map->type == BPF_MAP_TYPE_HASH)
		finder->effects->is_wide = true;
	else if (map->type != BPF_MAP_TYPE_ARRAY)
		return false;
	/* Key, R0 to R3. */
	finder->effects->regs |= 0xf;
	return true;
}

static void add_effect(struct finder *finder, uint32_t i)
{
	struct rawtp_jit_effects *effects = finder->effects;

	if (effects->n == RAWTP_JIT_MAX_EFFECTS)
		finder->is_brief = false;
	else
		effects->at[effects->n++] = i;
}

static void see(struct finder *finder, uint32_t i)
{
	const struct bpf_insn *insn = insn_at(finder, i);
	const struct rawtp_opcode *row = &rawtp_opcodes[rawtp_decode(insn)];
	bool on_stack = finder->on_stack[i] >> insn->dst_reg & 1;

	if (row->fields & RAWTP_FIELDS_D)
		finder->effects->regs |= (uint16_t)(1 << insn->dst_reg);
	if (row->fields & RAWTP_FIELDS_S && row->select != RAWTP_SELECT_SRC)
		finder->effects->regs |= (uint16_t)(1 << insn->src_reg);
	switch (row->kind) {
	case RAWTP_KIND_STORE:
	case RAWTP_KIND_STORE_IMM:
	case RAWTP_KIND_STORE_REL:
		if (on_stack)
			break;
		add_effect(finder, i);
		finder->effects->is_restartable = true;
		break;
	case RAWTP_KIND_ATOMIC:
		/* What it fetches can be seen in registers only, but takes more than one instruction. */
		if (insn->imm & BPF_FETCH)
			finder->is_brief = false;
		else if (!on_stack)
			add_effect(finder, i);
		break;
	case RAWTP_KIND_CALL:
		if (rawtp_jit_inline_output(finder->jit, i, NULL)) {
			add_effect(finder, i);
			finder->effects->is_restartable = true;
			finder->effects->is_wide = true;
		} else if (rawtp_jit_inline_helper(finder->jit, i)) {
			finder->effects->regs |= 0x3;
		} else if (!is_plain_lookup(finder, i) && !rawtp_jit_is_way_out(finder->jit, i)) {
			finder->is_brief = false;
		}
		break;
	case RAWTP_KIND_MOV:
	case RAWTP_KIND_MOVSX:
	case RAWTP_KIND_NEG:
	case RAWTP_KIND_END:
	case RAWTP_KIND_LD_IMM64:
	case RAWTP_KIND_LOAD:
	case RAWTP_KIND_LOAD_ACQ:
	case RAWTP_KIND_JUMP:
	case RAWTP_KIND_JUMP_IF:
	case RAWTP_KIND_EXIT:
		break;
	case RAWTP_KIND_ALU:
		/* Their code has scratch registers of its own. */
		if (BPF_OP(insn->code) == BPF_DIV || BPF_OP(insn->code) == BPF_MOD)
			finder->is_brief = false;
		if (BPF_SRC(insn->code) == BPF_X &&
		    (BPF_OP(insn->code) == BPF_LSH || BPF_OP(insn->code) == BPF_RSH ||
		     BPF_OP(insn->code) == BPF_ARSH))
			finder->is_brief = false;
		break;
	default:
		finder->is_brief = false;
	}
}

static void forward(struct finder *finder)
{
	uint32_t i, target, n = finder->jit->prog->n_insns;

	arrive(finder, 0, 1 << BPF_REG_10);
	for (i = 0; i < n && finder->is_brief; i = next_of(finder, i)) {
		uint16_t on_stack;

		if (finder->on_stack[i] == UNSEEN) /* dead code */
			finder->on_stack[i] = 1 << BPF_REG_10;
		see(finder, i);
		on_stack = after(insn_at(finder, i), finder->on_stack[i]);
		if (jumps(finder, i, &target))
			arrive(finder, target, on_stack);
		if (goes_on(finder, i))
			arrive(finder, next_of(finder, i), on_stack);
	}
}

bool rawtp_jit_is_way_out(const struct rawtp_jit *jit, uint32_t index)
{
	const struct bpf_insn *insn = &jit->prog->insns[index];

	return rawtp_decode(insn) == RAWTP_OP_CALL && insn->imm == BPF_FUNC_map_update_elem &&
	       jit->effects.is_wide;
}

int rawtp_jit_effect_number(const struct rawtp_jit *jit, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < jit->effects.n; i++)
		if (jit->effects.at[i] == index)
			return (int)i;
	return -1;
}

/* From here a run may be begun again by the general way, so it must not have had its effect. */
static bool may_leave(const struct finder *finder, uint32_t i)
{
	const struct rawtp_map *map = rawtp_jit_inline_lookup(finder->jit, i);

	return (map && map->type == BPF_MAP_TYPE_HASH) || rawtp_jit_is_way_out(finder->jit, i) ||
	       rawtp_jit_inline_helper(finder->jit, i);
}

/* No effect behind an effect. */
static void backward(struct finder *finder)
{
	uint32_t i, target;

	for (i = finder->jit->prog->n_insns; i-- && finder->is_brief;) {
		unsigned int kind = rawtp_opcodes[rawtp_decode(insn_at(finder, i))].kind;
		bool later = false;

		/* The second half of a 64-bit immediate says what the instruction behind it says. */
		if (goes_on(finder, i))
			later = finder->later[i + 1];
		if (kind != RAWTP_KIND_INVALID && jumps(finder, i, &target))
			later |= finder->later[target];
		if (rawtp_jit_effect_number(finder->jit, i) >= 0) {
			if (later)
				finder->is_brief = false;
			later = true;
		}
		later |= may_leave(finder, i);
		finder->later[i] = later;
	}
}

void rawtp_jit_find_effects(struct rawtp_jit *jit)
{
	const struct rawtp_prog *prog = jit->prog;
	struct finder finder = {.jit = jit, .effects = &jit->effects, .is_brief = true};
	uint16_t on_stack[MAX_INSNS];
	bool later[MAX_INSNS + 1] = {false};

	memset(&jit->effects, 0, sizeof(jit->effects));
	if (prog->n_insns > MAX_INSNS || prog->n_subprogs != 1)
		return;
	memset(on_stack, 0xff, sizeof(on_stack));
	finder.on_stack = on_stack;
	finder.later = later;
	forward(&finder);
	backward(&finder);
	if (!finder.is_brief) {
		memset(&jit->effects, 0, sizeof(jit->effects));
		return;
	}
	/* A section needs an end. */
	jit->effects.is_brief = jit->effects.n || !prog->n_percpu_maps;
	jit->effects.stack = prog->subprogs[0].stack_depth;
}
