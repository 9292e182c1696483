/* SPDX-License-Identifier: MIT */
/*
 * A program that uses an event header in the kernel's form, unchanged. It is compiled with
 * -Iinclude/compat, where <linux/tracepoint.h> and <trace/define_trace.h> are, and gives the header
 * the types that it expects.
 *
 * Usage: kernel_style_header [ROUNDS]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint32_t u32;

#define CREATE_TRACE_POINTS
#include "trace/events/door.h"

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000, i;

	for (i = 0; i < rounds; i++) {
		trace_door_open("alice", (u32)(i % 7));
		if (i % 2)
			trace_door_close("alice", (u32)(i % 7));
	}
	printf("%lu rounds\n", rounds);
	return 0;
}
