/* SPDX-License-Identifier: MIT */
/*
 * Ring buffers of loaded objects, and the lines of their trace_printk(): counted, and shown (a line
 * of text, or an item of the JSON array that the caller has begun) as they come, or ordered by time.
 */
#ifndef RAWTP_CLI_RINGS_H
#define RAWTP_CLI_RINGS_H

#include "cli.h"
#include "object.h"

struct rawtp_rings;

#define RAWTP_RINGS_WINDOW 100000000 /* nanoseconds, where nobody says other */

struct rawtp_rings_options {
	const char *record; /* the struct that records are shown as; NULL: they are only counted */
	/*
	 * Records and lines of all sources in the order of their times: those of lines, and of the
	 * member @time of records (NULL: one of the usual names; a record without it has the time at
	 * which it was read).
	 */
	bool ordered;
	const char *time;
	bool kernel_lines; /* those of the kernel's programs too */
	uint64_t window;   /* nanoseconds that each waits for older ones */
};

/* 0 or an exit status. */
int rawtp_rings_open(const struct rawtp_cli *cli, struct rawtp_output *out,
		     const struct rawtp_object *objects, unsigned int n,
		     const struct rawtp_rings_options *options, struct rawtp_rings **rings);
/* Waits up to @ms, handles what came; without ring buffers it only waits. */
void rawtp_rings_poll(struct rawtp_rings *rings, int ms);
/* Handles all that is there. */
void rawtp_rings_drain(struct rawtp_rings *rings);
/* Text: a line a ring buffer; JSON: items of the array of maps. */
void rawtp_rings_print(struct rawtp_rings *rings);
void rawtp_rings_close(struct rawtp_rings *rings);

#endif
