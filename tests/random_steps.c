/* SPDX-License-Identifier: MIT */
/* One statement each. What is emitted is right unless gen_spoils() says otherwise. */
#include "random_prog_internal.h"

#include "bpf/opcodes.h"

#include <string.h>

#define SMALL_NUMBER 63
#define MAX_DEPTH    4
#define FAR          256

static const uint8_t sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW, BPF_DW};

static int32_t bytes_of(uint8_t size)
{
	return size == BPF_B ? 1 : size == BPF_H ? 2 : size == BPF_W ? 4 : 8;
}

static uint64_t max_of(uint8_t size)
{
	return size == BPF_DW ? ANY_NUMBER : (1ULL << 8 * bytes_of(size)) - 1;
}

static uint32_t lowest_bit(uint64_t value)
{
	return value & 1 ? 1 : value & 2 ? 2 : value & 4 ? 4 : 8;
}

static struct known *reg_of(struct gen *g, uint32_t reg)
{
	return &g->now.regs[reg];
}

/* A number that may be changed. */
uint32_t gen_own_number(struct gen *g)
{
	uint32_t from = gen_number(g), to;

	if (!reg_of(g, from)->is_locked)
		return from;
	to = gen_target(g);
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
	*reg_of(g, to) = *reg_of(g, from);
	reg_of(g, to)->is_locked = false;
	return to;
}

/* What is known of @a after an operation with a constant. */
static void learn_alu(struct gen *g, struct known *a, uint8_t op, bool is64, int32_t imm)
{
	uint64_t max = is64 || a->max <= UINT32_MAX ? a->max : UINT32_MAX;
	uint32_t align = a->align;

	a->max = is64 ? ANY_NUMBER : UINT32_MAX;
	a->align = 1;
	if (op == BPF_AND && imm >= 0) {
		a->max = max < (uint32_t)imm ? max : (uint32_t)imm;
		a->align = lowest_bit((uint32_t)imm) > align ? lowest_bit((uint32_t)imm) : align;
	} else if (op == BPF_RSH) {
		a->max = max >> imm;
	} else if (imm >= 0 && imm < 4096 && max < 4096) {
		if (op == BPF_ADD) {
			a->max = max + (uint32_t)imm;
			a->align = lowest_bit((uint32_t)imm) < align ? lowest_bit((uint32_t)imm)
								     : align;
		} else if (op == BPF_MUL) {
			a->max = max * (uint32_t)imm;
			a->align = lowest_bit((uint32_t)imm);
		} else if (op == BPF_LSH && imm < 10) {
			a->max = max << imm;
			a->align = lowest_bit((uint64_t)align << imm);
		}
	}
	/* Most kernels do not know this: see random_prog_features(). */
	if (imm > 0 && gen_one_in(g, 6)) {
		if (op == BPF_MOD)
			a->max = (uint32_t)imm - 1;
		else if (op == BPF_DIV)
			a->max = max / (uint32_t)imm;
	}
}

void gen_step_alu(struct gen *g)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_ADD, BPF_SUB, BPF_MUL, BPF_OR,  BPF_AND,
				      BPF_AND, BPF_LSH, BPF_RSH, BPF_XOR, BPF_XOR, BPF_ARSH};
	uint8_t op = ops[gen_below(g, sizeof(ops))];
	bool is64 = !gen_one_in(g, 3), is_signed = false;
	uint32_t dst = gen_own_number(g), src;
	int32_t imm = gen_imm(g);

	if (gen_one_in(g, 16)) {
		op = gen_one_in(g, 2) ? BPF_DIV : BPF_MOD;
		is_signed = gen_one_in(g, 3);
	}
	if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
		imm &= is64 ? 63 : 31;
	if ((op == BPF_DIV || op == BPF_MOD) && !imm)
		imm = 7;
	if (gen_one_in(g, op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH ? 10 : 3)) {
		src = gen_number(g);
		gen_emit(g, (is64 ? BPF_ALU64 : BPF_ALU) | op | BPF_X, dst, src, is_signed, 0);
		gen_set_number(g, dst, is64 ? ANY_NUMBER : UINT32_MAX, 1);
		return;
	}
	gen_emit(g, (is64 ? BPF_ALU64 : BPF_ALU) | op | BPF_K, dst, 0, is_signed, imm);
	if (is_signed)
		gen_set_number(g, dst, ANY_NUMBER, 1);
	else
		learn_alu(g, reg_of(g, dst), op, is64, imm);
}

