/* SPDX-License-Identifier: MIT */
/*
 * Makes a known number of calls: calls ROUNDS THREADS CHILDREN. In each thread of each process, a
 * round is 3 mallocs (one fails), 1 calloc, 1 realloc, 4 frees (one of NULL), 1 read of 1 byte, 1
 * read that fails, 1 write of 1 byte, 1 lock. What the program needs besides (threads, children,
 * start and end) is counted by a run of 0 rounds. Exits with 1 where a call does not do what it
 * does without tracing, errno included.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned long rounds;
static int wrong;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void *volatile keep; /* the compiler may not pair malloc with free */

#define CHECK(cond)                                                        \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond); \
			wrong = 1;                                         \
		}                                                          \
	} while (0)

static void memory(void)
{
	size_t huge = (size_t)PTRDIFF_MAX;
	char *p, *q;

	keep = p = malloc(100);
	keep = q = calloc(3, 7);
	CHECK(p && q && !q[0] && !q[20]);
	strcpy(p, "kept");
	keep = p = realloc(p, 5000);
	CHECK(p && !strcmp(p, "kept"));
	free(p);
	free(q);
	errno = 0;
	keep = p = malloc(huge);
	CHECK(!p && errno == ENOMEM);
	errno = EDOM;
	keep = p = malloc(24);
	free(p);
	free(keep = NULL);
	CHECK(errno == EDOM);
}

static void *work(void *arg)
{
	int pipes[2];
	unsigned long i;
	char byte = 'x';

	if (pipe(pipes))
		abort();
	for (i = 0; i < rounds; i++) {
		memory();
		CHECK(write(pipes[1], &byte, 1) == 1);
		CHECK(read(pipes[0], &byte, 1) == 1);
		errno = 0;
		CHECK(read(-1, &byte, 1) == -1 && errno == EBADF);
		CHECK(pthread_mutex_lock(&mutex) == 0);
		pthread_mutex_unlock(&mutex);
	}
	close(pipes[0]);
	close(pipes[1]);
	return arg;
}

static void run_threads(int n)
{
	pthread_t threads[64];
	int i;

	for (i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, work, NULL))
			abort();
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	int threads = atoi(argv[2]), children = atoi(argv[3]), i, status;

	rounds = strtoul(argv[1], NULL, 10);
	for (i = 0; i < children; i++) {
		if (fork())
			continue;
		run_threads(threads);
		_exit(wrong);
	}
	run_threads(threads);
	for (i = 0; i < children; i++) {
		wait(&status);
		wrong |= status != 0;
	}
	return wrong;
}
