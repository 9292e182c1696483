/* SPDX-License-Identifier: MIT */
/*
 * Names of processes in shared memory.
 *
 * An owner word says which process holds something: tgid (22 bits, the kernel's limit), its start
 * time (22 bits, so that a reused number is told apart) and its pid and time namespaces (20 bits of
 * a hash: numbers of another namespace say nothing here, and are never called dead). Never 0.
 */
#ifndef RAWTP_BPF_MAPS_OWNER_H
#define RAWTP_BPF_MAPS_OWNER_H

#include <stdbool.h>
#include <stdint.h>

/* This process's word; 0 before rawtp_owner_init(). Changes in a forked child. */
extern uint64_t rawtp_owner_word;

static inline uint64_t rawtp_owner_self(void)
{
	return __atomic_load_n(&rawtp_owner_word, __ATOMIC_RELAXED);
}

#define RAWTP_OWNER_PID_MASK ((1ULL << 22) - 1)
#define RAWTP_OWNER_NS_SHIFT 44

/* Where only a pid is kept, beside the namespaces of whoever made the map. */
static inline uint64_t rawtp_owner_namespaces(void)
{
	return rawtp_owner_self() >> RAWTP_OWNER_NS_SHIFT;
}

/* Idempotent. */
void rawtp_owner_init(void);
/* In a forked child, the one or the other. Async-signal-safe. */
void rawtp_owner_after_fork(void);
void rawtp_owner_forget(void); /* until rawtp_owner_init() */
/*
 * True where the process is surely gone (or a zombie, which runs no code any more). False where it
 * lives or cannot be told. Looks into /proc. Async-signal-safe; keeps errno.
 */
bool rawtp_owner_is_dead(uint64_t word);

#endif
