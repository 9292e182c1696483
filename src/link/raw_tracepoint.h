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

#define RAWTP_STATS_MAGIC   0x7461747370747772ULL /* "rwtpstat" */
#define RAWTP_STATS_VERSION 1
/* The last block is everybody's who has none: written atomically. */
#define RAWTP_STATS_SHARED (RAWTP_STATS_BLOCKS - 1)

struct rawtp_link;

/*
 * Attaches @prog to every record of @name. Takes its own references. @stats_fd: a memfd for the
 * figures (sealed against shrinking, of at least sizeof(struct rawtp_link_stats)), or -1; it is
 * mapped, and the caller's to close. Err-pointer: ENOENT; EINVAL where the program reads more
 * arguments than the tracepoint has (*n_args is then how many it has, else -1), or @stats_fd is no
 * such memfd; ENOMEM.
 */
struct rawtp_link *rawtp_link_attach(struct rawtp_prog *prog, const char *name, int stats_fd,
				     uint64_t cookie, int *n_args);
/* Returns after the last run has ended; frees. */
void rawtp_link_detach(struct rawtp_link *link);

/* What can be told of a link. The strings live as long as the link. */
struct rawtp_link_view {
	uint64_t
		id; /* never used again in this process; a forked child's are those of its parent */
	const char *tracepoint;
	const struct rawtp_prog *prog;
	uint64_t cookie;
	uint32_t n_records; /* tracepoints of that name that it is at */
	uint32_t n_refused; /* loaded later, and with too few arguments */
	struct rawtp_link_stats *stats;
	uint64_t handle; /* inode of the descriptor that stands for it in this process, or 0 */
};
void rawtp_link_set_handle(struct rawtp_link *link, uint64_t inode);
void rawtp_link_view(const struct rawtp_link *link, struct rawtp_link_view *view);
/* Every link of the process. @fn must neither attach nor detach. Nonzero stops, and is returned. */
int rawtp_link_for_each(int (*fn)(const struct rawtp_link_view *view, void *data), void *data);

/* A program of some link with this id (the inode of its memfd), with a reference; or NULL. */
struct rawtp_prog *rawtp_link_find_prog(uint64_t prog_id);

/* Sums over the blocks, such that hits >= misses at any time. */
struct rawtp_stats_block rawtp_link_stats_sum(const struct rawtp_link_stats *stats);
/* Makes a memfd for the figures, sealed as rawtp_link_attach() wants it. O_CLOEXEC. -errno. */
int rawtp_link_stats_create(void);
/* Maps one, after checks. Err-pointer: EINVAL, ENOMEM. */
struct rawtp_link_stats *rawtp_link_stats_map(int stats_fd);
void rawtp_link_stats_unmap(struct rawtp_link_stats *stats);

/*
 * The agent's fork handlers, in its order of locks. What the child has from its parent is counted in
 * the shared block there: its threads have the same indices, and the memory is the same.
 */
void rawtp_link_before_fork(void);
void rawtp_link_after_fork_parent(void);
void rawtp_link_after_fork_child(void);

/*
 * A link that a descriptor of this process stands for: someone has to see when it is closed. Whoever
 * runs a thread that can (the agent) offers itself; it takes over @link and @end, the far end of the
 * socket pair, also on error, and detaches when it hangs up.
 */
typedef int (*rawtp_link_keeper_fn)(struct rawtp_link *link, int end);
void rawtp_link_set_keeper(rawtp_link_keeper_fn keeper);

/*
 * A new pair of sockets for a link: both ends O_CLOEXEC and above 2. -errno.
 */
int rawtp_link_pair(int *near_end, int *far_end);

/* BPF_RAW_TRACEPOINT_OPEN and BPF_LINK_CREATE mean this process (the state after start). */
void rawtp_link_ops_local(void);

/* bpf_trace_run1() .. bpf_trace_run12(), which thunks jump to, are in run.c and are exported. */

#endif
