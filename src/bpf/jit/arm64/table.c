/* SPDX-License-Identifier: MIT */
/*
 * arm64: one row for each row of opcodes.h, one function for each shape of row.
 *
 *	R1 x0   R2 x1   R3 x2   R4 x3   R5 x4   R0 x7          helpers are called with no moves
 *	R6 x19  R7 x20  R8 x21  R9 x22                         saved where a subprogram names them
 *	R10 x29                                                BPF's frame pointer is the CPU's
 *	x9 to x12, x16                                         scratch within one instruction
 *
 * A frame, of a subprogram that calls, has a stack or saves registers:
 *
 *	x29 ->	x29 and x30 of the caller: what gdb and perf walk along
 *		BPF's stack
 *	sp ->	the saved registers
 *
 * R0 is in x7, so that a call finds R1 in x0; every exit leaves it in x0 as well, as C wants it.
 */
#include "base/fault_copy.h"
#include "bpf/jit/arm64/encode.h"
#include "bpf/maps/array.h"
#include "bpf/run.h"

#include <elf.h>
#include <sys/auxv.h>

#define R0 7 /* of BPF */

static const uint8_t a64_regs[16] = {R0, 0, 1, 2, 3, 4, 19, 20, 21, 22, A64_FP};

static const uint8_t callee_saved[] = {BPF_REG_6, BPF_REG_7, BPF_REG_8, BPF_REG_9};

enum { TEMP = 9, OFFSET = 10, RESULT = 11, STATUS = 12, FAR = 16 };

#define DST a64_regs[insn->dst_reg]
#define SRC a64_regs[insn->src_reg]

static unsigned int saved_regs(const struct rawtp_jit *jit, unsigned int *regs)
{
	unsigned int i, n = 0;

	for (i = 0; i < sizeof(callee_saved); i++)
		if (jit->regs_used >> callee_saved[i] & 1)
			regs[n++] = a64_regs[callee_saved[i]];
	return n;
}

/* Bytes from sp to x29; -1 where there is no frame. */
static int32_t frame_bytes(const struct rawtp_jit *jit)
{
	bool has_stack = jit->regs_used & 1 << BPF_REG_10;
	unsigned int regs[sizeof(callee_saved)], n = saved_regs(jit, regs);
	uint32_t stack = has_stack ? jit->prog->subprogs[jit->subprog].stack_depth : 0;

	if (!jit->calls && !has_stack && !n)
		return -1;
	return (int32_t)(((stack + 7) & ~7U) + 8 * n + 15) & ~15;
}

/* Tells unwinders where the saved registers are, from the frame's end down. */
static void note_saved(struct rawtp_jit *jit, int32_t bytes)
{
	unsigned int regs[sizeof(callee_saved)], n = saved_regs(jit, regs), i;

	for (i = 0; i < n; i++)
		rawtp_jit_unwind_saved(jit, regs[i], 16 + (uint32_t)bytes - 8 * i);
}

static void move_saved(struct rawtp_jit *jit, uint32_t pair, uint32_t single)
{
	unsigned int regs[sizeof(callee_saved)], n = saved_regs(jit, regs), i;

	for (i = 0; i + 1 < n; i += 2)
		a64_pair(jit, pair, regs[i], regs[i + 1], A64_SP, 8 * (int32_t)i);
	if (i < n)
		a64_memory(jit, single, regs[i], A64_SP, 8 * (int32_t)i, TEMP);
}

static void prologue(struct rawtp_jit *jit)
{
	int32_t bytes = frame_bytes(jit);

	if (bytes < 0)
		return;
	a64_pair(jit, A64_STP_PRE, A64_FP, A64_LR, A64_SP, -16);
	rawtp_jit_unwind_frame(jit, A64_SP, 16);
	rawtp_jit_unwind_saved(jit, A64_FP, 16);
	rawtp_jit_unwind_saved(jit, A64_LR, 8);
	a64_add_sp(jit, A64_ADD, A64_FP, A64_SP, 0);
	rawtp_jit_unwind_frame(jit, A64_FP, 16);
	if (bytes)
		a64_add_sp(jit, A64_SUB, A64_SP, A64_SP, (uint32_t)bytes);
	move_saved(jit, A64_STP, A64_STORE(3));
	note_saved(jit, bytes);
}

