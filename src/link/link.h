/* SPDX-License-Identifier: MIT */
/* The link itself: seen by src/link alone. Pointed to by the data of a probe. */
#ifndef RAWTP_LINK_LINK_H
#define RAWTP_LINK_LINK_H

#include "base/list.h"
#include "bpf/jit/jit.h"
#include "link/raw_tracepoint.h"
#include "tracepoint/registry.h"

struct rawtp_link {
	/* Read by every event; written before the probe is published, never after. */
	const struct rawtp_prog *prog;
	struct rawtp_link_stats *stats;
	/*
	 * Threads with a lower index have a block of their own: RAWTP_STATS_SHARED, or 0 where a
	 * fork's child has the link from its parent, whose threads have the same indices.
	 */
	uint32_t own_blocks;

	/* Of attach and detach. */
	struct rawtp_prog *own_prog; /* the same, with our reference */
	uint64_t cookie;
	uint64_t id;
	uint64_t handle; /* atomic */
	char *name;
	struct rawtp_direct *directs; /* changed with the registry's lock held */
	struct rawtp_watch watch;
	struct rawtp_list node; /* in all links */
	uint32_t n_records;     /* atomic; changed with the registry's lock held */
	uint32_t n_refused;     /* atomic */
	int n_args;             /* of the tracepoint that refused */
};

/* run.c: bpf_trace_run<n>() on arguments in memory. */
void rawtp_link_run(void *link, const uint64_t *args);

/* direct.c: machine code that is a probe by itself (rawtp/record.h, struct tracepoint_func). */
struct rawtp_direct {
	struct rawtp_direct *next;
	const struct rawtp_event *event;
	struct rawtp_jit_code code;
};
/* For @link at @event; NULL where that takes the thunk. */
struct rawtp_direct *rawtp_direct_new(struct rawtp_link *link, const struct rawtp_event *event);
/* Events go along the tracepoint's walk again; those that have begun may go on. NULL is fine. */
void rawtp_direct_revoke(struct rawtp_direct *direct);
/* Once revoked, after a grace period. NULL is fine. */
void rawtp_direct_free(struct rawtp_direct *direct);

#endif
