/* SPDX-License-Identifier: MIT */
/*
 * The lines of bpf_trace_printk() of programs in the kernel, through an instance of tracefs of our
 * own, on CLOCK_MONOTONIC: whoever else reads the kernel's trace_pipe loses nothing by it. The kernel
 * has one stream of such lines, so those of other people's programs are among them.
 */
#ifndef RAWTP_CLI_TRACE_PIPE_H
#define RAWTP_CLI_TRACE_PIPE_H

#include "object.h"

struct rawtp_trace_pipe;

/* NULL where no program of the kernel prints, or where tracefs cannot be used: a line says so. */
struct rawtp_trace_pipe *rawtp_trace_pipe_open(const struct rawtp_cli *cli,
					       const struct rawtp_object *objects, unsigned int n);
/* Calls @fn with each line that is there; @time in nanoseconds, of which the kernel tells the µs. */
void rawtp_trace_pipe_read(struct rawtp_trace_pipe *pipe,
			   void (*fn)(uint64_t time, const char *line, void *context),
			   void *context);
/* Removes the instance. NULL is fine. */
void rawtp_trace_pipe_close(struct rawtp_trace_pipe *pipe);

#endif