static void emit_epilogue(struct rawtp_jit *jit)
{
	int32_t bytes = frame_bytes(jit);

	a64_mov(jit, A64_X, 0, R0);
	if (bytes < 0) {
		a64_insn(jit, A64_RET);
		return;
	}
	move_saved(jit, A64_LDP, A64_LOAD(3));
	if (bytes)
		a64_add_sp(jit, A64_ADD, A64_SP, A64_SP, (uint32_t)bytes);
	a64_pair(jit, A64_LDP_POST, A64_FP, A64_LR, A64_SP, 16);
	rawtp_jit_unwind_push(jit);
	rawtp_jit_unwind_frame(jit, A64_SP, 0);
	rawtp_jit_unwind_restored(jit, A64_FP);
	rawtp_jit_unwind_restored(jit, A64_LR);
	a64_insn(jit, A64_RET);
	rawtp_jit_unwind_pop(jit);
}

/* To another instruction. */
static void emit_jump(struct rawtp_jit *jit, uint32_t target)
{
	int32_t distance;

	rawtp_jit_is_short(jit, target, INT32_MIN, INT32_MAX, &distance);
	a64_branch(jit, A64_B, (int64_t)distance + 4);
}

/* The first exit of a subprogram has the epilogue, the others jump there if that is shorter. */
static void emit_exit(struct rawtp_jit *jit, const struct bpf_insn *insn,
		      const struct rawtp_jit_row *row)
{
	if (jit->first_exit != UINT32_MAX && jit->exit_bytes > 8) {
		emit_jump(jit, jit->first_exit);
		return;
	}
	emit_epilogue(jit);
	jit->exit_bytes = jit->n_code;
	jit->first_exit = jit->index;
}

static void emit_alu(struct rawtp_jit *jit, const struct bpf_insn *insn,
		     const struct rawtp_jit_row *row)
{
	a64_rrr(jit, row->flags, row->opcode, DST, DST, SRC);
}

static void emit_arith_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			   const struct rawtp_jit_row *row)
{
	a64_arith_imm(jit, row->flags, row->opcode, DST, DST, insn->imm, TEMP);
}

static void emit_logical_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			     const struct rawtp_jit_row *row)
{
	a64_logical_imm(jit, row->flags, row->opcode, DST, DST, insn->imm, TEMP);
}

static uint64_t wide_imm(const struct bpf_insn *insn, unsigned int flags)
{
	return flags & A64_X ? (uint64_t)(int64_t)insn->imm : (uint32_t)insn->imm;
}

static void multiply(struct rawtp_jit *jit, unsigned int flags, unsigned int dst, unsigned int src)
{
	a64_rrr(jit, flags, A64_MADD | A64_ZR << 10, dst, dst, src);
}

static void shift_left(struct rawtp_jit *jit, unsigned int flags, unsigned int dst,
		       unsigned int count)
{
	unsigned int top = flags & A64_X ? 63 : 31;

	a64_bitfield(jit, flags, A64_UBFM, dst, dst, (top + 1 - count) & top, top - count);
}

static void emit_mul(struct rawtp_jit *jit, const struct bpf_insn *insn,
		     const struct rawtp_jit_row *row)
{
	multiply(jit, row->flags, DST, SRC);
}

static void multiply_imm(struct rawtp_jit *jit, unsigned int flags, unsigned int dst,
			 uint64_t value)
{
	if (value && !(value & (value - 1))) {
		shift_left(jit, flags, dst, (unsigned int)__builtin_ctzll(value));
	} else {
		a64_mov_imm(jit, TEMP, value);
		multiply(jit, flags, dst, TEMP);
	}
}

static void emit_mul_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			 const struct rawtp_jit_row *row)
{
	multiply_imm(jit, row->flags, DST, wide_imm(insn, row->flags));
}

/*
 * As BPF has it, division by zero gives 0, and that of the smallest number by -1 itself; what is left
 * over is then the dividend, or 0.
 */
static void divide(struct rawtp_jit *jit, const struct rawtp_jit_row *row, unsigned int dst,
		   unsigned int src)
{
	if (row->modifier) {
		a64_rrr(jit, row->flags, row->opcode, RESULT, dst, src);
		a64_rrr(jit, row->flags, A64_MSUB | dst << 10, dst, RESULT, src);
	} else {
		a64_rrr(jit, row->flags, row->opcode, dst, dst, src);
	}
}

static void emit_div(struct rawtp_jit *jit, const struct bpf_insn *insn,
		     const struct rawtp_jit_row *row)
{
	divide(jit, row, DST, SRC);
}

static void emit_div_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			 const struct rawtp_jit_row *row)
{
	a64_mov_imm(jit, TEMP, wide_imm(insn, row->flags));
	divide(jit, row, DST, TEMP);
}

static void emit_shift_left_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
				const struct rawtp_jit_row *row)
{
	shift_left(jit, row->flags, DST, (uint32_t)insn->imm & (row->flags & A64_X ? 63 : 31));
}

