/* SPDX-License-Identifier: MIT */
#include "event_print.h"

#include <stdio.h>
#include <string.h>

static const char *kind(const struct rawtp_client_arg *arg)
{
	if (arg->is_float)
		return "float";
	if (arg->is_pointer)
		return "pointer";
	return arg->is_signed ? "signed" : "unsigned";
}

/* "const char *name", "u32 n": no blank behind a star. Function pointers keep the name apart. */
static void print_arg(FILE *file, const struct rawtp_client_arg *arg)
{
	size_t n = strlen(arg->type);

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
		event->class_name, *event->object ? event->object : "-");
	fprintf(file, "    %u site%s, %s", event->n_sites, event->n_sites == 1 ? "" : "s",
		event->site_kind);
	if (running)
		fprintf(file, "; %u attached", event->n_attached);
	fputc('\n', file);
	for (i = 0; i < event->n_args; i++)
		fprintf(file, "    args[%u] %-16s %s, %u byte%s, %s\n", i, event->args[i].name,
			event->args[i].type, event->args[i].size,
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
	rawtp_output_u64(out, "sites", event->n_sites);
	rawtp_output_string(out, "site_kind", event->site_kind);
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