/* Negation, byte order, sign extension. */
void gen_step_unary(struct gen *g)
{
	uint32_t dst = gen_own_number(g), src = gen_number(g);
	bool is64 = !gen_one_in(g, 3);
	int32_t widths[] = {8, 16, 32};

	switch (gen_below(g, 4)) {
	case 0:
		gen_emit(g, (is64 ? BPF_ALU64 : BPF_ALU) | BPF_NEG, dst, 0, 0, 0);
		break;
	case 1:
		gen_emit(g, BPF_ALU | BPF_END | (gen_one_in(g, 2) ? BPF_TO_BE : BPF_TO_LE), dst, 0,
			 0, 16 << gen_below(g, 3));
		break;
	case 2:
		gen_emit(g, BPF_ALU64 | BPF_END, dst, 0, 0, 16 << gen_below(g, 3));
		break;
	default:
		gen_emit(g, (is64 ? BPF_ALU64 : BPF_ALU) | BPF_MOV | BPF_X, dst, src,
			 widths[gen_below(g, is64 ? 3 : 2)], 0);
	}
	gen_set_number(g, dst, ANY_NUMBER, 1);
}

void gen_step_move(struct gen *g)
{
	uint32_t dst = gen_target(g), src = gen_below(g, 10);
	int32_t imm = gen_imm(g);

	if (gen_one_in(g, 3) || reg_of(g, src)->kind == UNSET) {
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
		gen_set_number(g, dst, (uint64_t)(int64_t)imm, lowest_bit((uint32_t)imm));
	} else if (reg_of(g, src)->kind == NUMBER && gen_one_in(g, 4)) {
		gen_emit(g, BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0);
		*reg_of(g, dst) = *reg_of(g, src);
		reg_of(g, dst)->is_locked = false;
		if (reg_of(g, dst)->max > UINT32_MAX)
			gen_set_number(g, dst, UINT32_MAX, 1);
	} else {
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
		*reg_of(g, dst) = *reg_of(g, src);
		reg_of(g, dst)->is_locked = false;
	}
}

void gen_step_imm64(struct gen *g)
{
	uint32_t dst = gen_target(g);

	gen_emit(g, BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, gen_imm(g));
	gen_emit(g, 0, 0, 0, 0, gen_imm(g));
	gen_set_number(g, dst, ANY_NUMBER, 1);
}

void gen_step_context(struct gen *g)
{
	int ctx = gen_find(g, CONTEXT);
	uint8_t size = gen_one_in(g, 5) ? sizes[gen_below(g, 4)] : BPF_DW;
	uint32_t dst = gen_target(g);
	int32_t n = bytes_of(size);

	if (ctx < 0)
		return;
	gen_emit(g, BPF_LDX | BPF_MEM | size, dst, (uint32_t)ctx,
		 n * (int32_t)gen_below(g, (uint32_t)(96 / n)) + (gen_spoils(g) ? 4 : 0), 0);
	gen_set_number(g, dst, max_of(size), 1);
}

/* A place among the slots for @size bytes. */
static int32_t slot_offset(struct gen *g, uint32_t slot, uint8_t size)
{
	int32_t n = bytes_of(size);
	int32_t off = -8 * (int32_t)(slot + 1) + n * (int32_t)gen_below(g, (uint32_t)(8 / n));

	return gen_spoils(g) ? off + (int32_t)gen_below(g, 24) - 12 : off;
}

