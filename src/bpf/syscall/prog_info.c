/* SPDX-License-Identifier: MIT */
/* Rules for func_info and line_info, which tell of a program's functions and source lines. */
#include "bpf/syscall/prog_file.h"

#include <errno.h>
#include <stdlib.h>

#define LDIMM64 (BPF_LD | BPF_IMM | BPF_DW)

static int refuse(const char **why, const char *text)
{
	*why = text;
	return -EINVAL;
}

/* Marks the first instruction of each function; returns how many functions there are. */
static uint32_t mark_functions(const struct rawtp_prog *prog, uint8_t *is_start)
{
	uint32_t i, n = 1;

	is_start[0] = 1;
	for (i = 0; i < prog->n_insns; i++) {
		const struct bpf_insn *insn = &prog->insns[i];
		int64_t target;

		if (insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL)
			target = (int64_t)i + insn->imm + 1;
		else if (insn->code == LDIMM64 && insn->src_reg == BPF_PSEUDO_FUNC)
			target = (int64_t)i + insn->imm + 1;
		else
			target = -1;
		if (insn->code == LDIMM64)
			i++;
		/* A call that leaves the program is the verifier's to refuse. */
		if (target < 0 || target >= prog->n_insns || is_start[target])
			continue;
		is_start[target] = 1;
		n++;
	}
	return n;
}

static int check_func_info(const struct rawtp_prog *prog, const uint8_t *is_start,
			   uint32_t n_functions, const char **why)
{
	uint32_t i;

	if (prog->n_func_info != n_functions)
		return refuse(why, "func_info does not tell of each function");
	for (i = 0; i < prog->n_func_info; i++) {
		const struct bpf_func_info *info = &prog->func_info[i];
		const struct btf_type *type = rawtp_btf_type(prog->btf, info->type_id);

		if (i ? info->insn_off <= info[-1].insn_off : info->insn_off)
			return refuse(why, "func_info is not in order");
		if (info->insn_off >= prog->n_insns || !is_start[info->insn_off])
			return refuse(why, "func_info is not at the start of a function");
		if (!type || BTF_INFO_KIND(type->info) != BTF_KIND_FUNC)
			return refuse(why, "func_info's type is no function");
	}
	return 0;
}

static int check_line_info(const struct rawtp_prog *prog, const uint8_t *is_start, const char **why)
{
	uint32_t i, insn, next = 0, n_strings;

	for (i = 0; i < prog->n_line_info; i++) {
		const struct bpf_line_info *info = &prog->line_info[i];

		if ((i && info->insn_off <= info[-1].insn_off) || info->insn_off >= prog->n_insns)
			return refuse(why, "line_info is not in order");
		if (!prog->insns[info->insn_off].code)
			return refuse(why, "line_info is inside an instruction");
		n_strings = rawtp_btf_strings_size(prog->btf);
		if (info->line_off >= n_strings || info->file_name_off >= n_strings)
			return refuse(why, "line_info's text lies outside the strings");
	}
	for (insn = 0; insn < prog->n_insns; insn++) {
		while (next < prog->n_line_info && prog->line_info[next].insn_off < insn)
			next++;
		if (is_start[insn] &&
		    (next == prog->n_line_info || prog->line_info[next].insn_off != insn))
			return refuse(why, "a function has no line_info at its start");
	}
	return 0;
}

int rawtp_prog_check_info(const struct rawtp_prog *prog, const char **why)
{
	uint8_t *is_start;
	uint32_t n_functions;
	int err = 0;

	if (!prog->n_func_info && !prog->n_line_info)
		return 0;
	if (!prog->btf)
		return refuse(why, "func_info or line_info without BTF");
	is_start = calloc(prog->n_insns, 1);
	if (!is_start)
		return -ENOMEM;
	n_functions = mark_functions(prog, is_start);
	if (prog->n_func_info)
		err = check_func_info(prog, is_start, n_functions, why);
	if (!err && prog->n_line_info)
		err = check_line_info(prog, is_start, why);
	free(is_start);
	return err;
}
