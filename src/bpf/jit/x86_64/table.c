/* SPDX-License-Identifier: MIT */
/*
 * x86-64: one row for each row of opcodes.h, one function for each shape of row.
 *
 *	R0 rax   R1 rdi   R2 rsi   R3 rdx   R4 rcx   R5 r8     helpers are called with no moves
 *	R6 rbx   R7 r13   R8 r14   R9 r15                      saved where a subprogram names them
 *	R10 rbp                                                BPF's frame pointer is the CPU's
 *	r9 r10 r11                                             scratch within one instruction
 *
 * A subprogram that calls, or has a stack, begins with push rbp; mov rbp, rsp, so that gdb and perf
 * can walk the frames; a leaf without a stack has no frame.
 */
#include "base/fault_copy.h"
#include "bpf/jit/x86_64/encode.h"
#include "bpf/jit/x86_64/entry.h"
#include "bpf/jit/x86_64/inline.h"

#include <elf.h>

static const uint8_t x86_regs[16] = {RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15, RBP};

static const uint8_t callee_saved[] = {BPF_REG_6, BPF_REG_7, BPF_REG_8, BPF_REG_9};

#define DST jit->regs[insn->dst_reg]
#define SRC jit->regs[insn->src_reg]

static bool has_stack(const struct rawtp_jit *jit)
{
	return jit->regs_used & 1 << BPF_REG_10 && jit->regs == x86_regs;
}

static bool has_frame(const struct rawtp_jit *jit)
{
	return jit->calls || has_stack(jit);
}

/* The subprogram at hand is what C jumps to with plain arguments. */
static bool is_entry(const struct rawtp_jit *jit)
{
	return jit->entry && !jit->subprog;
}

static uint32_t locals(const struct rawtp_jit *jit)
{
	return is_entry(jit) ? rawtp_x86_entry_locals(jit) : 0;
}

static unsigned int saved_regs(const struct rawtp_jit *jit, uint8_t regs[sizeof(callee_saved)])
{
	unsigned int i, n = 0;

	for (i = 0; i < sizeof(callee_saved); i++)
		if (jit->regs_used >> callee_saved[i] & 1 && jit->regs == x86_regs)
			regs[n++] = x86_regs[callee_saved[i]];
	return n;
}

/* What unwinders are told: the frame's end is @bytes above rsp, unless rbp says where it is. */
static void note_moved(struct rawtp_jit *jit, uint32_t bytes)
{
	if (!has_frame(jit))
		rawtp_jit_unwind_frame(jit, x86_dwarf(RSP), bytes);
}

static void push_saved(struct rawtp_jit *jit, uint32_t bytes)
{
	uint8_t regs[sizeof(callee_saved)];
	unsigned int i, n = saved_regs(jit, regs);

	for (i = 0; i < n; i++) {
		x86_push(jit, regs[i]);
		bytes += 8;
		note_moved(jit, bytes);
		rawtp_jit_unwind_saved(jit, x86_dwarf(regs[i]), bytes);
	}
}

static void prologue(struct rawtp_jit *jit)
{
	uint32_t bytes = 8; /* from rsp to the frame's end */
	uint8_t regs[sizeof(callee_saved)];
	uint32_t stack;

	jit->regs = is_entry(jit) && rawtp_x86_entry_regs(jit) ? jit->own_regs : x86_regs;
	stack = has_stack(jit) ? jit->prog->subprogs[jit->subprog].stack_depth : 0;
	/* endbr64: the entry is reached by an indirect call. */
	if (is_entry(jit))
		rawtp_x86_entry_begin(jit);
	else if (!jit->subprog)
		rawtp_jit_bytes(jit, 0xfa1e0ff3, 4);
	if (has_frame(jit)) {
		rawtp_x86_make_frame(jit);
		bytes += 8;
		/* Calls want rsp at a multiple of 16; here it is one, and each push takes 8. */
		stack = (stack + 7) & ~7U;
		if ((stack / 8 + saved_regs(jit, regs)) & 1)
			stack += 8;
	}
	stack += locals(jit);
	bytes += stack;
	if (stack) {
		x86_ri(jit, X86_W, X86_SUB, RSP, stack);
		note_moved(jit, bytes);
	}
	if (is_entry(jit))
		rawtp_x86_entry_fill(jit);
	push_saved(jit, bytes);
}

