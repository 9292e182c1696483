/* SPDX-License-Identifier: MIT */
/*
 * Where agents have their sockets: RAWTP_RUN_DIR; else /run/user/UID/rawtp where /run/user/UID is
 * the user's; else /tmp/rawtp-UID. The file's name is the process's id, as it sees itself.
 */
#ifndef RAWTP_WIRE_RUN_DIR_H
#define RAWTP_WIRE_RUN_DIR_H

#include <stddef.h>
#include <sys/types.h>

#define RAWTP_RUN_DIR_KINDS 2 /* /run/user, /tmp */

/*
 * The directory of @uid as a process under @root ("" or "/proc/PID/root") has it, of one kind;
 * RAWTP_RUN_DIR, where it is set, stands for kind 0 and there is no kind 1. 0, -ENOENT, -ENAMETOOLONG.
 */
int rawtp_run_dir(const char *root, uid_t uid, unsigned int kind, char *dir, size_t size);

/*
 * Makes this process's own directory where it is missing, and checks it: a directory, not a link, of
 * this user, for it alone. -EPERM where it is not.
 */
int rawtp_run_dir_make(char *dir, size_t size);

#endif
