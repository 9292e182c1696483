/* SPDX-License-Identifier: MIT */
/*
 * Encodings of A64: Arm ARM (DDI 0487), chapter C4 (by the top bits) and C6 (by the name).
 * Functions are named by what they encode; none knows about BPF.
 */
#ifndef RAWTP_BPF_JIT_ARM64_ENCODE_H
#define RAWTP_BPF_JIT_ARM64_ENCODE_H

#include "bpf/jit/compiler.h"

/* Register 31 is the stack pointer or zero; each use says which of the two the instruction means. */
enum a64_reg {
	A64_FP = 29,
	A64_LR = 30,
	A64_SP = 31,
	A64_ZR = 31,
};

/* Flags of an operation. */
enum {
	A64_32 = 0,
	A64_X = 1, /* 64-bit operands */
};

enum a64_cond {
	A64_EQ = 0,
	A64_NE = 1,
	A64_HS = 2,
	A64_LO = 3,
	A64_HI = 8,
	A64_LS = 9,
	A64_GE = 10,
	A64_LT = 11,
	A64_GT = 12,
	A64_LE = 13,
};

/* The 32-bit forms with three registers. */
enum {
	A64_ADD = 0x0b000000,
	A64_ADDS = 0x2b000000,
	A64_SUB = 0x4b000000,
	A64_SUBS = 0x6b000000,
	A64_AND = 0x0a000000,
	A64_ORR = 0x2a000000,
	A64_EOR = 0x4a000000,
	A64_ANDS = 0x6a000000,
	A64_ORN = 0x2a200000,
	A64_UDIV = 0x1ac00800,
	A64_SDIV = 0x1ac00c00,
	A64_LSLV = 0x1ac02000,
	A64_LSRV = 0x1ac02400,
	A64_ASRV = 0x1ac02800,
	A64_MADD = 0x1b000000,
	A64_MSUB = 0x1b008000,
	A64_SBFM = 0x13000000,
	A64_UBFM = 0x53000000,
	A64_REV16 = 0x5ac00400,
	A64_REV32 = 0x5ac00800,
	A64_REV64 = 0xdac00c00,
};

/* From the form with three registers to the one with an immediate. */
#define A64_ARITH_IMM   0x06000000
#define A64_LOGICAL_IMM 0x08000000
/* From addition to subtraction, and back. */
#define A64_ADD_TO_SUB 0x40000000

/* Size and operation of loads and stores: bits 31:30 and 23:22. */
#define A64_STORE(log2) ((uint32_t)(log2) << 30)
#define A64_LOAD(log2)  ((uint32_t)(log2) << 30 | 1 << 22)
#define A64_LOADS(log2) ((uint32_t)(log2) << 30 | 2 << 22) /* sign-extends to 64 bits */

/* Pairs of 64-bit registers. */
#define A64_STP      0xa9000000
#define A64_LDP      0xa9400000
#define A64_STP_PRE  0xa9800000
#define A64_LDP_POST 0xa8c00000

/* Without their size. */
#define A64_LDXR   0x085f7c00
#define A64_STXR   0x08007c00
#define A64_STLXR  0x0800fc00
#define A64_LDAR   0x08dffc00
#define A64_STLR   0x089ffc00
#define A64_LDADD  0x38200000
#define A64_LDCLR  0x38201000
#define A64_LDEOR  0x38202000
#define A64_LDSET  0x38203000
#define A64_SWPAL  0x38e08000
#define A64_CASAL  0x08e0fc00
#define A64_AL     0x00c00000 /* of LDADD and its kin: acquire and release */
#define A64_DMB    0xd5033bbf /* ish */
#define A64_RET    0xd65f03c0
#define A64_BLR    0xd63f0000
#define A64_B      0x14000000
#define A64_BL     0x94000000
#define A64_B_COND 0x54000000
#define A64_CBZ    0x34000000
#define A64_CBNZ   0x35000000
#define A64_TBZ    0x36000000
#define A64_TBNZ   0x37000000
#define A64_MRS_TP 0xd53bd040 /* tpidr_el0 */

static inline void a64_insn(struct rawtp_jit *jit, uint32_t insn)
{
	rawtp_jit_bytes(jit, insn, 4);
}

/* @rd = @rn OP @rm. Register 31 is zero. */
static inline void a64_rrr(struct rawtp_jit *jit, unsigned int flags, uint32_t op, unsigned int rd,
			   unsigned int rn, unsigned int rm)
{
	a64_insn(jit, op | (flags & A64_X) << 31 | rm << 16 | rn << 5 | rd);
}

