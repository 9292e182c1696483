/* SPDX-License-Identifier: MIT */
/* rawtp run: a command that is traced from its first instruction. */
#include "cli.h"
#include "monitor.h"
#include "spawn.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_MAX_ENTRIES 100

struct run {
	struct rawtp_cli *cli;
	struct rawtp_session session;
	struct rawtp_monitor monitor;
	const char *output; /* file of the report; NULL: standard error */
	char provider[PATH_MAX];
	char **command;
};

static int read_option(struct run *run, int id)
{
	struct rawtp_cli *cli = run->cli;
	uint64_t number;

	switch (id) {
	case RAWTP_OPTION_PROVIDER:
		return rawtp_spawn_provider(cli, optarg, run->provider, sizeof(run->provider));
	case 'k':
		run->session.to_kernel = true;
		return RAWTP_EXIT_OK;
	case 'o':
		run->output = optarg;
		return RAWTP_EXIT_OK;
	case RAWTP_OPTION_INTERVAL:
		return rawtp_cli_seconds(cli, "interval", optarg, &run->monitor.interval);
	case RAWTP_OPTION_RECORD:
		run->monitor.rings.record = optarg;
		return RAWTP_EXIT_OK;
	case RAWTP_OPTION_MAX_ENTRIES:
		if (rawtp_cli_u64(optarg, 10, &number) || number > UINT32_MAX)
			return rawtp_cli_usage(cli, "--max-entries %s is no number", optarg);
		run->monitor.max_entries = (uint32_t)number;
		return RAWTP_EXIT_OK;
	default:
		return RAWTP_EXIT_USAGE;
	}
}

static int wait_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int end_child(pid_t pid, int status)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return status;
}

/* Attaches, lets it go, watches it to its end. */
static int trace(struct run *run, pid_t pid)
{
	int status = rawtp_session_attach(&run->session);

	run->monitor.child = pid;
	if (!status)
		status = rawtp_monitor_run(&run->monitor);
	return status ? end_child(pid, status) : wait_status(run->monitor.child_status);
}

/*
 * The command is traced, with -k beside the kernel. Nothing of it has run when the objects are loaded:
 * its names decide what is loaded where, and its types how.
 */
static int run_traced(struct run *run, const char *provider, char **objects, unsigned int n)
{
	struct rawtp_client *client;
	pid_t pid;
	int status = rawtp_spawn_traced(run->cli, provider, run->command, &pid, &client);

	if (status)
		return status;
	rawtp_monitor_catch_signals();
	run->session.cli = run->cli;
	run->monitor.start = client;
	status = rawtp_session_add_client(&run->session, pid, client);
	if (!status)
		status = rawtp_session_load(&run->session, run->cli, objects, n);
	return status ? end_child(pid, status) : trace(run, pid);
}

/* The kernel alone is traced, while the command runs. */
static int run_beside(struct run *run, const char *provider, char **objects, unsigned int n)
{
	int status = rawtp_session_load(&run->session, run->cli, objects, n), go;
	pid_t pid;

	if (!status)
		status = rawtp_spawn_held(run->cli, provider, run->command, &pid, &go);
	if (status)
		return status;
	rawtp_monitor_catch_signals();
	run->monitor.child_go = go;
	status = trace(run, pid);
	close(go);
	return status;
}

static int run_command(struct run *run, char **objects, unsigned int n)
{
	const char *provider = *run->provider ? run->provider : NULL;
	struct rawtp_output out;
	bool beside = false;
	FILE *file = stderr;
	int status = RAWTP_EXIT_OK;

	if (!n && run->session.to_kernel)
		return rawtp_cli_usage(run->cli, "-k: name a BPF object (OBJECT.bpf.o)");
	if (!n)
		return rawtp_spawn_exec(run->cli, provider, run->command);
	if (run->output && !(file = fopen(run->output, "we")))
		return rawtp_cli_error(run->cli, "%s: cannot be written: %s", run->output,
				       strerror(errno));
	rawtp_output_init(&out, file, run->cli->json);
	run->monitor.out = &out;
	if (run->session.to_kernel)
		status = rawtp_session_only_kernel(run->cli, objects, n, &beside);
	if (!status)
		status = beside ? run_beside(run, provider, objects, n)
				: run_traced(run, provider, objects, n);
	rawtp_session_free(&run->session);
	if (file != stderr && fclose(file))
		return rawtp_cli_error(run->cli, "%s: cannot be written: %s", run->output,
				       strerror(errno));
	return status;
}

/* Objects are what stands before "--", or, without it, what ends in ".o". */
static unsigned int count_objects(int argc, char **argv, bool dashes)
{
	unsigned int n = 0;
	size_t length;

	for (; optind + (int)n < argc && !dashes; n++) {
		length = strlen(argv[optind + n]);
		if (length < 3 || strcmp(argv[optind + n] + length - 2, ".o"))
			break;
	}
	return n;
}

static int run_main(struct rawtp_cli *cli, int argc, char **argv)
{
	struct run *run = calloc(1, sizeof(*run));
	int id, status = RAWTP_EXIT_OK;
	unsigned int n = 0;

	if (!run)
		return rawtp_cli_error(cli, "out of memory");
	run->cli = cli;
	run->session.sample = RAWTP_SESSION_SAMPLE;
	run->session.started = true;
	run->monitor.session = &run->session;
	run->monitor.max_entries = DEFAULT_MAX_ENTRIES;
	run->monitor.rings.window = RAWTP_RINGS_WINDOW;
	while (!status && (id = rawtp_cli_option(cli, argc, argv, true)) != -1)
		status = read_option(run, id);
	if (!status) {
		n = count_objects(argc, argv, !strcmp(argv[optind - 1], "--"));
		run->command = argv + optind + n;
		if (*run->command && !strcmp(*run->command, "--"))
			run->command++;
		if (!*run->command)
			status = rawtp_cli_usage(cli, "name a command");
	}
	if (!status)
		status = run_command(run, argv + optind, n);
	free(run);
	return status;
}

static const struct rawtp_option options[] = {
	{'k', "kernel", NULL, "trace the kernel as well (needs CAP_BPF and CAP_PERFMON)"},
	{RAWTP_OPTION_PROVIDER, "provider", "NAME", "preload tracepoints of a library: libc"},
	{'o', "output", "FILE", "write the report there (else: standard error)"},
	{RAWTP_OPTION_INTERVAL, "interval", "SECONDS", "print rates so often (else: at the end)"},
	{RAWTP_OPTION_RECORD, "record", "STRUCT", "print ring buffer records as this struct"},
	{RAWTP_OPTION_MAX_ENTRIES, "max-entries", "N", "of a map, in text; 0: all (100)"},
	{0},
};

const struct rawtp_command rawtp_cmd_run = {
	.name = "run",
	.usage = "[OPTION...] [OBJECT.bpf.o...] -- COMMAND [ARG...]",
	.summary = "Start a command traced from its first instruction",
	.details = "The exit status is the command's; 128 + N where signal N killed it; 127 where "
		   "it is not\nfound, 126 where it cannot be run.\nWithout an object it only "
		   "preloads the provider: attach to it later.\n",
	.options = options,
	.run = run_main,
};
