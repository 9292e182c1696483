/* SPDX-License-Identifier: MIT */
/* A tracepoint as a line (or, verbose, several) of text, or as a JSON object. */
#ifndef RAWTP_CLI_EVENT_PRINT_H
#define RAWTP_CLI_EVENT_PRINT_H

#include "client/client.h"
#include "output.h"

/* @running: sites and attached programs are known to be those of a process. */
void rawtp_event_print(struct rawtp_output *out, const struct rawtp_client_event *event,
		       bool verbose, bool running);

/* Events kept for the order of their names. */
struct rawtp_event_list {
	struct rawtp_client_event *events;
	size_t n, allocated;
};

/* Keeps a copy. False where memory is short. */
bool rawtp_event_list_add(struct rawtp_event_list *list, const struct rawtp_client_event *event);
void rawtp_event_list_sort(struct rawtp_event_list *list);
void rawtp_event_list_free(struct rawtp_event_list *list);

#endif
