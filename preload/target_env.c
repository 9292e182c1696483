/* SPDX-License-Identifier: MIT */
/* The target of a tool that knows nothing of us: the environment variable RAWTP_TARGET. */
#include "preload/route.h"
#include "rawtp/bpf.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int route;

static const char *what_to_do(int err)
{
	switch (err) {
	case -EINVAL:
		return "; say kernel, self, PID,PID,... or comm:NAME";
	case -ESRCH:
		return "; rawtp ps lists those that carry tracepoints";
	case -ENOENT:
		return "; it carries no tracepoints, rawtp ps lists those that do";
	case -EACCES:
	case -EPERM:
		return "; it belongs to another user";
	case -ETIMEDOUT:
		return "; if it is stopped, kill -CONT lets it go on";
	default:
		return "";
	}
}

/* At the first bpf(2) call, not at start: the targets may be started by the tool itself. */
static void choose(void)
{
	const char *target = getenv("RAWTP_TARGET");

	if (!target || !*target || strcmp(target, "kernel") == 0)
		return;
	route = 1;
	if (rawtp_bpf_set_target(target) == 0)
		return;
	/* Neither the kernel nor this process is what was meant. */
	route = -errno;
	fprintf(stderr, "librawtp-bpf: RAWTP_TARGET=%s: %s%s\n", target, strerror(-route),
		what_to_do(route));
}

int rawtp_route(void)
{
	int saved = errno;

	pthread_once(&once, choose);
	errno = saved;
	return route;
}

bool rawtp_route_types(void)
{
	return rawtp_route() > 0;
}
