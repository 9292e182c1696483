/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own raw tracepoints with the same instructions, where bpf(2) is permitted. The event
 * is task_rename, which prctl(PR_SET_NAME) passes; its bare cost is a row of the table.
 */
#include "bench.h"
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
	int prog_fd, map_fd, link_fd;
	uint64_t *consumer, *producer;
};
static struct program empty = {.program = BENCH_EMPTY, .prog_fd = -1},
		      percpu = {.program = BENCH_PERCPU, .prog_fd = -1},
		      shared = {.program = BENCH_SHARED, .prog_fd = -1},
		      hash = {.program = BENCH_HASH, .prog_fd = -1},
		      ring = {.program = BENCH_RING, .prog_fd = -1};
static struct program *const programs[] = {NULL, &empty, &percpu, &shared, &hash, &ring};

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
	err = bench_program_load(bench_kernel_bpf, program->program, 2, &program->prog_fd,
				 &program->map_fd);
	if (err == -EPERM)
		return bench_why(err, "bpf(2) is not permitted here (root may)");
	if (err)
		return bench_why(err, "load: %s", strerror(-err));
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
};

const struct bench_table bench_kernel = {
	.title = "The kernel's task_rename, the same instructions",
	.rows = rows,
	.n_rows = sizeof(rows) / sizeof(*rows),
	.threads = 1,
};
