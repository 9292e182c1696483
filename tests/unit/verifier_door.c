/* SPDX-License-Identifier: MIT */
/* rawtp_verify() seen from outside: what it leaves in the program, its log, and any bytes at all. */
#include "asm.h"
#include "func_info.h"
#include "harness.h"

#include "base/err.h"
#include "bpf/btf.h"
#include "bpf/maps/map.h"
#include "bpf/opcodes.h"
#include "bpf/verifier/verifier.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static struct rawtp_map *make_map(uint32_t type, uint32_t value_size, uint32_t flags)
{
	union bpf_attr attr = {.map_type = type,
			       .key_size = 4,
			       .value_size = value_size,
			       .max_entries = 1,
			       .map_flags = flags};
	int fd = rawtp_map_create(&attr);
	struct rawtp_map *map;

	CHECK(fd >= 0);
	map = rawtp_map_open(fd);
	CHECK(!rawtp_is_err(map));
	close(fd);
	return map;
}

static struct rawtp_prog *make_prog(const char *text)
{
	static struct bpf_insn insns[4096];
	char err[200] = "";
	int n = asm_program(text, insns, 4096, err, sizeof(err));
	struct rawtp_prog *prog;

	if (n < 0)
		test_fail(__FILE__, __LINE__, "%s", err);
	prog = rawtp_prog_new(n < 0 ? 1 : n);
	memcpy(prog->insns, insns, prog->n_insns * sizeof(*insns));
	prog->type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	prog->maps = calloc(RAWTP_MAX_MAPS, sizeof(*prog->maps));
	return prog;
}

static uint64_t imm64(const struct rawtp_prog *prog, uint32_t i)
{
	return (uint64_t)(uint32_t)prog->insns[i + 1].imm << 32 | (uint32_t)prog->insns[i].imm;
}

TEST(addresses_are_filled_in)
{
	struct rawtp_prog *prog = make_prog("r2 = map[0]; r3 = map_value[1] + 8; r0 = 0; exit");
	uint64_t addr;

	prog->maps[prog->n_maps++] = make_map(BPF_MAP_TYPE_HASH, 8, 0);
	prog->maps[prog->n_maps++] = make_map(BPF_MAP_TYPE_ARRAY, 16, 0);
	CHECK_EQ(rawtp_verify(prog, NULL), 0);
	CHECK(imm64(prog, 0) == (uintptr_t)prog->maps[0]);
	CHECK_EQ(prog->maps[1]->ops->value_addr(prog->maps[1], 8, &addr), 0);
	CHECK(imm64(prog, 2) == addr);
	CHECK_EQ(prog->insns[0].src_reg, 0);
	CHECK_EQ(prog->insns[2].src_reg, 0);
	rawtp_prog_put(prog);
}

/* What was proved from constants must not hang on memory that others can write. */
TEST(constants_are_private)
{
	struct rawtp_prog *prog = make_prog("r1 = map_value[0] + 4; r0 = *(u32 *)(r1 + 0); exit");
	struct rawtp_map *map = make_map(BPF_MAP_TYPE_ARRAY, 8, BPF_F_RDONLY_PROG);
	uint64_t addr;
	uint32_t value = 77;

	prog->maps[prog->n_maps++] = map;
	CHECK_EQ(map->ops->value_addr(map, 4, &addr), 0);
	memcpy((void *)(uintptr_t)addr, &value, sizeof(value));
	map->header->frozen = 1;
	CHECK_EQ(rawtp_verify(prog, NULL), 0);
	memset((void *)(uintptr_t)addr, 0xff, sizeof(value));
	memcpy(&value, (const void *)(uintptr_t)imm64(prog, 0), sizeof(value));
	CHECK_EQ(value, 77);
	rawtp_prog_put(prog);
}

TEST(what_no_path_reaches_becomes_exit)
{
	struct rawtp_prog *prog = make_prog("r0 = 0; if r0 == 0 goto out; r0 = map_value[0] + 0;"
					    "r0 = *(u64 *)(r0 + 0); out: exit");

	prog->maps[prog->n_maps++] = make_map(BPF_MAP_TYPE_ARRAY, 8, 0);
	CHECK_EQ(rawtp_verify(prog, NULL), 0);
	CHECK_EQ(prog->insns[2].code, BPF_JMP | BPF_EXIT);
	CHECK_EQ(prog->insns[3].code, BPF_JMP | BPF_EXIT);
	CHECK_EQ(prog->insns[4].code, BPF_JMP | BPF_EXIT);
	rawtp_prog_put(prog);
}

