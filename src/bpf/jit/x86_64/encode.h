/* SPDX-License-Identifier: MIT */
/*
 * Encodings of x86-64: Intel SDM volume 2, chapter 2 (formats) and appendix A (opcodes).
 * Functions are named by what they encode; none knows about BPF.
 */
#ifndef RAWTP_BPF_JIT_X86_64_ENCODE_H
#define RAWTP_BPF_JIT_X86_64_ENCODE_H

#include "bpf/jit/compiler.h"

#include <errno.h>

enum x86_reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* The psABI's number of a register in DWARF, "DWARF Register Number Mapping". */
static inline unsigned int x86_dwarf(unsigned int reg)
{
	static const uint8_t numbers[8] = {0, 2, 1, 3, 7, 6, 4, 5};

	return reg < 8 ? numbers[reg] : reg;
}

/* Flags of an operation. An opcode above 0xff has the prefix byte 0f. */
enum {
	X86_32 = 0,
	X86_W = 1,    /* 64-bit operands */
	X86_BYTE = 2, /* a register operand is a byte */
	X86_HALF = 4, /* 16-bit operands */
	X86_LOCK = 8,
};

/* The condition nibble of jcc. */
enum x86_cond {
	X86_BELOW = 2,
	X86_ABOVE_EQUAL = 3,
	X86_EQUAL = 4,
	X86_NOT_EQUAL = 5,
	X86_BELOW_EQUAL = 6,
	X86_ABOVE = 7,
	X86_SIGN = 8,
	X86_NOT_SIGN = 9,
	X86_LESS = 0xc,
	X86_GREATER_EQUAL = 0xd,
	X86_LESS_EQUAL = 0xe,
	X86_GREATER = 0xf,
};

/* The /digit that extends an opcode: of 81 and 83, of c1 and d3, of f7, of ff. */
enum {
	X86_ADD = 0,
	X86_OR = 1,
	X86_AND = 4,
	X86_SUB = 5,
	X86_XOR = 6,
	X86_CMP = 7,
	X86_SHL = 4,
	X86_SHR = 5,
	X86_SAR = 7,
	X86_TEST = 0,
	X86_NEG = 3,
	X86_MUL = 4,
	X86_DIV = 6,
	X86_IDIV = 7,
	X86_DEC = 1,
};

static inline bool x86_is_imm8(int64_t value)
{
	return value == (int8_t)value;
}

/* Prefixes, REX and opcode; @reg and @rm are what the ModRM byte will name. */
static inline void x86_opcode(struct rawtp_jit *jit, unsigned int flags, unsigned int opcode,
			      unsigned int reg, unsigned int rm)
{
	unsigned int rex = 0x40 | !!(flags & X86_W) << 3 | (reg >> 3) << 2 | rm >> 3;

	if (flags & X86_LOCK)
		rawtp_jit_byte(jit, 0xf0);
	if (flags & X86_HALF)
		rawtp_jit_byte(jit, 0x66);
	/* Without REX the byte registers 4 to 7 would be ah to bh; a REX too many does no harm. */
	if (rex != 0x40 || (flags & X86_BYTE && (reg >= RSP || rm >= RSP)))
		rawtp_jit_byte(jit, rex);
	if (opcode > 0xff)
		rawtp_jit_byte(jit, opcode >> 8);
	rawtp_jit_byte(jit, opcode);
}

