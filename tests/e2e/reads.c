/* SPDX-License-Identifier: MIT */
/*
 * A program with handlers of its own, linked with librawtp.so as any application is, whose
 * tracepoint's program reads what the argument points to.
 *
 *	reads            says how many reads were good, bad, and faults of its own that it has seen
 *	reads silent     passes 100,000 events under a seccomp filter that kills on any system call
 *	reads crash      dereferences a bad pointer: SIGSEGV
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rawtp/bpf.h>
#include <rawtp/tracepoint.h>

DECLARE_TRACE(e2e_read, TP_PROTO(const void *address), TP_ARGS(address));
DEFINE_TRACE(e2e_read, TP_PROTO(const void *address), TP_ARGS(address));

#define BAD_ADDRESS ((const void *)0x1000000000)

static sigjmp_buf jump;
static volatile int own_faults;

static void on_fault(int sig)
{
	own_faults++;
	siglongjmp(jump, 1);
}

/* Counts in value[0] the reads that went well, in value[1] those that did not. */
static int attach(int map_fd)
{
	struct bpf_insn insns[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 3, .src_reg = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 8},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_user},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 8},
		{.code = BPF_LD | BPF_IMM | BPF_DW,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_VALUE,
		 .imm = map_fd},
		{.code = 0},
		{.code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = 1, .src_reg = 2},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 1},
		{.code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = 1, .src_reg = 2, .imm = BPF_ADD},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	static char log[8192];
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = sizeof(insns) / sizeof(insns[0]);
	attr.license = (uintptr_t) "GPL";
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	fd = rawtp_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		fprintf(stderr, "%s\n", log);
	return fd < 0 ? fd : rawtp_prog_attach(fd, "e2e_read");
}

static int silence(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_THREAD),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof(filter) / sizeof(filter[0]), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &prog);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	uint64_t good = 5;
	union bpf_attr attr;
	volatile uint64_t *counts;
	int map_fd, i;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 16;
	attr.max_entries = 1;
	attr.map_flags = BPF_F_MMAPABLE;
	map_fd = rawtp_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (map_fd < 0 || counts == MAP_FAILED || attach(map_fd) < 0)
		return 2;
	if (!strcmp(what, "crash")) {
		trace_e2e_read(&good);
		trace_e2e_read(BAD_ADDRESS);
		return *(const volatile int *)BAD_ADDRESS;
	}
	signal(SIGSEGV, on_fault);
	trace_e2e_read(&good);
	if (!strcmp(what, "silent")) {
		if (silence())
			return 77;
		for (i = 0; i < 100000; i++)
			trace_e2e_read(&good);
		syscall(SYS_exit_group, counts[0] == 100001 && !counts[1] ? 0 : 1);
	}
	for (i = 0; i < 1000; i++) {
		trace_e2e_read(BAD_ADDRESS);
		trace_e2e_read(&good);
		if (i % 100 == 0 && sigsetjmp(jump, 1) == 0)
			(void)*(const volatile int *)BAD_ADDRESS;
	}
	printf("good %lu bad %lu own %d\n", (unsigned long)counts[0], (unsigned long)counts[1],
	       own_faults);
	return 0;
}
