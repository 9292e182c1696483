/* SPDX-License-Identifier: MIT */
/*
 * engines [-f text|markdown|json] [-r ROUNDS] OBJECT: the machine code alone, without tracepoint and
 * guard, against clang -O2 on the same C; and the interpreter. Rounds go through all of them in turn;
 * figures are medians of CPU time per run, less that of an empty C function, and the ratio is that of
 * whole calls, round by round.
 */
#include "native.h"

#include "base/rcu.h"
#include "bpf/interp.h"
#include "bpf/run.h"
#include "bpf/syscall/handle.h"
#include "preload/route.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 1001
#define MAX_ROWS   8
#define RUNS       4096 /* of a round; their records fit into the ring */

enum { NATIVE, MACHINE_CODE, INTERPRETER, N_WAYS };

struct row {
	const char *name;
	const struct rawtp_prog *prog;
	rawtp_prog_fn ways[N_WAYS];
	double ns[N_WAYS][MAX_ROUNDS], ratio[MAX_ROUNDS];
};

static struct row rows[MAX_ROWS];
static unsigned int n_rows, rounds = 101;
static const char *format = "text";

int rawtp_route(void)
{
	return 1;
}

static double cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* As a reader that has seen all: the consumer's position is the producer's. */
static void drain_ring(void)
{
	uint64_t *consumer = (uint64_t *)bench_ring->base;
	const uint64_t *producer = (const uint64_t *)(bench_ring->base + sysconf(_SC_PAGESIZE));

	__atomic_store_n(consumer, __atomic_load_n(producer, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

static double measure(const struct row *row, unsigned int way)
{
	struct rawtp_thread *self = rawtp_read_lock();
	struct rawtp_frame frame = {.prev = self->frame, .prog = row->prog};
	rawtp_prog_fn run = row->ways[way];
	uint64_t ctx[3] = {1, 2, 3};
	double start, ns;
	unsigned int i;

	/* What rawtp_prog_run() does once a run. */
	self->frame = &frame;
	start = cpu_ns();
	for (i = 0; i < RUNS; i++) {
		ctx[0] += 0x9e3779b97f4a7c15ULL >> 20;
		run(ctx, row->prog);
	}
	ns = (cpu_ns() - start) / RUNS;
	self->frame = frame.prev;
	rawtp_read_unlock(self);
	drain_ring();
	return ns;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *ns)
{
	qsort(ns, rounds, sizeof(*ns), by_size);
	return ns[rounds / 2];
}

static int add_row(const struct bpf_program *program)
{
	struct rawtp_prog_object *loaded = rawtp_prog_object_from_fd(bpf_program__fd(program));
	struct row *row = &rows[n_rows];

	row->name = bpf_program__name(program);
	row->prog = loaded->prog;
	row->ways[NATIVE] = bench_native(row->name);
	row->ways[MACHINE_CODE] = loaded->prog->run;
	row->ways[INTERPRETER] = rawtp_interpret;
	if (n_rows == MAX_ROWS || !row->ways[NATIVE] || !loaded->prog->jit_image)
		return -1;
	n_rows++;
	return 0;
}

static struct bpf_object *object;

static int load(const char *path)
{
	struct bpf_program *program;

	object = bpf_object__open(path);
	if (!object || bpf_object__load(object))
		return -1;
	bench_hash = rawtp_map_from_fd(bpf_object__find_map_fd_by_name(object, "hash"));
	bench_ring = rawtp_map_from_fd(bpf_object__find_map_fd_by_name(object, "ring"));
	bpf_object__for_each_program(program, object) if (add_row(program)) return -1;
	return 0;
}

static void print_row(struct row *row, double empty)
{
	double ns[N_WAYS], ratio = median(row->ratio);
	unsigned int way;

	for (way = 0; way < N_WAYS; way++)
		ns[way] = median(row->ns[way]) - empty;
	printf(!strcmp(format, "json")
		       ? "{\"program\": \"%s\", \"c_ns\": %.2f, \"machine_code_ns\": %.2f, "
			 "\"ratio\": %.2f, "
			 "\"interpreter_ns\": %.2f, \"instructions\": %u, \"bytes\": %zu}\n"
	       : !strcmp(format, "markdown") ? "| %s | %.2f | %.2f | %.2f | %.1f | %u | %zu |\n"
					     : "%-16s %8.2f %8.2f %8.2f %12.1f %8u %8zu\n",
	       row->name, ns[NATIVE], ns[MACHINE_CODE], ratio, ns[INTERPRETER], row->prog->n_insns,
	       row->prog->jit_size);
}

static void print_rows(void)
{
	double empty;
	unsigned int i;

	if (!strcmp(format, "markdown"))
		puts("| program | clang -O2, ns | machine code, ns | ratio of calls | interpreter, "
		     "ns | "
		     "instructions | bytes |\n|---|---|---|---|---|---|---|");
	else if (!strcmp(format, "text"))
		printf("\n%-16s %8s %8s %8s %12s %8s %8s\n", "program alone, ns", "clang", "jit",
		       "ratio", "interpreter", "insns", "bytes");
	empty = median(rows[0].ns[NATIVE]);
	for (i = 0; i < n_rows; i++)
		print_row(&rows[i], empty);
}

int main(int argc, char **argv)
{
	unsigned int i, way, round;
	int option;

	while ((option = getopt(argc, argv, "f:r:")) != -1) {
		if (option == 'f')
			format = optarg;
		else if (option == 'r')
			rounds = (unsigned int)strtoul(optarg, NULL, 10);
	}
	if (optind + 1 != argc || !rounds || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: engines [-f text|markdown|json] [-r ROUNDS] OBJECT\n");
		return 2;
	}
	if (load(argv[optind])) {
		fprintf(stderr, "engines: %s: not loaded, or not compiled here\n", argv[optind]);
		return 1;
	}
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < n_rows; i++) {
			for (way = 0; way < N_WAYS; way++)
				rows[i].ns[way][round] = measure(&rows[i], way);
			rows[i].ratio[round] =
				rows[i].ns[MACHINE_CODE][round] / rows[i].ns[NATIVE][round];
		}
	}
	print_rows();
	bpf_object__close(object);
	return 0;
}
