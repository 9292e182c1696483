/* SPDX-License-Identifier: MIT */
#include "wire/run_dir.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int rawtp_run_dir(const char *set, const char *root, uid_t uid, unsigned int kind, char *dir,
		  size_t size)
{
	int n;

	if (set && *set == '/')
		n = kind ? -1 : snprintf(dir, size, "%s%s", root, set);
	else if (kind == 0)
		n = snprintf(dir, size, "%s/run/user/%u/rawtp", root, (unsigned int)uid);
	else
		n = kind > 1 ? -1 : snprintf(dir, size, "%s/tmp/rawtp-%u", root, (unsigned int)uid);
	if (n < 0)
		return -ENOENT;
	return (size_t)n < size ? 0 : -ENAMETOOLONG;
}

int rawtp_run_dir_check(const char *dir)
{
	struct stat st;

	if (lstat(dir, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077)
		return -EPERM;
	return 0;
}

static int make_dir(const char *dir)
{
	/* Made by us just now: the mode is ours to set, whatever the umask was. */
	if (!mkdir(dir, 0700) && chmod(dir, 0700))
		return -errno;
	return rawtp_run_dir_check(dir);
}

int rawtp_run_dir_make(const char *set, char *dir, size_t size)
{
	unsigned int kind;
	int err = -ENOENT;

	for (kind = 0; kind < RAWTP_RUN_DIR_KINDS; kind++) {
		int found = rawtp_run_dir(set, "", geteuid(), kind, dir, size);

		if (found)
			return kind ? err : found;
		err = make_dir(dir);
		if (!err)
			return 0;
	}
	return err;
}
