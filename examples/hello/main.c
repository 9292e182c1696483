/* SPDX-License-Identifier: MIT */
/*
 * An author's program: it serves invented requests, and has one tracepoint.
 *
 *	build/examples/hello/hello &
 *	rawtp attach -p $! --for 3 build/examples/hello/hello.bpf.o
 *
 * Usage: hello [REQUESTS [PAUSE_IN_MICROSECONDS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One source of the program says so: here the tracepoints are defined. */
#define CREATE_TRACE_POINTS
#include "hello_events.h"

static const char *const paths[] = {"/", "/index.html", "/missing", "/image.png"};

static void serve(unsigned long i)
{
	const char *path = paths[i % 4];
	int status = i % 4 == 2 ? 404 : 200;

	/* One no-op in the text, until somebody attaches a program. */
	trace_hello_request(path, status, (unsigned int)(i % 1000));
}

int main(int argc, char **argv)
{
	unsigned long requests = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000000;
	unsigned int pause = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 0) : 1;
	unsigned long i;

	for (i = 0; i < requests; i++) {
		serve(i);
		if (pause)
			usleep(pause);
	}
	printf("served %lu requests\n", requests);
	return 0;
}
