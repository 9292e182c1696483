/* SPDX-License-Identifier: MIT */
/*
 * Chains of programs: what they return here and in the kernel, where that is permitted.
 * tests/run/interpreter.sh does the same without machine code.
 */
#include "harness.h"
#include "oracle.h"

#include "asm.h"
#include "bpf/insn.h"
#include "func_info.h"

#include <pthread.h>
#include <stdlib.h>

#define MAX_PROGS 4

/* Program 0 is run; maps: 0 the programs (entry i is program i), 1 an array of one u64, 2 per CPU. */
static const struct {
	const char *name;
	const char *progs[MAX_PROGS];
	uint32_t result; /* 0: see below */
} chains[] = {
	{"to another",
	 {"r2 = map[0]; r3 = 1; call tail_call; r0 = 1; exit", "r0 = *(u64 *)(r1 + 8); exit"},
	 20},
	{"to nobody", {"r2 = map[0]; r3 = 3; call tail_call; r0 = 1; exit"}, 1},
	{"beyond the array", {"r2 = map[0]; r3 = 400; call tail_call; r0 = 1; exit"}, 1},
	{"by the low half of an index",
	 {"r2 = map[0]; r3 = 0x100000001 ll; call tail_call; r0 = 1; exit", "r0 = 5; exit"},
	 5},
	{"through three",
	 {"r2 = map[0]; r3 = 1; call tail_call; r0 = 1; exit",
	  "r2 = map[0]; r3 = 2; call tail_call; r0 = 2; exit", "r0 = 3; exit"},
	 3},
	{"to itself, 33 times",
	 {"r6 = r1; r1 = map_value[1] + 0; r2 = *(u64 *)(r1 + 0); r2 += 1; *(u64 *)(r1 + 0) = r2;"
	  "r7 = r2; r1 = r6; r2 = map[0]; r3 = 0; call tail_call; r0 = r7; exit"},
	 34},
	{"in a subprogram, which returns to its caller",
	 {"r6 = 100; call sub; r0 += r6; exit;"
	  "sub: r6 = 7; r2 = map[0]; r3 = 1; call tail_call; r0 = 1; exit",
	  "r6 = 8; r0 = *(u64 *)(r1 + 8); exit"},
	 120},
	{"registers and stacks are apart",
	 {"r6 = 6; r7 = 7; r8 = 8; r9 = 9; *(u64 *)(r10 - 8) = 10; call sub; r0 += r6; r0 += r7;"
	  "r0 += r8; r0 += r9; r1 = *(u64 *)(r10 - 8); r0 += r1; exit;"
	  "sub: *(u64 *)(r10 - 8) = 77; r2 = map[0]; r3 = 1; call tail_call; r0 = 1; exit",
	  "r6 = 0; r7 = 0; r8 = 0; r9 = 0; *(u64 *)(r10 - 128) = 1; r0 = 2; exit"},
	 42},
	{"each with its own per-CPU values",
	 {"r2 = map[0]; r3 = 1; call tail_call; r0 = 1; exit",
	  "*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map[2]; call map_lookup_elem;"
	  "if r0 == 0 goto +3; r1 = 5; lock *(u64 *)(r0 + 0) += r1; r0 = *(u64 *)(r0 + 0); exit"},
	 5},
	{"from a subprogram to itself, again and again",
	 {"r6 = r1; call sub; r1 = r6; call sub; r1 = map_value[1] + 0; r0 = *(u64 *)(r1 + 0); "
	  "exit;"
	  "sub: r6 = map_value[1] + 0; r2 = *(u64 *)(r6 + 0); r2 += 1; *(u64 *)(r6 + 0) = r2;"
	  "r2 = map[0]; r3 = 0; call tail_call; r0 = 0; exit"},
	 0},
};

static const uint64_t args[RAWTP_MAX_ARGS] = {10, 20, 30};

static uint32_t assemble(const char *text, struct bpf_insn *insns)
{
	char err[200] = "";
	int n = asm_program(text, insns, 100, err, sizeof(err));

	if (n < 0)
		test_fail(__FILE__, __LINE__, "%s", err);
	return n < 0 ? 0 : (uint32_t)n;
}

