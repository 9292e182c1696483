/* SPDX-License-Identifier: MIT */
/*
 * A program to trace: app [TICKS [PAUSE_US [STATUS]]]. Passes app_tick so often, with a pause between, and
 * app_tock at each second one. 0 ticks: until it is killed. A negative status: that signal.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define CREATE_TRACE_POINTS
#include "app_events.h"

int main(int argc, char **argv)
{
	unsigned long ticks = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, i;
	unsigned int pause = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 0;

	for (i = 1; !ticks || i <= ticks; i++) {
		trace_app_tick(i, "tick");
		if (i % 2 == 0)
			trace_app_tock(i, "tock");
		if (pause)
			usleep(pause);
	}
	trace_app_types(-1, 2, -3, 4, 5.0, APP_TWO, 1, NULL);
	if (argc > 3 && atoi(argv[3]) < 0)
		raise(-atoi(argv[3]));
	return argc > 3 ? atoi(argv[3]) : 0;
}
