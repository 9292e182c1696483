/* SPDX-License-Identifier: MIT */
/* The table of thread records, for rcu.c. Records stay where they are for ever. */
#ifndef RAWTP_BASE_THREAD_H
#define RAWTP_BASE_THREAD_H

#include "rawtp/thread.h"
#include <stdbool.h>
#include <stddef.h>

#define RAWTP_THREAD_BLOCK  1024 /* records in a block */
#define RAWTP_THREAD_BLOCKS 64

/* Records [0, n) may be in use. A thread that is not in it yet is in no section that matters. */
uint32_t rawtp_thread_count(void);
struct rawtp_thread *rawtp_thread_at(uint32_t i);
/* No thread of this process has the number @tid. A system call. */
bool rawtp_thread_is_gone(uint32_t tid);
void rawtp_thread_after_fork_child(void);

#endif
