/* SPDX-License-Identifier: MIT */
/* The list of opcodes.h as tables, and the one decoder. */
#include "bpf/opcodes.h"

_Static_assert(RAWTP_N_OPS <= 256, "rawtp_first_op holds rows in a byte");

enum {
	FIELD_OF_ANY = 0,
	FIELD_OF_OFF = RAWTP_FIELDS_O,
	FIELD_OF_IMM = RAWTP_FIELDS_I,
	FIELD_OF_SRC = RAWTP_FIELDS_S,
};

#define ROW(name_, code_, select_, value_, kind_, fields_, text_)      \
	[RAWTP_OP_##name_] = {                                         \
		.text = text_,                                         \
		.value = value_,                                       \
		.code = code_,                                         \
		.select = RAWTP_SELECT_##select_,                      \
		.kind = RAWTP_KIND_##kind_,                            \
		.fields = RAWTP_FIELDS_##fields_ | FIELD_OF_##select_, \
	},

const struct rawtp_opcode rawtp_opcodes[RAWTP_N_OPS] = {RAWTP_OPCODES(ROW, ROW)};

#define FIRST_ROW(name, code, ...) [code] = RAWTP_OP_##name,
#define NO_ROW(...)

const uint8_t rawtp_first_op[256] = {RAWTP_OPCODES(FIRST_ROW, NO_ROW)};

static int32_t selecting_field(const struct bpf_insn *insn, unsigned int select)
{
	switch (select) {
	case RAWTP_SELECT_OFF:
		return insn->off;
	case RAWTP_SELECT_IMM:
		return insn->imm;
	case RAWTP_SELECT_SRC:
		return insn->src_reg;
	default:
		return 0;
	}
}

enum rawtp_op rawtp_decode(const struct bpf_insn *insn)
{
	unsigned int op = rawtp_first_op[insn->code];
	int32_t value = selecting_field(insn, rawtp_opcodes[op].select);

	for (; op < RAWTP_N_OPS && rawtp_opcodes[op].code == insn->code; op++)
		if (rawtp_opcodes[op].value == value)
			return op;
	return RAWTP_OP_INVALID;
}

bool rawtp_reserved_zero(const struct bpf_insn *insn, enum rawtp_op op)
{
	unsigned int fields = rawtp_opcodes[op].fields;

	return ((fields & RAWTP_FIELDS_D) || !insn->dst_reg) &&
	       ((fields & RAWTP_FIELDS_S) || !insn->src_reg) &&
	       ((fields & RAWTP_FIELDS_O) || !insn->off) &&
	       ((fields & RAWTP_FIELDS_I) || !insn->imm);
}
