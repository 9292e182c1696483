/* SPDX-License-Identifier: MIT */
/* Helpers: who runs. Ids are those that the process itself sees. */
#include "base/task_id.h"
#include "bpf/helpers/helper.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define COMM_SIZE 16 /* TASK_COMM_LEN */

uint64_t rawtp_helper_get_current_pid_tgid(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
					   uint64_t r5)
{
	struct rawtp_task_id id = rawtp_task_id();

	return (uint64_t)id.tgid << 32 | id.tid;
}

/* Real ids, as in the kernel. Two system calls: a process may change them at any time. */
uint64_t rawtp_helper_get_current_uid_gid(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
					  uint64_t r5)
{
	return (uint64_t)getgid() << 32 | getuid();
}

/* r1: buffer, r2: its size, more than 0. One system call. The rest of the buffer is zeroed. */
uint64_t rawtp_helper_get_current_comm(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
				       uint64_t r5)
{
	char comm[COMM_SIZE] = "", *buf = (char *)(uintptr_t)r1;
	size_t size = (size_t)r2, len;
	int saved = errno, err;

	err = prctl(PR_GET_NAME, comm);
	errno = saved;
	if (!size)
		return (uint64_t)-EINVAL;
	memset(buf, 0, size);
	if (err)
		return (uint64_t)-EINVAL;
	len = strnlen(comm, sizeof(comm) - 1);
	memcpy(buf, comm, len < size - 1 ? len : size - 1);
	return 0;
}

/* glibc reads it from the thread's rseq area, and asks the kernel where that is missing. */
uint64_t rawtp_helper_get_smp_processor_id(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
					   uint64_t r5)
{
	int saved = errno, cpu = sched_getcpu();

	errno = saved;
	return cpu < 0 ? 0 : (uint64_t)cpu;
}