static void emit_jump(struct rawtp_jit *jit, uint32_t target)
{
	int32_t distance;

	if (rawtp_jit_is_short(jit, target, INT8_MIN, INT8_MAX, &distance)) {
		rawtp_jit_byte(jit, X86_JMP_SHORT);
		rawtp_jit_byte(jit, distance);
	} else {
		rawtp_jit_byte(jit, 0xe9);
		rawtp_jit_bytes(jit, distance, 4);
	}
}

/* Back to where rsp was before the saved registers and the locals. */
static void pop_saved(struct rawtp_jit *jit)
{
	uint8_t regs[sizeof(callee_saved)];
	unsigned int n = saved_regs(jit, regs);
	uint32_t bytes = 8 + locals(jit) + 8 * n;

	while (n--) {
		x86_pop(jit, regs[n]);
		bytes -= 8;
		note_moved(jit, bytes);
		rawtp_jit_unwind_restored(jit, x86_dwarf(regs[n]));
	}
}

static void emit_epilogue(struct rawtp_jit *jit)
{
	rawtp_jit_unwind_push(jit);
	pop_saved(jit);
	if (is_entry(jit))
		rawtp_x86_entry_release(jit);
	if (has_frame(jit)) {
		rawtp_x86_leave_frame(jit);
	} else if (locals(jit)) {
		x86_ri(jit, X86_W, X86_ADD, RSP, locals(jit));
		note_moved(jit, 8);
	}
	if (is_entry(jit))
		rawtp_x86_entry_end(jit);
	else
		rawtp_jit_byte(jit, 0xc3);
	rawtp_jit_unwind_pop(jit);
}

/* The first exit of a subprogram has the epilogue, the others jump there if that is shorter. */
static void emit_exit(struct rawtp_jit *jit, const struct bpf_insn *insn,
		      const struct rawtp_jit_row *row)
{
	/* Where it is to be begun again up to its effect, nothing may jump back from behind that. */
	if (jit->first_exit != UINT32_MAX && jit->exit_bytes > 5 &&
	    !(is_entry(jit) && jit->effects.is_restartable)) {
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
	x86_rr(jit, row->flags, row->opcode, SRC, DST);
}

static void emit_alu_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			 const struct rawtp_jit_row *row)
{
	x86_ri(jit, row->flags, row->modifier, DST, insn->imm);
}

static void emit_mul(struct rawtp_jit *jit, const struct bpf_insn *insn,
		     const struct rawtp_jit_row *row)
{
	x86_rr(jit, row->flags, 0x0faf, DST, SRC);
}

static void emit_mul_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			 const struct rawtp_jit_row *row)
{
	bool imm8 = x86_is_imm8(insn->imm);

	x86_rr(jit, row->flags, imm8 ? 0x6b : 0x69, DST, DST);
	rawtp_jit_bytes(jit, insn->imm, imm8 ? 1 : 4);
}

/* How a division ends early: quotient 0 and remainder @dst, or -@dst and 0 for a divisor of -1. */
static void emit_div_by_zero(struct rawtp_jit *jit, unsigned int flags, bool remainder,
			     unsigned int dst)
{
	if (!remainder)
		x86_mov_imm(jit, dst, 0);
	else if (!(flags & X86_W))
		x86_mov(jit, X86_32, dst, dst);
}

static void emit_div_by_minus_one(struct rawtp_jit *jit, unsigned int flags, bool remainder,
				  unsigned int dst)
{
	if (remainder)
		x86_mov_imm(jit, dst, 0);
	else
		x86_rr(jit, flags, 0xf7, X86_NEG, dst);
}

/* @dst by r11, which is neither zero nor, where it is signed, minus one. */
static void emit_div_by_r11(struct rawtp_jit *jit, unsigned int flags, unsigned int digit,
			    bool remainder, unsigned int dst)
{
	if (dst != RAX) {
		x86_mov(jit, X86_W, R9, RAX);
		x86_mov(jit, flags, RAX, dst);
	}
	if (dst != RDX)
		x86_mov(jit, X86_W, R10, RDX);
	if (digit == X86_IDIV)
		x86_opcode(jit, flags, 0x99, 0, 0); /* cdq, cqo */
	else
		x86_mov_imm(jit, RDX, 0);
	x86_rr(jit, flags, 0xf7, digit, R11);
	if (dst != (remainder ? RDX : RAX))
		x86_mov(jit, flags, dst, remainder ? RDX : RAX);
	if (dst != RAX)
		x86_mov(jit, X86_W, RAX, R9);
	if (dst != RDX)
		x86_mov(jit, X86_W, RDX, R10);
}

