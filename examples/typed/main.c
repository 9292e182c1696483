/* SPDX-License-Identifier: MIT */
/*
 * A program whose tracepoint passes a structure. Compiled with BTF (gcc -gbtf, or -g and then pahole -J)
 * it tells BPF programs its types, so that one object works on this release and the next
 * (-DNEXT_RELEASE), whose structures differ.
 *
 *	build/examples/typed/typed &
 *	rawtp attach -p $! --for 3 build/examples/typed/typed.bpf.o
 *
 * Usage: typed [REQUESTS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "requests.h"

DEFINE_TRACE(request_done, TP_PROTO(const struct request *request, int status),
	     TP_ARGS(request, status));

#define N_CLIENTS 4

static void serve(long i)
{
	static struct client clients[N_CLIENTS];
	struct request request = {.id = i, .size = 100, .path = "/index.html"};

	request.client = &clients[i % N_CLIENTS];
	request.client->number = (unsigned int)(i % N_CLIENTS);
	request.client->sent += request.size;
	/* Pointers may be bad: a program that follows them reads 0. */
	if (i % 10 == 8)
		request.client = NULL;
	if (i % 10 == 9)
		request.client = (struct client *)0x1000000000;
	trace_request_done(&request, i % 5 ? 200 : 500);
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : -1, i;

	for (i = 0; i != n; i++) {
		serve(i);
		if (n < 0)
			usleep(1000);
	}
	return 0;
}
