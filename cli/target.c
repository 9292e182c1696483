/* SPDX-License-Identifier: MIT */
#include "target.h"
#include "rawtp/bpf.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool to_kernel;

void rawtp_target_kernel(bool kernel)
{
	to_kernel = kernel;
}

/* libbpf's way to bpf(2). Weak: the preload library's router has its own. */
__attribute__((weak, visibility("default"))) long syscall(long number, ...)
{
	static long (*next)(long, ...);
	long args[6];
	va_list ap;
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		args[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_bpf && !to_kernel)
		return rawtp_bpf((int)args[0], (union bpf_attr *)args[1], (unsigned int)args[2]);
	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return next(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}
