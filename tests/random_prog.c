/* SPDX-License-Identifier: MIT */
#include "random_prog_internal.h"

#include "bpf/opcodes.h"
#include "random_insns.h"

#include <string.h>

const struct random_prog_shape random_prog_shapes[RANDOM_N_MAPS] = {
#define RANDOM_PROG_SHAPE(name, type, key, value, entries, flags) \
	{type, key, value, entries, flags},
	RANDOM_PROG_MAPS(RANDOM_PROG_SHAPE)
#undef RANDOM_PROG_SHAPE
};

const uint8_t random_prog_rodata[16] = {1, 0, 0, 0, 7, 0, 0, 0, 63, 0, 0, 0, 200, 255, 255, 255};

uint32_t gen_below(struct gen *g, uint32_t n)
{
	return (uint32_t)(random_u64(&g->random) >> 33) % n;
}

bool gen_spoils(struct gen *g)
{
	if (!g->spoil || gen_below(g, g->spoil))
		return false;
	g->out->is_exact = false;
	return true;
}

int32_t gen_imm(struct gen *g)
{
	static const int32_t imms[] = {0,  1,  2,    3,      4,         5,         7,   8,
				       15, 16, 24,   31,     32,        33,        63,  64,
				       65, 96, 100,  127,    128,       255,       256, 1000,
				       -1, -2, -8,   -64,    -128,      -4096,     511, 4095,
				       28, 60, 6553, 0xffff, INT32_MIN, INT32_MAX, 12,  48};

	if (gen_one_in(g, 8))
		return (int32_t)random_u64(&g->random);
	return imms[gen_below(g, sizeof(imms) / sizeof(*imms))];
}

void gen_emit(struct gen *g, uint8_t code, uint32_t dst, uint32_t src, int32_t off, int32_t imm)
{
	struct random_prog *out = g->out;

	if (out->n == RANDOM_PROG_MAX)
		return;
	out->insns[out->n++] = (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = (int16_t)off, .imm = imm};
}

void gen_map(struct gen *g, uint32_t dst, uint32_t kind, uint32_t map, uint32_t off)
{
	gen_emit(g, BPF_LD | BPF_IMM | BPF_DW, dst, kind, 0, (int32_t)map);
	gen_emit(g, 0, 0, 0, 0, (int32_t)off);
}

void gen_set_number(struct gen *g, uint32_t reg, uint64_t max, uint32_t align)
{
	g->now.regs[reg] = (struct known){.kind = NUMBER, .max = max, .align = align};
}

void gen_call(struct gen *g, int32_t helper)
{
	uint32_t i;

	gen_emit(g, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
	for (i = BPF_REG_1; i <= BPF_REG_5 && !gen_spoils(g); i++)
		g->now.regs[i] = (struct known){.kind = UNSET};
	gen_set_number(g, BPF_REG_0, ANY_NUMBER, 1);
}

int gen_find(struct gen *g, enum kind kind)
{
	uint32_t reg = gen_below(g, 10), i;

	if (gen_spoils(g))
		return (int)reg;
	for (i = 0; i < 10; i++, reg = (reg + 1) % 10)
		if (g->now.regs[reg].kind == kind)
			return (int)reg;
	return -1;
}

uint32_t gen_target(struct gen *g)
{
	uint32_t reg = gen_below(g, 10), i;

	for (i = 0; i < 10; i++, reg = (reg + 1) % 10)
		if (!g->now.regs[reg].is_locked)
			return reg;
	return BPF_REG_0; /* never locked */
}

uint32_t gen_number(struct gen *g)
{
	int reg = gen_find(g, NUMBER);

	if (reg >= 0)
		return (uint32_t)reg;
	reg = (int)gen_target(g);
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, (uint32_t)reg, 0, 0, gen_imm(g));
	gen_set_number(g, (uint32_t)reg, ANY_NUMBER, 1);
	return (uint32_t)reg;
}

