/* SPDX-License-Identifier: MIT */
/* Fills in the text of an instruction's row in opcodes.h. */
#include "bpf/disasm.h"

#include "bpf/helpers/helper.h"
#include "bpf/opcodes.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

struct text {
	char *buf;
	size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
	va_list ap;
	int n;

	if (text->used >= text->size)
		return;
	va_start(ap, format);
	n = vsnprintf(text->buf + text->used, text->size - text->used, format, ap);
	va_end(ap);
	if (n > 0)
		text->used += n;
}

static void put_imm64(struct text *text, const struct bpf_insn *insn)
{
	uint64_t value = (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32;

	switch (insn->src_reg) {
	case 0:
		put(text, "0x%llx ll", (unsigned long long)value);
		break;
	case BPF_PSEUDO_MAP_FD:
		put(text, "map_fd[%d]", insn[0].imm);
		break;
	case BPF_PSEUDO_MAP_VALUE:
		put(text, "map_fd_value[%d]+%u", insn[0].imm, (uint32_t)insn[1].imm);
		break;
	case BPF_PSEUDO_MAP_IDX:
		put(text, "map[%d]", insn[0].imm);
		break;
	case BPF_PSEUDO_MAP_IDX_VALUE:
		put(text, "map_value[%d]+%u", insn[0].imm, (uint32_t)insn[1].imm);
		break;
	case BPF_PSEUDO_FUNC:
		put(text, "func pc%+d", insn[0].imm);
		break;
	default: /* a BTF id or an address that only the kernel has */
		put(text, "pseudo_%u[0x%llx]", insn->src_reg, (unsigned long long)value);
	}
}

static void put_call(struct text *text, int32_t id)
{
	const char *name = rawtp_helper_name(id);

	if (name)
		put(text, "bpf_%s#%d", name, id);
	else
		put(text, "unknown#%d", id);
}

static void put_field(struct text *text, char field, const struct bpf_insn *insn)
{
	switch (field) {
	case 'D':
		put(text, "r%u", insn->dst_reg);
		break;
	case 'd':
		put(text, "w%u", insn->dst_reg);
		break;
	case 'S':
		put(text, "r%u", insn->src_reg);
		break;
	case 's':
		put(text, "w%u", insn->src_reg);
		break;
	case 'i':
		put(text, "%d", insn->imm);
		break;
	case 'x':
		put(text, "0x%x", (uint32_t)insn->imm);
		break;
	case 'o':
		put(text, " %+d", insn->off);
		break;
	case 'j':
		put(text, "pc%+d", insn->off);
		break;
	case 'J':
	case 'p':
		put(text, "pc%+d", insn->imm);
		break;
	case 'l':
		put_imm64(text, insn);
		break;
	case 'c':
		put_call(text, insn->imm);
		break;
	default:
		put(text, "%c", field);
	}
}

int rawtp_disasm(const struct bpf_insn *insn, unsigned int n_left, char *buf, size_t size)
{
	struct text text = {.buf = buf, .size = size};
	enum rawtp_op op = rawtp_decode(insn);
	int n = op == RAWTP_OP_LD_IMM64 ? 2 : 1;
	const char *c;

	if (op == RAWTP_OP_INVALID || (unsigned int)n > n_left) {
		put(&text, "BUG_%02x", insn->code);
		return 1;
	}
	for (c = rawtp_opcodes[op].text; *c; c++) {
		if (*c == '%')
			put_field(&text, *++c, insn);
		else
			put(&text, "%c", *c);
	}
	return n;
}
