/* SPDX-License-Identifier: MIT */
#include "programs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INSN(code_, dst_, src_, off_, imm_)   \
	((struct bpf_insn){.code = (code_),   \
			   .dst_reg = (dst_), \
			   .src_reg = (src_), \
			   .off = (off_),     \
			   .imm = (imm_)})
#define MOV(dst, src)             INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define MOV_IMM(dst, imm)         INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define ALU_IMM(op, dst, imm)     INSN(BPF_ALU64 | (op) | BPF_K, dst, 0, 0, imm)
#define LOAD(dst, src, off)       INSN(BPF_LDX | BPF_MEM | BPF_DW, dst, src, off, 0)
#define STORE(dst, off, src)      INSN(BPF_STX | BPF_MEM | BPF_DW, dst, src, off, 0)
#define STORE_W(dst, off, src)    INSN(BPF_STX | BPF_MEM | BPF_W, dst, src, off, 0)
#define ATOMIC_ADD(dst, off, src) INSN(BPF_STX | BPF_ATOMIC | BPF_DW, dst, src, off, BPF_ADD)
#define IF_ZERO(dst, off)         INSN(BPF_JMP | BPF_JEQ | BPF_K, dst, 0, off, 0)
#define CALL(helper)              INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT()                    INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
/* The map's descriptor is filled in when the program is loaded. */
#define MAP(dst) INSN(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, 0), INSN(0, 0, 0, 0, 0)

#define ARG(n) ((n)*8)

static const struct bpf_insn empty[] = {MOV_IMM(BPF_REG_0, 0), EXIT()};

static const struct bpf_insn percpu[] = {
	MOV_IMM(BPF_REG_1, 0),
	STORE_W(BPF_REG_10, -4, BPF_REG_1),
	MOV(BPF_REG_2, BPF_REG_10),
	ALU_IMM(BPF_ADD, BPF_REG_2, -4),
	MAP(BPF_REG_1),
	CALL(BPF_FUNC_map_lookup_elem),
	IF_ZERO(BPF_REG_0, 3),
	LOAD(BPF_REG_1, BPF_REG_0, 0),
	ALU_IMM(BPF_ADD, BPF_REG_1, 1),
	STORE(BPF_REG_0, 0, BPF_REG_1),
	MOV_IMM(BPF_REG_0, 0),
	EXIT(),
};

static const struct bpf_insn shared[] = {
	MOV_IMM(BPF_REG_1, 0),
	STORE_W(BPF_REG_10, -4, BPF_REG_1),
	MOV(BPF_REG_2, BPF_REG_10),
	ALU_IMM(BPF_ADD, BPF_REG_2, -4),
	MAP(BPF_REG_1),
	CALL(BPF_FUNC_map_lookup_elem),
	IF_ZERO(BPF_REG_0, 2),
	MOV_IMM(BPF_REG_1, 1),
	ATOMIC_ADD(BPF_REG_0, 0, BPF_REG_1),
	MOV_IMM(BPF_REG_0, 0),
	EXIT(),
};

static const struct bpf_insn hash[] = {
	LOAD(BPF_REG_1, BPF_REG_1, ARG(2)),
	ALU_IMM(BPF_AND, BPF_REG_1, BENCH_HASH_KEYS - 1),
	STORE_W(BPF_REG_10, -4, BPF_REG_1),
	MOV(BPF_REG_2, BPF_REG_10),
	ALU_IMM(BPF_ADD, BPF_REG_2, -4),
	MAP(BPF_REG_1),
	CALL(BPF_FUNC_map_lookup_elem),
	IF_ZERO(BPF_REG_0, 2),
	MOV_IMM(BPF_REG_1, 1),
	ATOMIC_ADD(BPF_REG_0, 0, BPF_REG_1),
	MOV_IMM(BPF_REG_0, 0),
	EXIT(),
};

