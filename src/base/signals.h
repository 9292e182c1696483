/* SPDX-License-Identifier: MIT */
/*
 * Whether a load that faults can be survived on the calling thread, here and now.
 *
 * It can where the kernel would run our handler: SIGSEGV and SIGBUS are ours, neither is blocked, and
 * the stack has room for a signal. Nothing tells a thread so without a system call. So it is asked
 * once, and what is known is forgotten whenever it might change. That needs to be seen: the functions
 * of libc that change it are defined by the library (signals_libc.c), and every handler of the
 * program runs inside one of ours. Where these are not what the program calls, nothing is ever known,
 * and nobody's signals are touched.
 *
 * The program's own handlers, masks and alternate stacks work as before, and what it asks of
 * sigaction() is what it has set. Handlers are taken over when the first program of an operator reads
 * memory, and not before.
 */
#ifndef RAWTP_BASE_SIGNALS_H
#define RAWTP_BASE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Of one thread: a fault is survived while its stack pointer is in [low, low + span). */
struct rawtp_signal_room {
	uintptr_t low, span;
	uint32_t changes; /* of what may be blocked */
	uint32_t pause;   /* so many reads before it is asked again */
};
extern __thread struct rawtp_signal_room rawtp_signal_room
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline bool rawtp_fault_is_survived(void)
{
	uintptr_t sp = (uintptr_t)__builtin_frame_address(0);

	return sp - rawtp_signal_room.low < rawtp_signal_room.span;
}

/*
 * Asks, unless that was in vain a moment ago; the answer is rawtp_fault_is_survived(). Takes over the
 * program's handlers when it is called for the first time. Async-signal-safe; leaves errno alone.
 */
bool rawtp_signals_ask(void);
/* A fault was survived, at the price of a signal: the next few reads take the other way. */
void rawtp_signals_fault_seen(void);
/* What is blocked may be another from now on. */
void rawtp_signals_forget(void);

/* For signals_libc.c: sigaction() and pthread_sigmask(), which returns the error. */
int rawtp_signals_action(int sig, const struct sigaction *act, struct sigaction *old);
int rawtp_signals_mask(int how, const sigset_t *set, sigset_t *old);
/* The program calls our functions: what follows may be relied on. */
void rawtp_signals_trust(void);

#endif