#define REMAINDER 0x10

static void emit_div(struct rawtp_jit *jit, const struct bpf_insn *insn,
		     const struct rawtp_jit_row *row)
{
	unsigned int digit = row->modifier & 7, zero, minus_one = 0, end, end2 = 0;
	bool remainder = row->modifier & REMAINDER;

	x86_mov(jit, row->flags, R11, SRC);
	x86_rr(jit, row->flags, 0x85, R11, R11); /* test */
	zero = x86_jump_ahead(jit, X86_JCC_SHORT(X86_EQUAL));
	if (digit == X86_IDIV) {
		x86_ri(jit, row->flags, X86_CMP, R11, -1);
		minus_one = x86_jump_ahead(jit, X86_JCC_SHORT(X86_EQUAL));
	}
	emit_div_by_r11(jit, row->flags, digit, remainder, DST);
	end = x86_jump_ahead(jit, X86_JMP_SHORT);
	if (digit == X86_IDIV) {
		x86_land(jit, minus_one);
		emit_div_by_minus_one(jit, row->flags, remainder, DST);
		end2 = x86_jump_ahead(jit, X86_JMP_SHORT);
	}
	x86_land(jit, zero);
	emit_div_by_zero(jit, row->flags, remainder, DST);
	x86_land(jit, end);
	if (digit == X86_IDIV)
		x86_land(jit, end2);
}

static void emit_div_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			 const struct rawtp_jit_row *row)
{
	unsigned int digit = row->modifier & 7;
	bool remainder = row->modifier & REMAINDER;

	if (!insn->imm) {
		emit_div_by_zero(jit, row->flags, remainder, DST);
	} else if (insn->imm == -1 && digit == X86_IDIV) {
		emit_div_by_minus_one(jit, row->flags, remainder, DST);
	} else {
		x86_mov_imm(jit, R11,
			    row->flags & X86_W ? (uint64_t)(int64_t)insn->imm
					       : (uint32_t)insn->imm);
		emit_div_by_r11(jit, row->flags, digit, remainder, DST);
	}
}

static bool has_bmi2(void)
{
	return __builtin_cpu_supports("bmi2");
}

static void emit_shift(struct rawtp_jit *jit, const struct bpf_insn *insn,
		       const struct rawtp_jit_row *row)
{
	unsigned int dst = DST, src = SRC;

	if (dst != RCX && src == RCX) {
		x86_rr(jit, row->flags, 0xd3, row->modifier, dst);
	} else if (has_bmi2()) {
		x86_shift_vex(jit, row->flags, row->modifier, dst, dst, src);
	} else {
		/* The count must be in cl; where that is the value's place, r11 is it meanwhile. */
		x86_mov(jit, X86_W, R11, RCX);
		if (src != RCX)
			x86_mov(jit, X86_32, RCX, src);
		x86_rr(jit, row->flags, 0xd3, row->modifier, dst == RCX ? R11 : dst);
		x86_mov(jit, X86_W, RCX, R11);
	}
}

static void emit_shift_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			   const struct rawtp_jit_row *row)
{
	unsigned int count = insn->imm & (row->flags & X86_W ? 63 : 31);

	if (count)
		x86_shift_imm(jit, row->flags, row->modifier, DST, count);
	else if (!(row->flags & X86_W))
		x86_mov(jit, X86_32, DST, DST);
}

static void emit_mov(struct rawtp_jit *jit, const struct bpf_insn *insn,
		     const struct rawtp_jit_row *row)
{
	if (row->flags != X86_W || insn->dst_reg != insn->src_reg)
		x86_mov(jit, row->flags, DST, SRC);
}

static void emit_mov_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			 const struct rawtp_jit_row *row)
{
	x86_mov_imm(jit, DST,
		    row->flags & X86_W ? (uint64_t)(int64_t)insn->imm : (uint32_t)insn->imm);
}