void gen_land(struct gen *g, uint32_t at)
{
	int32_t off = (int32_t)(g->out->n - at - 1);

	if (gen_spoils(g))
		off += gen_one_in(g, 2) ? 1 : -1;
	g->out->insns[at].off = (int16_t)off;
}

void gen_exit(struct gen *g)
{
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0,
		 g->is_callback ? (int32_t)gen_below(g, 2) : gen_imm(g));
	gen_emit(g, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void gen_block(struct gen *g, uint32_t n)
{
	g->depth++;
	while (n-- && g->out->n < g->limit)
		gen_step(g);
	g->depth--;
}

static void merge(struct known *to, const struct known *other)
{
	if (to->kind != other->kind || to->map != other->map || to->size != other->size) {
		to->kind = UNSET;
		return;
	}
	to->max = to->max > other->max ? to->max : other->max;
	to->low = to->low < other->low ? to->low : other->low;
	to->high = to->high > other->high ? to->high : other->high;
	to->align = to->align < other->align ? to->align : other->align;
}

void gen_merge(struct state *to, const struct state *other)
{
	uint32_t i;

	for (i = 0; i < 10; i++)
		merge(&to->regs[i], &other->regs[i]);
	for (i = 0; i < N_SLOTS; i++)
		merge(&to->slots[i], &other->slots[i]);
}

/* What holds in the first round must hold in all: of numbers nothing, of pointers those that stay. */
static void loosen(struct gen *g, struct known *known)
{
	if (known->is_locked || known->kind == UNSET)
		return;
	if (known->kind == NUMBER) {
		known->max = ANY_NUMBER;
		known->align = 1;
	} else if (gen_one_in(g, 2)) {
		known->is_locked = true;
	} else {
		known->kind = UNSET;
	}
}

void gen_begin_loop(struct gen *g, struct state *head)
{
	uint32_t i;

	g->now.regs[BPF_REG_0].kind = UNSET; /* calls write it: it is never locked */
	*head = g->now;
	for (i = 1; i < 10; i++) {
		/* A call would take it away. */
		if (i <= BPF_REG_5 && g->now.regs[i].kind != NUMBER)
			g->now.regs[i].kind = UNSET;
		else
			loosen(g, &g->now.regs[i]);
	}
	for (i = 0; i < N_SLOTS; i++)
		loosen(g, &g->now.slots[i]);
	for (i = 0; i < 10; i++)
		head->regs[i].kind = g->now.regs[i].kind;
	for (i = 0; i < N_SLOTS; i++)
		head->slots[i].kind = g->now.slots[i].kind;
}

void gen_end_loop(struct gen *g, const struct state *head)
{
	uint32_t i;

	for (i = 0; i < 10; i++) {
		g->now.regs[i].is_locked = head->regs[i].is_locked;
		if (head->regs[i].kind != NUMBER || g->now.regs[i].kind == NUMBER)
			continue;
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, i, 0, 0, gen_imm(g));
		gen_set_number(g, i, ANY_NUMBER, 1);
	}
	for (i = 0; i < N_SLOTS; i++) {
		g->now.slots[i].is_locked = head->slots[i].is_locked;
		if (head->slots[i].kind != NUMBER || g->now.slots[i].kind == NUMBER)
			continue;
		gen_emit(g, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -8 * (int32_t)(i + 1), 0);
		g->now.slots[i] = (struct known){.kind = NUMBER, .max = ANY_NUMBER, .align = 1};
	}
}

