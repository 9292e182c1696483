/* SPDX-License-Identifier: MIT */
/*
 * The interpreter against the kernel: BPF_PROG_TEST_RUN of the same bytes as a raw tracepoint
 * program. R0 comes back as 32 bits, so each program runs twice, the second time under a main
 * program that shifts its result down.
 */
#include "harness.h"

#include "bpf/interp.h"
#include "bpf/opcodes.h"
#include "random_insns.h"
#include "vm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define N_RANDOM  500
#define MAX_WHOLE (VM_MAX_INSNS + 3)

static char kernel_log[16384];

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr)) < 0 ? -errno : 0;
}

static int load(const struct bpf_insn *insns, unsigned int n)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	kernel_log[0] = '\0';
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = n;
	attr.license = (uintptr_t) "GPL";
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd >= 0 || errno == EPERM)
		return fd < 0 ? -errno : fd;
	attr.log_level = 1;
	attr.log_buf = (uintptr_t)kernel_log;
	attr.log_size = sizeof(kernel_log);
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

static int run(const struct bpf_insn *insns, unsigned int n, uint32_t *retval)
{
	union bpf_attr attr;
	int fd = load(insns, n), err;

	if (fd < 0)
		return fd;
	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = fd;
	err = bpf(BPF_PROG_TEST_RUN, &attr);
	*retval = attr.test.retval;
	close(fd);
	return err;
}

/* All of R0, or -errno of the load. */
static int run_whole(const struct bpf_insn *insns, unsigned int n, uint64_t *r0)
{
	static struct bpf_insn whole[MAX_WHOLE];
	uint32_t low, high;
	int err = run(insns, n, &low);

	if (err)
		return err;
	whole[0] =
		(struct bpf_insn){.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = 2};
	whole[1] = (struct bpf_insn){.code = BPF_ALU64 | BPF_RSH | BPF_K, .imm = 32};
	whole[2] = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
	memcpy(whole + 3, insns, n * sizeof(*insns));
	err = run(whole, n + 3, &high);
	*r0 = low | (uint64_t)high << 32;
	return err;
}

/* Skips the test where programs cannot be loaded at all. */
static void need_kernel(void)
{
	static const struct bpf_insn insns[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 5},
						{.code = BPF_JMP | BPF_EXIT}};
	uint64_t r0 = 0;
	int err = run_whole(insns, 2, &r0);

	if (err)
		test_skip("bpf(2) cannot load and run a program here: %s", strerror(-err));
	CHECK_EQ(r0, 5);
}

struct counts {
	unsigned int run, refused;
};

static void case_in_kernel(const struct vm_case *c, void *arg)
{
	struct counts *counts = arg;
	uint64_t r0;
	int err;

	/* The kernel's context is not memory of ours. */
	if (c->has_memory || c->no_kernel)
		return;
	test_case("%s:%u: %s", c->file, c->line, c->name);
	err = run_whole(c->insns, c->n_insns, &r0);
	if (err) {
		counts->refused++;
		test_fail(c->file, c->line, "%s: %s", strerror(-err), kernel_log);
		return;
	}
	counts->run++;
	if (r0 != c->r0)
		test_fail(c->file, c->line, "the kernel's r0 is %#llx, not %#llx",
			  (unsigned long long)r0, (unsigned long long)c->r0);
}

TEST(engine_kernel_cases)
{
	struct counts counts = {0, 0};

	need_kernel();
	vm_for_each_case("tests/run", case_in_kernel, &counts);
	CHECK(counts.run > 1000);
}

TEST(engine_kernel_random_programs)
{
	struct bpf_insn insns[RANDOM_MAX_INSNS];
	unsigned int i, ran = 0;

	need_kernel();
	for (i = 1; i <= N_RANDOM; i++) {
		unsigned int n = random_program(i, insns);
		struct rawtp_prog *prog = vm_prog(insns, n);
		uint64_t ours = rawtp_interpret(NULL, prog), kernels = 0;
		int err = run_whole(insns, n, &kernels);

		rawtp_prog_put(prog);
		test_case("seed %u", i);
		if (err)
			test_fail(__FILE__, __LINE__, "%s: %s", strerror(-err), kernel_log);
		else if (ours != kernels)
			test_fail(__FILE__, __LINE__, "interpreter %#llx, kernel %#llx",
				  (unsigned long long)ours, (unsigned long long)kernels);
		ran += !err;
	}
	CHECK_EQ(ran, N_RANDOM);
}
