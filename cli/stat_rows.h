/* SPDX-License-Identifier: MIT */
/*
 * Tracepoints that are counted by programs of our own making: what is attached, where, and the
 * figures. No object file is needed. A row is one tracepoint of the kernel or of one process.
 *
 * In the kernel each row has a program, which adds one to a per-CPU array; the array tells the
 * events also where the kernel does not time runs. In a process one program that does nothing serves
 * all rows, since each link has figures of its own.
 */
#ifndef RAWTP_CLI_STAT_ROWS_H
#define RAWTP_CLI_STAT_ROWS_H

#include "cli.h"
#include "client/client.h"
#include "kernel_target.h"
#include "link/raw_tracepoint.h"

struct rawtp_stat_figures {
	uint64_t events, misses; /* runs are events - misses */
	uint64_t timed, nsecs;   /* so many runs took so long together */
};

struct rawtp_stat_row {
	char *tracepoint;
	unsigned int target;            /* of rawtp_stat.targets; RAWTP_STAT_KERNEL: the kernel */
	uint32_t index;                 /* in the kernel's array */
	int prog, link;                 /* of the kernel */
	struct rawtp_link_stats *stats; /* of a process */
	struct rawtp_stat_figures first, before, now;
};

#define RAWTP_STAT_KERNEL      UINT32_MAX
#define RAWTP_STAT_MAX_TARGETS 256

struct rawtp_stat_target {
	pid_t pid;
	char comm[64];
	struct rawtp_client *client;
	int link; /* our end of all its links; at the end of file the target is gone */
	bool gone;
};

struct rawtp_stat {
	const struct rawtp_cli *cli;
	char **globs; /* what operands say; none: all */
	unsigned int n_globs;
	uint32_t sample; /* processes: time one run in so many; 0: none */
	struct rawtp_stat_row *rows;
	struct rawtp_stat_target targets[RAWTP_STAT_MAX_TARGETS];
	unsigned int n_rows, n_allocated, n_targets;
	unsigned int seen, refused; /* names that were looked at; matches that were not attached */
	char why[256];              /* the first refusal */
	struct rawtp_nearest nearest;
	bool to_kernel;
	struct rawtp_kernel kernel;
	int map;           /* the kernel's array; or -1 */
	uint64_t *per_cpu; /* one value of it */
	unsigned int n_cpus;
};

/* All return 0 or an exit status: the error has been printed. */

/* Adds a process, and attaches to what matches in it. One that is there already is not added. */
int rawtp_stat_add_process(struct rawtp_stat *stat, pid_t pid);
/* Attaches to what matches in the kernel. A kernel without BTF takes whole names alone. */
int rawtp_stat_add_kernel(struct rawtp_stat *stat);
/* Was anything found? Counting starts now. */
int rawtp_stat_begin(struct rawtp_stat *stat);

/* Moves now to before, and reads. */
void rawtp_stat_read(struct rawtp_stat *stat);
/* Marks targets whose end has come. How many are left; the kernel is one. */
unsigned int rawtp_stat_check(struct rawtp_stat *stat);
/* Detaches and frees; the rows' last figures must have been read. */
void rawtp_stat_free(struct rawtp_stat *stat);

/* "kernel", or "PID (COMM)". */
const char *rawtp_stat_target_name(const struct rawtp_stat *stat, unsigned int target, char *text,
				   size_t size);

#endif
