/* SPDX-License-Identifier: MIT */
/*
 * The kernel as a target: what it permits, the names that it has, programs at its raw tracepoints
 * through bpf(2), and their figures. Nothing here looks at a process.
 */
#ifndef RAWTP_CLI_KERNEL_TARGET_H
#define RAWTP_CLI_KERNEL_TARGET_H

#include "cli.h"
#include "event_print.h"

struct rawtp_session_program;

struct rawtp_kernel {
	struct rawtp_event_list events; /* sorted; empty where the kernel shows no BTF */
	int stats_fd;                   /* while it is open the kernel counts runs; or -1 */
	bool counted;                   /* runs are counted and timed */
	char release[65];
};

/*
 * May this process load raw tracepoint programs into the kernel? 0, or an exit status: one line has
 * said which capability is missing and for what, or which kernel is needed.
 */
int rawtp_kernel_permitted(const struct rawtp_cli *cli);
/* The same for an object that the kernel refused with EPERM though the capabilities are there. */
int rawtp_kernel_refused(const struct rawtp_cli *cli, const char *path);

/* Checks permission and reads the names. 0 or an exit status. */
int rawtp_kernel_open(const struct rawtp_cli *cli, struct rawtp_kernel *kernel);
/* From now on runs are counted, where that is permitted; else a line says so. */
void rawtp_kernel_count(const struct rawtp_cli *cli, struct rawtp_kernel *kernel);
void rawtp_kernel_close(struct rawtp_kernel *kernel);

/* NULL: it has none of this name, or shows no BTF. */
const struct rawtp_client_event *rawtp_kernel_find(const struct rawtp_kernel *kernel,
						   const char *name);

/* Sets @program's kernel_link. 0 or an exit status: the error has been printed. */
int rawtp_kernel_attach(const struct rawtp_cli *cli, const struct rawtp_kernel *kernel,
			struct rawtp_session_program *program);
/* Fills in @program's figures. */
void rawtp_kernel_read(const struct rawtp_kernel *kernel, struct rawtp_session_program *program);
/* Returns when no program whose link has been closed runs any more. */
void rawtp_kernel_wait(void);

#endif
