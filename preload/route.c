/* SPDX-License-Identifier: MIT */
#include "preload/route.h"
#include "rawtp/bpf.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long (*syscall_fn)(long number, long a1, long a2, long a3, long a4, long a5, long a6);

static syscall_fn libc_syscall;

/* The next syscall() after ours; found before main(), or when somebody needs it earlier. */
__attribute__((constructor(101))) static syscall_fn find_syscall(void)
{
	syscall_fn fn = __atomic_load_n(&libc_syscall, __ATOMIC_RELAXED);

	if (fn)
		return fn;
	fn = (syscall_fn)dlsym(RTLD_NEXT, "syscall");
	if (!fn)
		abort();
	__atomic_store_n(&libc_syscall, fn, __ATOMIC_RELAXED);
	return fn;
}

/*
 * Six arguments whatever the number is: they are in registers, and what the caller did not pass is
 * not looked at.
 */
__attribute__((visibility("default"))) long syscall(long number, ...)
{
	long a[6];
	va_list ap;
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == __NR_bpf) {
		int route = rawtp_route();

		if (route > 0)
			return rawtp_bpf((int)a[0], (union bpf_attr *)a[1], (unsigned int)a[2]);
		if (route < 0) {
			errno = -route;
			return -1;
		}
	}
	if (number == __NR_perf_event_open && rawtp_route() > 0) {
		int fd = rawtp_perf_event_open((const struct perf_event_attr *)a[0], (int)a[1],
					       (int)a[2], (int)a[3], (unsigned long)a[4]);

		if (fd >= 0 || errno != ENOENT) /* that is: no event of ours */
			return fd;
	}
	return find_syscall()(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
