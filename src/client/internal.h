/* SPDX-License-Identifier: MIT */
/* The client's rooms to each other. */
#ifndef RAWTP_CLIENT_INTERNAL_H
#define RAWTP_CLIENT_INTERNAL_H

#include "client/client.h"
#include "wire/socket.h"

/* Time limits in ms: for a first answer; for one that needs the target's work. */
#define RAWTP_HELLO_LIMIT  2000
#define RAWTP_ANSWER_LIMIT 5000

struct rawtp_client {
	int sock; /* -1: lost; each call says -ENOTCONN */
	pid_t pid;
	uint32_t last_id;
	uint32_t answer_size; /* bytes in answer, checked */
	union {
		struct rawtp_message head;
		char buf[RAWTP_WIRE_ANSWER];
	} answer;
};

/* find.c. A connected socket whose other end is @pid, or -errno as rawtp_client_open(). */
int rawtp_client_connect(pid_t pid);

/*
 * transact.c. One request and its answer, which is left in client->answer: its error, or 0 where it
 * has at least @answer_size bytes. @fd: gets the one descriptor that came with it, which is the
 * caller's to close, or NULL.
 */
int rawtp_client_transact(struct rawtp_client *client, enum rawtp_command command,
			  struct rawtp_message *request, size_t size, const int *fds,
			  unsigned int n_fds, size_t answer_size, int limit_ms, int *fd);
int rawtp_client_hello(struct rawtp_client *client, int limit_ms);

/*
 * targets.c. Calls @fn with the first target; where there is none, with one of this process itself.
 * Returns what @fn returns, or -errno.
 */
int rawtp_client_with_target(int (*fn)(struct rawtp_client *client));

#endif