static inline void a64_mov(struct rawtp_jit *jit, unsigned int flags, unsigned int to,
			   unsigned int from)
{
	a64_rrr(jit, flags, A64_ORR, to, A64_ZR, from);
}

/* SBFM, UBFM: @immr and @imms as the manual has them. */
static inline void a64_bitfield(struct rawtp_jit *jit, unsigned int flags, uint32_t op,
				unsigned int rd, unsigned int rn, unsigned int immr,
				unsigned int imms)
{
	op |= (flags & A64_X) << 31 | (flags & A64_X) << 22;
	a64_insn(jit, op | immr << 16 | imms << 10 | rn << 5 | rd);
}

/*
 * The 13 bits N:immr:imms of a logical immediate, or -1: an element of 2 to 64 bits that repeats, and
 * is a run of ones that was turned to the right by immr.
 */
static inline int a64_logical(uint64_t value)
{
	unsigned int size = 64, ones, turn;
	uint64_t mask, element;

	while (size > 2 && !((value ^ value >> size / 2) & ((1ULL << size / 2) - 1)))
		size /= 2;
	mask = size == 64 ? UINT64_MAX : (1ULL << size) - 1;
	element = value & mask;
	ones = (unsigned int)__builtin_popcountll(element);
	if (!ones || ones == size)
		return -1;
	for (turn = 0; turn < size; turn++) {
		if (element == (1ULL << ones) - 1)
			return (int)((size == 64) << 12 | turn << 6 | (~(2 * size - 1) & 0x3f) |
				     (ones - 1));
		element = (element << 1 | element >> (size - 1)) & mask;
	}
	return -1;
}

/* What a logical immediate of this width has to be. */
static inline uint64_t a64_widen(unsigned int flags, uint64_t value)
{
	return flags & A64_X ? value : (uint32_t)value | value << 32;
}

/* Any constant, in as few instructions as moves can do it. */
static inline void a64_mov_imm(struct rawtp_jit *jit, unsigned int reg, uint64_t value)
{
	unsigned int flags = value >> 32 ? A64_X : A64_32, n = flags ? 4 : 2, i, zeros = 0,
		     ones = 0;
	int logical = a64_logical(a64_widen(flags, value));
	bool invert, first = true;
	uint32_t sf = flags << 31;

	for (i = 0; i < n; i++) {
		zeros += (uint16_t)(value >> 16 * i) == 0;
		ones += (uint16_t)(value >> 16 * i) == 0xffff;
	}
	invert = ones > zeros;
	if ((invert ? ones : zeros) + 1 < n && logical >= 0) {
		a64_insn(jit, (A64_ORR + A64_LOGICAL_IMM) | sf | (uint32_t)logical << 10 |
				      A64_ZR << 5 | reg);
		return;
	}
	for (i = 0; i < n; i++) {
		uint16_t part = value >> 16 * i;

		if (part == (invert ? 0xffff : 0) && !(first && i == n - 1))
			continue;
		if (!first)
			a64_insn(jit, 0x72800000 | sf | i << 21 | (uint32_t)part << 5 | reg);
		else if (invert)
			a64_insn(jit,
				 0x12800000 | sf | i << 21 | (uint32_t)(uint16_t)~part << 5 | reg);
		else
			a64_insn(jit, 0x52800000 | sf | i << 21 | (uint32_t)part << 5 | reg);
		first = false;
	}
}

/* @rd = @rn OP @value for A64_ADD to A64_SUBS, through @scratch where it must be. Not for sp. */
static inline void a64_arith_imm(struct rawtp_jit *jit, unsigned int flags, uint32_t op,
				 unsigned int rd, unsigned int rn, int32_t value,
				 unsigned int scratch)
{
	uint32_t size = value < 0 ? -(uint32_t)value : (uint32_t)value;
	uint32_t way = value < 0 ? op ^ A64_ADD_TO_SUB : op;

	if (size < 0x1000)
		a64_rrr(jit, flags, (way + A64_ARITH_IMM) | size << 10, rd, rn, 0);
	else if (!(size & 0xfff) && size < 0x1000000)
		a64_rrr(jit, flags, (way + A64_ARITH_IMM) | 1 << 22 | size >> 12 << 10, rd, rn, 0);
	else {
		a64_mov_imm(jit, scratch,
			    flags & A64_X ? (uint64_t)(int64_t)value : (uint32_t)value);
		a64_rrr(jit, flags, op, rd, rn, scratch);
	}
}

