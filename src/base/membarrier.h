/* SPDX-License-Identifier: MIT */
/* Barriers on all threads of the process, by membarrier(2) or what stands in for it (rcu.c). */
#ifndef RAWTP_BASE_MEMBARRIER_H
#define RAWTP_BASE_MEMBARRIER_H

/* Every running thread passes a full memory barrier before this returns. */
void rawtp_membarrier(void);
/* The same, and every thread has executed a core-serializing instruction before it runs on. */
void rawtp_membarrier_sync_core(void);

#endif
