/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own tracepoints with the same instructions, where bpf(2) is permitted: raw ones, and
 * those of perf, which copy the arguments. The event is task_rename, which prctl(PR_SET_NAME)
 * passes; its bare cost is a row of the table.
 */
#include "bench.h"
#include "perf.h"
#include "programs.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define DRAIN_EVERY 4096

/* Loaded once; attached for the time of a round only, since all rows share the tracepoint. */
struct program {
	enum bench_program program;
	enum bpf_prog_type type;
	int prog_fd, map_fd, link_fd;
	uint64_t *consumer, *producer;
};
#define RAW(name)                                                                      \
	{                                                                              \
		.program = (name), .type = BPF_PROG_TYPE_RAW_TRACEPOINT, .prog_fd = -1 \
	}
#define PERF(name)                                                                 \
	{                                                                          \
		.program = (name), .type = BPF_PROG_TYPE_TRACEPOINT, .prog_fd = -1 \
	}
static struct program empty = RAW(BENCH_EMPTY), percpu = RAW(BENCH_PERCPU),
		      shared = RAW(BENCH_SHARED), hash = RAW(BENCH_HASH), ring = RAW(BENCH_RING),
		      perf_empty = PERF(BENCH_EMPTY), perf_percpu = PERF(BENCH_PERCPU),
		      perf_hash = PERF(BENCH_HASH), perf_ring = PERF(BENCH_RING);
static struct program *const programs[] = {NULL,       &empty,    &percpu,     &shared,
					   &hash,      &ring,     &perf_empty, &perf_percpu,
					   &perf_hash, &perf_ring};
static int tracepoint_id;

static struct program *program_of(const struct bench_case *row)
{
	return programs[(uintptr_t)row->data];
}

static int setup(const struct bench_case *row)
{
	struct program *program = program_of(row);
	long page = sysconf(_SC_PAGESIZE);
	int err;

	if (program->prog_fd >= 0)
		return 0;
	err = bench_program_load_as(program->type, program->program, &program->prog_fd,
				    &program->map_fd);
	if (err == -EPERM)
		return bench_why(err, "bpf(2) is not permitted here (root may)");
	if (err)
		return bench_why(err, "load: %s", strerror(-err));
	if (program->type == BPF_PROG_TYPE_TRACEPOINT && !tracepoint_id) {
		err = bench_perf_tracepoint("task/task_rename");
		if (err < 0)
			return bench_why(err, "tracefs: %s", strerror(-err));
		tracepoint_id = err;
	}
	if (program->program != BENCH_RING)
		return 0;
	program->consumer =
		mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, program->map_fd, 0);
	program->producer = mmap(NULL, page, PROT_READ, MAP_SHARED, program->map_fd, page);
	if (program->consumer == MAP_FAILED || program->producer == MAP_FAILED)
		return bench_why(-errno, "mmap: %s", strerror(errno));
	return 0;
}

static int begin(const struct bench_case *row)
{
	struct program *program = program_of(row);
	union bpf_attr attr;

	if (program->type == BPF_PROG_TYPE_TRACEPOINT) {
		program->link_fd = bench_perf_attach_tracepoint(tracepoint_id, program->prog_fd);
		return program->link_fd < 0 ? bench_why(program->link_fd, "perf: %s",
							strerror(-program->link_fd))
					    : 0;
	}
	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.name = (uintptr_t) "task_rename";
	attr.raw_tracepoint.prog_fd = program->prog_fd;
	program->link_fd = bench_kernel_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
	return program->link_fd < 0 ? bench_why(-errno, "attach: %s", strerror(errno)) : 0;
}

static void end(const struct bench_case *row)
{
	close(program_of(row)->link_fd);
}

static void work(const struct bench_case *row, uint64_t events, unsigned int thread)
{
	struct program *program = program_of(row);

	for (uint64_t i = 0; i < events; i++) {
		prctl(PR_SET_NAME, "bench", 0, 0, 0);
		if (program && program->consumer && i % DRAIN_EVERY == 0)
			__atomic_store_n(program->consumer,
					 __atomic_load_n(program->producer, __ATOMIC_ACQUIRE),
					 __ATOMIC_RELEASE);
	}
}

#define BARE "prctl(PR_SET_NAME), nothing attached"

static const struct bench_case rows[] = {
	{BARE, .work = work},
	{"kernel raw_tp, empty program", BARE, setup, begin, end, work, (void *)1},
	{"kernel raw_tp, program: per-CPU array", BARE, setup, begin, end, work, (void *)2},
	{"kernel raw_tp, program: array, atomic add", BARE, setup, begin, end, work, (void *)3},
	{"kernel raw_tp, program: hash, atomic add", BARE, setup, begin, end, work, (void *)4},
	{"kernel raw_tp, program: 24-byte record to a ring buffer", BARE, setup, begin, end, work,
	 (void *)5},
	{"kernel tracepoint (perf), empty program", BARE, setup, begin, end, work, (void *)6},
	{"kernel tracepoint (perf), program: per-CPU array", BARE, setup, begin, end, work,
	 (void *)7},
	{"kernel tracepoint (perf), program: hash, atomic add", BARE, setup, begin, end, work,
	 (void *)8},
	{"kernel tracepoint (perf), program: 24-byte record to a ring buffer", BARE, setup, begin,
	 end, work, (void *)9},
};

/* Rings that CPUs share; beside the rows of two threads of bench_path.c. */
static const struct bench_case two_rows[] = {
	{BARE, .work = work},
	{"kernel raw_tp, program: 24-byte record to a ring buffer", BARE, setup, begin, end, work,
	 (void *)5},
};

const struct bench_table bench_kernel_two = {
	.title = "The kernel's task_rename on two CPUs",
	.rows = two_rows,
	.n_rows = sizeof(two_rows) / sizeof(*two_rows),
	.threads = 2,
};

const struct bench_table bench_kernel = {
	.title = "The kernel's task_rename, the same instructions",
	.rows = rows,
	.n_rows = sizeof(rows) / sizeof(*rows),
	.threads = 1,
};
