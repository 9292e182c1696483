/* SPDX-License-Identifier: MIT */
#include "base/nofault.h"
#include "base/cpu/fault_copy.h"
#include "base/fault_copy.h"
#include "base/signals.h"
#include "base/task_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SMALLEST_PAGE 4096 /* a string is read up to such bounds; larger pages do no harm */
#define STRING_CHUNK  256
#define PIPE_CHUNK    4096 /* PIPE_BUF: an empty pipe takes it whole */

/*
 * The kernel checks the address that it reads from in write(2), and the one it writes to in read(2).
 * A pipe of its own for each copy: a cached one could be closed by the application (closefrom()), and
 * its number then belong to one of the application's files. System calls, since libc's functions are
 * cancellation points, and a thread must not end in the middle of a program.
 */
static int copy_by_pipe(void *dst, const void *src, size_t size)
{
	int ends[2], err = 0;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return -EFAULT;
	while (size && !err) {
		size_t part = size < PIPE_CHUNK ? size : PIPE_CHUNK;

		if (syscall(SYS_write, ends[1], src, part) != (long)part ||
		    syscall(SYS_read, ends[0], dst, part) != (long)part)
			err = -EFAULT;
		src = (const char *)src + part;
		dst = (char *)dst + part;
		size -= part;
	}
	syscall(SYS_close, ends[0]);
	syscall(SYS_close, ends[1]);
	return err;
}

/* The kernel looks at the near side of a copy of nothing, and only at whose half it lies in. */
static bool is_user_address(void *at)
{
	struct iovec nothing = {at, 0};

	return process_vm_readv(getpid(), &nothing, 1, &nothing, 1, 0) == 0 || errno != EFAULT;
}

/* @write: @far is the destination. The near side is known to be good. */
static int copy(void *near, void *far, size_t size, bool write)
{
	/* The thread, not the process: a leader that has ended has no memory any more. */
	pid_t tid = (pid_t)rawtp_task_id().tid;
	int saved = errno, err = 0;

	if (!size && !is_user_address(far))
		err = -EFAULT;
	while (size) {
		struct iovec local = {near, size}, remote = {far, size};
		ssize_t done = write ? process_vm_writev(tid, &local, 1, &remote, 1, 0)
				     : process_vm_readv(tid, &local, 1, &remote, 1, 0);

		if (done <= 0) {
			if (done < 0 && errno == EINTR)
				continue;
			err = -EFAULT;
			if (done < 0 && (errno == ENOSYS || errno == EPERM || errno == ESRCH))
				err = write ? copy_by_pipe(far, near, size)
					    : copy_by_pipe(near, far, size);
			break;
		}
		near = (char *)near + done;
		far = (char *)far + done;
		size -= (size_t)done;
	}
	errno = saved;
	return err;
}

int rawtp_nofault_read(void *dst, const void *src, size_t size)
{
	return copy(dst, (void *)(uintptr_t)src, size, false);
}

int rawtp_nofault_write(void *dst, const void *src, size_t size)
{
	return copy((void *)(uintptr_t)src, dst, size, true);
}

long rawtp_nofault_string(char *dst, const char *src, size_t size)
{
	char chunk[STRING_CHUNK];
	size_t done = 0;

	while (done < size) {
		size_t to_page_end = SMALLEST_PAGE - ((uintptr_t)(src + done) % SMALLEST_PAGE);
		size_t part = size - done;
		const char *nul;

		if (part > to_page_end)
			part = to_page_end;
		if (part > sizeof(chunk))
			part = sizeof(chunk);
		if (rawtp_nofault_read(chunk, src + done, part) != 0)
			return -EFAULT;
		nul = memchr(chunk, '\0', part);
		if (nul)
			part = (size_t)(nul - chunk) + 1;
		memcpy(dst + done, chunk, part);
		done += part;
		if (nul)
			return (long)done;
	}
	if (size)
		dst[size - 1] = '\0';
	return (long)size;
}

#if RAWTP_CPU_HAS_FAULT_COPY

/* Where nothing is mapped as a rule, or never is: a fault that is foreseen costs less than a signal. */
static bool is_hopeless(const void *src)
{
	return (uintptr_t)src < 65536 || (uint64_t)(uintptr_t)src >> 48;
}

static bool is_plain_copy(const void *src, size_t size)
{
	return size && !is_hopeless(src) && (rawtp_fault_is_survived() || rawtp_signals_ask());
}

int rawtp_probe_read(void *dst, const void *src, size_t size)
{
	int err;

	if (!is_plain_copy(src, size))
		return rawtp_nofault_read(dst, src, size);
	err = rawtp_fault_copy(dst, src, size);
	if (err)
		rawtp_signals_fault_seen();
	return err;
}

long rawtp_probe_string(char *dst, const char *src, size_t size)
{
	long len;

	if (!is_plain_copy(src, size))
		return rawtp_nofault_string(dst, src, size);
	len = rawtp_fault_string(dst, src, size);
	if (len < 0)
		rawtp_signals_fault_seen();
	return len;
}

uint64_t rawtp_fault_load_slow(const void *src, uint32_t size)
{
	if (size)
		return rawtp_probe_load(src, size);
	rawtp_signals_fault_seen();
	return 0;
}

#else

int rawtp_probe_read(void *dst, const void *src, size_t size)
{
	return rawtp_nofault_read(dst, src, size);
}

long rawtp_probe_string(char *dst, const char *src, size_t size)
{
	return rawtp_nofault_string(dst, src, size);
}

#endif

uint64_t rawtp_probe_load(const void *src, uint32_t size)
{
	union {
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
	} value;

	if (rawtp_probe_read(&value, src, size))
		return 0;
	return size == 1 ? value.u8 : size == 2 ? value.u16 : size == 4 ? value.u32 : value.u64;
}