static int make_map(oracle_bpf_fn bpf, uint32_t type, uint32_t value_size, uint32_t n)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = 4;
	attr.value_size = value_size;
	attr.max_entries = n;
	return bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int load(oracle_bpf_fn bpf, const char *text, const int *maps)
{
	static struct func_info info;
	struct bpf_insn insns[100];
	union bpf_attr attr;
	int fd, btf_fd = -1;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = oracle_ptr(insns);
	attr.insn_cnt = assemble(text, insns);
	attr.license = oracle_ptr("GPL");
	attr.fd_array = oracle_ptr(maps);
	if (func_info_find(&info, insns, attr.insn_cnt)) {
		union bpf_attr btf;

		func_info_make_btf(&info);
		memset(&btf, 0, sizeof(btf));
		btf.btf = oracle_ptr(info.btf);
		btf.btf_size = info.btf_size;
		btf_fd = bpf(BPF_BTF_LOAD, &btf, sizeof(btf));
		attr.prog_btf_fd = (uint32_t)btf_fd;
		attr.func_info = oracle_ptr(info.records);
		attr.func_info_cnt = info.n;
		attr.func_info_rec_size = sizeof(info.records[0]);
	}
	fd = bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	close(btf_fd);
	return fd;
}

static int set(oracle_bpf_fn bpf, int map, uint32_t key, int prog)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map;
	attr.key = oracle_ptr(&key);
	attr.value = oracle_ptr(&prog);
	return bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
}

static int run(oracle_bpf_fn bpf, int prog, uint32_t *result)
{
	union bpf_attr attr;
	int err;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)prog;
	attr.test.ctx_in = oracle_ptr(args);
	attr.test.ctx_size_in = sizeof(args);
	err = bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	*result = attr.test.retval;
	return err;
}

static int run_chain(oracle_bpf_fn bpf, const char *const *progs, uint32_t *result)
{
	int maps[] = {
		make_map(bpf, BPF_MAP_TYPE_PROG_ARRAY, 4, MAX_PROGS),
		make_map(bpf, BPF_MAP_TYPE_ARRAY, 8, 1),
		make_map(bpf, BPF_MAP_TYPE_PERCPU_ARRAY, 8, 1),
	};
	int fds[MAX_PROGS] = {-1, -1, -1, -1}, i, err = 0;

	for (i = 0; i < MAX_PROGS && progs[i]; i++) {
		fds[i] = load(bpf, progs[i], maps);
		if (fds[i] < 0)
			test_fail(__FILE__, __LINE__, "program %d: %d", i, fds[i]);
		CHECK_EQ(set(bpf, maps[0], (uint32_t)i, fds[i]), 0);
	}
	err = run(bpf, fds[0], result);
	for (i = 0; i < MAX_PROGS; i++)
		close(fds[i]);
	for (i = 0; i < 3; i++)
		close(maps[i]);
	return err;
}

TEST(engine_tail_chains)
{
	bool has_kernel = oracle_has_kernel();
	uint32_t i, result, theirs;

	for (i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		test_case("%s", chains[i].name);
		result = theirs = 0;
		CHECK_EQ(run_chain(oracle_rawtp, chains[i].progs, &result), 0);
		if (chains[i].result)
			CHECK_EQ(result, chains[i].result);
		if (has_kernel)
			CHECK_EQ(run_chain(oracle_kernel, chains[i].progs, &theirs), 0);
		if (has_kernel && chains[i].result)
			CHECK_EQ(theirs, chains[i].result);
		/* The kernel counts the tail calls of a run, we those of each chain in it. */
		if (!chains[i].result)
			CHECK(result >= 35 && result <= 34 * 34);
	}
	test_case(NULL);
}

struct changes {
	int main_prog;
	int done; /* atomic */
	unsigned int runs, bad;
};

