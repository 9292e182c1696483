/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks as tables. A case is a row; all rows of a table are measured in turn, round after
 * round, so that whatever slows the machine for a while slows them all, and a row is compared with
 * its base round by round. Figures are nanoseconds of CPU time per event: median, and the 10th and 90th
 * percentile of the rounds.
 */
#ifndef RAWTP_BENCH_H
#define RAWTP_BENCH_H

#include <limits.h>
#include <stdint.h>

#define BENCH_MAX_THREADS 8

struct bench_case {
	const char *name; /* of the row; unique in its table */
	const char *base; /* row that it is set against; NULL: none */
	/* Once, before the first round. 0, or negative errno: the row is left out, see bench_why(). */
	int (*setup)(const struct bench_case *row);
	/* Around each round, on the main thread; may be NULL. begin() as setup(). */
	int (*begin)(const struct bench_case *row);
	void (*end)(const struct bench_case *row);
	/* @events events on the calling thread, which is the @thread-th and stays on one CPU. */
	void (*work)(const struct bench_case *row, uint64_t events, unsigned int thread);
	const void *data;
};

struct bench_table {
	const char *title;
	const struct bench_case *rows;
	unsigned int n_rows;
	/* Work that is the same in every row, taken off the figures: its row's name, or NULL. */
	const char *loop;
	unsigned int threads; /* 0: as the command line says */
};

extern const struct bench_table bench_path, bench_kernel, bench_kernel_two, bench_peers;

/* Why setup() or begin() failed; one line. */
int bench_why(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The path of @file (at most 31 characters), which lies beside the bench. 0, or what bench_why() gave. */
int bench_beside(char path[PATH_MAX], const char *file);

#endif
