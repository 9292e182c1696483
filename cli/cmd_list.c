/* SPDX-License-Identifier: MIT */
/* rawtp list: tracepoints of processes, of a file that does not run, or of the kernel. */
#include "cli.h"
#include "client/client.h"
#include "elf_file.h"
#include "event_print.h"
#include "kernel_events.h"

#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

struct list {
	struct rawtp_cli *cli;
	const char *glob; /* NULL: all */
	bool running;
	bool several; /* processes: each under its own heading */
	bool no_memory;
	unsigned int seen, shown, processes;
	struct rawtp_event_list events;
	struct rawtp_nearest nearest;
};

static int on_event(const struct rawtp_client_event *event, void *data)
{
	struct list *list = data;

	list->seen++;
	if (list->glob)
		rawtp_nearest_offer(&list->nearest, event->name);
	if (list->glob && fnmatch(list->glob, event->name, 0))
		return 0;
	if (rawtp_event_list_add(&list->events, event))
		return 0;
	list->no_memory = true;
	return 1;
}

/* Prints what on_event() has kept. 0 or an exit status. */
static int print_events(struct list *list)
{
	size_t i;

	rawtp_event_list_sort(&list->events);
	for (i = 0; i < list->events.n; i++)
		rawtp_event_print(&list->cli->out, &list->events.events[i], list->cli->verbose,
				  list->running);
	list->shown += list->events.n;
	rawtp_event_list_free(&list->events);
	return list->no_memory ? rawtp_cli_error(list->cli, "out of memory") : RAWTP_EXIT_OK;
}

static int list_process(struct list *list, pid_t pid)
{
	struct rawtp_output *out = &list->cli->out;
	struct rawtp_client *client;
	char comm[64];
	int err = rawtp_client_open(pid, &client), status;

	if (err)
		return rawtp_cli_error(list->cli, "process %d: %s", (int)pid,
				       rawtp_cli_open_reason(err));
	rawtp_cli_comm(pid, comm, sizeof(comm));
	if (out->json) {
		rawtp_output_object(out, NULL);
		rawtp_output_i64(out, "pid", pid);
		rawtp_output_string(out, "comm", comm);
		rawtp_output_array(out, "tracepoints");
	} else if (list->several) {
		printf("%s%d (%s):\n", list->processes ? "\n" : "", (int)pid, comm);
	}
	list->processes++;
	err = rawtp_client_list(client, on_event, list);
	rawtp_client_close(client);
	status = print_events(list);
	if (out->json) {
		rawtp_output_end(out);
		rawtp_output_end(out);
	}
	if (err < 0)
		return rawtp_cli_error(list->cli, "process %d: %s", (int)pid,
				       rawtp_cli_open_reason(err));
	return status;
}

static int on_process(pid_t pid, void *data)
{
	/* One that ends or stops meanwhile does not keep us from the others. */
	list_process(data, pid);
	return 0;
}

static int list_file(struct list *list, const char *path)
{
	char reason[256];
	int status;

	if (rawtp_elf_list(path, on_event, list, reason, sizeof(reason))) {
		rawtp_event_list_free(&list->events);
		return rawtp_cli_error(list->cli, "%s: %s", path, reason);
	}
	if (list->cli->json)
		rawtp_output_array(&list->cli->out, NULL);
	status = print_events(list);
	if (list->cli->json)
		rawtp_output_end(&list->cli->out);
	return status;
}

static int list_processes(struct list *list, pid_t pid)
{
	struct rawtp_output *out = &list->cli->out;
	int status = RAWTP_EXIT_OK;

	list->running = true;
	list->several = !pid;
	if (out->json)
		rawtp_output_array(out, NULL);
	if (pid)
		status = list_process(list, pid);
	else
		rawtp_client_find(on_process, list);
	if (out->json)
		rawtp_output_end(out);
	if (!pid && !list->processes)
		return rawtp_cli_error(list->cli,
				       "no process with tracepoints; rawtp run --provider libc -- "
				       "COMMAND starts one");
	return status;
}

static int list_kernel(struct list *list)
{
	struct rawtp_output *out = &list->cli->out;
	struct utsname name;
	int status;

	status = rawtp_kernel_events(list->cli, on_event, list);
	if (status) {
		rawtp_event_list_free(&list->events);
		return status;
	}
	if (out->json) {
		uname(&name);
		rawtp_output_array(out, NULL);
		rawtp_output_object(out, NULL);
		rawtp_output_string(out, "kernel", name.release);
		rawtp_output_array(out, "tracepoints");
	}
	status = print_events(list);
	if (out->json) {
		rawtp_output_end(out);
		rawtp_output_end(out);
		rawtp_output_end(out);
	}
	return status;
}

/* What has a slash is a file, and so is what exists; anything else is a pattern. */
static bool is_file(const char *operand)
{
	return strchr(operand, '/') || !access(operand, F_OK);
}

static int run(struct rawtp_cli *cli, int argc, char **argv)
{
	struct list list = {.cli = cli};
	const char *file = NULL;
	char text[512];
	bool kernel = false;
	pid_t pid = 0;
	int id, status;

	while ((id = rawtp_cli_option(cli, argc, argv, false)) != -1) {
		kernel |= id == 'k';
		if (id == 'p' && rawtp_cli_pid(optarg, &pid))
			return rawtp_cli_usage(cli, "-p %s is no process number", optarg);
	}
	if (kernel && pid)
		return rawtp_cli_usage(cli, "-k and -p: one of them at a time");
	if (optind < argc && !pid && !kernel && is_file(argv[optind]))
		file = argv[optind++];
	if (optind < argc)
		list.glob = argv[optind++];
	if (optind < argc)
		return rawtp_cli_usage(cli, "%s is one operand too many", argv[optind]);
	rawtp_nearest_init(&list.nearest, list.glob ? list.glob : "");
	if (kernel)
		status = list_kernel(&list);
	else
		status = file ? list_file(&list, file) : list_processes(&list, pid);
	if (!status && list.glob && !list.shown)
		return rawtp_cli_error(cli, "none of %u tracepoints matches %s%s", list.seen,
				       list.glob,
				       rawtp_nearest_text(&list.nearest, text, sizeof(text)));
	return status;
}

static const struct rawtp_option options[] = {
	{'p', "pid", "PID", "tracepoints of this process"},
	{'k', "kernel", NULL, "raw tracepoints of the kernel"},
	{0},
};

const struct rawtp_command rawtp_cmd_list = {
	.name = "list",
	.usage = "[OPTION...] [-p PID | -k | FILE] [GLOB]",
	.summary = "Show tracepoints with the types of their arguments",
	.details = "FILE is a program or library, which need not run. GLOB is a shell pattern.\n"
		   "Without -p, -k and FILE: of all processes that carry tracepoints.\n"
		   "-v adds where each is, its sites, and each argument's size.\n",
	.options = options,
	.run = run,
};
