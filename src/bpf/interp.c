/* SPDX-License-Identifier: MIT */
/*
 * One loop over the runnable form. Meaning of each instruction: RFC 9669. What the verifier proved
 * (jump targets, addresses, depth of calls) is not checked again, but for the bounds of the stack,
 * which are looked at where a subprogram is called.
 */
#include "bpf/interp.h"

#include "base/nofault.h"
#include "bpf/callback.h"
#include "bpf/opcodes.h"
#include "bpf/tail_call.h"

#include <string.h>

struct call_frame {
	const struct bpf_insn *back;        /* the call */
	const struct rawtp_subprog *caller; /* which subprogram it is in */
	uint64_t saved[4];                  /* R6 to R9 */
};

static const struct rawtp_subprog *find_subprog(const struct rawtp_prog *prog, uint32_t start)
{
	uint32_t low = 0, high = prog->n_subprogs;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (prog->subprogs[mid].start == start)
			return &prog->subprogs[mid];
		if (prog->subprogs[mid].start < start)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* What a helper gets in place of a function. */
struct callback {
	const struct rawtp_prog *prog;
	const struct rawtp_subprog *subprog;
	uintptr_t top, stack; /* where its frame begins, and how far down it may go */
};

static uint64_t call_with_callback(const struct rawtp_prog *prog, const struct rawtp_helper *helper,
				   const uint64_t *regs, uintptr_t top, uintptr_t stack)
{
	const struct bpf_insn *start = (const struct bpf_insn *)(uintptr_t)regs[BPF_REG_2];
	struct callback callback = {
		.prog = prog,
		.subprog = find_subprog(prog, (uint32_t)(start - prog->insns)),
		.top = top,
		.stack = stack,
	};

	if (!callback.subprog || top - stack < callback.subprog->stack_depth)
		return 0;
	return helper->fn(regs[1], (uintptr_t)&callback | RAWTP_CALLBACK_INTERPRETED, regs[3],
			  regs[4], regs[5]);
}

/* @top: the frame's R10. */
static inline void clear_slots(const struct rawtp_subprog *subprog, uintptr_t top)
{
	uint64_t slots = subprog->cleared;

	for (; slots; slots &= slots - 1)
		((uint64_t *)top)[-1 - __builtin_ctzll(slots)] = 0;
}

static inline uint64_t sdiv64(uint64_t a, uint64_t b)
{
	return !b ? 0 : b == -1ULL ? -a : (uint64_t)((int64_t)a / (int64_t)b);
}

static inline uint64_t smod64(uint64_t a, uint64_t b)
{
	return !b ? a : b == -1ULL ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
}

static inline uint32_t sdiv32(uint32_t a, uint32_t b)
{
	return !b ? 0 : b == -1U ? -a : (uint32_t)((int32_t)a / (int32_t)b);
}

static inline uint32_t smod32(uint32_t a, uint32_t b)
{
	return !b ? a : b == -1U ? 0 : (uint32_t)((int32_t)a % (int32_t)b);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TO_LE(bits, value) ((uint##bits##_t)(value))
#define TO_BE(bits, value) __builtin_bswap##bits(value)
#else
#define TO_LE(bits, value) __builtin_bswap##bits(value)
#define TO_BE(bits, value) ((uint##bits##_t)(value))
#endif

/* A variant of a division or move by its offset, or of a call by its source: mostly the first. */
static inline enum rawtp_op exact_row(const struct bpf_insn *insn)
{
	if (!insn->off && (insn->src_reg == 0 || BPF_CLASS(insn->code) != BPF_JMP) &&
	    BPF_OP(insn->code) != BPF_END && BPF_CLASS(insn->code) != BPF_STX)
		return rawtp_first_op[insn->code];
	return rawtp_decode(insn);
}

#define DST regs[insn->dst_reg]
#define SRC regs[insn->src_reg]
#define IMM ((uint64_t)(int64_t)insn->imm)
#define NEXT                               \
	do {                               \
		insn++;                    \
		goto *by_code[insn->code]; \
	} while (0)

/* @e64 and @e32 compute from a and b. */
#define ALU(NAME, e64, e32)                      \
	L_##NAME##64_X:                          \
	{                                        \
		uint64_t a = DST, b = SRC;       \
		DST = (e64);                     \
		NEXT;                            \
	}                                        \
	L_##NAME##64_K:                          \
	{                                        \
		uint64_t a = DST, b = IMM;       \
		DST = (e64);                     \
		NEXT;                            \
	}                                        \
	L_##NAME##32_X:                          \
	{                                        \
		uint32_t a = DST, b = SRC;       \
		DST = (uint32_t)(e32);           \
		NEXT;                            \
	}                                        \
	L_##NAME##32_K:                          \
	{                                        \
		uint32_t a = DST, b = insn->imm; \
		DST = (uint32_t)(e32);           \
		NEXT;                            \
	}

#define MOVSX(bits, width)                                                   \
	L_MOVSX##bits##_##width : DST = (uint##width##_t)(int##bits##_t)SRC; \
	NEXT;

#define END(NAME, bits, value)                          \
	L_##NAME##bits : DST = (uint##bits##_t)(value); \
	NEXT;

/* Loads and stores may be unaligned. */
#define MEMORY(bits)                                                                         \
	L_LDX##bits:                                                                         \
	{                                                                                    \
		uint##bits##_t value;                                                        \
		memcpy(&value, (const char *)((uintptr_t)SRC + insn->off), sizeof(value));   \
		DST = value;                                                                 \
		NEXT;                                                                        \
	}                                                                                    \
	L_STX##bits:                                                                         \
	{                                                                                    \
		uint##bits##_t value = SRC;                                                  \
		memcpy((char *)((uintptr_t)DST + insn->off), &value, sizeof(value));         \
		NEXT;                                                                        \
	}                                                                                    \
	L_ST##bits:                                                                          \
	{                                                                                    \
		uint##bits##_t value = IMM;                                                  \
		memcpy((char *)((uintptr_t)DST + insn->off), &value, sizeof(value));         \
		NEXT;                                                                        \
	}                                                                                    \
	L_LOAD_ACQ##bits                                                                     \
	    : DST = __atomic_load_n((const uint##bits##_t *)((uintptr_t)SRC + insn->off),    \
				    __ATOMIC_ACQUIRE);                                       \
	NEXT;                                                                                \
	L_STORE_REL##bits : __atomic_store_n((uint##bits##_t *)((uintptr_t)DST + insn->off), \
					     (uint##bits##_t)SRC, __ATOMIC_RELEASE);         \
	NEXT;

#define MEMSX(bits)                                                                        \
	L_LDSX##bits:                                                                      \
	{                                                                                  \
		int##bits##_t value;                                                       \
		memcpy(&value, (const char *)((uintptr_t)SRC + insn->off), sizeof(value)); \
		DST = (uint64_t)(int64_t)value;                                            \
		NEXT;                                                                      \
	}

#define PROBE(NAME, type, bits, size)                                                           \
	L_##NAME##bits : DST = (uint64_t)(type##bits##_t)rawtp_probe_load(                      \
				 (const void *)(uintptr_t)(SRC + (uint64_t)insn->off), (size)); \
	NEXT;

#define AT(bits) ((uint##bits##_t *)((uintptr_t)DST + insn->off))
#define ATOMIC_OP(NAME, bits, op)                                                         \
	L_ATOMIC_##NAME##bits                                                             \
	    : __atomic_fetch_##op(AT(bits), (uint##bits##_t)SRC, __ATOMIC_RELAXED);       \
	NEXT;                                                                             \
	L_FETCH_##NAME##bits                                                              \
	    : SRC = __atomic_fetch_##op(AT(bits), (uint##bits##_t)SRC, __ATOMIC_SEQ_CST); \
	NEXT;

#define ATOMIC(bits)                                                                               \
	ATOMIC_OP(ADD, bits, add)                                                                  \
	ATOMIC_OP(OR, bits, or)                                                                    \
	ATOMIC_OP(AND, bits, and)                                                                  \
	ATOMIC_OP(XOR, bits, xor)                                                                  \
	L_XCHG##bits : SRC = __atomic_exchange_n(AT(bits), (uint##bits##_t)SRC, __ATOMIC_SEQ_CST); \
	NEXT;                                                                                      \
	L_CMPXCHG##bits:                                                                           \
	{                                                                                          \
		uint##bits##_t old = regs[0];                                                      \
		__atomic_compare_exchange_n(AT(bits), &old, (uint##bits##_t)SRC, false,            \
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                   \
		regs[0] = old;                                                                     \
		NEXT;                                                                              \
	}

#define JUMP_IF_WIDTH(LABEL, op, a, b) \
	LABEL:                         \
	if ((a)op(b))                  \
		insn += insn->off;     \
	NEXT;

#define JUMP_IF(NAME, sign, op)                                             \
	JUMP_IF_WIDTH(L_##NAME##_X, op, (sign##64_t)DST, (sign##64_t)SRC)   \
	JUMP_IF_WIDTH(L_##NAME##_K, op, (sign##64_t)DST, (sign##64_t)IMM)   \
	JUMP_IF_WIDTH(L_##NAME##32_X, op, (sign##32_t)DST, (sign##32_t)SRC) \
	JUMP_IF_WIDTH(L_##NAME##32_K, op, (sign##32_t)DST, (sign##32_t)insn->imm)

#define LABEL_ANY(name)                     &&L_##name
#define LABEL_OFF(name)                     &&variant
#define LABEL_IMM(name)                     &&variant
#define LABEL_SRC(name)                     &&variant
#define CODE_LABEL(name, code, select, ...) [code] = LABEL_##select(name),
#define NO_LABEL(...)
#define ROW_LABEL(name, ...) [RAWTP_OP_##name] = &&L_##name,

/* From @subprog on, with its registers, on a stack whose lowest address is @stack. */
static uint64_t interpret(const struct rawtp_prog *prog, const struct rawtp_subprog *subprog,
			  uint64_t *regs, uintptr_t stack)
{
	/* Bytes that are no instruction stay NULL: the verifier lets none through. */
	static const void *const by_code[256] = {RAWTP_OPCODES(CODE_LABEL, NO_LABEL)};
	static const void *const by_row[RAWTP_N_OPS] = {RAWTP_OPCODES(ROW_LABEL, ROW_LABEL)};
	struct call_frame frames[RAWTP_MAX_CALL_FRAMES], *frame = frames;
	const struct bpf_insn *insn = prog->insns + subprog->start;

	clear_slots(subprog, regs[BPF_REG_10]);
	goto *by_code[insn->code];

variant:
	goto *by_row[exact_row(insn)];

	ALU(ADD, a + b, a + b)
	ALU(SUB, a - b, a - b)
	ALU(MUL, a * b, a * b)
	ALU(DIV, b ? a / b : 0, b ? a / b : 0)
	ALU(SDIV, sdiv64(a, b), sdiv32(a, b))
	ALU(OR, a | b, a | b)
	ALU(AND, a & b, a & b)
	ALU(LSH, a << (b & 63), a << (b & 31))
	ALU(RSH, a >> (b & 63), a >> (b & 31))
	ALU(MOD, b ? a % b : a, b ? a % b : a)
	ALU(SMOD, smod64(a, b), smod32(a, b))
	ALU(XOR, a ^ b, a ^ b)
	ALU(ARSH, (int64_t)a >> (b & 63), (int32_t)a >> (b & 31))
L_MOV64_X:
	DST = SRC;
	NEXT;
L_MOV64_K:
	DST = IMM;
	NEXT;
L_MOV32_X:
	DST = (uint32_t)SRC;
	NEXT;
L_MOV32_K:
	DST = (uint32_t)insn->imm;
	NEXT;
	MOVSX(8, 64)
	MOVSX(16, 64)
	MOVSX(32, 64)
	MOVSX(8, 32)
	MOVSX(16, 32)
L_NEG64:
	DST = -DST;
	NEXT;
L_NEG32:
	DST = -(uint32_t)DST;
	NEXT;
	END(LE, 16, TO_LE(16, DST))
	END(LE, 32, TO_LE(32, DST))
	END(LE, 64, TO_LE(64, DST))
	END(BE, 16, TO_BE(16, DST))
	END(BE, 32, TO_BE(32, DST))
	END(BE, 64, TO_BE(64, DST))
	END(BSWAP, 16, __builtin_bswap16(DST))
	END(BSWAP, 32, __builtin_bswap32(DST))
	END(BSWAP, 64, __builtin_bswap64(DST))
L_LD_IMM64:
	DST = insn->src_reg == BPF_PSEUDO_FUNC
		      ? (uintptr_t)(insn + 1 + insn->imm)
		      : ((uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32);
	insn++;
	NEXT;
	MEMORY(8)
	MEMORY(16)
	MEMORY(32)
	MEMORY(64)
	MEMSX(8)
	MEMSX(16)
	MEMSX(32)
	PROBE(PLDX, uint, 8, 1)
	PROBE(PLDX, uint, 16, 2)
	PROBE(PLDX, uint, 32, 4)
	PROBE(PLDX, uint, 64, 8)
	PROBE(PLDSX, int, 8, 1)
	PROBE(PLDSX, int, 16, 2)
	PROBE(PLDSX, int, 32, 4)
	ATOMIC(32)
	ATOMIC(64)
L_JA:
	insn += insn->off;
	NEXT;
L_JA32:
	insn += insn->imm;
	NEXT;
	JUMP_IF(JEQ, uint, ==)
	JUMP_IF(JGT, uint, >)
	JUMP_IF(JGE, uint, >=)
	JUMP_IF(JSET, uint, &)
	JUMP_IF(JNE, uint, !=)
	JUMP_IF(JSGT, int, >)
	JUMP_IF(JSGE, int, >=)
	JUMP_IF(JLT, uint, <)
	JUMP_IF(JLE, uint, <=)
	JUMP_IF(JSLT, int, <)
	JUMP_IF(JSLE, int, <=)
L_CALL : {
	const struct rawtp_helper *helper = rawtp_helper(insn->imm);

	if (__builtin_expect(helper->id == BPF_FUNC_tail_call, 0)) {
		struct rawtp_tail_result result = rawtp_tail_call(regs[1], regs[2], regs[3]);

		regs[0] = result.r0;
		if (result.is_done)
			goto L_EXIT;
		NEXT;
	}
	if (__builtin_expect(helper->args[1] == ARG_PTR_TO_FUNC, 0))
		regs[0] = call_with_callback(prog, helper, regs,
					     regs[BPF_REG_10] - subprog->stack_depth, stack);
	else
		regs[0] = helper->fn(regs[1], regs[2], regs[3], regs[4], regs[5]);
	NEXT;
}
L_CALL_LOCAL : {
	const struct rawtp_subprog *callee = find_subprog(prog, insn - prog->insns + insn->imm + 1);
	uintptr_t top = regs[BPF_REG_10] - subprog->stack_depth;

	if (!callee || frame == frames + RAWTP_MAX_CALL_FRAMES - 1 ||
	    top - stack < callee->stack_depth)
		return 0;
	frame->back = insn;
	frame->caller = subprog;
	memcpy(frame->saved, regs + BPF_REG_6, sizeof(frame->saved));
	frame++;
	subprog = callee;
	regs[BPF_REG_10] = top;
	clear_slots(callee, top);
	insn += insn->imm;
	NEXT;
}
L_EXIT:
	if (frame == frames)
		return regs[0];
	frame--;
	insn = frame->back;
	subprog = frame->caller;
	memcpy(regs + BPF_REG_6, frame->saved, sizeof(frame->saved));
	regs[BPF_REG_10] += subprog->stack_depth;
	NEXT;
}

uint64_t rawtp_interpret(const void *ctx, const struct rawtp_prog *prog)
{
	uint64_t regs[BPF_REG_10 + 1] = {0}, stack[RAWTP_MAX_STACK / 8];

	regs[BPF_REG_1] = (uintptr_t)ctx;
	regs[BPF_REG_10] = (uintptr_t)(stack + RAWTP_MAX_STACK / 8);
	return interpret(prog, prog->subprogs, regs, (uintptr_t)stack);
}

uint64_t rawtp_interpret_callback(uint64_t function, const uint64_t *args)
{
	const struct callback *callback =
		(const struct callback *)(uintptr_t)(function & ~RAWTP_CALLBACK_INTERPRETED);
	uint64_t regs[BPF_REG_10 + 1] = {0};

	memcpy(regs + BPF_REG_1, args, 5 * sizeof(*args));
	regs[BPF_REG_10] = callback->top;
	return interpret(callback->prog, callback->subprog, regs, callback->stack);
}