/* sp = @rn + @value, or @rd = sp + @value: below 4096. */
static inline void a64_add_sp(struct rawtp_jit *jit, uint32_t op, unsigned int rd, unsigned int rn,
			      uint32_t value)
{
	a64_rrr(jit, A64_X, (op + A64_ARITH_IMM) | value << 10, rd, rn, 0);
}

/* @rd = @rn OP @value for A64_AND to A64_ANDS, through @scratch where it must be. */
static inline void a64_logical_imm(struct rawtp_jit *jit, unsigned int flags, uint32_t op,
				   unsigned int rd, unsigned int rn, int32_t value,
				   unsigned int scratch)
{
	uint64_t wide = flags & A64_X ? (uint64_t)(int64_t)value : (uint32_t)value;
	int logical = a64_logical(a64_widen(flags, wide));

	if (logical >= 0) {
		a64_rrr(jit, flags, (op + A64_LOGICAL_IMM) | (uint32_t)logical << 10, rd, rn, 0);
	} else {
		a64_mov_imm(jit, scratch, wide);
		a64_rrr(jit, flags, op, rd, rn, scratch);
	}
}

/* @rt to or from @base + @offset; @base may be sp, @scratch is for what no form reaches. */
static inline void a64_memory(struct rawtp_jit *jit, uint32_t op, unsigned int rt,
			      unsigned int base, int32_t offset, unsigned int scratch)
{
	unsigned int log2 = op >> 30;

	if (offset >= 0 && !(offset & ((1 << log2) - 1)) && offset >> log2 < 0x1000) {
		a64_insn(jit, op | 0x39000000 | (uint32_t)(offset >> log2) << 10 | base << 5 | rt);
	} else if (offset >= -256 && offset < 256) {
		a64_insn(jit, op | 0x38000000 | ((uint32_t)offset & 0x1ff) << 12 | base << 5 | rt);
	} else {
		a64_mov_imm(jit, scratch, (uint64_t)(int64_t)offset);
		a64_insn(jit, op | 0x38206800 | scratch << 16 | base << 5 | rt);
	}
}

/* A pair of registers at @base + @offset bytes, a multiple of 8 within 512. */
static inline void a64_pair(struct rawtp_jit *jit, uint32_t op, unsigned int rt, unsigned int rt2,
			    unsigned int base, int32_t offset)
{
	a64_insn(jit, op | ((uint32_t)offset / 8 & 0x7f) << 15 | rt2 << 10 | base << 5 | rt);
}

/* Atomics and exclusives of 1 << @log2 bytes; @rs is the operand or the status. */
static inline void a64_atomic(struct rawtp_jit *jit, uint32_t op, unsigned int log2,
			      unsigned int rs, unsigned int rt, unsigned int base)
{
	a64_insn(jit, op | log2 << 30 | rs << 16 | base << 5 | rt);
}

/* b and bl to @distance bytes from this instruction. */
static inline void a64_branch(struct rawtp_jit *jit, uint32_t op, int64_t distance)
{
	if (jit->address && (distance < -(1L << 27) || distance >= 1L << 27))
		rawtp_jit_fail(jit, -E2BIG);
	a64_insn(jit, op | ((uint32_t)(distance >> 2) & 0x3ffffff));
}

/* @rd = the address @distance bytes from here; reaches 1 MiB. */
static inline void a64_adr(struct rawtp_jit *jit, unsigned int rd, int64_t distance)
{
	uint32_t low = (uint32_t)distance & 3, high = (uint32_t)(distance >> 2) & 0x7ffff;

	if (jit->address && (distance < -(1L << 20) || distance >= 1L << 20))
		rawtp_jit_fail(jit, -E2BIG);
	a64_insn(jit, 0x10000000 | low << 29 | high << 5 | rd);
}

/* A conditional branch, ahead inside one instruction's code: returns what a64_land() takes. */
static inline unsigned int a64_jump_ahead(struct rawtp_jit *jit, uint32_t op)
{
	a64_insn(jit, op);
	return jit->n_code;
}

/* A branch of 19 bits, at @from - 4, gets here. */
static inline void a64_land(struct rawtp_jit *jit, unsigned int from)
{
	uint32_t field = (jit->n_code - from + 4) / 4 << 5;

	jit->code[from - 4] |= field;
	jit->code[from - 3] |= field >> 8;
	jit->code[from - 2] |= field >> 16;
}

#endif
