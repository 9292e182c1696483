/* SPDX-License-Identifier: MIT */
/*
 * A line on standard input is a number of requests: each is an event here, a getppid() that the
 * kernel sees, and half as often an event of a name that the kernel has too. Then it says "done".
 */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CREATE_TRACE_POINTS
#include "kernel_mixed_events.h"

int main(void)
{
	long n, i;

	while (scanf("%ld", &n) == 1) {
		for (i = 0; i < n; i++) {
			trace_mixed_request(i);
			if (i % 2)
				trace_sys_exit(i, 0);
			syscall(SYS_getppid);
		}
		puts("done");
		fflush(stdout);
	}
	return 0;
}
