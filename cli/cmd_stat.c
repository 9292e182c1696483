/* SPDX-License-Identifier: MIT */
/* rawtp stat: events per second and their cost, of all tracepoints that match. */
#include "cli.h"
#include "monitor.h"
#include "stat_rows.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_TOP 25
#define STEP        0.1 /* seconds: how late an ended target or a signal is seen at most */

struct stat_command {
	struct rawtp_cli *cli;
	struct rawtp_stat stat;
	pid_t pids[RAWTP_STAT_MAX_TARGETS];
	unsigned int n_pids;
	const char *comm;
	bool kernel;
	double interval, seconds; /* 0: none; 0: no end */
	uint32_t count, top;      /* tables until the end; rows of one; 0: all */
	int status;               /* of looking for processes */
	const struct rawtp_stat_row **order;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int read_number(struct rawtp_cli *cli, const char *option, uint32_t *number)
{
	uint64_t value;

	if (rawtp_cli_u64(optarg, 10, &value) || value > UINT32_MAX)
		return rawtp_cli_usage(cli, "--%s %s is no number from 0 to %u", option, optarg,
				       UINT32_MAX);
	*number = (uint32_t)value;
	return RAWTP_EXIT_OK;
}

static int read_option(struct stat_command *command, int id)
{
	struct rawtp_cli *cli = command->cli;
	uint64_t zero;

	switch (id) {
	case 'k':
		command->kernel = true;
		return RAWTP_EXIT_OK;
	case 'p':
		if (command->n_pids == RAWTP_STAT_MAX_TARGETS)
			return rawtp_cli_usage(cli, "more than %d processes",
					       RAWTP_STAT_MAX_TARGETS);
		if (rawtp_cli_pid(optarg, &command->pids[command->n_pids++]))
			return rawtp_cli_usage(cli, "-p %s is no process number", optarg);
		return RAWTP_EXIT_OK;
	case RAWTP_OPTION_COMM:
		command->comm = optarg;
		return RAWTP_EXIT_OK;
	case RAWTP_OPTION_FOR:
		return rawtp_cli_seconds(cli, "for", optarg, &command->seconds);
	case RAWTP_OPTION_INTERVAL:
		command->interval = 0;
		if (!rawtp_cli_u64(optarg, 10, &zero) && !zero)
			return RAWTP_EXIT_OK;
		return rawtp_cli_seconds(cli, "interval", optarg, &command->interval);
	case RAWTP_OPTION_COUNT:
		return read_number(cli, "count", &command->count);
	case RAWTP_OPTION_TOP:
		return read_number(cli, "top", &command->top);
	case RAWTP_OPTION_SAMPLE:
		return read_number(cli, "sample", &command->stat.sample);
	default:
		return RAWTP_EXIT_USAGE;
	}
}

static int on_process(pid_t pid, void *data)
{
	struct stat_command *command = data;
	char comm[64];

	rawtp_cli_comm(pid, comm, sizeof(comm));
	if (command->comm && strcmp(comm, command->comm))
		return 0;
	command->status = rawtp_stat_add_process(&command->stat, pid);
	/* Of all processes one that ends or stops meanwhile does not keep us from the others. */
	return command->comm ? command->status : 0;
}

static int attach(struct stat_command *command)
{
	bool all = !command->n_pids && !command->comm && !command->kernel;
	int status = RAWTP_EXIT_OK;
	unsigned int i;

	for (i = 0; i < command->n_pids && !status; i++)
		status = rawtp_stat_add_process(&command->stat, command->pids[i]);
	if (!status && (all || command->comm)) {
		rawtp_client_find(on_process, command);
		status = command->comm ? command->status : RAWTP_EXIT_OK;
	}
	if (!status && !command->stat.n_targets && (all || command->comm))
		status = rawtp_cli_error(
			command->cli, "no process%s%s carries tracepoints; see rawtp ps",
			command->comm ? " called " : "", command->comm ? command->comm : "");
	if (!status && command->kernel)
		status = rawtp_stat_add_kernel(&command->stat);
	return status ? status : rawtp_stat_begin(&command->stat);
}

static uint64_t events_between(const struct rawtp_stat_row *row, bool whole)
{
	return row->now.events - (whole ? row->first.events : row->before.events);
}

static int compare_rows(const void *a, const void *b, void *data)
{
	const struct rawtp_stat_row *one = *(const struct rawtp_stat_row *const *)a;
	const struct rawtp_stat_row *two = *(const struct rawtp_stat_row *const *)b;
	uint64_t x = events_between(one, *(bool *)data), y = events_between(two, *(bool *)data);

	if (x != y)
		return x < y ? 1 : -1;
	return strcmp(one->tracepoint, two->tracepoint);
}

static void print_text(const struct stat_command *command, const struct rawtp_stat_row *row,
		       const struct rawtp_stat_figures *from, double seconds)
{
	uint64_t events = row->now.events - from->events, timed = row->now.timed - from->timed;
	char target[96], cost[32] = "-";

	if (timed)
		snprintf(cost, sizeof(cost), "%.1f",
			 (double)(row->now.nsecs - from->nsecs) / (double)timed);
	fprintf(command->cli->out.file, "%14s %14s %8s %8s  %-32s %s\n",
		rawtp_output_thousands(events),
		rawtp_output_thousands((uint64_t)((double)events / seconds)), cost,
		rawtp_output_thousands(row->now.misses - from->misses), row->tracepoint,
		rawtp_stat_target_name(&command->stat, row->target, target, sizeof(target)));
}

static void print_json(const struct stat_command *command, const struct rawtp_stat_row *row,
		       const struct rawtp_stat_figures *from, double seconds)
{
	struct rawtp_output *out = &command->cli->out;
	uint64_t events = row->now.events - from->events, timed = row->now.timed - from->timed;

	rawtp_output_object(out, NULL);
	rawtp_output_string(out, "tracepoint", row->tracepoint);
	if (row->target == RAWTP_STAT_KERNEL)
		rawtp_output_string(out, "side", "kernel");
	else
		rawtp_output_i64(out, "pid", command->stat.targets[row->target].pid);
	rawtp_output_u64(out, "events", events);
	rawtp_output_u64(out, "misses", row->now.misses - from->misses);
	rawtp_output_double(out, "events_per_second", (double)events / seconds, 1);
	if (timed)
		rawtp_output_double(out, "ns_per_run",
				    (double)(row->now.nsecs - from->nsecs) / (double)timed, 1);
	else
		rawtp_output_null(out, "ns_per_run");
	rawtp_output_end(out);
}

/* Rows with events, the most first; @whole: since the beginning, and all of them. */
static void print_rows(struct stat_command *command, bool whole, double seconds)
{
	struct rawtp_output *out = &command->cli->out;
	unsigned int i, n = command->stat.n_rows, shown = 0, left = 0;

	for (i = 0; i < n; i++)
		command->order[i] = &command->stat.rows[i];
	qsort_r(command->order, n, sizeof(*command->order), compare_rows, &whole);
	if (!out->json)
		fprintf(out->file, "%14s %14s %8s %8s  %-32s %s\n", "events", "events/s", "ns/run",
			"misses", "tracepoint", "of");
	for (i = 0; i < n; i++) {
		const struct rawtp_stat_row *row = command->order[i];
		const struct rawtp_stat_figures *from = whole ? &row->first : &row->before;

		if (!events_between(row, whole))
			break;
		if (out->json)
			print_json(command, row, from, seconds);
		else if (whole || !command->top || shown++ < command->top)
			print_text(command, row, from, seconds);
		else
			left++;
	}
	if (left)
		fprintf(out->file, "%14s %u more; --top 0 shows all\n", "", left);
}

static void print_table(struct stat_command *command, double at, double seconds)
{
	struct rawtp_output *out = &command->cli->out;

	rawtp_stat_read(&command->stat);
	if (out->json) {
		rawtp_output_object(out, NULL);
		rawtp_output_double(out, "seconds", at, 3);
		rawtp_output_array(out, "rates");
		print_rows(command, false, seconds);
		rawtp_output_end(out);
		rawtp_output_end(out);
	} else {
		/* On a terminal each table takes the place of the one before. */
		if (isatty(fileno(out->file)))
			fputs("\033[H\033[2J", out->file);
		fprintf(out->file, "after %.1f seconds\n", at);
		print_rows(command, false, seconds);
		fputc('\n', out->file);
	}
	fflush(out->file);
}

static void print_summary(struct stat_command *command, double seconds)
{
	struct rawtp_output *out = &command->cli->out;
	unsigned int i, silent = 0;

	for (i = 0; i < command->stat.n_rows; i++)
		silent += !events_between(&command->stat.rows[i], true);
	if (out->json) {
		rawtp_output_double(out, "seconds", seconds, 3);
		rawtp_output_u64(out, "tracepoints", command->stat.n_rows);
		rawtp_output_u64(out, "silent", silent);
		rawtp_output_array(out, "totals");
		print_rows(command, true, seconds);
		rawtp_output_end(out);
		return;
	}
	fprintf(out->file, "In all:\n");
	print_rows(command, true, seconds);
	fprintf(out->file, "\n%14u tracepoint%s attached to, %u without an event\n%14.3f seconds\n",
		command->stat.n_rows, command->stat.n_rows == 1 ? "" : "s", silent, seconds);
}

static void print_start(struct stat_command *command)
{
	struct rawtp_output *out = &command->cli->out;
	unsigned int i;

	if (!out->json)
		return;
	rawtp_output_object(out, NULL);
	rawtp_output_array(out, "targets");
	if (command->kernel) {
		rawtp_output_object(out, NULL);
		rawtp_output_string(out, "kernel", command->stat.kernel.release);
		rawtp_output_end(out);
	}
	for (i = 0; i < command->stat.n_targets; i++) {
		rawtp_output_object(out, NULL);
		rawtp_output_i64(out, "pid", command->stat.targets[i].pid);
		rawtp_output_string(out, "comm", command->stat.targets[i].comm);
		rawtp_output_end(out);
	}
	rawtp_output_end(out);
	rawtp_output_array(out, "intervals");
	fflush(out->file);
}

static void sleep_for(double seconds)
{
	struct timespec ts = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

	if (seconds > 0)
		nanosleep(&ts, NULL); /* a signal ends it */
}

/* Returns after how many seconds it ended. */
static double loop(struct stat_command *command)
{
	double start = now(), last = start, t = start, due, wait;
	uint64_t tables = 0, periods = 1;

	while (!rawtp_monitor_stopped() && rawtp_stat_check(&command->stat)) {
		due = command->seconds ? start + command->seconds : t + STEP;
		if (command->interval && start + (double)periods * command->interval < due)
			due = start + (double)periods * command->interval;
		wait = due - t < STEP ? due - t : STEP;
		sleep_for(wait);
		t = now();
		if (command->interval && t >= start + (double)periods * command->interval) {
			print_table(command, t - start, t - last);
			last = t;
			/* Tables that came due while we were stopped are left out. */
			periods = (uint64_t)((t - start) / command->interval) + 1;
			if (++tables == command->count)
				break;
		}
		if (command->seconds && t >= start + command->seconds)
			break;
	}
	return now() - start;
}

static int watch(struct stat_command *command)
{
	struct rawtp_output *out = &command->cli->out;
	double seconds;

	command->order = calloc(command->stat.n_rows, sizeof(struct rawtp_stat_row *));
	if (!command->order)
		return rawtp_cli_error(command->cli, "out of memory");
	print_start(command);
	seconds = loop(command);
	rawtp_stat_read(&command->stat);
	if (out->json)
		rawtp_output_end(out);
	print_summary(command, seconds);
	if (out->json)
		rawtp_output_end(out);
	free(command->order);
	return RAWTP_EXIT_OK;
}

static int run(struct rawtp_cli *cli, int argc, char **argv)
{
	struct stat_command *command = calloc(1, sizeof(*command));
	int id, status = RAWTP_EXIT_OK;

	if (!command)
		return rawtp_cli_error(cli, "out of memory");
	command->cli = cli;
	command->interval = 1;
	command->top = DEFAULT_TOP;
	command->stat.cli = cli;
	command->stat.map = -1;
	command->stat.sample = RAWTP_SESSION_SAMPLE;
	while (!status && (id = rawtp_cli_option(cli, argc, argv, false)) != -1)
		status = read_option(command, id);
	if (!status) {
		command->stat.globs = argv + optind;
		command->stat.n_globs = (unsigned int)(argc - optind);
		rawtp_nearest_init(&command->stat.nearest, optind < argc ? argv[optind] : "");
		rawtp_monitor_catch_signals();
		status = attach(command);
		if (!status)
			status = watch(command);
		rawtp_stat_free(&command->stat);
	}
	free(command);
	return status;
}

static const struct rawtp_option options[] = {
	{'k', "kernel", NULL, "raw tracepoints of the kernel (needs CAP_BPF and CAP_PERFMON)"},
	{'p', "pid", "PID", "of this process; may be given several times"},
	{RAWTP_OPTION_COMM, "comm", "NAME", "of every process of this name"},
	{RAWTP_OPTION_FOR, "for", "SECONDS", "end after so long (else: Ctrl-C)"},
	{RAWTP_OPTION_INTERVAL, "interval", "SECONDS", "between two tables; 0: none (1)"},
	{RAWTP_OPTION_COUNT, "count", "N", "end after so many tables"},
	{RAWTP_OPTION_TOP, "top", "N", "rows of a table; 0: all (25)"},
	{RAWTP_OPTION_SAMPLE, "sample", "N",
	 "processes: time one run in N; 0: time none, nor the kernel's (128)"},
	{0},
};

const struct rawtp_command rawtp_cmd_stat = {
	.name = "stat",
	.usage = "[OPTION...] [-k] [-p PID | --comm NAME] [GLOB...]",
	.summary = "Show events per second and their cost, with no object needed",
	.details = "GLOB is a shell pattern for names; without one all are meant. Without -k, -p "
		   "and --comm:\nof all processes that carry tracepoints. ns/run is what the "
		   "counting itself costs.\n",
	.options = options,
	.run = run,
};