static void emit_imm64(struct rawtp_jit *jit, const struct bpf_insn *insn,
		       const struct rawtp_jit_row *row)
{
	if (rawtp_jit_inline_lookup(jit, jit->index + 2))
		return;
	if (insn->src_reg == BPF_PSEUDO_FUNC) {
		x86_rip(jit, X86_W, 0x8d /* lea */, DST,
			jit->address + rawtp_jit_function(jit, jit->index + 1 + insn->imm));
		return;
	}
	x86_mov_imm(jit, DST, (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32);
}

/* Register to register by an opcode whose first operand is the destination: movsx, movzx. */
static void emit_extend(struct rawtp_jit *jit, const struct bpf_insn *insn,
			const struct rawtp_jit_row *row)
{
	x86_rr(jit, row->flags, row->opcode, DST, SRC);
}

static void emit_neg(struct rawtp_jit *jit, const struct bpf_insn *insn,
		     const struct rawtp_jit_row *row)
{
	x86_rr(jit, row->flags, 0xf7, X86_NEG, DST);
}

/* @modifier bits in this CPU's own order: the rest is cleared. */
static void emit_little_endian(struct rawtp_jit *jit, const struct bpf_insn *insn,
			       const struct rawtp_jit_row *row)
{
	if (row->modifier == 16)
		x86_rr(jit, X86_32, 0x0fb7, DST, DST); /* movzx */
	else if (row->modifier == 32)
		x86_mov(jit, X86_32, DST, DST);
}

static void emit_byte_swap(struct rawtp_jit *jit, const struct bpf_insn *insn,
			   const struct rawtp_jit_row *row)
{
	unsigned int dst = DST;

	if (row->modifier == 16) {
		x86_shift_imm(jit, X86_HALF, 0 /* rol */, dst, 8);
		x86_rr(jit, X86_32, 0x0fb7, dst, dst);
	} else {
		x86_opcode(jit, row->modifier == 64 ? X86_W : X86_32, 0x0fc8 | (dst & 7), 0, dst);
	}
}

static void emit_load(struct rawtp_jit *jit, const struct bpf_insn *insn,
		      const struct rawtp_jit_row *row)
{
	x86_rm(jit, row->flags, row->opcode, DST, SRC, insn->off);
}

/* A load that survives: through a function that keeps all registers but r9 to r11. */
static void emit_probe(struct rawtp_jit *jit, const struct bpf_insn *insn,
		       const struct rawtp_jit_row *row)
{
	uintptr_t address = (uintptr_t)rawtp_fault_loads + 64 * row->modifier;

	x86_rm(jit, X86_W, 0x8d, R11, SRC, insn->off); /* lea */
	if (jit->far_calls) {
		x86_mov_imm(jit, R10, address);
		x86_rr(jit, X86_32, 0xff, 2, R10);
	} else {
		rawtp_jit_byte(jit, 0xe8);
		x86_distance(jit, address);
	}
	x86_rr(jit, row->flags, row->opcode, DST, R11);
}

static void emit_store(struct rawtp_jit *jit, const struct bpf_insn *insn,
		       const struct rawtp_jit_row *row)
{
	if (is_entry(jit))
		rawtp_x86_entry_effect(jit);
	x86_rm(jit, row->flags, row->opcode, SRC, DST, insn->off);
	if (is_entry(jit))
		rawtp_x86_entry_effect_end(jit);
}

static void emit_store_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			   const struct rawtp_jit_row *row)
{
	if (is_entry(jit))
		rawtp_x86_entry_effect(jit);
	x86_rm(jit, row->flags & ~X86_BYTE, row->opcode, 0, DST, insn->off);
	rawtp_jit_bytes(jit, insn->imm, row->flags & X86_BYTE ? 1 : row->flags & X86_HALF ? 2 : 4);
	if (is_entry(jit))
		rawtp_x86_entry_effect_end(jit);
}

static void emit_cmpxchg(struct rawtp_jit *jit, const struct bpf_insn *insn,
			 const struct rawtp_jit_row *row)
{
	x86_rm(jit, row->flags, row->opcode, SRC, DST, insn->off);
	/* Success leaves rax alone, also its upper half. */
	if (!(row->flags & X86_W))
		x86_mov(jit, X86_32, RAX, RAX);
}