static void emit_shift_right_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
				 const struct rawtp_jit_row *row)
{
	unsigned int top = row->flags & A64_X ? 63 : 31;

	a64_bitfield(jit, row->flags, row->opcode, DST, DST, (uint32_t)insn->imm & top, top);
}

static void emit_mov(struct rawtp_jit *jit, const struct bpf_insn *insn,
		     const struct rawtp_jit_row *row)
{
	if (!(row->flags & A64_X) || insn->dst_reg != insn->src_reg)
		a64_mov(jit, row->flags, DST, SRC);
}

static void emit_mov_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			 const struct rawtp_jit_row *row)
{
	a64_mov_imm(jit, DST, wide_imm(insn, row->flags));
}

static void emit_imm64(struct rawtp_jit *jit, const struct bpf_insn *insn,
		       const struct rawtp_jit_row *row)
{
	if (rawtp_jit_inline_lookup(jit, jit->index + 2))
		return;
	if (insn->src_reg == BPF_PSEUDO_FUNC) {
		uint32_t to = rawtp_jit_function(jit, jit->index + 1 + (uint32_t)insn->imm);

		a64_adr(jit, DST, (int64_t)to - jit->at);
		return;
	}
	a64_mov_imm(jit, DST, (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32);
}

static void emit_sign_extend(struct rawtp_jit *jit, const struct bpf_insn *insn,
			     const struct rawtp_jit_row *row)
{
	a64_bitfield(jit, row->flags, A64_SBFM, DST, SRC, 0, row->modifier - 1U);
}

static void emit_neg(struct rawtp_jit *jit, const struct bpf_insn *insn,
		     const struct rawtp_jit_row *row)
{
	a64_rrr(jit, row->flags, A64_SUB, DST, A64_ZR, DST);
}

/* @modifier bits in this CPU's own order: the rest is cleared. */
static void emit_little_endian(struct rawtp_jit *jit, const struct bpf_insn *insn,
			       const struct rawtp_jit_row *row)
{
	if (row->modifier < 64)
		a64_bitfield(jit, A64_32, A64_UBFM, DST, DST, 0, row->modifier - 1U);
}

static void emit_byte_swap(struct rawtp_jit *jit, const struct bpf_insn *insn,
			   const struct rawtp_jit_row *row)
{
	a64_rrr(jit, A64_32, row->opcode, DST, DST, 0);
	if (row->modifier == 16)
		a64_bitfield(jit, A64_32, A64_UBFM, DST, DST, 0, 15);
}

static void memory(struct rawtp_jit *jit, uint32_t op, unsigned int rt, unsigned int bpf_base,
		   int32_t offset)
{
	/* What lies deep in the stack is nearer to sp, and those forms reach farther up. */
	if (bpf_base == BPF_REG_10 && offset < -256 && offset + frame_bytes(jit) >= 0)
		a64_memory(jit, op, rt, A64_SP, offset + frame_bytes(jit), OFFSET);
	else
		a64_memory(jit, op, rt, a64_regs[bpf_base], offset, OFFSET);
}

static void emit_load(struct rawtp_jit *jit, const struct bpf_insn *insn,
		      const struct rawtp_jit_row *row)
{
	memory(jit, row->opcode, DST, insn->src_reg, insn->off);
}

#define PROBE_SIGNED 4

/* A load that survives: through a function that keeps all registers but scratch and x30. */
static void emit_probe(struct rawtp_jit *jit, const struct bpf_insn *insn,
		       const struct rawtp_jit_row *row)
{
	uintptr_t address = (uintptr_t)rawtp_fault_loads + 64 * (row->modifier & 3U);

	a64_arith_imm(jit, A64_X, A64_ADD, TEMP, SRC, insn->off, OFFSET);
	a64_mov(jit, A64_X, RESULT, A64_LR);
	if (jit->far_calls) {
		a64_mov_imm(jit, FAR, address);
		a64_insn(jit, A64_BLR | FAR << 5);
	} else {
		a64_branch(jit, A64_BL,
			   (int64_t)(address - (jit->address + jit->at + jit->n_code)));
	}
	a64_mov(jit, A64_X, A64_LR, RESULT);
	if (row->modifier & PROBE_SIGNED)
		a64_bitfield(jit, A64_X, A64_SBFM, DST, TEMP, 0, (8U << (row->modifier & 3)) - 1);
	else
		a64_mov(jit, A64_X, DST, TEMP);
}

static void emit_store(struct rawtp_jit *jit, const struct bpf_insn *insn,
		       const struct rawtp_jit_row *row)
{
	memory(jit, row->opcode, SRC, insn->dst_reg, insn->off);
}

static void emit_store_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			   const struct rawtp_jit_row *row)
{
	if (insn->imm)
		a64_mov_imm(jit, TEMP, wide_imm(insn, row->opcode >> 30 == 3 ? A64_X : A64_32));
	memory(jit, row->opcode, insn->imm ? TEMP : A64_ZR, insn->dst_reg, insn->off);
}