TEST(what_it_learns)
{
	struct rawtp_prog *prog = make_prog("r6 = *(u32 *)(r1 + 20); *(u64 *)(r10 - 24) = 0;"
					    "r1 = map[1]; r1 = map[2]; call sub; exit;"
					    "sub: *(u8 *)(r10 - 1) = 0; r0 = 0; exit");

	prog->maps[prog->n_maps++] = make_map(BPF_MAP_TYPE_PERCPU_ARRAY, 8, 0);
	prog->maps[prog->n_maps++] = make_map(BPF_MAP_TYPE_PERCPU_ARRAY, 8, 0);
	prog->maps[prog->n_maps++] = make_map(BPF_MAP_TYPE_ARRAY, 8, 0);
	CHECK_EQ(rawtp_verify(prog, NULL), 0);
	CHECK_EQ(prog->max_ctx_access, 24);
	CHECK_EQ(prog->n_subprogs, 2);
	CHECK_EQ(prog->subprogs[0].start, 0);
	CHECK_EQ(prog->subprogs[0].stack_depth, 24);
	CHECK_EQ(prog->subprogs[1].start, 8);
	CHECK_EQ(prog->subprogs[1].stack_depth, 8);
	CHECK_EQ(prog->n_percpu_maps, 1); /* the other is not used */
	CHECK(prog->percpu_maps[0] == prog->maps[1]);
	CHECK_EQ(prog->verified_insns, 9);
	rawtp_prog_put(prog);
}

TEST(too_many_percpu_maps)
{
	char text[600] = "", log_text[2000];
	struct rawtp_verifier_log log = {log_text, sizeof(log_text), 1};
	struct rawtp_prog *prog;
	int i;

	for (i = 0; i < 9; i++)
		sprintf(text + strlen(text), "r2 = map[%d];", i);
	strcat(text, "r0 = 0; exit");
	prog = make_prog(text);
	for (i = 0; i < 9; i++)
		prog->maps[prog->n_maps++] = make_map(BPF_MAP_TYPE_PERCPU_ARRAY, 8, 0);
	CHECK_EQ(rawtp_verify(prog, &log), -E2BIG);
	CHECK(strstr(log_text, "the program uses 9 per-CPU maps, more than 8") != NULL);
	rawtp_prog_put(prog);
}

/* Level 0 says nothing, 1 the report, 2 the steps; a log that is too small is cut and says so. */
TEST(log_levels)
{
	static const char text[] = "r0 = 0; r0 += 5; r0 = *(u64 *)(r0 + 0); exit";
	static char whole[4096], part[4096];
	struct rawtp_verifier_log log = {whole, sizeof(whole), 0};
	uint32_t level, size;

	for (level = 0; level <= 7; level++) {
		struct rawtp_prog *prog = make_prog(text);

		test_case("level %u", level);
		log.level = level;
		memset(whole, 'x', sizeof(whole));
		CHECK_EQ(rawtp_verify(prog, &log), -EACCES);
		CHECK_EQ(strstr(whole, "Verification failed: memory: R0 is a number") != NULL,
			 level != 0);
		CHECK_EQ(strstr(whole, "processed 3 insns") != NULL, level != 0);
		CHECK_EQ(strstr(whole, "1: (07) r0 += 5\n2: ") != NULL, (level & 2) != 0);
		rawtp_prog_put(prog);
	}
	test_case(NULL);
	for (size = 1; size < strlen(whole) + 3; size++) {
		struct rawtp_prog *prog = make_prog(text);

		log = (struct rawtp_verifier_log){part, size, 7};
		memset(part, 'x', sizeof(part));
		CHECK_EQ(rawtp_verify(prog, &log), size > strlen(whole) ? -EACCES : -ENOSPC);
		CHECK_EQ(strlen(part), size > strlen(whole) ? strlen(whole) : size - 1);
		CHECK(!strncmp(part, whole, strlen(part)));
		CHECK_EQ(part[size], 'x');
		rawtp_prog_put(prog);
	}
}