void gen_step_spill(struct gen *g)
{
	uint32_t slot = gen_below(g, N_SLOTS), reg = gen_below(g, 10);
	struct known *place = &g->now.slots[slot];
	uint8_t size = gen_one_in(g, 2) ? BPF_DW : sizes[gen_below(g, 4)];

	if (place->is_locked)
		return;
	if (place->kind != NUMBER || reg_of(g, reg)->kind != NUMBER)
		size = BPF_DW;
	if (reg_of(g, reg)->kind == UNSET || gen_one_in(g, 6)) {
		gen_emit(g, BPF_ST | BPF_MEM | size, BPF_REG_10, 0, slot_offset(g, slot, size),
			 gen_imm(g));
		*place = (struct known){.kind = NUMBER, .max = ANY_NUMBER, .align = 1};
		return;
	}
	gen_emit(g, BPF_STX | BPF_MEM | size, BPF_REG_10, reg, slot_offset(g, slot, size), 0);
	*place = size == BPF_DW ? *reg_of(g, reg)
				: (struct known){.kind = NUMBER, .max = ANY_NUMBER, .align = 1};
	place->is_locked = false;
}

void gen_step_fill(struct gen *g)
{
	uint32_t slot = gen_below(g, N_SLOTS), dst = gen_target(g);
	const struct known *place = &g->now.slots[slot];
	uint8_t size = gen_one_in(g, 2) ? BPF_DW : sizes[gen_below(g, 4)];
	bool is_signed = size != BPF_DW && gen_one_in(g, 4);

	if (place->kind == UNSET && !gen_spoils(g))
		return;
	if (place->kind > NUMBER)
		size = BPF_DW;
	gen_emit(g, BPF_LDX | (is_signed ? RAWTP_BPF_MEMSX : BPF_MEM) | size, dst, BPF_REG_10,
		 slot_offset(g, slot, size), 0);
	*reg_of(g, dst) = *place;
	reg_of(g, dst)->is_locked = false;
	if (size != BPF_DW || place->kind == UNSET)
		gen_set_number(g, dst, is_signed ? ANY_NUMBER : max_of(size), 1);
}

/* Goes on where @reg is not above @max, and leaves the function elsewhere. */
static void leave_above(struct gen *g, uint32_t reg, int32_t max, bool is64)
{
	uint8_t class = is64 ? BPF_JMP : BPF_JMP32;
	uint32_t at = g->out->n;

	if (gen_one_in(g, 3)) {
		gen_emit(g, class | BPF_JSGE | BPF_K, reg, 0, 0, 0);
		gen_exit(g);
		gen_land(g, at);
		at = g->out->n;
		gen_emit(g, class | BPF_JSLE | BPF_K, reg, 0, 0, max);
	} else if (gen_one_in(g, 2)) {
		gen_emit(g, class | BPF_JLE | BPF_K, reg, 0, 0, max);
	} else {
		gen_emit(g, class | BPF_JLT | BPF_K, reg, 0, 0, max + 1);
	}
	gen_exit(g);
	gen_land(g, at);
}

void gen_bound(struct gen *g, uint32_t reg, uint32_t max)
{
	uint32_t mask = 1, align = 1;

	while (mask - 1 <= max)
		mask *= 2;
	mask = mask / 2 - 1;
	switch (gen_below(g, g->n_held ? 2 : 5)) {
	case 0:
		if (gen_one_in(g, 3))
			align = 8;
		gen_emit(g, (gen_one_in(g, 3) ? BPF_ALU : BPF_ALU64) | BPF_AND | BPF_K, reg, 0, 0,
			 (int32_t)(mask & ~(align - 1)));
		max = mask & ~(align - 1);
		align = max ? align : 8;
		break;
	case 1:
		gen_emit(g, BPF_ALU64 | BPF_RSH | BPF_K, reg, 0, 0,
			 64 - (mask ? __builtin_popcount(mask) : 1));
		max = mask ? mask : 1;
		break;
	case 2:
		gen_emit(g, BPF_ALU | BPF_MOV | BPF_X, reg, reg, 0, 0);
		leave_above(g, reg, (int32_t)max, false);
		break;
	default:
		leave_above(g, reg, (int32_t)max, true);
	}
	gen_set_number(g, reg, gen_spoils(g) ? max / 2 : max, align);
}

void gen_step_bound(struct gen *g)
{
	gen_bound(g, gen_own_number(g), gen_below(g, SMALL_NUMBER + 1));
}

