/* SPDX-License-Identifier: MIT */
/* argv[1]: what registering a probe returns here. Where it is 0, events must be seen. */
#define CREATE_TRACE_POINTS
#include "matrix_events.h"
#include <stdio.h>
#include <stdlib.h>

static int hits;

static void probe(void *data, int value, double weight)
{
	hits += value;
}

int main(int argc, char **argv)
{
	int expected = argc > 1 ? atoi(argv[1]) : 0, got, round;

	for (round = 1; round <= 10; round++) {
		got = register_trace_matrix_plain(probe, NULL);
		if (got != expected) {
			printf("registering returned %d, not %d\n", got, expected);
			return 1;
		}
		trace_matrix_plain(1, 1.0);
		trace_matrix_plain(10, 1.0);
		if (hits != (got ? 0 : 11 * round) || trace_matrix_plain_enabled() != !got) {
			printf("%d hits in round %d\n", hits, round);
			return 1;
		}
		if (!got)
			unregister_trace_matrix_plain(probe, NULL);
		trace_matrix_plain(1000, 1.0);
	}
	return 0;
}
