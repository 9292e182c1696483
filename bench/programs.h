/* SPDX-License-Identifier: MIT */
/*
 * The same programs for user space and for the kernel, as instructions: what is compared is the way
 * of the event, not two compilers. bpf() is rawtp_bpf() or the system call.
 */
#ifndef RAWTP_BENCH_PROGRAMS_H
#define RAWTP_BENCH_PROGRAMS_H

#include <linux/bpf.h>
#include <stdint.h>

typedef int (*bench_bpf)(int cmd, union bpf_attr *attr, unsigned int size);

int bench_kernel_bpf(int cmd, union bpf_attr *attr, unsigned int size);

#define BENCH_HASH_KEYS  1024
#define BENCH_RING_BYTES (512 * 1024)
#define BENCH_RECORD     24

enum bench_program {
	BENCH_EMPTY,  /* return 0 */
	BENCH_PERCPU, /* ++percpu_array[0] */
	BENCH_SHARED, /* atomic ++array[0] */
	BENCH_HASH,   /* atomic ++hash[act % BENCH_HASH_KEYS] */
	BENCH_RING,   /* a record of the three arguments, no wake-up */
	BENCH_PERF,   /* the same to the CPU's ring of a perf event array */
	BENCH_CLOCK,  /* bpf_ktime_get_ns() */
	BENCH_STAMP,  /* a record of the three arguments and the time, to a ring buffer */
	BENCH_FILTER, /* where act is all ones: ++percpu_array[0] */
};

/*
 * Loads one with its map; 0 or negative errno. *map_fd is -1 where it uses none. The tracepoint has
 * @n_args arguments, 2 or more: where it has two, the second stands for the third.
 */
int bench_program_load(bench_bpf bpf, enum bench_program program, unsigned int n_args, int *prog_fd,
		       int *map_fd);
/*
 * The same for another type of the kernel: BPF_PROG_TYPE_TRACEPOINT, where the fields of the copied
 * event stand for arguments, or BPF_PROG_TYPE_KPROBE, where registers do.
 */
int bench_program_load_as(enum bpf_prog_type type, enum bench_program program, int *prog_fd,
			  int *map_fd);

#endif
