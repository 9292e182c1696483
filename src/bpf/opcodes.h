/* SPDX-License-Identifier: MIT */
/*
 * THE list of instructions: RFC 9669, all groups but the legacy packet access, and the kernel's
 * load-acquire and store-release. Its readers are the decoder and its validity table (opcodes.c),
 * the verifier's dispatch, the interpreter's labels, the disassembler, the assembler of the tests
 * and the JITs, whose tables assert that they have each row, in this order.
 *
 * FIRST and ALSO are called with one row each:
 *
 *	(name, code, select, value, kind, fields, text)
 *
 *  name     RAWTP_OP_<name> in enum rawtp_op; _X reads a register, _K the immediate
 *  code     the opcode byte
 *  select   the field that tells rows of one opcode byte apart, ANY where the byte is enough; the
 *           first of such rows is a FIRST, the others follow it at once and are ALSO
 *  value    what that field holds
 *  kind     RAWTP_KIND_<kind>: rows that are proved and compiled alike
 *  fields   fields that the instruction reads, besides @select: D(ST), S(RC), O(FF), I(MM); the
 *           others must be zero
 *  text     %D %S the registers, %d %s their lower halves, %i the immediate, %x the same in hex,
 *           %o the offset, %j a jump by the offset, %J a jump by the immediate, %l a 64-bit
 *           immediate or what its source register makes of it, %c the helper, %p a subprogram
 */
#ifndef RAWTP_BPF_OPCODES_H
#define RAWTP_BPF_OPCODES_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

/* clang-format off */

/* Younger than the oldest <linux/bpf.h> that we build with. */
#define RAWTP_BPF_MEMSX     0x80
#define RAWTP_BPF_PROBE_MEM   0x20 /* never in a program that is loaded: the verifier puts them there */
#define RAWTP_BPF_PROBE_MEMSX 0x40
#define RAWTP_BPF_LOAD_ACQ  0x100
#define RAWTP_BPF_STORE_REL 0x110