/* The result depends on every number. */
static void fold(struct gen *g)
{
	uint32_t i;

	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1);
	for (i = 1; i < 10; i++) {
		if (g->now.regs[i].kind != NUMBER)
			continue;
		gen_emit(g, BPF_ALU64 | BPF_MUL | BPF_K, BPF_REG_0, 0, 0, 31);
		gen_emit(g, BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_0, i, 0, 0);
	}
	for (i = 0; i < N_SLOTS; i++) {
		if (g->now.slots[i].kind != NUMBER || gen_one_in(g, 3))
			continue;
		gen_emit(g, BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_10,
			 -8 * (int32_t)(i + 1), 0);
		gen_emit(g, BPF_ALU64 | BPF_MUL | BPF_K, BPF_REG_0, 0, 0, 33);
		gen_emit(g, BPF_ALU64 | BPF_XOR | BPF_X, BPF_REG_0, BPF_REG_1, 0, 0);
	}
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_0, 0, 0);
	gen_emit(g, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_1, 0, 0, 32);
	gen_emit(g, BPF_ALU64 | BPF_XOR | BPF_X, BPF_REG_0, BPF_REG_1, 0, 0);
	if (g->is_callback) {
		gen_emit(g, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_0, 0, 0, 9);
		gen_emit(g, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_0, 0, 0, 1);
	}
	gen_emit(g, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* The stack of a function: all or some of it written. */
static void begin_stack(struct gen *g)
{
	uint32_t i;

	for (i = 0; i < N_SLOTS; i++) {
		g->now.slots[i] = (struct known){.kind = UNSET};
		if (gen_one_in(g, 3))
			continue;
		gen_emit(g, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -8 * (int32_t)(i + 1),
			 gen_imm(g));
		g->now.slots[i] = (struct known){.kind = NUMBER, .max = ANY_NUMBER, .align = 1};
	}
	for (i = 0; i < BUFFER_SIZE / 8 && !gen_spoils(g); i++)
		gen_emit(g, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, BUFFER + 8 * (int32_t)i,
			 gen_imm(g));
}

static void gen_main(struct gen *g)
{
	uint32_t i;

	memset(&g->now, 0, sizeof(g->now));
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0);
	g->now.regs[BPF_REG_6] = (struct known){.kind = CONTEXT, .is_locked = true};
	for (i = 0; i < 10; i++) {
		if (i == BPF_REG_6 || gen_one_in(g, 3))
			continue;
		if (gen_one_in(g, 3))
			gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, i, 0, 0, gen_imm(g));
		else
			gen_emit(g, BPF_LDX | BPF_MEM | BPF_DW, i, BPF_REG_6,
				 8 * (int32_t)gen_below(g, 12), 0);
		gen_set_number(g, i, ANY_NUMBER, 1);
	}
	begin_stack(g);
	g->limit = 120 + gen_below(g, 200);
	gen_block(g, 3 + gen_below(g, 14));
	fold(g);
}

static void gen_function(struct gen *g, uint32_t index)
{
	struct function function = g->functions[index];
	uint32_t i;

	for (i = 0; i < function.n_calls; i++)
		g->out->insns[function.calls[i]].imm = (int32_t)(g->out->n - function.calls[i] - 1);
	memset(&g->now, 0, sizeof(g->now));
	g->is_callback = function.is_callback;
	g->call_depth = function.depth;
	g->n_held = 0;
	gen_set_number(g, BPF_REG_0, ANY_NUMBER, 1);
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, gen_imm(g));
	for (i = 0; i < 5; i++) {
		g->now.regs[BPF_REG_1 + i] = function.args[i];
		if (function.args[i].kind == UNSET || i == 4)
			continue;
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6 + i, BPF_REG_1 + i, 0, 0);
		g->now.regs[BPF_REG_6 + i] = function.args[i];
	}
	begin_stack(g);
	g->limit = g->out->n + 10 + gen_below(g, 60);
	gen_block(g, 1 + gen_below(g, 6));
	fold(g);
}

static bool jumps_back(const struct random_prog *prog, uint32_t i)
{
	uint8_t class = BPF_CLASS(prog->insns[i].code);

	return i < prog->n && (class == BPF_JMP || class == BPF_JMP32) && prog->insns[i].off < 0;
}