static const struct bpf_insn ring[] = {
	MOV(BPF_REG_6, BPF_REG_1),
	MAP(BPF_REG_1),
	MOV_IMM(BPF_REG_2, BENCH_RECORD),
	MOV_IMM(BPF_REG_3, 0),
	CALL(BPF_FUNC_ringbuf_reserve),
	IF_ZERO(BPF_REG_0, 9),
	LOAD(BPF_REG_1, BPF_REG_6, ARG(0)),
	STORE(BPF_REG_0, 0, BPF_REG_1),
	LOAD(BPF_REG_1, BPF_REG_6, ARG(1)),
	STORE(BPF_REG_0, 8, BPF_REG_1),
	LOAD(BPF_REG_1, BPF_REG_6, ARG(2)),
	STORE(BPF_REG_0, 16, BPF_REG_1),
	MOV(BPF_REG_1, BPF_REG_0),
	MOV_IMM(BPF_REG_2, BPF_RB_NO_WAKEUP),
	CALL(BPF_FUNC_ringbuf_submit),
	MOV_IMM(BPF_REG_0, 0),
	EXIT(),
};

static const struct bpf_insn perf[] = {
	LOAD(BPF_REG_2, BPF_REG_1, ARG(0)),
	STORE(BPF_REG_10, -24, BPF_REG_2),
	LOAD(BPF_REG_2, BPF_REG_1, ARG(1)),
	STORE(BPF_REG_10, -16, BPF_REG_2),
	LOAD(BPF_REG_2, BPF_REG_1, ARG(2)),
	STORE(BPF_REG_10, -8, BPF_REG_2),
	INSN(BPF_ALU | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, -1), /* BPF_F_CURRENT_CPU */
	MOV(BPF_REG_4, BPF_REG_10),
	ALU_IMM(BPF_ADD, BPF_REG_4, -24),
	MOV_IMM(BPF_REG_5, BENCH_RECORD),
	MAP(BPF_REG_2),
	CALL(BPF_FUNC_perf_event_output),
	MOV_IMM(BPF_REG_0, 0),
	EXIT(),
};

static const struct bpf_insn clock[] = {
	CALL(BPF_FUNC_ktime_get_ns),
	MOV_IMM(BPF_REG_0, 0),
	EXIT(),
};

static const struct bpf_insn stamp[] = {
	MOV(BPF_REG_6, BPF_REG_1),
	MAP(BPF_REG_1),
	MOV_IMM(BPF_REG_2, BENCH_RECORD + 8),
	MOV_IMM(BPF_REG_3, 0),
	CALL(BPF_FUNC_ringbuf_reserve),
	IF_ZERO(BPF_REG_0, 12),
	LOAD(BPF_REG_1, BPF_REG_6, ARG(0)),
	STORE(BPF_REG_0, 0, BPF_REG_1),
	LOAD(BPF_REG_1, BPF_REG_6, ARG(1)),
	STORE(BPF_REG_0, 8, BPF_REG_1),
	LOAD(BPF_REG_1, BPF_REG_6, ARG(2)),
	STORE(BPF_REG_0, 16, BPF_REG_1),
	MOV(BPF_REG_6, BPF_REG_0),
	CALL(BPF_FUNC_ktime_get_ns),
	STORE(BPF_REG_6, 24, BPF_REG_0),
	MOV(BPF_REG_1, BPF_REG_6),
	MOV_IMM(BPF_REG_2, BPF_RB_NO_WAKEUP),
	CALL(BPF_FUNC_ringbuf_submit),
	MOV_IMM(BPF_REG_0, 0),
	EXIT(),
};

static const struct bpf_insn filter[] = {
	LOAD(BPF_REG_1, BPF_REG_1, ARG(2)),
	MOV_IMM(BPF_REG_2, -1),
	INSN(BPF_JMP32 | BPF_JNE | BPF_X, BPF_REG_1, BPF_REG_2, 11, 0),
	MOV_IMM(BPF_REG_1, 0),
	STORE_W(BPF_REG_10, -4, BPF_REG_1),
	MOV(BPF_REG_2, BPF_REG_10),
	ALU_IMM(BPF_ADD, BPF_REG_2, -4),
	MAP(BPF_REG_1),
	CALL(BPF_FUNC_map_lookup_elem),
	IF_ZERO(BPF_REG_0, 3),
	LOAD(BPF_REG_1, BPF_REG_0, 0),
	ALU_IMM(BPF_ADD, BPF_REG_1, 1),
	STORE(BPF_REG_0, 0, BPF_REG_1),
	MOV_IMM(BPF_REG_0, 0),
	EXIT(),
};

#define PROGRAM(insns_) .insns = insns_, .n_insns = sizeof(insns_) / sizeof(*insns_)

