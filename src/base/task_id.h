/* SPDX-License-Identifier: MIT */
/*
 * getpid() and gettid() without the system calls, correct after fork().
 *
 * The process's id lies in a page that the kernel wipes in a child (MADV_WIPEONFORK), so no fork
 * handler is needed, and a child made by a raw clone(2) is seen too. A vfork() child shares the
 * memory of its parent, and is given the parent's ids until it execs (its own tid, where its parent's
 * thread has not asked before it).
 */
#ifndef RAWTP_BASE_TASK_ID_H
#define RAWTP_BASE_TASK_ID_H

#include <stdbool.h>
#include <stdint.h>

struct rawtp_task_id {
	uint32_t tgid, tid; /* as getpid() and gettid() say: in the process's own namespace */
	uint32_t fork;      /* another in a child than in its parent, never 0 */
};

/*
 * Where rawtp_task_id() looks, for machine code: *@tgid and *@fork of the process, 0 in @fork while it
 * does not know; and of the calling thread, whose tid is true while the two forks are the same. False
 * where the kernel has to be asked each time. The first two stay where they are; the last two are
 * thread-local.
 */
struct rawtp_task_id_places {
	const uint32_t *tgid, *fork;
	const uint32_t *tid, *tid_fork;
};
bool rawtp_task_id_places(struct rawtp_task_id_places *places);

/* Two loads after a thread's first call. Async-signal-safe; leaves errno alone. */
struct rawtp_task_id rawtp_task_id(void);

/*
 * True in a child that runs in its parent's memory (vfork(), posix_spawn()): what it finds there is
 * its parent's, and stays. False where MADV_WIPEONFORK is missing: it cannot be told then. A system
 * call; async-signal-safe.
 */
bool rawtp_in_vfork_child(void);

#endif
