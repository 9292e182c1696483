/* SPDX-License-Identifier: MIT */
/* The files of tests/run on each engine of this CPU, and whether they cover the list of instructions. */
#include "harness.h"

#include "asm.h"
#include "bpf/disasm.h"
#include "bpf/interp.h"
#include "bpf/jit/jit.h"
#include "bpf/opcodes.h"
#include "vm.h"

#include <stdlib.h>

#define FOLDER "tests/run"

static void run_case(const struct vm_case *c, const struct rawtp_prog *prog, rawtp_prog_fn run)
{
	uint8_t *memory = NULL;
	uint64_t r0;

	/* Exactly its size, so that a sanitizer sees what goes beyond. */
	if (c->has_memory) {
		memory = malloc(c->n_memory);
		memcpy(memory, c->memory, c->n_memory);
	}
	test_case("%s:%u: %s", c->file, c->line, c->name);
	r0 = run(memory, prog);
	if (r0 != c->r0)
		test_fail(c->file, c->line, "r0 is %#llx, not %#llx", (unsigned long long)r0,
			  (unsigned long long)c->r0);
	if (c->has_after && memcmp(memory, c->after, c->n_memory))
		test_fail(c->file, c->line, "memory differs");
	free(memory);
}

static void interpret_case(const struct vm_case *c, void *arg)
{
	struct rawtp_prog *prog = vm_prog(c->insns, c->n_insns);

	run_case(c, prog, rawtp_interpret);
	rawtp_prog_put(prog);
}

TEST(engine_cases_interpreter)
{
	CHECK(vm_for_each_case(FOLDER, interpret_case, NULL) > 0);
}

static void compile_case(const struct vm_case *c, void *arg)
{
	struct rawtp_prog *prog = vm_prog(c->insns, c->n_insns);

	test_case("%s:%u: %s", c->file, c->line, c->name);
	CHECK_EQ(rawtp_jit_compile(prog), 0);
	CHECK(prog->jit_image != NULL);
	run_case(c, prog, prog->run);
	rawtp_prog_put(prog);
}

static bool has_jit(void)
{
	struct bpf_insn insns[2];
	struct rawtp_prog *prog;
	char err[80];
	int ret;

	prog = vm_prog(insns, asm_program("r0 = 0; exit", insns, 2, err, sizeof(err)));
	ret = rawtp_jit_compile(prog);
	rawtp_prog_put(prog);
	return !ret;
}

TEST(engine_cases_jit)
{
	if (!has_jit())
		test_skip("no JIT for this CPU, or executable memory is refused");
	CHECK(vm_for_each_case(FOLDER, compile_case, NULL) > 0);
}

static void mark_rows(const struct vm_case *c, void *arg)
{
	bool *seen = arg;
	unsigned int i;

	for (i = 0; i < c->n_insns; i++) {
		enum rawtp_op op = rawtp_decode(&c->insns[i]);

		seen[op] = true;
		i += op == RAWTP_OP_LD_IMM64;
	}
}

#define NAME(name, ...) [RAWTP_OP_##name] = #name,

TEST(engine_cases_cover_each_row)
{
	static const char *const names[RAWTP_N_OPS] = {RAWTP_OPCODES(NAME, NAME)};
	bool seen[RAWTP_N_OPS] = {false};
	unsigned int op;

	vm_for_each_case(FOLDER, mark_rows, seen);
	CHECK(!seen[RAWTP_OP_INVALID]);
	for (op = 1; op < RAWTP_N_OPS; op++)
		if (!seen[op])
			test_fail(__FILE__, __LINE__, "no case has %s", names[op]);
}

/* What the disassembler writes, the assembler reads as the same instruction. */
static void round_trip(const struct vm_case *c, void *arg)
{
	unsigned int i, step;

	for (i = 0; i < c->n_insns; i += step) {
		struct bpf_insn back[2];
		char text[100], err[200];

		step = rawtp_disasm(&c->insns[i], c->n_insns - i, text, sizeof(text));
		test_case("%s:%u: \"%s\"", c->file, c->line, text);
		CHECK_EQ(asm_program(text, back, 2, err, sizeof(err)), step);
		CHECK(!memcmp(back, &c->insns[i], step * sizeof(back[0])));
	}
}

TEST(engine_disasm_round_trip)
{
	CHECK(vm_for_each_case(FOLDER, round_trip, NULL) > 0);
}
