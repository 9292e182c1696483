/* SPDX-License-Identifier: MIT */
/*
 * The outside of the agent: finds processes that carry tracepoints and speaks to them.
 * 0 or -errno. Not thread-safe per client. Every call has a time limit (-ETIMEDOUT): a stopped or
 * hostile target does not hang its caller.
 */
#ifndef RAWTP_CLIENT_H
#define RAWTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rawtp_client;

/* Each process with an agent that the caller may speak to; @pid is as seen from here. */
int rawtp_client_find(int (*fn)(pid_t pid, void *data), void *data);

/*
 * Connects to the agent of @pid. -ESRCH no such process; -ENOENT it has no agent; -EACCES another
 * user's; -ETIMEDOUT it does not answer (stopped?); -EPROTO another version or no agent of ours.
 */
int rawtp_client_open(pid_t pid, struct rawtp_client **client);
void rawtp_client_close(struct rawtp_client *client);

/*
 * For `rawtp run`: a process that is started with one end of a SOCK_SEQPACKET pair open and its
 * number in RAWTP_START_FD speaks to it, and to nobody else, before anything of the program runs,
 * until rawtp_client_go(). rawtp_client_adopt() takes the other end over, also on error; -ETIMEDOUT
 * where no agent speaks (the command does not carry librawtp). After rawtp_client_go() the client goes
 * on as one that was opened.
 */
int rawtp_client_adopt(int fd, int timeout_ms, struct rawtp_client **client);
int rawtp_client_go(struct rawtp_client *client);

struct rawtp_client_arg {
	const char *type; /* C type as written */
	const char *name;
	uint32_t size; /* bytes */
	bool is_signed, is_pointer, is_float;
};
struct rawtp_client_event {
	const char *name, *system, *class_name, *object; /* object: path of the ELF file, or "" */
	uint32_t n_args;
	const struct rawtp_client_arg *args;
	uint32_t n_sites;
	const char *site_kind; /* "nop" patched, or "branch" load and test */
	uint32_t n_attached;
};
int rawtp_client_list(struct rawtp_client *client,
		      int (*fn)(const struct rawtp_client_event *event, void *data), void *data);

struct rawtp_client_link_info {
	uint64_t id; /* in its target */
	const char *tracepoint, *program;
	pid_t holder; /* pid of who attached, as seen by the target; 0 unknown */
	uint64_t hits, misses;
};
int rawtp_client_links(struct rawtp_client *client,
		       int (*fn)(const struct rawtp_client_link_info *link, void *data),
		       void *data);

/*
 * Attaches the program behind @prog_fd at @tracepoint. @link_end: the target's end of the link's
 * socket pair (the caller keeps the other, closing it detaches, one pair serves many targets).
 * @stats_fd: memfd for struct rawtp_link_stats of this target, or -1. On refusal @log (may be NULL)
 * gets the target's words.
 */
int rawtp_client_attach(struct rawtp_client *client, int prog_fd, const char *tracepoint,
			int link_end, int stats_fd, uint64_t cookie, char *log, size_t log_size);
/* Detaches anybody's link. -ENOENT. */
int rawtp_client_detach(struct rawtp_client *client, uint64_t link_id);

/*
 * From now on BPF_RAW_TRACEPOINT_OPEN and BPF_LINK_CREATE of this process attach to these targets
 * (0 of them: to this process itself). One link fd stands for all. The last refusal's words are in
 * rawtp_client_last_log().
 */
int rawtp_client_set_targets(const pid_t *pids, unsigned int n);
const char *rawtp_client_last_log(void);
/* Sums of a link fd that BPF_RAW_TRACEPOINT_OPEN made, over all its targets. */
struct rawtp_client_stats {
	uint64_t hits, misses, recursion_misses, timed, nsecs;
};
int rawtp_client_link_stats(int link_fd, struct rawtp_client_stats *stats);
/* Time one run in @sample from now on; 0: none. */
int rawtp_client_link_sample(int link_fd, uint32_t sample);

#endif