TEST(log_shows_where_a_number_comes_from)
{
	static char text[4096];
	struct rawtp_verifier_log log = {text, sizeof(text), 1};
	struct rawtp_prog *prog = make_prog("r2 = *(u64 *)(r1 + 0); r2 <<= 3; r2 += 5;"
					    "r3 = r2; r3 = *(u64 *)(r3 + 0); r0 = 0; exit");

	CHECK_EQ(rawtp_verify(prog, &log), -EACCES);
	CHECK_STR(text,
		  "Verification failed: memory: R3 is a number, not a pointer that the "
		  "verifier knows\n"
		  "Reason: the address may be bad, and the process would crash\n"
		  "At: 4: (79) r3 = *(u64 *)(r3 +0)\n"
		  "R3: number(5..18446744073709551613)\n"
		  "    set by: 2: (07) r2 += 5\n"
		  "    before: 1: (67) r2 <<= 3\n"
		  "    before: 0: (79) r2 = *(u64 *)(r1 +0)\n"
		  "Registers: R1=context+0 R2=number(5..18446744073709551613) "
		  "R3=number(5..18446744073709551613) R10=stack[0]+0\n"
		  "Suggestion: read through bpf_probe_read_user() or bpf_probe_read_kernel(), "
		  "which survive a bad address\n"
		  "processed 5 insns (limit 1000000) max_states_per_insn 1 total_states 1 "
		  "peak_pending 0 mark_values 4\n");
	rawtp_prog_put(prog);
}

static uint64_t seed = 0x2545f4914f6cdd1dULL;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dULL;
}

static int verify_any(const struct bpf_insn *insns, uint32_t n, uint32_t level)
{
	static char text[1 << 14];
	struct rawtp_verifier_log log = {text, sizeof(text), level};
	struct rawtp_prog *prog = rawtp_prog_new(n);
	uint32_t i;
	int err;

	prog->type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	memcpy(prog->insns, insns, n * sizeof(*insns));
	prog->maps = calloc(2, sizeof(*prog->maps));
	for (i = 0; i < 2; i++) {
		static struct rawtp_map *maps[2];

		if (!maps[i])
			maps[i] = make_map(i ? BPF_MAP_TYPE_ARRAY : BPF_MAP_TYPE_HASH, 16, 0);
		rawtp_map_get(maps[i]);
		prog->maps[prog->n_maps++] = maps[i];
	}
	err = rawtp_verify(prog, &log);
	rawtp_prog_put(prog);
	return err;
}

/* Any bytes: an errno. Every opcode byte comes with fields that are nearly right. */
TEST(any_bytes)
{
	struct bpf_insn insns[40];
	uint32_t round, i, n;

	for (round = 0; round < 20000; round++) {
		n = 1 + random64() % 39;
		for (i = 0; i < n; i++) {
			uint64_t bytes = random64();

			memcpy(&insns[i], &bytes, sizeof(bytes));
			if (round % 4) {
				const struct rawtp_opcode *op =
					&rawtp_opcodes[1 + random64() % (RAWTP_N_OPS - 1)];

				insns[i].code = op->code;
				insns[i].dst_reg = random64() % 11;
				insns[i].src_reg = random64() % 11;
				insns[i].off = (int16_t)(random64() % 16) - 8;
				insns[i].imm = (int32_t)(random64() % 16) - 4;
			}
		}
		if (round % 3)
			insns[n - 1] = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
		CHECK(verify_any(insns, n, random64() % 8) <= 0);
	}
}

/* One change to a program that is right. */
TEST(any_change)
{
	struct rawtp_prog *prog =
		make_prog("r6 = r1; r2 = r10; r2 += -8; *(u64 *)(r10 - 8) = 0; r1 = map[0];"
			  "call map_lookup_elem; if r0 == 0 goto out; r1 = 1;"
			  "lock *(u64 *)(r0 + 8) += r1; r2 = *(u64 *)(r6 + 8); r2 &= 7;"
			  "r1 = map_value[1] + 4; r1 += r2; r2 += 1; *(u8 *)(r1 + 0) = r2;"
			  "if r2 < 3 goto out; call sub; out: r0 = 0; exit;"
			  "sub: r0 = 1; if r0 s> r0 goto +1; r0 = 2; exit");
	struct bpf_insn insns[64];
	uint32_t n = prog->n_insns, round, taken = 0;

	memcpy(insns, prog->insns, n * sizeof(*insns));
	CHECK_EQ(verify_any(insns, n, 1), 0);
	for (round = 0; round < 20000; round++) {
		memcpy(insns, prog->insns, n * sizeof(*insns));
		((uint8_t *)insns)[random64() % (n * sizeof(*insns))] ^= 1 << random64() % 8;
		taken += verify_any(insns, n, 1) == 0;
	}
	CHECK(taken > 1000 && taken < 19000);
	rawtp_prog_put(prog);
}

