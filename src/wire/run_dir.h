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
 * The directory of @uid as a process under @root ("" or "/proc/PID/root") has it, of one kind; @set
 * (RAWTP_RUN_DIR, or NULL) stands for kind 0, and then there is no kind 1. 0, -ENOENT, -ENAMETOOLONG.
 */
int rawtp_run_dir(const char *set, const char *root, uid_t uid, unsigned int kind, char *dir,
		  size_t size);

/* 0 where @dir is a directory, no link, of this user, for it alone; else -EPERM, -ENOENT, ... */
int rawtp_run_dir_check(const char *dir);

/*
 * Makes this process's own directory where it is missing, and checks it. @set: RAWTP_RUN_DIR as it
 * was when somebody could safely look (the environment is the program's), or NULL.
 */
int rawtp_run_dir_make(const char *set, char *dir, size_t size);

#endif