/* and, or, xor that return the old value: a loop around cmpxchg. @opcode is the operation's. */
static void emit_fetch_loop(struct rawtp_jit *jit, const struct bpf_insn *insn,
			    const struct rawtp_jit_row *row)
{
	unsigned int base = DST == RAX ? R11 : DST, value = SRC == RAX ? R11 : SRC, top, from;

	x86_mov(jit, X86_W, R11, RAX);
	x86_rm(jit, row->flags, 0x8b, RAX, base, insn->off);
	top = jit->n_code;
	x86_mov(jit, row->flags, R10, RAX);
	x86_rr(jit, row->flags, row->opcode, value, R10);
	x86_rm(jit, row->flags | X86_LOCK, 0x0fb1, R10, base, insn->off);
	from = x86_jump_ahead(jit, X86_JCC_SHORT(X86_NOT_EQUAL));
	jit->code[from - 1] = top - from;
	if (SRC != RAX) {
		x86_mov(jit, row->flags, SRC, RAX);
		x86_mov(jit, X86_W, RAX, R11);
	}
}

static void emit_ja(struct rawtp_jit *jit, const struct bpf_insn *insn,
		    const struct rawtp_jit_row *row)
{
	int32_t off = row->modifier ? insn->imm : insn->off;

	if (off)
		emit_jump(jit, jit->index + 1 + off);
}

static void emit_jcc(struct rawtp_jit *jit, const struct bpf_insn *insn, unsigned int cond)
{
	uint32_t target = jit->index + 1 + insn->off;
	int32_t distance;

	if (rawtp_jit_is_short(jit, target, INT8_MIN, INT8_MAX, &distance)) {
		rawtp_jit_byte(jit, X86_JCC_SHORT(cond));
		rawtp_jit_byte(jit, distance);
	} else {
		rawtp_jit_byte(jit, 0x0f);
		rawtp_jit_byte(jit, 0x80 | cond);
		rawtp_jit_bytes(jit, distance, 4);
	}
}

/* @opcode is cmp or test. */
static void emit_jump_if(struct rawtp_jit *jit, const struct bpf_insn *insn,
			 const struct rawtp_jit_row *row)
{
	x86_rr(jit, row->flags, row->opcode, SRC, DST);
	emit_jcc(jit, insn, row->modifier);
}

/* A test whether the lookup just before it has found nothing, where it always finds something. */
static bool is_idle_test(const struct rawtp_jit *jit, const struct bpf_insn *insn)
{
	uint32_t key;

	return insn->dst_reg == BPF_REG_0 && !insn->imm && rawtp_decode(insn) == RAWTP_OP_JEQ_K &&
	       jit->index && !(jit->flags[jit->index] & RAWTP_JIT_TARGET) &&
	       rawtp_jit_known_key(jit, jit->index - 1, &key);
}

static void emit_jump_if_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			     const struct rawtp_jit_row *row)
{
	if (is_idle_test(jit, insn))
		return;
	/* test reg, reg sets the flags as cmp reg, 0 does: both clear carry and overflow. */
	if (insn->imm)
		x86_ri(jit, row->flags, X86_CMP, DST, insn->imm);
	else
		x86_rr(jit, row->flags, 0x85, DST, DST);
	emit_jcc(jit, insn, row->modifier);
}

static void emit_jset_imm(struct rawtp_jit *jit, const struct bpf_insn *insn,
			  const struct rawtp_jit_row *row)
{
	x86_rr(jit, row->flags, 0xf7, X86_TEST, DST);
	rawtp_jit_bytes(jit, insn->imm, 4);
	emit_jcc(jit, insn, row->modifier);
}

/* rawtp_tail_call() has come back: its result is in rax and rdx. */
static void emit_tail(struct rawtp_jit *jit)
{
	unsigned int over;

	x86_rr(jit, X86_W, 0x85, RAX, RAX);
	over = x86_jump_far_ahead(jit, X86_EQUAL);
	x86_mov(jit, X86_W, RAX, RDX);
	emit_epilogue(jit);
	x86_land_far(jit, over);
}

