/* SPDX-License-Identifier: MIT */
/* Barriers between processes: membarrier(2), MEMBARRIER_CMD_GLOBAL_EXPEDITED (Linux 4.16). */
#include "base/membarrier.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From <linux/membarrier.h>, which old systems lack in part. */
enum { CMD_GLOBAL_EXPEDITED = 1 << 1, CMD_REGISTER_GLOBAL_EXPEDITED = 1 << 2 };

static bool membarrier(int command)
{
	int saved = errno;
	bool done = !syscall(SYS_membarrier, command, 0, 0);

	errno = saved;
	return done;
}

bool rawtp_membarrier_join_all(void)
{
	return membarrier(CMD_REGISTER_GLOBAL_EXPEDITED);
}

bool rawtp_membarrier_all(void)
{
	return membarrier(CMD_GLOBAL_EXPEDITED);
}
