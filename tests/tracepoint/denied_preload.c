/* SPDX-License-Identifier: MIT */
/*
 * Preloaded: a process that may not write its text. DENIED=mem: /proc/self/mem does not open.
 * DENIED=all: nor may a page be made to replace another.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_but_mem(const char *path, int flags, int mode)
{
	if (getenv("DENIED") && strcmp(getenv("DENIED"), "nothing") &&
	    !strcmp(path, "/proc/self/mem")) {
		errno = EACCES;
		return -1;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, int) : 0;
	va_end(ap);
	return open_but_mem(path, flags, mode);
}

ssize_t pwrite(int fd, const void *buf, size_t size, off_t offset)
{
	const char *denied = getenv("DENIED");

	if (denied && !strcmp(denied, "all")) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, buf, size, offset);
}
