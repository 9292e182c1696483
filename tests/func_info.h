/* SPDX-License-Identifier: MIT */
/*
 * Function information for programs made of plain instructions: every subprogram a static function
 * without arguments. The kernel wants it where a program takes the address of one, or has tail calls
 * beside subprograms.
 */
#ifndef RAWTP_TESTS_FUNC_INFO_H
#define RAWTP_TESTS_FUNC_INFO_H

#include "bpf/opcodes.h"

#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#define FUNC_INFO_MAX 64

struct func_info {
	struct bpf_func_info records[FUNC_INFO_MAX];
	uint32_t n;
	char btf[4096];
	uint32_t btf_size;
};

static inline void func_info_add(struct func_info *info, uint32_t start)
{
	uint32_t i = info->n, k;

	for (k = 0; k < info->n; k++)
		if (info->records[k].insn_off == start)
			return;
	if (info->n == FUNC_INFO_MAX)
		return;
	for (; i && info->records[i - 1].insn_off > start; i--)
		info->records[i] = info->records[i - 1];
	info->records[i].insn_off = start;
	info->n++;
}

/* True where the program has subprograms. */
static inline bool func_info_find(struct func_info *info, const struct bpf_insn *insns, uint32_t n)
{
	uint32_t i;

	memset(info, 0, sizeof(*info));
	func_info_add(info, 0);
	for (i = 0; i < n; i++) {
		enum rawtp_op op = rawtp_decode(&insns[i]);
		bool is_address = op == RAWTP_OP_LD_IMM64 && insns[i].src_reg == BPF_PSEUDO_FUNC;

		if (is_address || op == RAWTP_OP_CALL_LOCAL)
			func_info_add(info, i + 1 + (uint32_t)insns[i].imm);
		i += op == RAWTP_OP_LD_IMM64;
	}
	return info->n > 1;
}

static inline void func_info_put(struct func_info *info, uint32_t word)
{
	memcpy(info->btf + info->btf_size, &word, sizeof(word));
	info->btf_size += sizeof(word);
}

/* int; int (void); one static function "f" for each record. */
static inline void func_info_make_btf(struct func_info *info)
{
	static const char strings[] = "\0int\0f";
	struct btf_header header = {.magic = BTF_MAGIC, .version = BTF_VERSION};
	uint32_t i;

	header.hdr_len = sizeof(header);
	info->btf_size = sizeof(header);
	func_info_put(info, 1);
	func_info_put(info, BTF_KIND_INT << 24);
	func_info_put(info, 4);
	func_info_put(info, BTF_INT_SIGNED << 24 | 32);
	func_info_put(info, 0);
	func_info_put(info, BTF_KIND_FUNC_PROTO << 24);
	func_info_put(info, 1);
	for (i = 0; i < info->n; i++) {
		func_info_put(info, 5);
		func_info_put(info, BTF_KIND_FUNC << 24 | BTF_FUNC_STATIC);
		func_info_put(info, 2);
		info->records[i].type_id = 3 + i;
	}
	header.type_len = info->btf_size - sizeof(header);
	header.str_off = header.type_len;
	header.str_len = sizeof(strings);
	memcpy(info->btf + info->btf_size, strings, sizeof(strings));
	info->btf_size += sizeof(strings);
	memcpy(info->btf, &header, sizeof(header));
}

#endif
