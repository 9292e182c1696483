/* SPDX-License-Identifier: MIT */
/* Which records to perf event arrays are known well enough to be compiled. */
#include "base/cpu/jit.h"
#include "bpf/jit/compiler.h"
#include "bpf/maps/map.h"

#include <stddef.h>

struct constants {
	uint64_t value[16];
	uint16_t known; /* registers, a bit each */
};

static void set(struct constants *constants, const struct bpf_insn *insn, uint64_t value)
{
	constants->value[insn->dst_reg] = value;
	constants->known |= (uint16_t)(1 << insn->dst_reg);
}

/* Of what is known before the instruction, what is known after it. */
static void step(struct constants *constants, const struct bpf_insn *insn)
{
	enum rawtp_op op = rawtp_decode(insn);
	const struct rawtp_opcode *row = &rawtp_opcodes[op];

	switch (op) {
	case RAWTP_OP_MOV64_K:
		set(constants, insn, (uint64_t)(int64_t)insn->imm);
		return;
	case RAWTP_OP_MOV32_K:
		set(constants, insn, (uint32_t)insn->imm);
		return;
	case RAWTP_OP_LD_IMM64:
		set(constants, insn, (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32);
		return;
	default:
		break;
	}
	if (row->kind == RAWTP_KIND_CALL || row->kind == RAWTP_KIND_CALL_LOCAL ||
	    row->kind == RAWTP_KIND_ATOMIC)
		constants->known = 0;
	else if (row->fields & RAWTP_FIELDS_D)
		constants->known &= (uint16_t) ~(1 << insn->dst_reg);
}

static bool is_output(const struct rawtp_jit *jit, const struct constants *constants,
		      struct rawtp_jit_output *output)
{
	const uint16_t needed = 1 << BPF_REG_2 | 1 << BPF_REG_3 | 1 << BPF_REG_5;
	uint64_t size = constants->value[BPF_REG_5];
	uint32_t i;

	if ((constants->known & needed) != needed ||
	    constants->value[BPF_REG_3] != BPF_F_CURRENT_CPU || size > UINT32_MAX)
		return false;
	for (i = 0; i < jit->prog->n_maps; i++) {
		const struct rawtp_map *map = jit->prog->maps[i];

		if ((uintptr_t)map != constants->value[BPF_REG_2] ||
		    !rawtp_jit_cpu.inlines_output(map, (uint32_t)size))
			continue;
		if (output)
			*output = (struct rawtp_jit_output){map, (uint32_t)size};
		return true;
	}
	return false;
}

bool rawtp_jit_inline_output(const struct rawtp_jit *jit, uint32_t index,
			     struct rawtp_jit_output *output)
{
	const struct bpf_insn *insns = jit->prog->insns;
	struct constants constants = {.known = 0};
	uint32_t i;

	if (!jit->entry || !rawtp_jit_cpu.inlines_output ||
	    rawtp_decode(&insns[index]) != RAWTP_OP_CALL ||
	    insns[index].imm != BPF_FUNC_perf_event_output)
		return false;
	for (i = 0; i < index; i++) {
		if (jit->flags[i] & RAWTP_JIT_TARGET)
			constants.known = 0;
		step(&constants, &insns[i]);
		i += rawtp_decode(&insns[i]) == RAWTP_OP_LD_IMM64;
	}
	return !(jit->flags[index] & RAWTP_JIT_TARGET) && is_output(jit, &constants, output);
}
