/* SPDX-License-Identifier: MIT */
/* A tracepoint as a line (or, verbose, several) of text, or as a JSON object. */
#ifndef RAWTP_CLI_EVENT_PRINT_H
#define RAWTP_CLI_EVENT_PRINT_H

#include "client/client.h"
#include "output.h"

/* @running: sites and attached programs are known to be those of a process. */
void rawtp_event_print(struct rawtp_output *out, const struct rawtp_client_event *event,
		       bool verbose, bool running);

#endif
