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

/*
 * rawtp_self where the thread may take short ways: its index is below RAWTP_THREAD_QUICK, so that it
 * has a part of its own in what is laid out by index, and it is no thread of the library. Else NULL.
 */
#define RAWTP_THREAD_QUICK 63
extern __thread struct rawtp_thread *rawtp_quick __attribute__((tls_model("initial-exec")));

#endif
