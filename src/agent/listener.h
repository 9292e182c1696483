/* SPDX-License-Identifier: MIT */
/* The agent's socket in the file system. */
#ifndef RAWTP_AGENT_LISTENER_H
#define RAWTP_AGENT_LISTENER_H

#include "wire/socket.h"

#include <limits.h>

struct rawtp_listener {
	struct rawtp_fd sock;
	char dir[PATH_MAX];  /* RAWTP_RUN_DIR, or "" */
	pid_t owner;         /* who bound it: a child that knows nothing of us must not remove it */
	char path[PATH_MAX]; /* "" where there is none */
};

/* Binds and listens on the path of this process. The socket is that of _reserve(), or a new one. */
int rawtp_listener_open(struct rawtp_listener *listener);
/* Makes the socket alone, for a child whose agent binds it later. */
int rawtp_listener_reserve(struct rawtp_listener *listener);
void rawtp_listener_close(struct rawtp_listener *listener); /* and removes the file */
/* Removes the file alone: at the program's end. */
void rawtp_listener_unlink(struct rawtp_listener *listener);

#endif
