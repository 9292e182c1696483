/* SPDX-License-Identifier: MIT */
/* What map, prog and link have in common: a verb, a side, and what is meant. */
#ifndef RAWTP_CLI_VERBS_H
#define RAWTP_CLI_VERBS_H

#include "cli.h"

struct rawtp_verbs {
	const char *verb;   /* the first operand; "list" where there is none, or it is "show" */
	const char *wanted; /* the second: an id or a name; or NULL */
	bool kernel;
	pid_t pid;            /* 0: none is named */
	uint32_t max_entries; /* of a map; 0: all */
};

/*
 * Reads the command line. @verbs: those that there are, ended by NULL; all but the first need to be
 * told what is meant. 0 or an exit status.
 */
int rawtp_verbs_read(struct rawtp_cli *cli, int argc, char **argv, const char *const *verbs,
		     struct rawtp_verbs *read);

#endif