/* Atomics take an address without an offset. */
static unsigned int address_of(struct rawtp_jit *jit, unsigned int base, int32_t offset)
{
	if (!offset)
		return base;
	a64_arith_imm(jit, A64_X, A64_ADD, OFFSET, base, offset, OFFSET);
	return OFFSET;
}

static void emit_load_acquire(struct rawtp_jit *jit, const struct bpf_insn *insn,
			      const struct rawtp_jit_row *row)
{
	a64_atomic(jit, A64_LDAR, row->modifier, 0, DST, address_of(jit, SRC, insn->off));
}

static void emit_store_release(struct rawtp_jit *jit, const struct bpf_insn *insn,
			       const struct rawtp_jit_row *row)
{
	a64_atomic(jit, A64_STLR, row->modifier, 0, SRC, address_of(jit, DST, insn->off));
}

/* Atomics of one instruction, ARMv8.1. */
static bool has_lse(void)
{
	return getauxval(AT_HWCAP) & 1 << 8; /* HWCAP_ATOMICS in <asm/hwcap.h> */
}

/* Rows of atomics: @modifier is log2 of the bytes, and FETCH; @opcode is what computes. */
#define FETCH 0x10

/* The CPU clears the bits that are set, where BPF keeps them. */
static unsigned int lse_operand(struct rawtp_jit *jit, uint32_t op, unsigned int src, uint32_t *lse)
{
	switch (op) {
	case A64_ADD:
		*lse = A64_LDADD;
		return src;
	case A64_ORR:
		*lse = A64_LDSET;
		return src;
	case A64_EOR:
		*lse = A64_LDEOR;
		return src;
	default:
		*lse = A64_LDCLR;
		a64_rrr(jit, A64_X, A64_ORN, TEMP, A64_ZR, src);
		return TEMP;
	}
}

/* From ldxr, at @top in the code, to where the store has succeeded. */
static void exclusive_end(struct rawtp_jit *jit, unsigned int top)
{
	uint32_t back = ((top - jit->n_code) / 4 & 0x7ffff) << 5;

	a64_insn(jit, A64_CBNZ | back | STATUS);
}

/*
 * Those that give the old value order everything before and after, as the kernel's do: without LSE a
 * barrier behind a store that releases. The others order nothing.
 */
static void emit_atomic(struct rawtp_jit *jit, const struct bpf_insn *insn,
			const struct rawtp_jit_row *row)
{
	unsigned int address = address_of(jit, DST, insn->off), log2 = row->modifier & 3, top;
	bool fetch = row->modifier & FETCH;
	uint32_t lse;

	if (has_lse()) {
		unsigned int operand = lse_operand(jit, row->opcode, SRC, &lse);

		a64_atomic(jit, lse | (fetch ? A64_AL : 0), log2, operand, fetch ? SRC : A64_ZR,
			   address);
		return;
	}
	top = jit->n_code;
	a64_atomic(jit, A64_LDXR, log2, 0, TEMP, address);
	a64_rrr(jit, row->flags, row->opcode, RESULT, TEMP, SRC);
	a64_atomic(jit, fetch ? A64_STLXR : A64_STXR, log2, STATUS, RESULT, address);
	exclusive_end(jit, top);
	if (fetch) {
		a64_insn(jit, A64_DMB);
		a64_mov(jit, row->flags, SRC, TEMP);
	}
}

static void emit_xchg(struct rawtp_jit *jit, const struct bpf_insn *insn,
		      const struct rawtp_jit_row *row)
{
	unsigned int address = address_of(jit, DST, insn->off), top;

	if (has_lse()) {
		a64_atomic(jit, A64_SWPAL, row->modifier, SRC, SRC, address);
		return;
	}
	top = jit->n_code;
	a64_atomic(jit, A64_LDXR, row->modifier, 0, TEMP, address);
	a64_atomic(jit, A64_STLXR, row->modifier, STATUS, SRC, address);
	exclusive_end(jit, top);
	a64_insn(jit, A64_DMB);
	a64_mov(jit, row->flags, SRC, TEMP);
}

