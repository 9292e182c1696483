/* SPDX-License-Identifier: MIT */
/* rawtp attach: programs into processes that run, or into the kernel. */
#include "cli.h"
#include "monitor.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_MAX_ENTRIES 100

struct attach {
	struct rawtp_cli *cli;
	struct rawtp_session session;
	struct rawtp_monitor monitor;
	pid_t pids[RAWTP_SESSION_MAX_TARGETS];
	unsigned int n_pids;
	const char *comm;
	int status; /* of looking for --comm */
	struct rawtp_nearest nearest;
};

static int on_process(pid_t pid, void *data)
{
	struct attach *attach = data;
	char comm[64];

	rawtp_cli_comm(pid, comm, sizeof(comm));
	rawtp_nearest_offer(&attach->nearest, comm);
	if (strcmp(comm, attach->comm))
		return 0;
	attach->status = rawtp_session_add_pid(&attach->session, pid);
	return attach->status;
}

static int find_targets(struct attach *attach)
{
	char text[512];
	unsigned int i;
	int status = RAWTP_EXIT_OK;

	for (i = 0; i < attach->n_pids && !status; i++)
		status = rawtp_session_add_pid(&attach->session, attach->pids[i]);
	if (status || !attach->comm)
		return status;
	rawtp_nearest_init(&attach->nearest, attach->comm);
	rawtp_client_find(on_process, attach);
	if (attach->status)
		return attach->status;
	if (attach->session.n_targets > attach->n_pids)
		return RAWTP_EXIT_OK;
	return rawtp_cli_error(attach->cli,
			       "no process called %s%s carries tracepoints%s; see rawtp ps",
			       attach->comm, geteuid() ? " of this user" : "",
			       rawtp_nearest_text(&attach->nearest, text, sizeof(text)));
}

static int read_number(struct rawtp_cli *cli, const char *option, uint64_t most, uint32_t *number)
{
	uint64_t value;

	if (rawtp_cli_u64(optarg, 10, &value) || value > most)
		return rawtp_cli_usage(cli, "--%s %s is no number from 0 to %llu", option, optarg,
				       (unsigned long long)most);
	*number = (uint32_t)value;
	return RAWTP_EXIT_OK;
}

static int read_option(struct attach *attach, int id)
{
	struct rawtp_cli *cli = attach->cli;
	uint32_t number = 0;
	uint64_t zero;
	int status;

	switch (id) {
	case 'p':
		if (attach->n_pids == RAWTP_SESSION_MAX_TARGETS)
			return rawtp_cli_usage(cli, "more than %d processes",
					       RAWTP_SESSION_MAX_TARGETS);
		if (rawtp_cli_pid(optarg, &attach->pids[attach->n_pids++]))
			return rawtp_cli_usage(cli, "-p %s is no process number", optarg);
		return RAWTP_EXIT_OK;
	case 'k':
		attach->session.to_kernel = true;
		return RAWTP_EXIT_OK;
	case RAWTP_OPTION_COMM:
		attach->comm = optarg;
		return RAWTP_EXIT_OK;
	case RAWTP_OPTION_FOR:
		return rawtp_cli_seconds(cli, "for", optarg, &attach->monitor.seconds);
	case RAWTP_OPTION_INTERVAL:
		attach->monitor.interval = 0;
		if (!rawtp_cli_u64(optarg, 10, &zero) && !zero)
			return RAWTP_EXIT_OK;
		return rawtp_cli_seconds(cli, "interval", optarg, &attach->monitor.interval);
	case RAWTP_OPTION_RECORD:
		attach->monitor.rings.record = optarg;
		return RAWTP_EXIT_OK;
	case RAWTP_OPTION_TIME:
		attach->monitor.rings.time = optarg;
		return RAWTP_EXIT_OK;
	case RAWTP_OPTION_WINDOW:
		status = read_number(cli, "window", 10000, &number);
		attach->monitor.rings.window = number * 1000000ULL;
		return status;
	case RAWTP_OPTION_SAMPLE:
		return read_number(cli, "sample", UINT32_MAX, &attach->session.sample);
	case RAWTP_OPTION_MAX_ENTRIES:
		return read_number(cli, "max-entries", UINT32_MAX, &attach->monitor.max_entries);
	default:
		return RAWTP_EXIT_USAGE;
	}
}

