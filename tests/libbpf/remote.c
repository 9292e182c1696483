/* SPDX-License-Identifier: MIT */
/*
 * remote fire:     fires a tracepoint until it is killed; says "ready".
 * remote read N:   a tool that knows libbpf alone: attaches, reads N records of the ring buffer, and
 *                  prints "N"; or, when nothing comes for a second after the first record, "quiet".
 *                  At the first one it says "reading" on standard error.
 */
#include "remote.skel.h"
#define CREATE_TRACE_POINTS
#include "counts_events.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned long records;

static int on_record(void *ctx, void *data, size_t size)
{
	if (records++ == 0)
		fputs("reading\n", stderr);
	return 0;
}

static int fire(void)
{
	unsigned int i;

	puts("ready");
	fflush(stdout);
	for (i = 0;; i++) {
		trace_counts_event("from another process", i % 32);
		if (i % 16 == 0)
			usleep(100);
	}
}

static int read_records(unsigned long wanted)
{
	struct counts_bpf *skel = counts_bpf__open_and_load();
	struct ring_buffer *ring = NULL;
	int quiet = 0;

	if (skel && counts_bpf__attach(skel) == 0)
		ring = ring_buffer__new(bpf_map__fd(skel->maps.records), on_record, NULL, NULL);
	if (!ring) {
		printf("%s\n", strerror(errno));
		return 1;
	}
	while (records < wanted && quiet < 10) {
		unsigned long before = records;

		if (ring_buffer__poll(ring, 100) < 0 && errno != EINTR)
			return 1;
		quiet = records == before && records ? quiet + 1 : 0;
	}
	if (quiet)
		puts("quiet");
	else
		printf("%lu\n", wanted);
	/* Each record was an event of the target, and none of ours. */
	if (skel->bss->events < records)
		return 1;
	ring_buffer__free(ring);
	counts_bpf__destroy(skel);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "read") == 0)
		return read_records(strtoul(argv[2], NULL, 10));
	return fire();
}