/* Register with register; @reg may be an opcode's digit. */
static inline void x86_rr(struct rawtp_jit *jit, unsigned int flags, unsigned int opcode,
			  unsigned int reg, unsigned int rm)
{
	x86_opcode(jit, flags, opcode, reg, rm);
	rawtp_jit_byte(jit, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* Register with memory at @base + @disp. */
static inline void x86_rm(struct rawtp_jit *jit, unsigned int flags, unsigned int opcode,
			  unsigned int reg, unsigned int base, int32_t disp)
{
	/* Base 5 (rbp, r13) has no form without a displacement; base 4 (rsp, r12) needs a SIB. */
	unsigned int mod = !disp && (base & 7) != RBP ? 0 : x86_is_imm8(disp) ? 1 : 2;

	x86_opcode(jit, flags, opcode, reg, base);
	rawtp_jit_byte(jit, mod << 6 | (reg & 7) << 3 | (base & 7));
	if ((base & 7) == RSP)
		rawtp_jit_byte(jit, 0x24);
	if (mod)
		rawtp_jit_bytes(jit, disp, mod == 1 ? 1 : 4);
}

/* With a thread-local word, @offset from the thread pointer. */
static inline void x86_fs(struct rawtp_jit *jit, unsigned int flags, unsigned int opcode,
			  unsigned int reg, int32_t offset)
{
	rawtp_jit_byte(jit, 0x64); /* fs: */
	x86_opcode(jit, flags, opcode, reg, 0);
	rawtp_jit_byte(jit, (reg & 7) << 3 | RSP);
	rawtp_jit_byte(jit, 0x25); /* no base, no index, 32 bits */
	rawtp_jit_bytes(jit, offset, 4);
}

static inline void x86_load_fs(struct rawtp_jit *jit, unsigned int reg, int32_t offset)
{
	x86_fs(jit, X86_W, 0x8b, reg, offset);
}

/* With memory at @base + @index, no displacement; @base is none of rbp and r13, @index not rsp. */
static inline void x86_rmi(struct rawtp_jit *jit, unsigned int flags, unsigned int opcode,
			   unsigned int reg, unsigned int base, unsigned int index)
{
	rawtp_jit_byte(jit, 0x40 | !!(flags & X86_W) << 3 | (reg >> 3) << 2 | (index >> 3) << 1 |
				    base >> 3);
	rawtp_jit_byte(jit, opcode);
	rawtp_jit_byte(jit, (reg & 7) << 3 | RSP);
	rawtp_jit_byte(jit, (index & 7) << 3 | (base & 7));
}

/* The same with a displacement, any base. */
static inline void x86_rmi_disp(struct rawtp_jit *jit, unsigned int flags, unsigned int opcode,
				unsigned int reg, unsigned int base, unsigned int index,
				int32_t disp)
{
	rawtp_jit_byte(jit, 0x40 | !!(flags & X86_W) << 3 | (reg >> 3) << 2 | (index >> 3) << 1 |
				    base >> 3);
	rawtp_jit_byte(jit, opcode);
	rawtp_jit_byte(jit, 0x80 | (reg & 7) << 3 | RSP);
	rawtp_jit_byte(jit, (index & 7) << 3 | (base & 7));
	rawtp_jit_bytes(jit, disp, 4);
}

/* The 32 bits by which the end of this field is away from @address. */
static inline void x86_distance(struct rawtp_jit *jit, uintptr_t address)
{
	intptr_t distance = (intptr_t)(address - (jit->address + jit->at + jit->n_code + 4));

	if (jit->address && distance != (int32_t)distance)
		rawtp_jit_fail(jit, -ERANGE);
	rawtp_jit_bytes(jit, (uint64_t)distance, 4);
}

/* With memory at @address, in reach. */
static inline void x86_rip(struct rawtp_jit *jit, unsigned int flags, unsigned int opcode,
			   unsigned int reg, uintptr_t address)
{
	x86_opcode(jit, flags, opcode, reg, 0);
	rawtp_jit_byte(jit, (reg & 7) << 3 | RBP);
	x86_distance(jit, address);
}

/* Operations of the first group, with an immediate: add, or, and, sub, xor, cmp. */
static inline void x86_ri(struct rawtp_jit *jit, unsigned int flags, unsigned int digit,
			  unsigned int rm, int32_t imm)
{
	bool imm8 = x86_is_imm8(imm);

	x86_rr(jit, flags, imm8 ? 0x83 : 0x81, digit, rm);
	rawtp_jit_bytes(jit, imm, imm8 ? 1 : 4);
}

static inline void x86_mov(struct rawtp_jit *jit, unsigned int flags, unsigned int to,
			   unsigned int from)
{
	x86_rr(jit, flags, 0x89, from, to);
}

/* Any constant, in as few bytes as it can be had; spoils the flags. */
static inline void x86_mov_imm(struct rawtp_jit *jit, unsigned int reg, uint64_t value)
{
	if (!value) {
		x86_rr(jit, X86_32, 0x31, reg, reg); /* xor */
	} else if (value == (uint32_t)value) {
		x86_opcode(jit, X86_32, 0xb8 | (reg & 7), 0, reg);
		rawtp_jit_bytes(jit, value, 4);
	} else if (value == (uint64_t)(int64_t)(int32_t)value) {
		x86_rr(jit, X86_W, 0xc7, 0, reg);
		rawtp_jit_bytes(jit, value, 4);
	} else {
		x86_opcode(jit, X86_W, 0xb8 | (reg & 7), 0, reg);
		rawtp_jit_bytes(jit, value, 8);
	}
}

static inline void x86_push(struct rawtp_jit *jit, unsigned int reg)
{
	x86_opcode(jit, X86_32, 0x50 | (reg & 7), 0, reg);
}

static inline void x86_pop(struct rawtp_jit *jit, unsigned int reg)
{
	x86_opcode(jit, X86_32, 0x58 | (reg & 7), 0, reg);
}

static inline void x86_shift_imm(struct rawtp_jit *jit, unsigned int flags, unsigned int digit,
				 unsigned int rm, unsigned int count)
{
	x86_rr(jit, flags, count == 1 ? 0xd1 : 0xc1, digit, rm);
	if (count != 1)
		rawtp_jit_byte(jit, count);
}

/* BMI2: shlx, shrx, sarx of @rm by @count into @reg; leaves the flags alone. */
static inline void x86_shift_vex(struct rawtp_jit *jit, unsigned int flags, unsigned int digit,
				 unsigned int reg, unsigned int rm, unsigned int count)
{
	unsigned int prefix = digit == X86_SHL ? 1 : digit == X86_SHR ? 3 : 2;

	rawtp_jit_byte(jit, 0xc4);
	rawtp_jit_byte(jit, (~reg >> 3 & 1) << 7 | 1 << 6 | (~rm >> 3 & 1) << 5 | 2);
	rawtp_jit_byte(jit, !!(flags & X86_W) << 7 | (~count & 15) << 3 | prefix);
	rawtp_jit_byte(jit, 0xf7);
	rawtp_jit_byte(jit, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* A short jump inside one instruction's code: returns what x86_land() takes. */
static inline unsigned int x86_jump_ahead(struct rawtp_jit *jit, unsigned int opcode)
{
	rawtp_jit_byte(jit, opcode);
	rawtp_jit_byte(jit, 0);
	return jit->n_code;
}

static inline void x86_land(struct rawtp_jit *jit, unsigned int from)
{
	if (jit->n_code - from > INT8_MAX)
		rawtp_jit_fail(jit, -E2BIG);
	jit->code[from - 1] = jit->n_code - from;
}

/* The same with 32 bits. */
static inline unsigned int x86_jump_far_ahead(struct rawtp_jit *jit, unsigned int cond)
{
	rawtp_jit_byte(jit, 0x0f);
	rawtp_jit_byte(jit, 0x80 | cond);
	rawtp_jit_bytes(jit, 0, 4);
	return jit->n_code;
}

static inline void x86_land_far(struct rawtp_jit *jit, unsigned int from)
{
	unsigned int distance = jit->n_code - from, i;

	for (i = 0; i < 4; i++, distance >>= 8)
		jit->code[from - 4 + i] = (uint8_t)distance;
}

/* And back, to where the instruction's code was @to bytes long. */
static inline void x86_jump_back(struct rawtp_jit *jit, unsigned int opcode, unsigned int to)
{
	if (jit->n_code + 2 - to > -INT8_MIN)
		rawtp_jit_fail(jit, -E2BIG);
	rawtp_jit_byte(jit, opcode);
	rawtp_jit_byte(jit, to - (jit->n_code + 1));
}

#define X86_JMP_SHORT     0xeb
#define X86_JCC_SHORT(cc) (0x70 | (cc))

#endif