static void *run_all_the_time(void *arg)
{
	struct changes *changes = arg;
	uint32_t result;

	while (!__atomic_load_n(&changes->done, __ATOMIC_ACQUIRE)) {
		if (run(oracle_rawtp, changes->main_prog, &result))
			continue;
		changes->runs++;
		changes->bad += result != 1 && result != 2 && result != 3;
	}
	return NULL;
}

/* Entries come, go and are replaced, by programs that are closed at once, while others run through them. */
TEST(engine_tail_changes)
{
	int maps[3] = {make_map(oracle_rawtp, BPF_MAP_TYPE_PROG_ARRAY, 4, 2), -1, -1}, i, k;
	struct changes changes[2] = {{0}};
	pthread_t threads[2];
	uint32_t key = 1;

	for (i = 0; i < 2; i++) {
		changes[i].main_prog = load(
			oracle_rawtp, "r2 = map[0]; r3 = 1; call tail_call; r0 = 1; exit", maps);
		CHECK(changes[i].main_prog >= 0);
		CHECK_EQ(pthread_create(&threads[i], NULL, run_all_the_time, &changes[i]), 0);
	}
	for (i = 0; i < 200; i++) {
		int prog = load(oracle_rawtp, i & 1 ? "r0 = 2; exit" : "r0 = 3; exit", maps);
		union bpf_attr attr;

		CHECK_EQ(set(oracle_rawtp, maps[0], key, prog), 0);
		close(prog);
		if (i % 5)
			continue;
		memset(&attr, 0, sizeof(attr));
		attr.map_fd = (uint32_t)maps[0];
		attr.key = oracle_ptr(&key);
		CHECK_EQ(oracle_rawtp(BPF_MAP_DELETE_ELEM, &attr, sizeof(attr)), 0);
		CHECK_EQ(oracle_rawtp(BPF_MAP_DELETE_ELEM, &attr, sizeof(attr)), -ENOENT);
	}
	for (k = 0; k < 2; k++) {
		__atomic_store_n(&changes[k].done, 1, __ATOMIC_RELEASE);
		pthread_join(threads[k], NULL);
		CHECK(changes[k].runs > 0);
		CHECK_EQ(changes[k].bad, 0);
		close(changes[k].main_prog);
	}
	close(maps[0]);
}

/* The commands on an array of programs, here and there. */
TEST(engine_tail_commands)
{
	static const oracle_bpf_fn worlds[] = {oracle_rawtp, oracle_kernel};
	uint32_t i, n = oracle_has_kernel() ? 2 : 1;

	for (i = 0; i < n; i++) {
		oracle_bpf_fn bpf = worlds[i];
		int map = make_map(bpf, BPF_MAP_TYPE_PROG_ARRAY, 4, 2), key = 0, none = -1;
		int prog = load(bpf, "r0 = 0; exit", &none);
		uint32_t id = 0;
		union bpf_attr attr;

		test_case("%s", i ? "kernel" : "here");
		CHECK_EQ(make_map(bpf, BPF_MAP_TYPE_PROG_ARRAY, 8, 2), -EINVAL);
		memset(&attr, 0, sizeof(attr));
		attr.map_fd = (uint32_t)map;
		attr.key = oracle_ptr(&key);
		attr.value = oracle_ptr(&id);
		CHECK_EQ(bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), -ENOENT);
		CHECK_EQ(set(bpf, map, 2, prog), -E2BIG);
		CHECK_EQ(set(bpf, map, 0, map), -EINVAL);
		CHECK_EQ(set(bpf, map, 0, -1), -EBADF);
		CHECK_EQ(set(bpf, map, 0, prog), 0);
		CHECK_EQ(bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
		CHECK(id != 0);
		attr.flags = BPF_NOEXIST;
		attr.value = oracle_ptr(&prog);
		CHECK_EQ(bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), -EINVAL);
		attr.flags = 0;
		attr.value = 0;
		CHECK_EQ(bpf(BPF_MAP_DELETE_ELEM, &attr, sizeof(attr)), 0);
		CHECK_EQ(bpf(BPF_MAP_DELETE_ELEM, &attr, sizeof(attr)), -ENOENT);
		close(prog);
		close(map);
	}
	test_case(NULL);
}
