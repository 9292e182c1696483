/* SPDX-License-Identifier: MIT */
/*
 * vm-run [--engine interp|jit] [MEMORY_HEX]: reads a program as hex from standard input, runs it
 * without the verifier, r1 pointing to the memory and r2 its length, and prints r0 in hex: what
 * public conformance runners ask of an engine. Exit code 1 where it cannot run, with the reason.
 */
#include "bpf/helpers/helper.h"
#include "bpf/interp.h"
#include "bpf/jit/jit.h"
#include "bpf/opcodes.h"
#include "vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT (1 << 20)

static int die(const char *what)
{
	fprintf(stderr, "vm-run: %s\n", what);
	return 1;
}

/* No verifier runs, so this sees to what the engines rely on to stay inside the program. */
static const char *check(const struct bpf_insn *insns, int n)
{
	enum rawtp_op_kind kind = RAWTP_KIND_INVALID;
	static bool is_second[VM_MAX_INSNS];
	int i, pass;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < n; i++) {
			enum rawtp_op op = rawtp_decode(&insns[i]);
			long target = i + 1 + insns[i].off;

			kind = rawtp_opcodes[op].kind;
			if (op == RAWTP_OP_INVALID || insns[i].dst_reg > 10 ||
			    insns[i].src_reg > 10)
				return "not an instruction";
			if (op == RAWTP_OP_JA32 || kind == RAWTP_KIND_CALL_LOCAL)
				target = i + 1 + (long)insns[i].imm;
			if ((kind == RAWTP_KIND_JUMP || kind == RAWTP_KIND_JUMP_IF ||
			     kind == RAWTP_KIND_CALL_LOCAL) &&
			    (target < 0 || target >= n || (pass && is_second[target])))
				return "a jump to nowhere";
			if (kind == RAWTP_KIND_CALL && !rawtp_helper(insns[i].imm))
				return "unknown helper";
			if (kind == RAWTP_KIND_LD_IMM64) {
				if (++i >= n || insns[i - 1].src_reg)
					return "not an immediate";
				is_second[i] = true;
			}
		}
	}
	return kind == RAWTP_KIND_EXIT || kind == RAWTP_KIND_JUMP ? NULL : "no exit at the end";
}

int main(int argc, char **argv)
{
	static struct bpf_insn insns[VM_MAX_INSNS];
	static uint8_t memory[MAX_TEXT / 2];
	static char text[MAX_TEXT];
	const char *wrong, *engine = "jit";
	struct rawtp_prog *prog;
	int n, n_memory = 0, i = 1;

	if (argc > 2 && !strcmp(argv[1], "--engine")) {
		engine = argv[2];
		i = 3;
	}
	if ((strcmp(engine, "jit") && strcmp(engine, "interp")) || argc > i + 1)
		return die("usage: vm-run [--engine interp|jit] [MEMORY_HEX]");
	if (i < argc)
		n_memory = vm_parse_hex(argv[i], memory, sizeof(memory));
	text[fread(text, 1, sizeof(text) - 1, stdin)] = '\0';
	/* Room in front for r2 = the length. */
	n = vm_parse_hex(text, (uint8_t *)(insns + 1), sizeof(insns) - sizeof(insns[0]));
	if (n_memory < 0 || n < 8 || n % 8)
		return die("bad hex");
	n /= 8;
	wrong = check(insns + 1, n);
	if (wrong)
		return die(wrong);
	insns[0] = (struct bpf_insn){
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = n_memory};
	prog = vm_prog(insns, n + 1);
	if (prog)
		strcpy(prog->name, "vm_run");
	if (!prog || (!strcmp(engine, "jit") && rawtp_jit_compile(prog)))
		return die("cannot be compiled here");
	printf("%llx\n", (unsigned long long)prog->run(n_memory ? memory : NULL, prog));
	rawtp_prog_put(prog);
	return 0;
}
