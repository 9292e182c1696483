/* SPDX-License-Identifier: MIT */
/* For tests of the client: a session with a target of agent_common.h. */
#ifndef RAWTP_TESTS_CLIENT_OPEN_H
#define RAWTP_TESTS_CLIENT_OPEN_H

#include "agent_common.h"
#include "client/client.h"

/* Bit by bit: a target that has just been started may not have an agent yet. */
static inline struct rawtp_client *open_client(pid_t pid)
{
	struct rawtp_client *client = NULL;
	int i, err = -ENOENT;

	for (i = 0; i < 1000 && (err == -ENOENT || err == -ESRCH); i++) {
		err = rawtp_client_open(pid, &client);
		if (err)
			sleep_ms(5);
	}
	CHECK_EQ(err, 0);
	return client;
}

#endif