static void change_field(struct gen *g, struct bpf_insn *insn)
{
	int32_t imm;

	switch (gen_below(g, 6)) {
	case 0:
		insn->dst_reg = gen_below(g, 11);
		break;
	case 1:
		insn->src_reg = gen_below(g, 11);
		break;
	case 2:
		insn->off = (int16_t)(insn->off + (int32_t)gen_below(g, 17) - 8);
		break;
	case 3:
		imm = gen_imm(g);
		if (gen_one_in(g, 2))
			imm = (int32_t)((uint32_t)insn->imm + gen_below(g, 17) - 8);
		insn->imm = imm;
		break;
	case 4:
		insn->code ^= 1 << gen_below(g, 8);
		break;
	default:
		*insn = g->out->insns[gen_below(g, g->out->n)];
	}
}

/*
 * One field of one instruction. Mostly not of what ends a loop: the kernel walks a million
 * instructions before it refuses one that does not end. And mostly so that it still is one: the
 * kernel does not look at what is never walked.
 */
static void change(struct gen *g)
{
	uint32_t i = gen_below(g, g->out->n);
	struct bpf_insn *insn = &g->out->insns[i], before = *insn;
	enum rawtp_op op;

	if ((jumps_back(g->out, i) || jumps_back(g->out, i + 1)) && !gen_one_in(g, 50))
		return;
	g->out->is_exact = false;
	change_field(g, insn);
	op = rawtp_decode(insn);
	if ((op == RAWTP_OP_INVALID || !rawtp_reserved_zero(insn, op)) && !gen_one_in(g, 8))
		*insn = before;
}

void random_prog(uint64_t seed, struct random_prog *out)
{
	static const uint32_t spoils[] = {0, 0, 0, 40, 80, 150, 150, 300};
	struct gen gen, *g = &gen;
	uint32_t i;

	memset(g, 0, sizeof(*g));
	g->out = out;
	g->random = (seed + 1) * 0x9e3779b97f4a7c15ULL | 1;
	for (i = 0; i < 4; i++)
		random_u64(&g->random); /* seeds that are alike begin alike */
	out->n = 0;
	out->is_exact = true;
	g->spoil = spoils[gen_below(g, sizeof(spoils) / sizeof(*spoils))];
	gen_main(g);
	for (i = 0; i < g->n_functions; i++) {
		g->n_made = i + 1;
		gen_function(g, i);
	}
	if (gen_one_in(g, 6))
		change(g);
}

uint32_t random_prog_features(const struct bpf_insn *insns, uint32_t n)
{
	uint32_t i, features = 0;

	for (i = 0; i < n; i++) {
		uint8_t code = insns[i].code, class = BPF_CLASS(code), op = BPF_OP(code);
		bool is_alu = class == BPF_ALU || class == BPF_ALU64;
		bool is_jump = class == BPF_JMP || class == BPF_JMP32;

		if (is_alu && (op == BPF_DIV || op == BPF_MOD))
			features |= RANDOM_HAS_DIVISION;
		if (is_alu && BPF_SRC(code) == BPF_X &&
		    (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH))
			features |= RANDOM_HAS_SHIFT_REG;
		if (is_jump && op == BPF_JSET && BPF_SRC(code) == BPF_X)
			features |= RANDOM_HAS_JSET_REG;
		if (is_alu && op == BPF_MOV && insns[i].off)
			features |= RANDOM_HAS_SIGN_EXTENSION;
		if (code == (BPF_ALU64 | BPF_SUB | BPF_X))
			features |= RANDOM_HAS_SUBTRACTION;
		if (class == BPF_STX && BPF_MODE(code) == BPF_ATOMIC)
			features |= RANDOM_HAS_ATOMIC;
	}
	return features;
}

uint32_t random_prog_maps(const struct bpf_insn *insns, uint32_t n)
{
	uint32_t i, maps = 0;

	for (i = 0; i < n; i++)
		if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW) && insns[i].src_reg &&
		    (uint32_t)insns[i].imm < RANDOM_N_MAPS)
			maps |= 1u << insns[i].imm;
	return maps;
}
