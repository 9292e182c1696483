/* SPDX-License-Identifier: MIT */
/*
 * A process to be traced, told what to do by lines on standard input; each answers one line.
 *
 *	target [THREADS]       THREADS pass e2e_tick(1, n) without end (0 if not given)
 *	call N                 passes e2e_tick(0, n) N times, then says "done N"
 *	census                 "FDS THREADS SWITCHES MAPPINGS": open descriptors, threads, how often
 *	                       a thread saw the tracepoint switched on, memory mappings
 *	quit, or end of file   says "calls N" (of e2e_tick(0, ...)), status 0
 */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rawtp/tracepoint.h>

DECLARE_TRACE(e2e_tick, TP_PROTO(uint32_t index, uint64_t value), TP_ARGS(index, value));
DEFINE_TRACE(e2e_tick, TP_PROTO(uint32_t index, uint64_t value), TP_ARGS(index, value));

static atomic_bool stop;
static atomic_ulong switches;

static void *pass(void *arg)
{
	bool was_on = false, on;
	uint64_t n = 0;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		trace_e2e_tick(1, n++);
		on = trace_e2e_tick_enabled();
		if (on && !was_on)
			atomic_fetch_add(&switches, 1);
		was_on = on;
		if (!(n & 0xff))
			sched_yield();
	}
	return arg;
}

static unsigned int entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

static unsigned int lines(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned int n = 0;
	int c;

	while (file && (c = getc(file)) != EOF)
		n += c == '\n';
	if (file)
		fclose(file);
	return n;
}

int main(int argc, char **argv)
{
	unsigned int i, n_threads = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long long n, calls = 0, done;
	pthread_t threads[64];
	char line[128];

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < n_threads && i < 64; i++)
		pthread_create(&threads[i], NULL, pass, NULL);
	puts("ready");
	while (fgets(line, sizeof(line), stdin) && strcmp(line, "quit\n")) {
		if (sscanf(line, "call %llu", &n) == 1) {
			for (done = 0; done < n; done++)
				trace_e2e_tick(0, calls++);
			printf("done %llu\n", n);
		} else if (!strcmp(line, "census\n")) {
			printf("%u %u %lu %u\n", entries("/proc/self/fd"),
			       entries("/proc/self/task"), atomic_load(&switches),
			       lines("/proc/self/maps"));
		}
	}
	atomic_store(&stop, true);
	for (i = 0; i < n_threads && i < 64; i++)
		pthread_join(threads[i], NULL);
	printf("calls %llu\n", calls);
	return 0;
}
