/* SPDX-License-Identifier: MIT */
/*
 * Helper: get_current_cgroup_id. The id of a control group (version 2) is the inode of its folder;
 * /proc/self/cgroup says which that is. Processes are moved rarely, so the answer is kept for a
 * second; looking costs five system calls. Threads of one process are taken to be in one group.
 */
#include "base/task_id.h"
#include "bpf/helpers/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define CGROUP2_MAGIC 0x63677270 /* <linux/magic.h> */
#define MAX_PATH      1024

/* Where version 2 is mounted, alone or beside version 1. */
static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

static uint64_t id_of(const char *group, size_t size)
{
	char path[MAX_PATH + 64];
	struct statfs fs;
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		size_t at = strlen(mounts[i]);

		memcpy(path, mounts[i], at + 1);
		if (statfs(path, &fs) || fs.f_type != CGROUP2_MAGIC)
			continue;
		memcpy(path + at, group, size);
		path[at + size] = '\0';
		return stat(path, &st) ? 0 : st.st_ino;
	}
	return 0;
}

/* The line of version 2 is "0::/path"; 0 where there is none. */
static uint64_t read_id(void)
{
	char text[MAX_PATH], *at = text, *end;
	int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[size > 0 ? size : 0] = '\0';
	while (strncmp(at, "0::/", 4) != 0) {
		at = strchr(at, '\n');
		if (!at)
			return 0;
		at++;
	}
	end = strchr(at, '\n');
	return end ? id_of(at + 3, (size_t)(end - at) - 3) : 0;
}

uint64_t rawtp_helper_get_current_cgroup_id(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
					    uint64_t r5)
{
	static uint64_t known, when; /* when: second and fork that it is of; 0: never read */
	struct timespec ts = {0};
	int saved = errno;
	uint64_t now, id;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	now = (uint64_t)rawtp_task_id().fork << 32 | ((uint32_t)ts.tv_sec + 1);
	if (__atomic_load_n(&when, __ATOMIC_ACQUIRE) == now)
		return __atomic_load_n(&known, __ATOMIC_RELAXED);
	id = read_id();
	__atomic_store_n(&known, id, __ATOMIC_RELAXED);
	__atomic_store_n(&when, now, __ATOMIC_RELEASE);
	errno = saved;
	return id;
}
