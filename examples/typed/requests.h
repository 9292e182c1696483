/* SPDX-License-Identifier: MIT */
/* What the program works with, and its tracepoint. A later release has moved the members about. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM typed

#if !defined(TYPED_REQUESTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define TYPED_REQUESTS_H

#include <rawtp/tracepoint.h>

#ifndef TYPED_REQUESTS_TYPES
#define TYPED_REQUESTS_TYPES
#ifdef NEXT_RELEASE
struct client {
	char address[40];
	unsigned int flags : 3, number : 13;
	unsigned long sent;
};
struct request {
	const char *path;
	unsigned int options[6];
	struct client *client;
	unsigned int size;
	long id;
};
#else
struct client {
	unsigned int number;
	unsigned long sent;
};
struct request {
	long id;
	unsigned int size;
	struct client *client;
	const char *path;
};
#endif
#endif

DECLARE_TRACE(request_done, TP_PROTO(const struct request *request, int status),
	      TP_ARGS(request, status));

#endif
