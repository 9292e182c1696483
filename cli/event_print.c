/* SPDX-License-Identifier: MIT */
#include "event_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *kind(const struct rawtp_client_arg *arg)
{
	if (arg->is_float)
		return "float";
	if (arg->is_pointer)
		return "pointer";
	return arg->is_signed ? "signed" : "unsigned";
}

/* "const char *name", "u32 n", "void (*f)(int)": as C has it. */
static void print_arg(FILE *file, const struct rawtp_client_arg *arg)
{
	const char *function = strstr(arg->type, "(*)");
	size_t n = strlen(arg->type);

	if (function) {
		n = (size_t)(function - arg->type) + 2;
		fprintf(file, "%.*s%s%s", (int)n, arg->type, arg->name, arg->type + n);
		return;
	}
	fprintf(file, "%s%s%s", arg->type, n && arg->type[n - 1] == '*' ? "" : " ", arg->name);
}

static void print_text(FILE *file, const struct rawtp_client_event *event, bool verbose,
		       bool running)
{
	uint32_t i;

	fprintf(file, "%s(", event->name);
	for (i = 0; i < event->n_args; i++) {
		fputs(i ? ", " : "", file);
		print_arg(file, &event->args[i]);
	}
	fputs(")\n", file);
	if (!verbose)
		return;
	fprintf(file, "    system %s, class %s, object %s\n", *event->system ? event->system : "-",
		*event->class_name ? event->class_name : "-", *event->object ? event->object : "-");
	/* The kernel does not tell its sites. */
	if (*event->site_kind) {
		fprintf(file, "    %u site%s, %s", event->n_sites, event->n_sites == 1 ? "" : "s",
			event->site_kind);
		if (running)
			fprintf(file, "; %u attached", event->n_attached);
		fputc('\n', file);
	}
	for (i = 0; i < event->n_args; i++)
		fprintf(file, "    args[%u] %-*s %s, %u byte%s, %s\n", i, i < 10 ? 16 : 15,
			event->args[i].name, event->args[i].type, event->args[i].size,
			event->args[i].size == 1 ? "" : "s", kind(&event->args[i]));
}

void rawtp_event_print(struct rawtp_output *out, const struct rawtp_client_event *event,
		       bool verbose, bool running)
{
	uint32_t i;

	if (!out->json) {
		print_text(out->file, event, verbose, running);
		return;
	}
	rawtp_output_object(out, NULL);
	rawtp_output_string(out, "name", event->name);
	rawtp_output_string(out, "system", event->system);
	rawtp_output_string(out, "class", event->class_name);
	rawtp_output_string(out, "object", event->object);
	if (*event->site_kind) {
		rawtp_output_u64(out, "sites", event->n_sites);
		rawtp_output_string(out, "site_kind", event->site_kind);
	}
	if (running)
		rawtp_output_u64(out, "attached", event->n_attached);
	rawtp_output_array(out, "args");
	for (i = 0; i < event->n_args; i++) {
		rawtp_output_object(out, NULL);
		rawtp_output_string(out, "name", event->args[i].name);
		rawtp_output_string(out, "type", event->args[i].type);
		rawtp_output_u64(out, "size", event->args[i].size);
		rawtp_output_string(out, "kind", kind(&event->args[i]));
		rawtp_output_end(out);
	}
	rawtp_output_end(out);
	rawtp_output_end(out);
}

static void free_event(struct rawtp_client_event *event)
{
	uint32_t i;

	for (i = 0; event->args && i < event->n_args; i++) {
		free((char *)event->args[i].type);
		free((char *)event->args[i].name);
	}
	free((struct rawtp_client_arg *)event->args);
	free((char *)event->name);
	free((char *)event->system);
	free((char *)event->class_name);
	free((char *)event->object);
	free((char *)event->site_kind);
}

/* What could not be copied is NULL in @to, which can be freed in any case. */
static bool copy_event(struct rawtp_client_event *to, const struct rawtp_client_event *from)
{
	struct rawtp_client_arg *args = calloc(from->n_args + 1, sizeof(*args));
	bool whole = args;
	uint32_t i;

	*to = *from;
	to->args = args;
	to->name = strdup(from->name);
	to->system = strdup(from->system);
	to->class_name = strdup(from->class_name);
	to->object = strdup(from->object);
	to->site_kind = strdup(from->site_kind);
	for (i = 0; args && i < from->n_args; i++) {
		args[i] = from->args[i];
		args[i].type = strdup(from->args[i].type);
		args[i].name = strdup(from->args[i].name);
		whole = whole && args[i].type && args[i].name;
	}
	return whole && to->name && to->system && to->class_name && to->object && to->site_kind;
}

bool rawtp_event_list_add(struct rawtp_event_list *list, const struct rawtp_client_event *event)
{
	struct rawtp_client_event *grown;

	if (list->n == list->allocated) {
		size_t n = list->allocated ? 2 * list->allocated : 64;

		grown = realloc(list->events, n * sizeof(*grown));
		if (!grown)
			return false;
		list->events = grown;
		list->allocated = n;
	}
	if (copy_event(&list->events[list->n], event)) {
		list->n++;
		return true;
	}
	free_event(&list->events[list->n]);
	return false;
}

static int compare_events(const void *a, const void *b)
{
	const struct rawtp_client_event *one = a, *two = b;
	int order = strcmp(one->name, two->name);

	return order ? order : strcmp(one->object, two->object);
}

void rawtp_event_list_sort(struct rawtp_event_list *list)
{
	if (list->n)
		qsort(list->events, list->n, sizeof(*list->events), compare_events);
}

void rawtp_event_list_free(struct rawtp_event_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free_event(&list->events[i]);
	free(list->events);
	memset(list, 0, sizeof(*list));
}