void gen_pointer(struct gen *g, uint32_t dst)
{
	uint32_t map = gen_one_in(g, 3) ? RANDOM_RODATA : RANDOM_CONFIG, off;

	if (gen_one_in(g, 3)) {
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, dst, BPF_REG_10, 0, 0);
		gen_emit(g, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, BUFFER);
		*reg_of(g, dst) = (struct known){.kind = STACK, .size = BUFFER_SIZE, .align = 8};
		return;
	}
	off = gen_one_in(g, 2) ? 0 : 4 * gen_below(g, map == RANDOM_RODATA ? 4 : 8);
	gen_map(g, dst, BPF_PSEUDO_MAP_IDX_VALUE, map, off);
	*reg_of(g, dst) = (struct known){.kind = VALUE,
					 .map = map,
					 .low = (int32_t)off,
					 .high = (int32_t)off,
					 .size = (int32_t)random_prog_shapes[map].value_size,
					 .align = lowest_bit(off)};
}

void gen_step_pointer(struct gen *g)
{
	gen_pointer(g, gen_target(g));
}

/* A pointer to memory; one is made where there is none. */
uint32_t gen_memory(struct gen *g)
{
	static const enum kind kinds[] = {VALUE, VALUE, STACK, RECORD};
	int reg = gen_find(g, kinds[gen_below(g, 4)]);

	if (reg < 0)
		reg = gen_find(g, VALUE);
	if (reg < 0) {
		reg = (int)gen_target(g);
		gen_pointer(g, (uint32_t)reg);
	}
	return (uint32_t)reg;
}

static uint32_t own_memory(struct gen *g)
{
	uint32_t from = gen_memory(g), to;

	if (!reg_of(g, from)->is_locked)
		return from;
	to = gen_target(g);
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
	*reg_of(g, to) = *reg_of(g, from);
	reg_of(g, to)->is_locked = false;
	return to;
}

static void move_by_number(struct gen *g, uint32_t ptr)
{
	uint32_t number = gen_number(g);
	struct known *p = reg_of(g, ptr);
	bool is_down;

	if (number == ptr)
		return;
	if (reg_of(g, number)->max > SMALL_NUMBER) {
		number = gen_own_number(g);
		if (number == ptr)
			return;
		gen_bound(g, number, gen_below(g, (uint32_t)(p->size > 0 ? p->size : 8)));
	}
	is_down = p->kind != STACK && gen_one_in(g, 8);
	if (!is_down && gen_one_in(g, 6) && !reg_of(g, number)->is_locked) {
		uint64_t max = reg_of(g, number)->max;
		uint8_t align = reg_of(g, number)->align;

		gen_emit(g, BPF_ALU64 | BPF_ADD | BPF_X, number, ptr, 0, 0);
		*reg_of(g, number) = *p;
		p = reg_of(g, number);
		p->is_locked = false;
		p->high += (int32_t)max;
		p->align = p->align < align ? p->align : align;
		return;
	}
	gen_emit(g, BPF_ALU64 | (is_down ? BPF_SUB : BPF_ADD) | BPF_X, ptr, number, 0, 0);
	if (is_down)
		p->low -= (int32_t)reg_of(g, number)->max;
	else
		p->high += (int32_t)reg_of(g, number)->max;
	if (reg_of(g, number)->align < p->align)
		p->align = reg_of(g, number)->align;
}

void gen_step_move_pointer(struct gen *g)
{
	uint32_t ptr = own_memory(g);
	struct known *p = reg_of(g, ptr);
	int32_t by = (int32_t)gen_below(g, 24) - 8;

	if (p->low < -FAR || p->high > FAR) {
		gen_pointer(g, ptr);
		return;
	}
	if (gen_one_in(g, 2)) {
		move_by_number(g, ptr);
		return;
	}
	gen_emit(g, BPF_ALU64 | (gen_one_in(g, 4) && p->kind != STACK ? BPF_SUB : BPF_ADD) | BPF_K,
		 ptr, 0, 0, by);
	if (BPF_OP(g->out->insns[g->out->n - 1].code) == BPF_SUB)
		by = -by;
	p->low += by;
	p->high += by;
	if (lowest_bit((uint64_t)(int64_t)by) < p->align)
		p->align = lowest_bit((uint64_t)(int64_t)by);
}