static void emit_call(struct rawtp_jit *jit, const struct bpf_insn *insn,
		      const struct rawtp_jit_row *row)
{
	const struct rawtp_map *map = rawtp_jit_inline_lookup(jit, jit->index);
	bool is_brief = is_entry(jit) && jit->effects.is_brief;
	struct rawtp_jit_output output;

	if (map)
		rawtp_x86_lookup(jit, map);
	else if (rawtp_jit_inline_helper(jit, jit->index))
		rawtp_x86_inline_helper(jit, (uint32_t)insn->imm);
	else if (is_brief && rawtp_jit_inline_output(jit, jit->index, &output))
		rawtp_x86_output(jit, &output);
	else if (is_brief)
		rawtp_x86_entry_away(jit, -1);
	else
		rawtp_x86_call_helper(jit, insn->imm);
	if (insn->imm == BPF_FUNC_tail_call)
		emit_tail(jit);
}

static void emit_call_local(struct rawtp_jit *jit, const struct bpf_insn *insn,
			    const struct rawtp_jit_row *row)
{
	uint32_t target = rawtp_jit_function(jit, jit->index + 1 + insn->imm);

	rawtp_jit_byte(jit, 0xe8);
	rawtp_jit_bytes(jit, target - (jit->at + 5), 4);
}

