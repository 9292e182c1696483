/* SPDX-License-Identifier: MIT */
/* Starts the command of rawtp run. */
#ifndef RAWTP_CLI_SPAWN_H
#define RAWTP_CLI_SPAWN_H

#include "cli.h"
#include "client/client.h"

#define RAWTP_EXIT_CANNOT_RUN 126 /* as shells have it */
#define RAWTP_EXIT_NOT_FOUND  127

/* Path of the preload library of provider @name. 0, or an exit status: the error was printed. */
int rawtp_spawn_provider(const struct rawtp_cli *cli, const char *name, char *path, size_t size);

/*
 * Starts @argv with @provider (a path, or NULL) preloaded; it stops before its first instruction
 * until rawtp_client_go(*client). 0 or an exit status, with the error printed and no child left.
 */
int rawtp_spawn_traced(const struct rawtp_cli *cli, const char *provider, char **argv, pid_t *pid,
		       struct rawtp_client **client);

/*
 * Starts @argv untraced, with @provider preloaded where it is not NULL; it waits before exec() until
 * something is written to *@go, which is the caller's to close. An exec() that fails is told of by
 * the child, which ends with the status of that. 0 or an exit status.
 */
int rawtp_spawn_held(const struct rawtp_cli *cli, const char *provider, char **argv, pid_t *pid,
		     int *go);

/* Becomes @argv, with @provider preloaded. Returns only on error, with an exit status. */
int rawtp_spawn_exec(const struct rawtp_cli *cli, const char *provider, char **argv);

#endif