#define RAWTP_ROWS_ALU(FIRST, NAME, op, sign)                                                      \
	FIRST(NAME##64_X, BPF_ALU64 | BPF_X | op, ANY, 0, ALU, DS, "%D " sign " %S")               \
	FIRST(NAME##64_K, BPF_ALU64 | BPF_K | op, ANY, 0, ALU, DI, "%D " sign " %i")               \
	FIRST(NAME##32_X, BPF_ALU | BPF_X | op, ANY, 0, ALU, DS, "%d " sign " %s")                 \
	FIRST(NAME##32_K, BPF_ALU | BPF_K | op, ANY, 0, ALU, DI, "%d " sign " %i")

/* Division: an offset of one makes it signed. */
#define RAWTP_ROWS_DIV(FIRST, ALSO, NAME, op, sign)                                                \
	FIRST(NAME##64_X, BPF_ALU64 | BPF_X | op, OFF, 0, ALU, DS, "%D " sign " %S")               \
	ALSO(S##NAME##64_X, BPF_ALU64 | BPF_X | op, OFF, 1, ALU, DS, "%D s" sign " %S")            \
	FIRST(NAME##64_K, BPF_ALU64 | BPF_K | op, OFF, 0, ALU, DI, "%D " sign " %i")               \
	ALSO(S##NAME##64_K, BPF_ALU64 | BPF_K | op, OFF, 1, ALU, DI, "%D s" sign " %i")            \
	FIRST(NAME##32_X, BPF_ALU | BPF_X | op, OFF, 0, ALU, DS, "%d " sign " %s")                 \
	ALSO(S##NAME##32_X, BPF_ALU | BPF_X | op, OFF, 1, ALU, DS, "%d s" sign " %s")              \
	FIRST(NAME##32_K, BPF_ALU | BPF_K | op, OFF, 0, ALU, DI, "%d " sign " %i")                 \
	ALSO(S##NAME##32_K, BPF_ALU | BPF_K | op, OFF, 1, ALU, DI, "%d s" sign " %i")

#define RAWTP_ROWS_MOV(FIRST, ALSO)                                                                \
	FIRST(MOV64_X, BPF_ALU64 | BPF_X | BPF_MOV, OFF, 0, MOV, DS, "%D = %S")                    \
	ALSO(MOVSX8_64, BPF_ALU64 | BPF_X | BPF_MOV, OFF, 8, MOVSX, DS, "%D = (s8)%S")             \
	ALSO(MOVSX16_64, BPF_ALU64 | BPF_X | BPF_MOV, OFF, 16, MOVSX, DS, "%D = (s16)%S")          \
	ALSO(MOVSX32_64, BPF_ALU64 | BPF_X | BPF_MOV, OFF, 32, MOVSX, DS, "%D = (s32)%S")          \
	FIRST(MOV64_K, BPF_ALU64 | BPF_K | BPF_MOV, ANY, 0, MOV, DI, "%D = %i")                    \
	FIRST(MOV32_X, BPF_ALU | BPF_X | BPF_MOV, OFF, 0, MOV, DS, "%d = %s")                      \
	ALSO(MOVSX8_32, BPF_ALU | BPF_X | BPF_MOV, OFF, 8, MOVSX, DS, "%d = (s8)%s")               \
	ALSO(MOVSX16_32, BPF_ALU | BPF_X | BPF_MOV, OFF, 16, MOVSX, DS, "%d = (s16)%s")            \
	FIRST(MOV32_K, BPF_ALU | BPF_K | BPF_MOV, ANY, 0, MOV, DI, "%d = %i")                      \
	FIRST(NEG64, BPF_ALU64 | BPF_NEG, ANY, 0, NEG, D, "%D = -%D")                              \
	FIRST(NEG32, BPF_ALU | BPF_NEG, ANY, 0, NEG, D, "%d = -%d")

#define RAWTP_ROWS_END(FIRST, ALSO, NAME, code, text)                                              \
	FIRST(NAME##16, code, IMM, 16, END, D, "%D = " text "16 %D")                               \
	ALSO(NAME##32, code, IMM, 32, END, D, "%D = " text "32 %D")                                \
	ALSO(NAME##64, code, IMM, 64, END, D, "%D = " text "64 %D")

#define RAWTP_ROWS_MEMORY(FIRST, bits, size)                                                       \
	FIRST(LDX##bits, BPF_LDX | BPF_MEM | size, ANY, 0, LOAD, DSO, "%D = *(u" #bits " *)(%S%o)") \
	FIRST(STX##bits, BPF_STX | BPF_MEM | size, ANY, 0, STORE, DSO, "*(u" #bits " *)(%D%o) = %S") \
	FIRST(ST##bits, BPF_ST | BPF_MEM | size, ANY, 0, STORE_IMM, DOI, "*(u" #bits " *)(%D%o) = %i")

#define RAWTP_ROWS_MEMSX(FIRST, bits, size)                                                        \
	FIRST(LDSX##bits, BPF_LDX | RAWTP_BPF_MEMSX | size, ANY, 0, LOAD, DSO,                     \
	      "%D = *(s" #bits " *)(%S%o)")

/* As a load, but what cannot be read is 0. */
#define RAWTP_ROWS_PROBE(FIRST, bits, size)                                                        \
	FIRST(PLDX##bits, BPF_LDX | RAWTP_BPF_PROBE_MEM | size, ANY, 0, PROBE, DSO,                \
	      "%D = probe *(u" #bits " *)(%S%o)")

#define RAWTP_ROWS_PROBESX(FIRST, bits, size)                                                      \
	FIRST(PLDSX##bits, BPF_LDX | RAWTP_BPF_PROBE_MEMSX | size, ANY, 0, PROBE, DSO,             \
	      "%D = probe *(s" #bits " *)(%S%o)")

/* The immediate chooses; @fetch and up leave the old value in SRC, cmpxchg compares with R0. */
#define RAWTP_ROWS_ATOMIC(FIRST, ALSO, bits, size, call)                                           \
	FIRST(ATOMIC_ADD##bits, BPF_STX | BPF_ATOMIC | size, IMM, BPF_ADD, ATOMIC, DSO,            \
	      "lock *(u" #bits " *)(%D%o) += %S")                                                  \
	ALSO(ATOMIC_OR##bits, BPF_STX | BPF_ATOMIC | size, IMM, BPF_OR, ATOMIC, DSO,               \
	     "lock *(u" #bits " *)(%D%o) |= %S")                                                   \
	ALSO(ATOMIC_AND##bits, BPF_STX | BPF_ATOMIC | size, IMM, BPF_AND, ATOMIC, DSO,             \
	     "lock *(u" #bits " *)(%D%o) &= %S")                                                   \
	ALSO(ATOMIC_XOR##bits, BPF_STX | BPF_ATOMIC | size, IMM, BPF_XOR, ATOMIC, DSO,             \
	     "lock *(u" #bits " *)(%D%o) ^= %S")                                                   \
	ALSO(FETCH_ADD##bits, BPF_STX | BPF_ATOMIC | size, IMM, BPF_ADD | BPF_FETCH, ATOMIC, DSO,  \
	     "%S = " call "_fetch_add((u" #bits " *)(%D%o), %S)")                                  \
	ALSO(FETCH_OR##bits, BPF_STX | BPF_ATOMIC | size, IMM, BPF_OR | BPF_FETCH, ATOMIC, DSO,    \
	     "%S = " call "_fetch_or((u" #bits " *)(%D%o), %S)")                                   \
	ALSO(FETCH_AND##bits, BPF_STX | BPF_ATOMIC | size, IMM, BPF_AND | BPF_FETCH, ATOMIC, DSO,  \
	     "%S = " call "_fetch_and((u" #bits " *)(%D%o), %S)")                                  \
	ALSO(FETCH_XOR##bits, BPF_STX | BPF_ATOMIC | size, IMM, BPF_XOR | BPF_FETCH, ATOMIC, DSO,  \
	     "%S = " call "_fetch_xor((u" #bits " *)(%D%o), %S)")                                  \
	ALSO(XCHG##bits, BPF_STX | BPF_ATOMIC | size, IMM, BPF_XCHG, ATOMIC, DSO,                  \
	     "%S = " call "_xchg((u" #bits " *)(%D%o), %S)")                                       \
	ALSO(CMPXCHG##bits, BPF_STX | BPF_ATOMIC | size, IMM, BPF_CMPXCHG, ATOMIC, DSO,            \
	     "r0 = " call "_cmpxchg((u" #bits " *)(%D%o), r0, %S)")

#define RAWTP_ROWS_ORDERED(FIRST, ALSO, bits, size)                                                \
	FIRST(LOAD_ACQ##bits, BPF_STX | BPF_ATOMIC | size, IMM, RAWTP_BPF_LOAD_ACQ, LOAD_ACQ, DSO, \
	      "%D = load_acquire((u" #bits " *)(%S%o))")                                           \
	ALSO(STORE_REL##bits, BPF_STX | BPF_ATOMIC | size, IMM, RAWTP_BPF_STORE_REL, STORE_REL, DSO, \
	     "store_release((u" #bits " *)(%D%o), %S)")

#define RAWTP_ROWS_JUMP(FIRST, NAME, op, sign)                                                     \
	FIRST(NAME##_X, BPF_JMP | BPF_X | op, ANY, 0, JUMP_IF, DSO, "if %D " sign " %S goto %j")   \
	FIRST(NAME##_K, BPF_JMP | BPF_K | op, ANY, 0, JUMP_IF, DOI, "if %D " sign " %x goto %j")   \
	FIRST(NAME##32_X, BPF_JMP32 | BPF_X | op, ANY, 0, JUMP_IF, DSO, "if %d " sign " %s goto %j") \
	FIRST(NAME##32_K, BPF_JMP32 | BPF_K | op, ANY, 0, JUMP_IF, DOI, "if %d " sign " %x goto %j")

#define RAWTP_OPCODES(FIRST, ALSO)                                                                 \
	RAWTP_ROWS_ALU(FIRST, ADD, BPF_ADD, "+=")                                                  \
	RAWTP_ROWS_ALU(FIRST, SUB, BPF_SUB, "-=")                                                  \
	RAWTP_ROWS_ALU(FIRST, MUL, BPF_MUL, "*=")                                                  \
	RAWTP_ROWS_DIV(FIRST, ALSO, DIV, BPF_DIV, "/=")                                            \
	RAWTP_ROWS_ALU(FIRST, OR, BPF_OR, "|=")                                                    \
	RAWTP_ROWS_ALU(FIRST, AND, BPF_AND, "&=")                                                  \
	RAWTP_ROWS_ALU(FIRST, LSH, BPF_LSH, "<<=")                                                 \
	RAWTP_ROWS_ALU(FIRST, RSH, BPF_RSH, ">>=")                                                 \
	RAWTP_ROWS_DIV(FIRST, ALSO, MOD, BPF_MOD, "%%=")                                           \
	RAWTP_ROWS_ALU(FIRST, XOR, BPF_XOR, "^=")                                                  \
	RAWTP_ROWS_ALU(FIRST, ARSH, BPF_ARSH, "s>>=")                                              \
	RAWTP_ROWS_MOV(FIRST, ALSO)                                                                \
	RAWTP_ROWS_END(FIRST, ALSO, LE, BPF_ALU | BPF_END | BPF_TO_LE, "le")                       \
	RAWTP_ROWS_END(FIRST, ALSO, BE, BPF_ALU | BPF_END | BPF_TO_BE, "be")                       \
	RAWTP_ROWS_END(FIRST, ALSO, BSWAP, BPF_ALU64 | BPF_END | BPF_TO_LE, "bswap")               \
	FIRST(LD_IMM64, BPF_LD | BPF_IMM | BPF_DW, ANY, 0, LD_IMM64, DSI, "%D = %l")               \
	RAWTP_ROWS_MEMORY(FIRST, 8, BPF_B)                                                         \
	RAWTP_ROWS_MEMORY(FIRST, 16, BPF_H)                                                        \
	RAWTP_ROWS_MEMORY(FIRST, 32, BPF_W)                                                        \
	RAWTP_ROWS_MEMORY(FIRST, 64, BPF_DW)                                                       \
	RAWTP_ROWS_MEMSX(FIRST, 8, BPF_B)                                                          \
	RAWTP_ROWS_MEMSX(FIRST, 16, BPF_H)                                                         \
	RAWTP_ROWS_MEMSX(FIRST, 32, BPF_W)                                                         \
	RAWTP_ROWS_PROBE(FIRST, 8, BPF_B)                                                          \
	RAWTP_ROWS_PROBE(FIRST, 16, BPF_H)                                                         \
	RAWTP_ROWS_PROBE(FIRST, 32, BPF_W)                                                         \
	RAWTP_ROWS_PROBE(FIRST, 64, BPF_DW)                                                        \
	RAWTP_ROWS_PROBESX(FIRST, 8, BPF_B)                                                        \
	RAWTP_ROWS_PROBESX(FIRST, 16, BPF_H)                                                       \
	RAWTP_ROWS_PROBESX(FIRST, 32, BPF_W)                                                       \
	RAWTP_ROWS_ORDERED(FIRST, ALSO, 8, BPF_B)                                                  \
	RAWTP_ROWS_ORDERED(FIRST, ALSO, 16, BPF_H)                                                 \
	RAWTP_ROWS_ATOMIC(FIRST, ALSO, 32, BPF_W, "atomic")                                        \
	RAWTP_ROWS_ORDERED(ALSO, ALSO, 32, BPF_W)                                                  \
	RAWTP_ROWS_ATOMIC(FIRST, ALSO, 64, BPF_DW, "atomic64")                                     \
	RAWTP_ROWS_ORDERED(ALSO, ALSO, 64, BPF_DW)                                                 \
	FIRST(JA, BPF_JMP | BPF_JA, ANY, 0, JUMP, O, "goto %j")                                    \
	FIRST(JA32, BPF_JMP32 | BPF_JA, ANY, 0, JUMP, I, "gotol %J")                               \
	RAWTP_ROWS_JUMP(FIRST, JEQ, BPF_JEQ, "==")                                                 \
	RAWTP_ROWS_JUMP(FIRST, JGT, BPF_JGT, ">")                                                  \
	RAWTP_ROWS_JUMP(FIRST, JGE, BPF_JGE, ">=")                                                 \
	RAWTP_ROWS_JUMP(FIRST, JSET, BPF_JSET, "&")                                                \
	RAWTP_ROWS_JUMP(FIRST, JNE, BPF_JNE, "!=")                                                 \
	RAWTP_ROWS_JUMP(FIRST, JSGT, BPF_JSGT, "s>")                                               \
	RAWTP_ROWS_JUMP(FIRST, JSGE, BPF_JSGE, "s>=")                                              \
	RAWTP_ROWS_JUMP(FIRST, JLT, BPF_JLT, "<")                                                  \
	RAWTP_ROWS_JUMP(FIRST, JLE, BPF_JLE, "<=")                                                 \
	RAWTP_ROWS_JUMP(FIRST, JSLT, BPF_JSLT, "s<")                                               \
	RAWTP_ROWS_JUMP(FIRST, JSLE, BPF_JSLE, "s<=")                                              \
	FIRST(CALL, BPF_JMP | BPF_CALL, SRC, 0, CALL, I, "call %c")                                \
	ALSO(CALL_LOCAL, BPF_JMP | BPF_CALL, SRC, BPF_PSEUDO_CALL, CALL_LOCAL, I, "call %p")       \
	FIRST(EXIT, BPF_JMP | BPF_EXIT, ANY, 0, EXIT, NONE, "exit")
/* clang-format on */

#define RAWTP_OP_ENUM(name, ...) RAWTP_OP_##name,
enum rawtp_op { RAWTP_OP_INVALID, RAWTP_OPCODES(RAWTP_OP_ENUM, RAWTP_OP_ENUM) RAWTP_N_OPS };
#undef RAWTP_OP_ENUM

enum rawtp_op_kind {
	RAWTP_KIND_INVALID,
	RAWTP_KIND_ALU,       /* dst = dst OP src|imm, 32 or 64 bits by the class */
	RAWTP_KIND_MOV,       /* dst = src|imm */
	RAWTP_KIND_MOVSX,     /* dst = sign-extended lower @value bits of src */
	RAWTP_KIND_NEG,       /* dst = -dst */
	RAWTP_KIND_END,       /* byte order of the lower @value bits, the rest cleared */
	RAWTP_KIND_LD_IMM64,  /* two slots */
	RAWTP_KIND_LOAD,      /* dst = *(src + off) */
	RAWTP_KIND_PROBE,     /* the same, 0 where that cannot be read */
	RAWTP_KIND_STORE,     /* *(dst + off) = src */
	RAWTP_KIND_STORE_IMM, /* *(dst + off) = imm */
	RAWTP_KIND_ATOMIC,    /* on *(dst + off); imm is the operation */
	RAWTP_KIND_LOAD_ACQ,  /* dst = *(src + off), acquire */
	RAWTP_KIND_STORE_REL, /* *(dst + off) = src, release */
	RAWTP_KIND_JUMP,      /* always */
	RAWTP_KIND_JUMP_IF,   /* compares dst with src|imm, 32 or 64 bits by the class */
	RAWTP_KIND_CALL,      /* a helper */
	RAWTP_KIND_CALL_LOCAL,
	RAWTP_KIND_EXIT,
};

enum rawtp_op_select { RAWTP_SELECT_ANY, RAWTP_SELECT_OFF, RAWTP_SELECT_IMM, RAWTP_SELECT_SRC };

/* Bits of struct rawtp_opcode's fields. The selecting field's bit is set as well. */
enum rawtp_op_fields {
	RAWTP_FIELDS_NONE = 0,
	RAWTP_FIELDS_D = 1,
	RAWTP_FIELDS_S = 2,
	RAWTP_FIELDS_O = 4,
	RAWTP_FIELDS_I = 8,
	RAWTP_FIELDS_DS = RAWTP_FIELDS_D | RAWTP_FIELDS_S,
	RAWTP_FIELDS_DI = RAWTP_FIELDS_D | RAWTP_FIELDS_I,
	RAWTP_FIELDS_DSO = RAWTP_FIELDS_DS | RAWTP_FIELDS_O,
	RAWTP_FIELDS_DSI = RAWTP_FIELDS_DS | RAWTP_FIELDS_I,
	RAWTP_FIELDS_DOI = RAWTP_FIELDS_DI | RAWTP_FIELDS_O,
};

struct rawtp_opcode {
	const char *text;
	int32_t value;
	uint8_t code;
	uint8_t select; /* enum rawtp_op_select */
	uint8_t kind;   /* enum rawtp_op_kind */
	uint8_t fields;
};

/* Indexed by enum rawtp_op; entry 0 is RAWTP_OP_INVALID. */
extern const struct rawtp_opcode rawtp_opcodes[RAWTP_N_OPS];
/* The first row of each opcode byte; RAWTP_OP_INVALID where there is none. */
extern const uint8_t rawtp_first_op[256];

/* Which row @insn is; RAWTP_OP_INVALID for any bytes that are none. Reads one slot. */
enum rawtp_op rawtp_decode(const struct bpf_insn *insn);

/* Whether the fields of @insn that row @op does not read are all zero. */
bool rawtp_reserved_zero(const struct bpf_insn *insn, enum rawtp_op op);

/* Bytes of memory that a row of a memory kind touches: 1, 2, 4, 8. */
static inline unsigned int rawtp_op_bytes(const struct bpf_insn *insn)
{
	return BPF_SIZE(insn->code) == BPF_B   ? 1
	       : BPF_SIZE(insn->code) == BPF_H ? 2
	       : BPF_SIZE(insn->code) == BPF_W ? 4
					       : 8;
}

#endif