static void emit_cmpxchg(struct rawtp_jit *jit, const struct bpf_insn *insn,
			 const struct rawtp_jit_row *row)
{
	unsigned int address = address_of(jit, DST, insn->off), top, differs;

	if (has_lse()) {
		a64_atomic(jit, A64_CASAL, row->modifier, R0, SRC, address);
		return;
	}
	top = jit->n_code;
	a64_atomic(jit, A64_LDXR, row->modifier, 0, TEMP, address);
	a64_rrr(jit, row->flags, A64_SUBS, A64_ZR, TEMP, R0);
	differs = a64_jump_ahead(jit, A64_B_COND | A64_NE);
	a64_atomic(jit, A64_STLXR, row->modifier, STATUS, SRC, address);
	exclusive_end(jit, top);
	a64_land(jit, differs);
	a64_insn(jit, A64_DMB);
	a64_mov(jit, row->flags, R0, TEMP);
}

static void emit_ja(struct rawtp_jit *jit, const struct bpf_insn *insn,
		    const struct rawtp_jit_row *row)
{
	int32_t off = row->modifier ? insn->imm : insn->off;

	if (off)
		emit_jump(jit, jit->index + 1 + (uint32_t)off);
}

/*
 * A conditional branch of @bits, whose sense the bits @turn turn round; where it does not reach, the
 * other way round over one that does.
 */
static void branch_if(struct rawtp_jit *jit, const struct bpf_insn *insn, uint32_t op,
		      unsigned int bits, uint32_t turn)
{
	uint32_t target = jit->index + 1 + (uint32_t)insn->off;
	int32_t distance, reach = (1 << (bits + 1)) - 8;

	if (rawtp_jit_is_short(jit, target, -reach, reach, &distance)) {
		a64_insn(jit, op | ((uint32_t)(distance + 4) >> 2 & ((1U << bits) - 1)) << 5);
	} else {
		a64_insn(jit, (op ^ turn) | 2 << 5);
		a64_branch(jit, A64_B, (int64_t)distance + 4);
	}
}

static void branch_if_cond(struct rawtp_jit *jit, const struct bpf_insn *insn, unsigned int cond)
{
	branch_if(jit, insn, A64_B_COND | cond, 19, 1);
}

/* By whether bit @bit of @reg is set. */
static void branch_if_bit(struct rawtp_jit *jit, const struct bpf_insn *insn, bool set,
			  unsigned int reg, unsigned int bit)
{
	uint32_t op = set ? A64_TBNZ : A64_TBZ;

	branch_if(jit, insn, op | bit >> 5 << 31 | (bit & 31) << 19 | reg, 14, 1 << 24);
}

/* @opcode compares or tests. */
static void emit_jump_if(struct rawtp_jit *jit, const struct bpf_insn *insn,
			 const struct rawtp_jit_row *row)
{
	a64_rrr(jit, row->flags, row->opcode, A64_ZR, DST, SRC);
	branch_if_cond(jit, insn, row->modifier);
}

static void emit_jump_if_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			     const struct rawtp_jit_row *row)
{
	unsigned int cond = row->modifier, sign = row->flags & A64_X ? 63 : 31;

	if (!insn->imm && (cond == A64_EQ || cond == A64_NE)) {
		branch_if(jit, insn,
			  (cond == A64_EQ ? A64_CBZ : A64_CBNZ) | (row->flags & A64_X) << 31 | DST,
			  19, 1 << 24);
	} else if (!insn->imm && (cond == A64_GE || cond == A64_LT)) {
		branch_if_bit(jit, insn, cond == A64_LT, DST, sign);
	} else {
		a64_arith_imm(jit, row->flags, A64_SUBS, A64_ZR, DST, insn->imm, TEMP);
		branch_if_cond(jit, insn, cond);
	}
}

static void emit_jset_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			  const struct rawtp_jit_row *row)
{
	uint64_t value = wide_imm(insn, row->flags);

	if (value && !(value & (value - 1))) {
		branch_if_bit(jit, insn, true, DST, (unsigned int)__builtin_ctzll(value));
	} else {
		a64_logical_imm(jit, row->flags, A64_ANDS, A64_ZR, DST, insn->imm, TEMP);
		branch_if_cond(jit, insn, A64_NE);
	}
}

/* Where the program's runs find their slot of @map; -1 where they hold none. */
static int slot_index(const struct rawtp_jit *jit, const struct rawtp_map *map)
{
	uint32_t i;

	for (i = 0; i < jit->prog->n_percpu_maps; i++)
		if (jit->prog->percpu_maps[i] == map)
			return (int)i;
	return -1;
}

static bool inlines_lookup(const struct rawtp_jit *jit, const struct rawtp_map *map)
{
	return map->type == BPF_MAP_TYPE_ARRAY ||
	       (map->type == BPF_MAP_TYPE_PERCPU_ARRAY && slot_index(jit, map) >= 0);
}