/* Where in the object that @ptr points into @n bytes can be used, relative to it. False: nowhere. */
bool gen_place(struct gen *g, uint32_t ptr, int32_t n, bool aligned, int32_t *off)
{
	const struct known *p = reg_of(g, ptr);
	int32_t from = -p->low, to = p->size - n - p->high;

	if (aligned && p->align < n)
		return false;
	if (aligned)
		from = (from + n - 1) / n * n;
	if (to < from)
		return false;
	*off = from + (int32_t)gen_below(g, (uint32_t)(to - from + 1));
	if (aligned)
		*off -= (*off - from) % n;
	if (gen_spoils(g))
		*off += gen_one_in(g, 2) ? (int32_t)gen_below(g, 9) : -(int32_t)gen_below(g, 9);
	return true;
}

static void access_atomic(struct gen *g, uint32_t ptr)
{
	static const int32_t ops[] = {BPF_ADD,
				      BPF_OR,
				      BPF_AND,
				      BPF_XOR,
				      BPF_ADD | BPF_FETCH,
				      BPF_OR | BPF_FETCH,
				      BPF_AND | BPF_FETCH,
				      BPF_XOR | BPF_FETCH,
				      BPF_XCHG,
				      BPF_CMPXCHG};
	int32_t op = ops[gen_below(g, sizeof(ops) / sizeof(*ops))], off;
	uint8_t size = gen_one_in(g, 3) ? BPF_W : BPF_DW;
	uint32_t src = gen_own_number(g);

	if (src == ptr || !gen_place(g, ptr, bytes_of(size), true, &off))
		return;
	if (op == BPF_CMPXCHG) {
		if (ptr == BPF_REG_0 || src == BPF_REG_0)
			return;
		if (reg_of(g, BPF_REG_0)->kind != NUMBER)
			gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, gen_imm(g));
		gen_set_number(g, BPF_REG_0, max_of(size), 1);
	} else if (op & BPF_FETCH) {
		gen_set_number(g, src, max_of(size), 1);
	}
	/*
	 * Kernels take the old value for the constant that was stored on one path, and prune others
	 * that stored another: the branches that they leave out are taken in truth.
	 */
	if (op & BPF_FETCH && reg_of(g, ptr)->kind == STACK)
		g->out->is_exact = false;
	gen_emit(g, BPF_STX | BPF_ATOMIC | size, ptr, src, off, op);
}

void gen_step_access(struct gen *g)
{
	uint32_t ptr = gen_memory(g), reg, kind = gen_below(g, 9);
	const struct known *p = reg_of(g, ptr);
	bool is_stack = p->kind == STACK, read_only = p->kind == VALUE && p->map == RANDOM_RODATA;
	uint8_t size = sizes[gen_below(g, 5)];
	int32_t off;

	if (read_only && kind < 5 && !gen_spoils(g))
		kind = 5;
	if (kind == 0) {
		access_atomic(g, ptr);
		return;
	}
	if (!gen_place(g, ptr, bytes_of(size), is_stack, &off))
		return;
	if (kind <= 2) {
		reg = gen_number(g);
		if (reg != ptr)
			gen_emit(g, BPF_STX | BPF_MEM | size, ptr, reg, off, 0);
		return;
	}
	if (kind <= 4) {
		gen_emit(g, BPF_ST | BPF_MEM | size, ptr, 0, off, gen_imm(g));
		return;
	}
	reg = gen_target(g);
	if (size != BPF_DW && gen_one_in(g, 5)) {
		gen_emit(g, BPF_LDX | RAWTP_BPF_MEMSX | size, reg, ptr, off, 0);
		gen_set_number(g, reg, ANY_NUMBER, 1);
		return;
	}
	gen_emit(g, BPF_LDX | BPF_MEM | size, reg, ptr, off, 0);
	gen_set_number(g, reg, max_of(size), 1);
}
