/* SPDX-License-Identifier: MIT */
/*
 * Two worlds behind one signature: bpf(2) of the kernel, where this machine permits it, and
 * rawtp_bpf(). A test does the same in both and compares.
 */
#ifndef RAWTP_TESTS_ORACLE_H
#define RAWTP_TESTS_ORACLE_H

#include "rawtp/bpf.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns what the command returns, or -errno. */
typedef int (*oracle_bpf_fn)(int cmd, union bpf_attr *attr, unsigned int size);

static inline int oracle_kernel(int cmd, union bpf_attr *attr, unsigned int size)
{
	long ret = syscall(__NR_bpf, cmd, attr, size);

	return ret < 0 ? -errno : (int)ret;
}

static inline int oracle_rawtp(int cmd, union bpf_attr *attr, unsigned int size)
{
	int ret = rawtp_bpf(cmd, attr, size);

	return ret < 0 ? -errno : ret;
}

/* May we make maps and load raw tracepoints in the kernel? */
static inline int oracle_has_kernel(void)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = 2;
	attr.license = (uintptr_t) "GPL";
	fd = oracle_kernel(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return 0;
	close(fd);
	return 1;
}

static inline uint64_t oracle_ptr(const void *ptr)
{
	return (uintptr_t)ptr;
}

#endif