/* @reg = where the slot's values begin, from the array's base: rawtp_self->frame->slots[]. */
static void load_slot(struct rawtp_jit *jit, const struct rawtp_map *map, unsigned int reg)
{
	const char *thread = __builtin_thread_pointer();
	int32_t self = (int32_t)((const char *)&rawtp_self - thread);

	a64_insn(jit, A64_MRS_TP | reg);
	a64_memory(jit, A64_LOAD(3), reg, reg, self, OFFSET);
	a64_memory(jit, A64_LOAD(3), reg, reg, offsetof(struct rawtp_thread, frame), OFFSET);
	a64_memory(jit, A64_LOAD(2), reg, reg,
		   (int32_t)offsetof(struct rawtp_frame, slots) + 4 * slot_index(jit, map), OFFSET);
	multiply_imm(jit, A64_X, reg, rawtp_percpu_array_slot_bytes(map));
}

/* The value of the key at x1, in R0; NULL where there is none. R1 to R5 may be spoilt. */
static void emit_lookup(struct rawtp_jit *jit, const struct rawtp_map *map)
{
	unsigned int end;

	a64_memory(jit, A64_LOAD(2), 0, 1, 0, OFFSET);
	a64_mov_imm(jit, R0, 0);
	a64_arith_imm(jit, A64_32, A64_SUBS, A64_ZR, 0, (int32_t)map->max_entries, TEMP);
	end = a64_jump_ahead(jit, A64_B_COND | A64_HS);
	a64_mov_imm(jit, R0, (uintptr_t)map->base);
	if (map->type == BPF_MAP_TYPE_PERCPU_ARRAY) {
		load_slot(jit, map, RESULT);
		a64_rrr(jit, A64_X, A64_ADD, R0, R0, RESULT);
	}
	if (map->max_entries > 1) {
		multiply_imm(jit, A64_X, 0, map->elem_size);
		a64_rrr(jit, A64_X, A64_ADD, R0, R0, 0);
	}
	a64_land(jit, end);
}

/* rawtp_tail_call() has come back: its result is in x0 and x1. */
static void emit_tail(struct rawtp_jit *jit)
{
	unsigned int over = a64_jump_ahead(jit, A64_CBZ | 1U << 31);

	a64_mov(jit, A64_X, R0, 1);
	emit_epilogue(jit);
	a64_land(jit, over);
}

static void emit_call(struct rawtp_jit *jit, const struct bpf_insn *insn,
		      const struct rawtp_jit_row *row)
{
	const struct rawtp_map *map = rawtp_jit_inline_lookup(jit, jit->index);
	uintptr_t address;

	if (map) {
		emit_lookup(jit, map);
		return;
	}
	address = rawtp_jit_helper(jit, (uint32_t)insn->imm);
	if (jit->far_calls) {
		a64_mov_imm(jit, FAR, address);
		a64_insn(jit, A64_BLR | FAR << 5);
	} else {
		a64_branch(jit, A64_BL, (int64_t)(address - (jit->address + jit->at)));
	}
	if (insn->imm == BPF_FUNC_tail_call)
		emit_tail(jit);
	else
		a64_mov(jit, A64_X, R0, 0);
}

static void emit_call_local(struct rawtp_jit *jit, const struct bpf_insn *insn,
			    const struct rawtp_jit_row *row)
{
	uint32_t target = rawtp_jit_function(jit, jit->index + 1 + (uint32_t)insn->imm);

	a64_branch(jit, A64_BL, (int64_t)target - jit->at);
}

