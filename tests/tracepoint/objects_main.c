/* SPDX-License-Identifier: MIT */
/*
 * Shared libraries that come and go (dlopen, dlclose) while other threads pass events of the
 * program. argv: copies of one library that define the events that the program has too.
 */
#define CREATE_TRACE_POINTS
#include "matrix_events.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LIBRARIES 4
#ifdef RAWTP_SANITIZED
#define ROUNDS 20
#else
#define ROUNDS 300
#endif

static int n_plain;
static struct tracepoint *plain[MAX_LIBRARIES + 1];
static int stop;
static __thread unsigned long long hits;
static unsigned long long passed[2], seen[2];

static void probe_exception(void *data, const struct net_device *dev, const struct bpf_prog *xdp,
			    uint32_t act)
{
	hits++;
}

static void probe_plain(void *data, int value, double weight)
{
	hits += (unsigned long long)value;
}

static void find_plain(struct tracepoint *tp, void *priv)
{
	if (!strcmp(tp->name, "matrix_plain"))
		plain[n_plain++] = tp;
}

static int count_plain(void)
{
	n_plain = 0;
	for_each_tracepoint (find_plain, NULL)
		;
	return n_plain;
}

static void *pass(void *arg)
{
	unsigned long long *n = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		trace_xdp_exception(NULL, NULL, 1);
		++*n;
	}
	seen[n - passed] = hits;
	return NULL;
}

#define EXPECT(condition)                                                                        \
	do {                                                                                     \
		if (!(condition)) {                                                              \
			fprintf(stderr, "line %d, round %d: %s\n", __LINE__, round, #condition); \
			exit(1);                                                                 \
		}                                                                                \
	} while (0)

static void go_round(int round, int n, char **paths)
{
	int (*call[MAX_LIBRARIES])(int);
	void *handles[MAX_LIBRARIES];
	int i;

	for (i = 0; i < n; i++) {
		handles[i] = dlopen(paths[i], RTLD_NOW | RTLD_LOCAL);
		EXPECT(handles[i]);
		*(void **)&call[i] = dlsym(handles[i], "matrix_library");
		EXPECT(call[i]);
		EXPECT(call[i](1) == 0);
	}
	EXPECT(count_plain() == n + 1);
	for (i = 0; i <= n; i++)
		EXPECT(tracepoint_probe_register(plain[i], (void *)probe_plain, NULL) == 0);
	hits = 0;
	for (i = 0; i < n; i++)
		EXPECT(call[i](10) == 1);
	trace_matrix_plain(1000, 1.0);
	EXPECT(hits == (unsigned long long)(1000 + 10 * n));
	/* Every second round the probes are left for the library's destructor. */
	for (i = 0; i <= n; i++)
		if (round % 2 || i == 0)
			EXPECT(tracepoint_probe_unregister(plain[i], (void *)probe_plain, NULL) ==
			       0);
	for (i = 0; i < n; i++) {
		EXPECT(dlclose(handles[i]) == 0);
		EXPECT(count_plain() == n - i);
	}
	EXPECT(dlopen(paths[0], RTLD_NOW | RTLD_NOLOAD) == NULL);
}

int main(int argc, char **argv)
{
	pthread_t threads[2];
	int i, round = -1;

	EXPECT(count_plain() == 1);
	EXPECT(register_trace_xdp_exception(probe_exception, NULL) == 0);
	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, pass, &passed[i]);
	for (round = 0; round < ROUNDS; round++)
		go_round(round, argc - 1, argv + 1);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		EXPECT(passed[i] > 0 && seen[i] == passed[i]);
	}
	puts("ok");
	return 0;
}