/* clang-format off */
#define ALU_ROWS(ROW, NAME, opcode, digit)                                                         \
	ROW(NAME##64_X, alu, opcode, 0, X86_W)                                                     \
	ROW(NAME##64_K, alu_imm, 0, digit, X86_W)                                                  \
	ROW(NAME##32_X, alu, opcode, 0, X86_32)                                                    \
	ROW(NAME##32_K, alu_imm, 0, digit, X86_32)

#define DIV_ROWS(ROW, NAME, remainder)                                                             \
	ROW(NAME##64_X, div, 0, X86_DIV | remainder, X86_W)                                        \
	ROW(S##NAME##64_X, div, 0, X86_IDIV | remainder, X86_W)                                    \
	ROW(NAME##64_K, div_imm, 0, X86_DIV | remainder, X86_W)                                    \
	ROW(S##NAME##64_K, div_imm, 0, X86_IDIV | remainder, X86_W)                                \
	ROW(NAME##32_X, div, 0, X86_DIV | remainder, X86_32)                                       \
	ROW(S##NAME##32_X, div, 0, X86_IDIV | remainder, X86_32)                                   \
	ROW(NAME##32_K, div_imm, 0, X86_DIV | remainder, X86_32)                                   \
	ROW(S##NAME##32_K, div_imm, 0, X86_IDIV | remainder, X86_32)

#define SHIFT_ROWS(ROW, NAME, digit)                                                               \
	ROW(NAME##64_X, shift, 0, digit, X86_W)                                                    \
	ROW(NAME##64_K, shift_imm, 0, digit, X86_W)                                                \
	ROW(NAME##32_X, shift, 0, digit, X86_32)                                                   \
	ROW(NAME##32_K, shift_imm, 0, digit, X86_32)

#define END_ROWS(ROW, NAME, shape)                                                                 \
	ROW(NAME##16, shape, 0, 16, 0)                                                             \
	ROW(NAME##32, shape, 0, 32, 0)                                                             \
	ROW(NAME##64, shape, 0, 64, 0)

#define MEMORY_ROWS(ROW, bits, load_op, load_flags, store_op, imm_op, flags)                       \
	ROW(LDX##bits, load, load_op, 0, load_flags)                                               \
	ROW(STX##bits, store, store_op, 0, flags)                                                  \
	ROW(ST##bits, store_imm, imm_op, 0, flags)

/* Loads are acquires and stores are releases: SDM volume 3, "Memory Ordering". */
#define ORDERED_ROWS(ROW, bits, load_op, load_flags, store_op, flags)                              \
	ROW(LOAD_ACQ##bits, load, load_op, 0, load_flags)                                          \
	ROW(STORE_REL##bits, store, store_op, 0, flags)

#define ATOMIC_ROWS(ROW, bits, width)                                                              \
	ROW(ATOMIC_ADD##bits, store, 0x01, 0, width | X86_LOCK)                                    \
	ROW(ATOMIC_OR##bits, store, 0x09, 0, width | X86_LOCK)                                     \
	ROW(ATOMIC_AND##bits, store, 0x21, 0, width | X86_LOCK)                                    \
	ROW(ATOMIC_XOR##bits, store, 0x31, 0, width | X86_LOCK)                                    \
	ROW(FETCH_ADD##bits, store, 0x0fc1, 0, width | X86_LOCK)                                   \
	ROW(FETCH_OR##bits, fetch_loop, 0x09, 0, width)                                            \
	ROW(FETCH_AND##bits, fetch_loop, 0x21, 0, width)                                           \
	ROW(FETCH_XOR##bits, fetch_loop, 0x31, 0, width)                                           \
	ROW(XCHG##bits, store, 0x87, 0, width)                                                     \
	ROW(CMPXCHG##bits, cmpxchg, 0x0fb1, 0, width | X86_LOCK)

#define JUMP_ROWS(ROW, NAME, cond)                                                                 \
	ROW(NAME##_X, jump_if, 0x39, cond, X86_W)                                                  \
	ROW(NAME##_K, jump_if_imm, 0, cond, X86_W)                                                 \
	ROW(NAME##32_X, jump_if, 0x39, cond, X86_32)                                               \
	ROW(NAME##32_K, jump_if_imm, 0, cond, X86_32)

/* name, shape, opcode, modifier, flags */
#define X86_ROWS(ROW)                                                                              \
	ALU_ROWS(ROW, ADD, 0x01, X86_ADD)                                                          \
	ALU_ROWS(ROW, SUB, 0x29, X86_SUB)                                                          \
	ROW(MUL64_X, mul, 0, 0, X86_W)                                                             \
	ROW(MUL64_K, mul_imm, 0, 0, X86_W)                                                         \
	ROW(MUL32_X, mul, 0, 0, X86_32)                                                            \
	ROW(MUL32_K, mul_imm, 0, 0, X86_32)                                                        \
	DIV_ROWS(ROW, DIV, 0)                                                                      \
	ALU_ROWS(ROW, OR, 0x09, X86_OR)                                                            \
	ALU_ROWS(ROW, AND, 0x21, X86_AND)                                                          \
	SHIFT_ROWS(ROW, LSH, X86_SHL)                                                              \
	SHIFT_ROWS(ROW, RSH, X86_SHR)                                                              \
	DIV_ROWS(ROW, MOD, REMAINDER)                                                              \
	ALU_ROWS(ROW, XOR, 0x31, X86_XOR)                                                          \
	SHIFT_ROWS(ROW, ARSH, X86_SAR)                                                             \
	ROW(MOV64_X, mov, 0, 0, X86_W)                                                             \
	ROW(MOVSX8_64, extend, 0x0fbe, 0, X86_W)                                                   \
	ROW(MOVSX16_64, extend, 0x0fbf, 0, X86_W)                                                  \
	ROW(MOVSX32_64, extend, 0x63, 0, X86_W)                                                    \
	ROW(MOV64_K, mov_imm, 0, 0, X86_W)                                                         \
	ROW(MOV32_X, mov, 0, 0, X86_32)                                                            \
	ROW(MOVSX8_32, extend, 0x0fbe, 0, X86_BYTE)                                                \
	ROW(MOVSX16_32, extend, 0x0fbf, 0, X86_32)                                                 \
	ROW(MOV32_K, mov_imm, 0, 0, X86_32)                                                        \
	ROW(NEG64, neg, 0, 0, X86_W)                                                               \
	ROW(NEG32, neg, 0, 0, X86_32)                                                              \
	END_ROWS(ROW, LE, little_endian)                                                           \
	END_ROWS(ROW, BE, byte_swap)                                                               \
	END_ROWS(ROW, BSWAP, byte_swap)                                                            \
	ROW(LD_IMM64, imm64, 0, 0, X86_W)                                                          \
	MEMORY_ROWS(ROW, 8, 0x0fb6, X86_32, 0x88, 0xc6, X86_BYTE)                                  \
	MEMORY_ROWS(ROW, 16, 0x0fb7, X86_32, 0x89, 0xc7, X86_HALF)                                 \
	MEMORY_ROWS(ROW, 32, 0x8b, X86_32, 0x89, 0xc7, X86_32)                                     \
	MEMORY_ROWS(ROW, 64, 0x8b, X86_W, 0x89, 0xc7, X86_W)                                       \
	ROW(LDSX8, load, 0x0fbe, 0, X86_W)                                                         \
	ROW(LDSX16, load, 0x0fbf, 0, X86_W)                                                        \
	ROW(LDSX32, load, 0x63, 0, X86_W)                                                          \
	ROW(PLDX8, probe, 0x8b, 0, X86_W)                                                          \
	ROW(PLDX16, probe, 0x8b, 1, X86_W)                                                         \
	ROW(PLDX32, probe, 0x8b, 2, X86_W)                                                         \
	ROW(PLDX64, probe, 0x8b, 3, X86_W)                                                         \
	ROW(PLDSX8, probe, 0x0fbe, 0, X86_W)                                                       \
	ROW(PLDSX16, probe, 0x0fbf, 1, X86_W)                                                      \
	ROW(PLDSX32, probe, 0x63, 2, X86_W)                                                        \
	ORDERED_ROWS(ROW, 8, 0x0fb6, X86_32, 0x88, X86_BYTE)                                       \
	ORDERED_ROWS(ROW, 16, 0x0fb7, X86_32, 0x89, X86_HALF)                                      \
	ATOMIC_ROWS(ROW, 32, X86_32)                                                               \
	ORDERED_ROWS(ROW, 32, 0x8b, X86_32, 0x89, X86_32)                                          \
	ATOMIC_ROWS(ROW, 64, X86_W)                                                                \
	ORDERED_ROWS(ROW, 64, 0x8b, X86_W, 0x89, X86_W)                                            \
	ROW(JA, ja, 0, 0, 0)                                                                       \
	ROW(JA32, ja, 0, 1, 0)                                                                     \
	JUMP_ROWS(ROW, JEQ, X86_EQUAL)                                                             \
	JUMP_ROWS(ROW, JGT, X86_ABOVE)                                                             \
	JUMP_ROWS(ROW, JGE, X86_ABOVE_EQUAL)                                                       \
	ROW(JSET_X, jump_if, 0x85, X86_NOT_EQUAL, X86_W)                                           \
	ROW(JSET_K, jset_imm, 0, X86_NOT_EQUAL, X86_W)                                             \
	ROW(JSET32_X, jump_if, 0x85, X86_NOT_EQUAL, X86_32)                                        \
	ROW(JSET32_K, jset_imm, 0, X86_NOT_EQUAL, X86_32)                                          \
	JUMP_ROWS(ROW, JNE, X86_NOT_EQUAL)                                                         \
	JUMP_ROWS(ROW, JSGT, X86_GREATER)                                                          \
	JUMP_ROWS(ROW, JSGE, X86_GREATER_EQUAL)                                                    \
	JUMP_ROWS(ROW, JLT, X86_BELOW)                                                             \
	JUMP_ROWS(ROW, JLE, X86_BELOW_EQUAL)                                                       \
	JUMP_ROWS(ROW, JSLT, X86_LESS)                                                             \
	JUMP_ROWS(ROW, JSLE, X86_LESS_EQUAL)                                                       \
	ROW(CALL, call, 0, 0, 0)                                                                   \
	ROW(CALL_LOCAL, call_local, 0, 0, 0)                                                       \
	ROW(EXIT, exit, 0, 0, 0)
/* clang-format on */

#define X86_ROW(name, shape, opcode_, modifier_, flags_) \
	[RAWTP_OP_##name] = {emit_##shape, opcode_, modifier_, flags_},
static const struct rawtp_jit_row x86_rows[RAWTP_N_OPS] = {X86_ROWS(X86_ROW)};

RAWTP_JIT_ASSERT_ROWS(X86_ROWS);

const struct rawtp_jit_cpu rawtp_jit_cpu = {
	.rows = x86_rows,
	.prologue = prologue,
	.inlines_lookup = rawtp_x86_inlines_lookup,
	.inlines_helper = rawtp_x86_inlines_helper,
	.inlines_output = rawtp_x86_inlines_output,
	.can_enter = rawtp_x86_can_enter,
	.fill = 0xcc, /* int3 */
	.reach = (1L << 31) - (256L << 20),
	.machine = EM_X86_64,
	.loads = rawtp_fault_loads,
	.frame_start = {.stack_pointer = 7,
			.return_column = 16,
			.bytes = 8,
			.return_on_the_stack = true},
};