static const struct {
	const char *name;
	const struct bpf_insn *insns;
	unsigned int n_insns;
	uint32_t map_type, key_size, value_size, max_entries;
} programs[] = {
	[BENCH_EMPTY] = {"empty", PROGRAM(empty)},
	[BENCH_PERCPU] = {"percpu", PROGRAM(percpu), BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1},
	[BENCH_SHARED] = {"shared", PROGRAM(shared), BPF_MAP_TYPE_ARRAY, 4, 8, 1},
	[BENCH_HASH] = {"hash", PROGRAM(hash), BPF_MAP_TYPE_HASH, 4, 8, BENCH_HASH_KEYS},
	[BENCH_RING] = {"ring", PROGRAM(ring), BPF_MAP_TYPE_RINGBUF, 0, 0, BENCH_RING_BYTES},
	[BENCH_PERF] = {"perf", PROGRAM(perf), BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 256},
	[BENCH_CLOCK] = {"clock", PROGRAM(clock)},
	[BENCH_STAMP] = {"stamp", PROGRAM(stamp), BPF_MAP_TYPE_RINGBUF, 0, 0, BENCH_RING_BYTES},
	[BENCH_FILTER] = {"filter", PROGRAM(filter), BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1},
};

int bench_kernel_bpf(int cmd, union bpf_attr *attr, unsigned int size)
{
	return syscall(__NR_bpf, cmd, attr, size);
}

static int create_map(bench_bpf bpf, enum bench_program program)
{
	union bpf_attr attr;
	uint64_t zero = 0;
	uint32_t key;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = programs[program].map_type;
	attr.key_size = programs[program].key_size;
	attr.value_size = programs[program].value_size;
	attr.max_entries = programs[program].max_entries;
	fd = bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return -errno;
	for (key = 0; program == BENCH_HASH && key < BENCH_HASH_KEYS; key++) {
		memset(&attr, 0, sizeof(attr));
		attr.map_fd = fd;
		attr.key = (uintptr_t)&key;
		attr.value = (uintptr_t)&zero;
		if (bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)) < 0) {
			int err = -errno;

			close(fd);
			return err;
		}
	}
	return fd;
}

/* Is it a load from the context, whose register is the first or its copy, and not from a map? */
static bool is_argument(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LDX | BPF_MEM | BPF_DW) && insn->src_reg != BPF_REG_0;
}

static int load_program(bench_bpf bpf, enum bpf_prog_type type, enum bench_program program,
			unsigned int n_args, int *prog_fd, int *map_fd)
{
	static char log[65536];
	struct bpf_insn insns[64];
	unsigned int i, n = programs[program].n_insns;
	union bpf_attr attr;

	*map_fd = -1;
	if (programs[program].map_type) {
		*map_fd = create_map(bpf, program);
		if (*map_fd < 0)
			return *map_fd;
	}
	memcpy(insns, programs[program].insns, n * sizeof(*insns));
	for (i = 0; i < n; i++) {
		if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW))
			insns[i].imm = *map_fd;
		if (is_argument(&insns[i]) && insns[i].off == ARG(2) && n_args == 2)
			insns[i].off = ARG(1);
		/* The first 8 bytes of a copied event are the kernel's own. */
		if (is_argument(&insns[i]) && type == BPF_PROG_TYPE_TRACEPOINT)
			insns[i].off += 8;
	}
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = n;
	attr.license = (uintptr_t) "GPL";
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	memcpy(attr.prog_name, programs[program].name, strlen(programs[program].name));
	*prog_fd = bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (*prog_fd < 0) {
		int err = -errno;

		if (err != -EPERM)
			fputs(log, stderr);
		if (*map_fd >= 0)
			close(*map_fd);
		return err;
	}
	return 0;
}

int bench_program_load(bench_bpf bpf, enum bench_program program, unsigned int n_args, int *prog_fd,
		       int *map_fd)
{
	return load_program(bpf, BPF_PROG_TYPE_RAW_TRACEPOINT, program, n_args, prog_fd, map_fd);
}

int bench_program_load_as(enum bpf_prog_type type, enum bench_program program, int *prog_fd,
			  int *map_fd)
{
	return load_program(bench_kernel_bpf, type, program, 2, prog_fd, map_fd);
}