static int attach_and_watch(struct attach *attach, char **objects, unsigned int n)
{
	int status;

	/* First the processes: their names decide what is loaded where, their types how. */
	attach->session.cli = attach->cli;
	status = find_targets(attach);
	if (!status)
		status = rawtp_session_load(&attach->session, attach->cli, objects, n);
	if (!status) {
		rawtp_monitor_catch_signals();
		status = rawtp_monitor_open(&attach->monitor);
	}
	if (!status) {
		status = rawtp_session_attach(&attach->session);
		if (status)
			rawtp_rings_close(attach->monitor.open_rings);
	}
	if (!status)
		status = rawtp_monitor_run(&attach->monitor);
	rawtp_session_free(&attach->session);
	return status;
}

static int run(struct rawtp_cli *cli, int argc, char **argv)
{
	struct attach *attach = calloc(1, sizeof(*attach));
	int id, status = RAWTP_EXIT_OK;

	if (!attach)
		return rawtp_cli_error(cli, "out of memory");
	attach->cli = cli;
	attach->monitor.session = &attach->session;
	attach->monitor.out = &cli->out;
	attach->monitor.interval = 1;
	attach->monitor.max_entries = DEFAULT_MAX_ENTRIES;
	attach->monitor.rings.window = RAWTP_RINGS_WINDOW;
	attach->session.sample = RAWTP_SESSION_SAMPLE;
	while (!status && (id = rawtp_cli_option(cli, argc, argv, false)) != -1)
		status = read_option(attach, id);
	if (!status && !attach->n_pids && !attach->comm && !attach->session.to_kernel)
		status = rawtp_cli_usage(cli, "name a process: -p PID or --comm NAME; or the "
					      "kernel: -k");
	if (!status && optind == argc)
		status = rawtp_cli_usage(cli, "name a BPF object (OBJECT.bpf.o)");
	if (!status)
		status = attach_and_watch(attach, argv + optind, (unsigned int)(argc - optind));
	free(attach);
	return status;
}

static const struct rawtp_option options[] = {
	{'p', "pid", "PID", "attach to this process; may be given several times"},
	{RAWTP_OPTION_COMM, "comm", "NAME", "attach to every process of this name"},
	{'k', "kernel", NULL, "attach to the kernel (needs CAP_BPF and CAP_PERFMON)"},
	{RAWTP_OPTION_FOR, "for", "SECONDS", "detach after so long (else: Ctrl-C)"},
	{RAWTP_OPTION_INTERVAL, "interval", "SECONDS", "between two lines of rates; 0: none (1)"},
	{RAWTP_OPTION_RECORD, "record", "STRUCT", "print ring buffer records as this struct"},
	{RAWTP_OPTION_TIME, "time", "MEMBER", "order records by this member (nanoseconds)"},
	{RAWTP_OPTION_WINDOW, "window", "MS", "what is ordered waits so long for older ones (100)"},
	{RAWTP_OPTION_SAMPLE, "sample", "N", "time one run in N; 0: none (128)"},
	{RAWTP_OPTION_MAX_ENTRIES, "max-entries", "N", "of a map, in text; 0: all (100)"},
	{0},
};

const struct rawtp_command rawtp_cmd_attach = {
	.name = "attach",
	.usage = "[OPTION...] [-k] [-p PID | --comm NAME] OBJECT.bpf.o...",
	.summary = "Attach BPF programs to tracepoints of processes that run, or of the kernel",
	.details = "Programs are attached where SEC(\"raw_tp/NAME\") says. When it ends (Ctrl-C, "
		   "--for, or the\nlast process has exited) they are detached and the maps are "
		   "printed.\n",
	.options = options,
	.run = run,
};
