/* SPDX-License-Identifier: MIT */
/*
 * Probes of a tracepoint: an array of {func, data} that is copied, changed, published, and freed
 * after a grace period. The public calls are in rawtp/tracepoint.h.
 */
#ifndef RAWTP_TRACEPOINT_PROBES_H
#define RAWTP_TRACEPOINT_PROBES_H

#include "rawtp/record.h"

/*
 * tracepoint_probe_register() of a probe that has machine code for when it is the only one
 * (struct tracepoint), or NULL. tracepoint_probe_unregister(), whatever it returns, returns after
 * the last thread has left that code.
 */
int rawtp_probe_register(struct tracepoint *tp, void *probe, void *data, void *direct);

/* Held while probes or sites change. Inside the registry's lock, outside rcu's. */
void rawtp_probes_lock(void);
void rawtp_probes_unlock(void);

/* Takes all probes from @tp, whose object goes away, and waits for those that run. Lock held. */
void rawtp_probes_clear(struct tracepoint *tp);

#endif
