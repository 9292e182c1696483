/* SPDX-License-Identifier: MIT */
/* On and off: the sites of a tracepoint, and the flag that unpatched sites test. */
#ifndef RAWTP_TRACEPOINT_SWITCH_H
#define RAWTP_TRACEPOINT_SWITCH_H

#include "rawtp/record.h"
#include <stdbool.h>

/*
 * Returns after every thread sees all sites of @tp so. 0 or what rawtp_text_patch() says; on error
 * nothing is changed. The caller holds the probes' lock. Of a tracepoint whose object is not
 * registered yet only the flag is set; rawtp_switch_object() does the rest.
 */
int rawtp_switch(struct tracepoint *tp, bool on);

/* Links the sites of @object to its tracepoints. -ENOMEM. */
int rawtp_switch_link(struct rawtp_object *object);
void rawtp_switch_unlink(struct rawtp_object *object);

/* The first site of @tp, and the next one, or NULL. */
const struct rawtp_site *rawtp_site_first(const struct tracepoint *tp);
const struct rawtp_site *rawtp_site_next(const struct tracepoint *tp,
					 const struct rawtp_site *site);

#endif