/* The longest programs, and those that are made to take long: refused, or not, but soon. */
TEST(long_programs)
{
	uint32_t n = RAWTP_MAX_INSNS, i;
	struct bpf_insn *insns = calloc(n + 1, sizeof(*insns));

	for (i = 0; i < n - 1; i++)
		insns[i] = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV};
	insns[n - 1] = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
	CHECK_EQ(verify_any(insns, n, 1), 0);
	/* Each instruction a branch of its own. */
	for (i = 2; i < n - 1; i++)
		insns[i] = (struct bpf_insn){.code = BPF_JMP | BPF_JSET | BPF_K,
					     .dst_reg = 1,
					     .off = (int16_t)(i + 101 < n ? 99 : 0),
					     .imm = (int32_t)i};
	insns[1] =
		(struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 1};
	CHECK_EQ(verify_any(insns, n, 1), -E2BIG);
	insns[n] = insns[n - 1];
	CHECK_EQ(verify_any(insns, n + 1, 1), -E2BIG);
	CHECK_EQ(verify_any(insns, 0, 1), -E2BIG);
	free(insns);
}

static uint32_t put(struct bpf_insn *insns, uint32_t n, uint8_t code, uint8_t dst, uint8_t src,
		    int16_t off, int32_t imm)
{
	insns[n] = (struct bpf_insn){code, dst, src, off, imm};
	return n + 1;
}

/* Numbers that all matter and never repeat: nothing can be pruned. */
TEST(nothing_to_prune)
{
	struct bpf_insn insns[256];
	uint32_t n = 0, i;

	n = put(insns, n, BPF_LDX | BPF_MEM | BPF_DW, 2, 1, 0, 0);
	n = put(insns, n, BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 0);
	for (i = 0; i < 40; i++) {
		n = put(insns, n, BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1, 1 << (i % 31));
		n = put(insns, n, BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, 1 << (i % 20));
		n = put(insns, n, BPF_LDX | BPF_MEM | BPF_DW, 2, 1, 0, 0);
	}
	n = put(insns, n, BPF_ALU64 | BPF_MOV | BPF_X, 4, 10, 0, 0);
	n = put(insns, n, BPF_ALU64 | BPF_ADD | BPF_X, 4, 3, 0, 0);
	n = put(insns, n, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	n = put(insns, n, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	CHECK_EQ(verify_any(insns, n, 1), -E2BIG);
}

TEST(too_many_functions)
{
	struct bpf_insn insns[1024];
	uint32_t n = 0, i, count;

	for (count = 256; count <= 257; count++) {
		for (n = 0, i = 1; i < count; i++)
			n = put(insns, n, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0,
				(int32_t)(count + 1 + 2 * (i - 1) - n - 1));
		n = put(insns, n, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
		n = put(insns, n, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		for (i = 1; i < count; i++) {
			n = put(insns, n, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
			n = put(insns, n, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		}
		CHECK_EQ(verify_any(insns, n, 1), count > 256 ? -E2BIG : 0);
	}
}

/* Only a static function may be called back. */
TEST(a_global_callback)
{
	static struct func_info info;
	static char log_text[4096];
	struct rawtp_verifier_log log = {log_text, sizeof(log_text), 1};
	int global;

	for (global = 0; global < 2; global++) {
		struct rawtp_prog *prog =
			make_prog("r1 = 3; r2 = func body; r3 = 0; r4 = 0; call loop;"
				  "exit; body: r0 = 0; exit");
		uint32_t at = sizeof(struct btf_header) + 16 + 12 + 12 + 4, word;

		CHECK(func_info_find(&info, prog->insns, prog->n_insns));
		func_info_make_btf(&info);
		memcpy(&word, info.btf + at, sizeof(word));
		word |= (uint32_t)global * BTF_FUNC_GLOBAL;
		memcpy(info.btf + at, &word, sizeof(word));
		prog->btf = rawtp_btf_new(info.btf, info.btf_size);
		CHECK(!rawtp_is_err(prog->btf));
		prog->func_info = calloc(info.n, sizeof(*prog->func_info));
		memcpy(prog->func_info, info.records, info.n * sizeof(*prog->func_info));
		prog->n_func_info = info.n;
		CHECK_EQ(rawtp_verify(prog, &log), global ? -EINVAL : 0);
		CHECK(!!strstr(log_text, "the address of a global function is taken") == global);
		rawtp_prog_put(prog);
	}
}
