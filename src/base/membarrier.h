/* SPDX-License-Identifier: MIT */
/* Barriers on all threads of the process, by membarrier(2) or what stands in for it (rcu.c). */
#ifndef RAWTP_BASE_MEMBARRIER_H
#define RAWTP_BASE_MEMBARRIER_H

#include <stdbool.h>

/* Every running thread passes a full memory barrier before this returns. */
void rawtp_membarrier(void);
/* The same, and every thread has executed a core-serializing instruction before it runs on. */
void rawtp_membarrier_sync_core(void);

/*
 * Between processes: from when the first has returned true in a process, each of its threads that runs
 * passes a full memory barrier while the second runs anywhere. The first takes milliseconds, once in
 * the life of a process and what it forks; the second microseconds. False: not on this system.
 */
bool rawtp_membarrier_join_all(void);
bool rawtp_membarrier_all(void);

#endif
