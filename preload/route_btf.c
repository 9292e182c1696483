/* SPDX-License-Identifier: MIT */
/*
 * The kernel's types, as libbpf looks for them: where programs go to processes, the file
 * /sys/kernel/btf/vmlinux is the BTF of the target. So CO-RE relocates against the target's
 * structures, and SEC("tp_btf/NAME") finds the types of its tracepoints. Where the target has no
 * BTF, and for programs that go to the kernel, it is what it is.
 */
#undef _FORTIFY_SOURCE
#include "preload/route.h"
#include "rawtp/bpf.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VMLINUX "/sys/kernel/btf/vmlinux"

/* The next function of this name after ours. */
static void *next(void **found, const char *name)
{
	void *fn = __atomic_load_n(found, __ATOMIC_RELAXED);

	if (!fn) {
		fn = dlsym(RTLD_NEXT, name);
		if (!fn)
			abort();
		__atomic_store_n(found, fn, __ATOMIC_RELAXED);
	}
	return fn;
}

/* A descriptor of the target's types, or -1: @path is another, or there are none. */
static int target_types(const char *path)
{
	int saved = errno, fd = -1;

	if (path && strcmp(path, VMLINUX) == 0 && rawtp_route_types())
		fd = rawtp_bpf_target_btf();
	errno = saved;
	return fd;
}

/* Its text in @name, and @fd is closed by done(). */
static const char *name_of(int fd, char *name, size_t size)
{
	snprintf(name, size, "/proc/self/fd/%d", fd);
	return name;
}

static void done(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

#define NEXT(type, name) ((type)next(&next_##name, #name))
typedef int (*open_fn)(const char *path, int flags, mode_t mode);
typedef FILE *(*fopen_fn)(const char *path, const char *mode);
typedef int (*access_fn)(const char *path, int mode);
typedef int (*faccessat_fn)(int dir, const char *path, int mode, int flags);

#define OPEN(name)                                                                              \
	static void *next_##name;                                                               \
	__attribute__((visibility("default"))) int name(const char *path, int flags, ...)       \
	{                                                                                       \
		int types = target_types(path), fd;                                             \
		mode_t mode = 0;                                                                \
		char text[40];                                                                  \
		va_list ap;                                                                     \
                                                                                                \
		if (flags & (O_CREAT | __O_TMPFILE)) {                                          \
			va_start(ap, flags);                                                    \
			mode = va_arg(ap, mode_t);                                              \
			va_end(ap);                                                             \
		}                                                                               \
		fd = NEXT(open_fn, name)(types < 0 ? path : name_of(types, text, sizeof(text)), \
					 flags, mode);                                          \
		done(types);                                                                    \
		return fd;                                                                      \
	}

#define FOPEN(name)                                                                           \
	static void *next_##name;                                                             \
	__attribute__((visibility("default"))) FILE *name(const char *path, const char *mode) \
	{                                                                                     \
		int types = target_types(path);                                               \
		char text[40];                                                                \
		FILE *file = NEXT(fopen_fn, name)(                                            \
			types < 0 ? path : name_of(types, text, sizeof(text)), mode);         \
                                                                                              \
		done(types);                                                                  \
		return file;                                                                  \
	}

OPEN(open)
OPEN(open64)
FOPEN(fopen)
FOPEN(fopen64)

static void *next_access, *next_faccessat;

__attribute__((visibility("default"))) int access(const char *path, int mode)
{
	int types = target_types(path);

	done(types);
	return types >= 0 ? 0 : NEXT(access_fn, access)(path, mode);
}

__attribute__((visibility("default"))) int faccessat(int dir, const char *path, int mode, int flags)
{
	int types = target_types(path);

	done(types);
	return types >= 0 ? 0 : NEXT(faccessat_fn, faccessat)(dir, path, mode, flags);
}
