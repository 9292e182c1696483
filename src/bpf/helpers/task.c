/* SPDX-License-Identifier: MIT */
/* Helpers: who runs. Ids are those that the process itself sees. */
#include "base/task_id.h"
#include "bpf/helpers/helper.h"
#include "bpf/run.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A program in an event that nobody expected to do anything must not end the process by accident. */
static bool signals_allowed;

__attribute__((constructor)) static void read_environment(void)
{
	const char *value = getenv("RAWTP_SEND_SIGNAL");

	signals_allowed = value && !strcmp(value, "1");
}

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

/* r1: context. What BPF_RAW_TRACEPOINT_OPEN was given, or 0. */
uint64_t rawtp_helper_get_attach_cookie(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
					uint64_t r5)
{
	const struct rawtp_frame *frame = rawtp_self ? rawtp_self->frame : NULL;

	return frame ? frame->cookie : 0;
}

uint64_t rawtp_helper_get_numa_node_id(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
				       uint64_t r5)
{
	unsigned int cpu, node = 0;
	int saved = errno;

	if (getcpu(&cpu, &node))
		node = 0;
	errno = saved;
	return node;
}

/*
 * r1, r2: device and inode of a pid namespace, as stat(2) gives them; r3: struct bpf_pidns_info of
 * r4 bytes. Only the process's own namespace is known here. A system call.
 */
uint64_t rawtp_helper_get_ns_current_pid_tgid(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
					      uint64_t r5)
{
	struct bpf_pidns_info *info = (struct bpf_pidns_info *)(uintptr_t)r3;
	struct rawtp_task_id id = rawtp_task_id();
	int saved = errno;
	struct stat st;
	bool same;

	memset(info, 0, (size_t)r4);
	same = r4 == sizeof(*info) && !stat("/proc/self/ns/pid", &st) && st.st_dev == r1 &&
	       st.st_ino == r2;
	errno = saved;
	if (!same)
		return (uint64_t)-EINVAL;
	info->pid = id.tid;
	info->tgid = id.tgid;
	return 0;
}

/* Not queued, as in the kernel in interrupts: it is sent when the call returns. */
static uint64_t send_signal(uint64_t number, bool to_thread)
{
	struct rawtp_task_id id = rawtp_task_id();
	int saved = errno, err;

	if (!signals_allowed)
		return (uint64_t)-EPERM;
	err = to_thread ? (int)syscall(SYS_tgkill, id.tgid, id.tid, (int)number)
			: kill((pid_t)id.tgid, (int)number);
	err = err ? -errno : 0;
	errno = saved;
	return (uint64_t)(int64_t)err;
}

uint64_t rawtp_helper_send_signal(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	return send_signal(r1, false);
}

uint64_t rawtp_helper_send_signal_thread(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
					 uint64_t r5)
{
	return send_signal(r1, true);
}