/* clang-format off */
#define WIDTHS_ROWS(ROW, NAME, shape, imm_shape, opcode, imm_opcode, modifier)                     \
	ROW(NAME##64_X, shape, opcode, modifier, A64_X)                                            \
	ROW(NAME##64_K, imm_shape, imm_opcode, modifier, A64_X)                                    \
	ROW(NAME##32_X, shape, opcode, modifier, A64_32)                                           \
	ROW(NAME##32_K, imm_shape, imm_opcode, modifier, A64_32)

#define DIV_ROWS(ROW, NAME, remainder)                                                             \
	ROW(NAME##64_X, div, A64_UDIV, remainder, A64_X)                                           \
	ROW(S##NAME##64_X, div, A64_SDIV, remainder, A64_X)                                        \
	ROW(NAME##64_K, div_imm, A64_UDIV, remainder, A64_X)                                       \
	ROW(S##NAME##64_K, div_imm, A64_SDIV, remainder, A64_X)                                    \
	ROW(NAME##32_X, div, A64_UDIV, remainder, A64_32)                                          \
	ROW(S##NAME##32_X, div, A64_SDIV, remainder, A64_32)                                       \
	ROW(NAME##32_K, div_imm, A64_UDIV, remainder, A64_32)                                      \
	ROW(S##NAME##32_K, div_imm, A64_SDIV, remainder, A64_32)

#define END_ROWS(ROW, NAME, shape)                                                                 \
	ROW(NAME##16, shape, A64_REV16, 16, 0)                                                     \
	ROW(NAME##32, shape, A64_REV32, 32, 0)                                                     \
	ROW(NAME##64, shape, A64_REV64, 64, 0)

#define MEMORY_ROWS(ROW, bits, log2)                                                               \
	ROW(LDX##bits, load, A64_LOAD(log2), 0, 0)                                                 \
	ROW(STX##bits, store, A64_STORE(log2), 0, 0)                                               \
	ROW(ST##bits, store_imm, A64_STORE(log2), 0, 0)

#define ORDERED_ROWS(ROW, bits, log2)                                                              \
	ROW(LOAD_ACQ##bits, load_acquire, 0, log2, 0)                                              \
	ROW(STORE_REL##bits, store_release, 0, log2, 0)

#define ATOMIC_ROWS(ROW, bits, log2, width)                                                        \
	ROW(ATOMIC_ADD##bits, atomic, A64_ADD, log2, width)                                        \
	ROW(ATOMIC_OR##bits, atomic, A64_ORR, log2, width)                                         \
	ROW(ATOMIC_AND##bits, atomic, A64_AND, log2, width)                                        \
	ROW(ATOMIC_XOR##bits, atomic, A64_EOR, log2, width)                                        \
	ROW(FETCH_ADD##bits, atomic, A64_ADD, log2 | FETCH, width)                                 \
	ROW(FETCH_OR##bits, atomic, A64_ORR, log2 | FETCH, width)                                  \
	ROW(FETCH_AND##bits, atomic, A64_AND, log2 | FETCH, width)                                 \
	ROW(FETCH_XOR##bits, atomic, A64_EOR, log2 | FETCH, width)                                 \
	ROW(XCHG##bits, xchg, 0, log2, width)                                                      \
	ROW(CMPXCHG##bits, cmpxchg, 0, log2, width)

#define JUMP_ROWS(ROW, NAME, cond)                                                                 \
	ROW(NAME##_X, jump_if, A64_SUBS, cond, A64_X)                                              \
	ROW(NAME##_K, jump_if_imm, 0, cond, A64_X)                                                 \
	ROW(NAME##32_X, jump_if, A64_SUBS, cond, A64_32)                                           \
	ROW(NAME##32_K, jump_if_imm, 0, cond, A64_32)

/* name, shape, opcode, modifier, flags */
#define A64_ROWS(ROW)                                                                              \
	WIDTHS_ROWS(ROW, ADD, alu, arith_imm, A64_ADD, A64_ADD, 0)                                 \
	WIDTHS_ROWS(ROW, SUB, alu, arith_imm, A64_SUB, A64_SUB, 0)                                 \
	WIDTHS_ROWS(ROW, MUL, mul, mul_imm, 0, 0, 0)                                               \
	DIV_ROWS(ROW, DIV, 0)                                                                      \
	WIDTHS_ROWS(ROW, OR, alu, logical_imm, A64_ORR, A64_ORR, 0)                                \
	WIDTHS_ROWS(ROW, AND, alu, logical_imm, A64_AND, A64_AND, 0)                               \
	WIDTHS_ROWS(ROW, LSH, alu, shift_left_imm, A64_LSLV, 0, 0)                                 \
	WIDTHS_ROWS(ROW, RSH, alu, shift_right_imm, A64_LSRV, A64_UBFM, 0)                         \
	DIV_ROWS(ROW, MOD, 1)                                                                      \
	WIDTHS_ROWS(ROW, XOR, alu, logical_imm, A64_EOR, A64_EOR, 0)                               \
	WIDTHS_ROWS(ROW, ARSH, alu, shift_right_imm, A64_ASRV, A64_SBFM, 0)                        \
	ROW(MOV64_X, mov, 0, 0, A64_X)                                                             \
	ROW(MOVSX8_64, sign_extend, 0, 8, A64_X)                                                   \
	ROW(MOVSX16_64, sign_extend, 0, 16, A64_X)                                                 \
	ROW(MOVSX32_64, sign_extend, 0, 32, A64_X)                                                 \
	ROW(MOV64_K, mov_imm, 0, 0, A64_X)                                                         \
	ROW(MOV32_X, mov, 0, 0, A64_32)                                                            \
	ROW(MOVSX8_32, sign_extend, 0, 8, A64_32)                                                  \
	ROW(MOVSX16_32, sign_extend, 0, 16, A64_32)                                                \
	ROW(MOV32_K, mov_imm, 0, 0, A64_32)                                                        \
	ROW(NEG64, neg, 0, 0, A64_X)                                                               \
	ROW(NEG32, neg, 0, 0, A64_32)                                                              \
	END_ROWS(ROW, LE, little_endian)                                                           \
	END_ROWS(ROW, BE, byte_swap)                                                               \
	END_ROWS(ROW, BSWAP, byte_swap)                                                            \
	ROW(LD_IMM64, imm64, 0, 0, A64_X)                                                          \
	MEMORY_ROWS(ROW, 8, 0)                                                                     \
	MEMORY_ROWS(ROW, 16, 1)                                                                    \
	MEMORY_ROWS(ROW, 32, 2)                                                                    \
	MEMORY_ROWS(ROW, 64, 3)                                                                    \
	ROW(LDSX8, load, A64_LOADS(0), 0, 0)                                                       \
	ROW(LDSX16, load, A64_LOADS(1), 0, 0)                                                      \
	ROW(LDSX32, load, A64_LOADS(2), 0, 0)                                                      \
	ROW(PLDX8, probe, 0, 0, 0)                                                                 \
	ROW(PLDX16, probe, 0, 1, 0)                                                                \
	ROW(PLDX32, probe, 0, 2, 0)                                                                \
	ROW(PLDX64, probe, 0, 3, 0)                                                                \
	ROW(PLDSX8, probe, 0, 0 | PROBE_SIGNED, 0)                                                 \
	ROW(PLDSX16, probe, 0, 1 | PROBE_SIGNED, 0)                                                \
	ROW(PLDSX32, probe, 0, 2 | PROBE_SIGNED, 0)                                                \
	ORDERED_ROWS(ROW, 8, 0)                                                                    \
	ORDERED_ROWS(ROW, 16, 1)                                                                   \
	ATOMIC_ROWS(ROW, 32, 2, A64_32)                                                            \
	ORDERED_ROWS(ROW, 32, 2)                                                                   \
	ATOMIC_ROWS(ROW, 64, 3, A64_X)                                                             \
	ORDERED_ROWS(ROW, 64, 3)                                                                   \
	ROW(JA, ja, 0, 0, 0)                                                                       \
	ROW(JA32, ja, 0, 1, 0)                                                                     \
	JUMP_ROWS(ROW, JEQ, A64_EQ)                                                                \
	JUMP_ROWS(ROW, JGT, A64_HI)                                                                \
	JUMP_ROWS(ROW, JGE, A64_HS)                                                                \
	ROW(JSET_X, jump_if, A64_ANDS, A64_NE, A64_X)                                              \
	ROW(JSET_K, jset_imm, 0, 0, A64_X)                                                         \
	ROW(JSET32_X, jump_if, A64_ANDS, A64_NE, A64_32)                                           \
	ROW(JSET32_K, jset_imm, 0, 0, A64_32)                                                      \
	JUMP_ROWS(ROW, JNE, A64_NE)                                                                \
	JUMP_ROWS(ROW, JSGT, A64_GT)                                                               \
	JUMP_ROWS(ROW, JSGE, A64_GE)                                                               \
	JUMP_ROWS(ROW, JLT, A64_LO)                                                                \
	JUMP_ROWS(ROW, JLE, A64_LS)                                                                \
	JUMP_ROWS(ROW, JSLT, A64_LT)                                                               \
	JUMP_ROWS(ROW, JSLE, A64_LE)                                                               \
	ROW(CALL, call, 0, 0, 0)                                                                   \
	ROW(CALL_LOCAL, call_local, 0, 0, 0)                                                       \
	ROW(EXIT, exit, 0, 0, 0)
/* clang-format on */

#define A64_ROW(name, shape, opcode_, modifier_, flags_) \
	[RAWTP_OP_##name] = {emit_##shape, opcode_, modifier_, flags_},
static const struct rawtp_jit_row a64_rows[RAWTP_N_OPS] = {A64_ROWS(A64_ROW)};

RAWTP_JIT_ASSERT_ROWS(A64_ROWS);

const struct rawtp_jit_cpu rawtp_jit_cpu = {
	.rows = a64_rows,
	.prologue = prologue,
	.inlines_lookup = inlines_lookup,
	.fill = 0, /* udf */
	/* bl reaches 128 MiB; the rest is for the image's own size. */
	.reach = 96L << 20,
	.machine = EM_AARCH64,
	.loads = rawtp_fault_loads,
	/* The return address is in x30, and so in its own column. */
	.frame_start = {.stack_pointer = A64_SP, .return_column = A64_LR},
};
