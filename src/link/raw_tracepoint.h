/* SPDX-License-Identifier: MIT */
/*
 * Links: a program at a tracepoint of this process. The only place that knows both halves.
 */
#ifndef RAWTP_LINK_RAW_TRACEPOINT_H
#define RAWTP_LINK_RAW_TRACEPOINT_H

#include "bpf/prog.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Figures of one link, in a memfd of its own that the target writes and the holder reads: no call
 * into the target, and it outlives it. A thread writes one block at a time.
 */
#define RAWTP_STATS_BLOCKS 64
struct rawtp_stats_block {
	uint64_t hits;   /* events that reached the link */
	uint64_t misses; /* not run: recursion, or no free slot. runs = hits - misses */
	uint64_t timed;  /* runs that were timed */
	uint64_t nsecs;  /* that these took together */
	uint64_t recursion_misses;
	uint64_t pad[3];
};
struct rawtp_link_stats {
	uint64_t magic;
	uint32_t version;
	uint32_t sample; /* time one run in @sample; 0: none. Written by the holder at any time */
	uint64_t pad[6];
	struct rawtp_stats_block block[RAWTP_STATS_BLOCKS];
};

struct rawtp_link;

/*
 * Attaches @prog to every record of @name. Takes its own references. @stats_fd: a memfd for the
 * figures, or -1. Err-pointer: ENOENT; EINVAL where the program reads more arguments than the
 * tracepoint has (*n_args is then how many it has).
 */
struct rawtp_link *rawtp_link_attach(struct rawtp_prog *prog, const char *name, int stats_fd,
				     uint64_t cookie, int *n_args);
/* Returns after the last run has ended; frees. */
void rawtp_link_detach(struct rawtp_link *link);

/* bpf_trace_run1() .. bpf_trace_run12(), which thunks jump to, are in run.c and are exported. */

#endif
