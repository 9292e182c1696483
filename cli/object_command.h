/* SPDX-License-Identifier: MIT */
/* What map and prog do alike: each object that exists, or the one that is meant, is listed or dumped. */
#ifndef RAWTP_CLI_OBJECT_COMMAND_H
#define RAWTP_CLI_OBJECT_COMMAND_H

#include "bpf_objects.h"
#include "verbs.h"

struct rawtp_object_command {
	enum rawtp_bpf_kind kind; /* map or program */
	const char *noun;         /* in messages */
	/*
	 * Prints it, as the verb and the format say, and sets @status where that fails. 0; other than
	 * that: no more of them.
	 */
	int (*show)(struct rawtp_object_command *command, const struct rawtp_bpf_object *object);

	/* Set by rawtp_object_command_run(). */
	struct rawtp_cli *cli;
	struct rawtp_verbs verbs;
	struct rawtp_nearest nearest;
	unsigned int shown; /* before this one */
	int status;
};

/* The command's run(). */
int rawtp_object_command_run(struct rawtp_object_command *command, struct rawtp_cli *cli, int argc,
			     char **argv);
/* The verb is dump, not list. */
bool rawtp_object_command_dumps(const struct rawtp_object_command *command);

#endif
