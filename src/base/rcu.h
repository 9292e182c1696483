/* SPDX-License-Identifier: MIT */
/*
 * Grace periods for the read side of rawtp/thread.h.
 *
 *                      may run with   a reader   synchronize   defer   fork
 *   rawtp_read_lock                   yes        yes           yes     yes
 *   rawtp_synchronize                 yes        serialized    yes     no (atfork takes its lock)
 *
 * The algorithm is liburcu's "memb" flavour (Desnoyers et al., "User-Level Implementations of
 * Read-Copy Update", IEEE TPDS 2012) with a 64-bit generation, which never wraps, in place of the
 * two-phase counter.
 */
#ifndef RAWTP_BASE_RCU_H
#define RAWTP_BASE_RCU_H

#include "rawtp/thread.h"

/*
 * Returns after every read-side section that was running when it was called has ended. Blocks.
 * Must not be called from a read-side section or a signal handler.
 */
void rawtp_synchronize(void);

/* Registers this process for membarrier(2) and the fork handlers. Idempotent. */
void rawtp_rcu_init(void);
/* The pthread_atfork() trio, called by the agent's handlers in their order. */
void rawtp_rcu_before_fork(void);
void rawtp_rcu_after_fork_parent(void);
void rawtp_rcu_after_fork_child(void);

/*
 * The same as rawtp_rcu_generation, which an executable may have a copy of that stands for it: this one
 * is where the library is, in reach of code that is made near it.
 */
extern uint64_t rawtp_rcu_generation_near;

/* Events that were skipped since their thread could get no record. */
uint64_t rawtp_thread_misses(void);

#endif
