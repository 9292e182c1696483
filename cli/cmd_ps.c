/* SPDX-License-Identifier: MIT */
/* rawtp ps: processes that carry tracepoints, and what is attached to them. */
#include "cli.h"
#include "client/client.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct ps {
	struct rawtp_cli *cli;
	unsigned int shown;
	pid_t pid; /* of the process at hand */
	char comm[64];
	unsigned int events, links;
};

static int count_event(const struct rawtp_client_event *event, void *data)
{
	struct ps *ps = data;

	ps->events++;
	return 0;
}

static int count_link(const struct rawtp_client_link_info *link, void *data)
{
	struct ps *ps = data;

	ps->links++;
	return 0;
}

static int print_link(const struct rawtp_client_link_info *link, void *data)
{
	struct ps *ps = data;
	struct rawtp_output *out = &ps->cli->out;
	char comm[64] = "";

	if (link->holder)
		rawtp_cli_comm(link->holder, comm, sizeof(comm));
	if (!out->json) {
		printf("%8s  link %llu: %s at %s, ", "", (unsigned long long)link->id,
		       link->program, link->tracepoint);
		if (link->holder)
			printf("held by %d (%s), ", (int)link->holder, comm);
		printf("%s event%s, %s missed\n", rawtp_output_thousands(link->hits),
		       link->hits == 1 ? "" : "s", rawtp_output_thousands(link->misses));
		return 0;
	}
	rawtp_output_object(out, NULL);
	rawtp_output_u64(out, "id", link->id);
	rawtp_output_string(out, "program", link->program);
	rawtp_output_string(out, "tracepoint", link->tracepoint);
	if (link->holder)
		rawtp_output_i64(out, "holder", link->holder);
	else
		rawtp_output_null(out, "holder");
	rawtp_output_u64(out, "events", link->hits);
	rawtp_output_u64(out, "misses", link->misses);
	rawtp_output_end(out);
	return 0;
}

static void print_header(const struct ps *ps)
{
	if (!ps->shown && !ps->cli->json)
		printf("%8s  %-16s %11s %8s\n", "PID", "COMMAND", "TRACEPOINTS", "ATTACHED");
}

static void print_error(struct ps *ps, int err)
{
	struct rawtp_output *out = &ps->cli->out;

	print_header(ps);
	ps->shown++;
	if (!out->json) {
		printf("%8d  %-16s %s\n", (int)ps->pid, ps->comm, rawtp_cli_open_reason(err));
		return;
	}
	rawtp_output_object(out, NULL);
	rawtp_output_i64(out, "pid", ps->pid);
	rawtp_output_string(out, "comm", ps->comm);
	rawtp_output_string(out, "error", rawtp_cli_open_reason(err));
	rawtp_output_end(out);
}

static void print_process(struct ps *ps, struct rawtp_client *client)
{
	struct rawtp_output *out = &ps->cli->out;

	print_header(ps);
	ps->shown++;
	if (!out->json) {
		printf("%8d  %-16s %11u %8u\n", (int)ps->pid, ps->comm, ps->events, ps->links);
		rawtp_client_links(client, print_link, ps);
		return;
	}
	rawtp_output_object(out, NULL);
	rawtp_output_i64(out, "pid", ps->pid);
	rawtp_output_string(out, "comm", ps->comm);
	rawtp_output_u64(out, "tracepoints", ps->events);
	rawtp_output_array(out, "links");
	rawtp_client_links(client, print_link, ps);
	rawtp_output_end(out);
	rawtp_output_end(out);
}

static int on_process(pid_t pid, void *data)
{
	struct ps *ps = data;
	struct rawtp_client *client;
	int err;

	ps->pid = pid;
	ps->events = ps->links = 0;
	rawtp_cli_comm(pid, ps->comm, sizeof(ps->comm));
	err = rawtp_client_open(pid, &client);
	/* It ended since it was found. */
	if (err == -ESRCH)
		return 0;
	if (err) {
		print_error(ps, err);
		return 0;
	}
	err = rawtp_client_list(client, count_event, ps);
	if (err >= 0)
		err = rawtp_client_links(client, count_link, ps);
	if (err < 0)
		print_error(ps, err);
	else
		print_process(ps, client);
	rawtp_client_close(client);
	return 0;
}

static int run(struct rawtp_cli *cli, int argc, char **argv)
{
	struct ps ps = {.cli = cli};
	int err;

	while (rawtp_cli_option(cli, argc, argv, false) != -1)
		;
	if (optind < argc)
		return rawtp_cli_usage(cli, "%s: there are no operands", argv[optind]);
	if (cli->json)
		rawtp_output_array(&cli->out, NULL);
	err = rawtp_client_find(on_process, &ps);
	if (cli->json)
		rawtp_output_end(&cli->out);
	if (err < 0)
		return rawtp_cli_error(cli, "cannot look for processes: %s", strerror(-err));
	if (!ps.shown && !cli->json)
		printf("no process%s carries tracepoints; rawtp run --provider libc -- COMMAND "
		       "starts one\n",
		       geteuid() ? " of this user" : "");
	return RAWTP_EXIT_OK;
}

const struct rawtp_command rawtp_cmd_ps = {
	.name = "ps",
	.usage = "[OPTION...]",
	.summary = "Show processes that carry tracepoints, and what is attached to them",
	.run = run,
};
