/* SPDX-License-Identifier: MIT */
/* ioctl() on perf events of ours; every other goes through. */
#include "rawtp/bpf.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>

typedef int (*ioctl_fn)(int fd, unsigned long request, void *arg);

static ioctl_fn libc_ioctl;

/* The next ioctl() after ours; found before main(), or when somebody needs it earlier. */
__attribute__((constructor(101))) static ioctl_fn find_ioctl(void)
{
	ioctl_fn fn = __atomic_load_n(&libc_ioctl, __ATOMIC_RELAXED);

	if (fn)
		return fn;
	fn = (ioctl_fn)dlsym(RTLD_NEXT, "ioctl");
	if (!fn)
		abort();
	__atomic_store_n(&libc_ioctl, fn, __ATOMIC_RELAXED);
	return fn;
}

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
	int saved = errno, ret;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (_IOC_TYPE(request) == _IOC_TYPE(PERF_EVENT_IOC_ENABLE)) {
		ret = rawtp_perf_event_ioctl(fd, request);
		if (ret == 0 || errno != EBADF)
			return ret;
		errno = saved;
	}
	return find_ioctl()(fd, request, arg);
}
