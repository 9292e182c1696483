/* SPDX-License-Identifier: MIT */
/*
 * The agent: one thread of the library, which lets other processes of the same user attach programs
 * to this process's tracepoints. It starts by itself when the library is loaded; these calls are for
 * programs that want to choose. Environment: RAWTP_AGENT=0, do not start; RAWTP_RUN_DIR, where the
 * socket is to be (an absolute path of a directory that only its owner may enter).
 */
#ifndef RAWTP_AGENT_H
#define RAWTP_AGENT_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * rawtp_agent_start - start the agent, whatever RAWTP_AGENT says
 *
 * Returns 0, also where it runs already. On error -1 with errno: EPERM in a set-user-ID program or
 * where the socket's directory is not this user's alone; EAGAIN where no thread can be had; or what
 * socket(2), bind(2) and mkdir(2) said. Thread-safe; not async-signal-safe; not in a fork handler.
 */
int rawtp_agent_start(void);

/**
 * rawtp_agent_stop - end the agent
 *
 * Detaches every program that it or rawtp_prog_attach() attached, waits until their last runs have
 * ended, removes the socket and joins the thread. Thread-safe; must not be called from a tracepoint.
 */
void rawtp_agent_stop(void);

/**
 * rawtp_agent_error - why there is no agent
 *
 * Returns 0 where it runs; else the errno that ended its start, or ECANCELED where it was disabled
 * or stopped. Thread-safe.
 */
int rawtp_agent_error(void);

#ifdef __cplusplus
}
#endif
#endif
