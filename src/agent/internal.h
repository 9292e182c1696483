/* SPDX-License-Identifier: MIT */
/*
 * The agent's rooms to each other. One thread runs all of it, with the agent's lock held; the fork
 * handlers take that lock first, so a child never inherits a command half done.
 */
#ifndef RAWTP_AGENT_INTERNAL_H
#define RAWTP_AGENT_INTERNAL_H

#include "base/list.h"
#include "link/raw_tracepoint.h"
#include "wire/protocol.h"
#include "wire/socket.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* links.c: the links whose far end is watched here. */
struct rawtp_kept_link {
	struct rawtp_list node;
	struct rawtp_link *link;
	struct rawtp_fd end;
	pid_t holder; /* 0: unknown */
};
/* Takes over @link and @end, also on error: -ENOMEM, -EMFILE, -ECONNRESET (hung up already). */
int rawtp_kept_add(struct rawtp_link *link, int end, pid_t holder);
unsigned int rawtp_kept_count(void);
/* Fills @fds, of rawtp_kept_count() entries, in the order of the list. */
void rawtp_kept_poll(struct pollfd *fds);
/* Detaches one whose holder has gone, or whose end the program has closed. False: there is none. */
bool rawtp_kept_reap(void);
void rawtp_kept_detach_all(void);
int rawtp_kept_detach(uint64_t link_id); /* -ENOENT */
pid_t rawtp_kept_holder(uint64_t link_id);

/* session.c: clients. */
#define RAWTP_SESSIONS 16
struct rawtp_session {
	struct rawtp_fd sock; /* -1: free */
	pid_t peer;
	uint64_t used; /* when, in rounds: the one that was silent for longest gives way */
	bool starts;   /* of RAWTP_START_FD: the program waits for it */
	bool spoke;    /* its HELLO has come */
	struct rawtp_prog *lent[RAWTP_WIRE_TAILS]; /* for its next ATTACH */
	uint32_t n_lent;
};
void rawtp_session_init(void);
/* Takes @sock over if its peer may speak to us. */
struct rawtp_session *rawtp_session_add(int sock);
/* One entry per session, RAWTP_SESSIONS of them. */
void rawtp_session_poll(struct pollfd *fds);
void rawtp_session_serve(const struct pollfd *fds);
/* Ends a session that starts the program and has not said a word by @limit. */
void rawtp_session_expire(int64_t limit);
void rawtp_session_close(struct rawtp_session *session);
void rawtp_session_close_all(void);
/* Fills in size, version and type of @reply; false where it could not be sent: close. */
bool rawtp_session_reply(struct rawtp_session *session, const struct rawtp_message *request,
			 struct rawtp_message *reply, size_t size, int error, const int *fds,
			 unsigned int n_fds);

/* commands.c: gives back what was lent. */
void rawtp_session_release(struct rawtp_session *session);
/* Checks and does one request of @size bytes. False: the session is over. */
bool rawtp_command(struct rawtp_session *session, const void *request, struct rawtp_fds *fds);

/* agent.c: lets the program go on that waits in the library's constructor. */
void rawtp_agent_go(void);
/* mappings.c: the file that @addr lies in, as /proc/self/maps had it; "" where none. */
struct rawtp_mappings;
struct rawtp_mappings *rawtp_mappings_read(void);
const char *rawtp_mappings_find(struct rawtp_mappings *mappings, const void *addr);
void rawtp_mappings_free(struct rawtp_mappings *mappings);

#endif
