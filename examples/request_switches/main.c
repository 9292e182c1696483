/* SPDX-License-Identifier: MIT */
/*
 * A server of invented requests, with one tracepoint at the beginning and one at the end of each. In
 * between its thread waits for something, so that the kernel switches it out and in again.
 *
 *	build/examples/request_switches/request_switches &
 *	rawtp attach -k -p $! --record event --for 1 build/examples/request_switches/request_switches.bpf.o
 *
 * Usage: request_switches [REQUESTS [THREADS [PAUSE_IN_MICROSECONDS]]]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CREATE_TRACE_POINTS
#include "server_events.h"

#define MAX_THREADS 64

static unsigned int requests = 100000, pause_us = 1000, next_request;

static void *serve(void *unused)
{
	unsigned int request;

	while ((request = __atomic_fetch_add(&next_request, 1, __ATOMIC_RELAXED)) < requests) {
		trace_server_begin(request);
		usleep(pause_us); /* a disk, say */
		trace_server_end(request);
		usleep(pause_us); /* the next request comes */
	}
	return unused;
}

static unsigned int number(int argc, char **argv, int i, unsigned int otherwise)
{
	return argc > i ? (unsigned int)strtoul(argv[i], NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
	unsigned int n_threads = number(argc, argv, 2, 2), i;
	pthread_t threads[MAX_THREADS];

	requests = number(argc, argv, 1, requests);
	pause_us = number(argc, argv, 3, pause_us);
	for (i = 0; i < n_threads && i < MAX_THREADS; i++)
		if (pthread_create(&threads[i], NULL, serve, NULL))
			return 1;
	while (i)
		pthread_join(threads[--i], NULL);
	printf("served %u requests\n", requests);
	return 0;
}
