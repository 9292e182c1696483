/* SPDX-License-Identifier: MIT */
#include "monitor.h"
#include "map_dump.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEP 0.1 /* seconds: how late an ended target, a signal or a child is seen at most */

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	/* SIGCHLD only ends waiting. */
	if (sig != SIGCHLD)
		stopped = sig;
}

void rawtp_monitor_catch_signals(void)
{
	/* No SA_RESTART: waiting ends at once. */
	const struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGCHLD, &action, NULL);
}

int rawtp_monitor_stopped(void)
{
	return (int)stopped;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void print_start(struct rawtp_monitor *monitor)
{
	const struct rawtp_session *session = monitor->session;
	struct rawtp_output *out = monitor->out;
	unsigned int i;

	if (!out->json) {
		if (session->to_kernel)
			fprintf(out->file, "attached to the kernel (%s)", session->kernel.release);
		for (i = 0; i < session->n_targets; i++)
			fprintf(out->file, "%s %d (%s)",
				i || session->to_kernel ? "," : "attached to",
				(int)session->targets[i].pid, session->targets[i].comm);
		fputs(monitor->seconds || monitor->child ? "\n" : "; Ctrl-C detaches\n", out->file);
		return;
	}
	rawtp_output_object(out, NULL);
	rawtp_output_array(out, "targets");
	if (session->to_kernel) {
		rawtp_output_object(out, NULL);
		rawtp_output_string(out, "kernel", session->kernel.release);
		rawtp_output_end(out);
	}
	for (i = 0; i < session->n_targets; i++) {
		rawtp_output_object(out, NULL);
		rawtp_output_i64(out, "pid", session->targets[i].pid);
		rawtp_output_string(out, "comm", session->targets[i].comm);
		rawtp_output_end(out);
	}
	rawtp_output_end(out);
	rawtp_output_array(out, "events");
}

/* Figures of one program between @from and @to, which lie @seconds apart. */
static void print_figures(struct rawtp_output *out, const struct rawtp_session_program *program,
			  const struct rawtp_stats_block *from, const struct rawtp_stats_block *to,
			  double seconds)
{
	uint64_t hits = to->hits - from->hits, timed = to->timed - from->timed;
	uint64_t misses = to->misses - from->misses;
	double rate = seconds > 0 ? (double)hits / seconds : 0;
	double cost = timed ? (double)(to->nsecs - from->nsecs) / (double)timed : 0;
	const char *side = rawtp_object_side_name(program->object);
	char text[32] = "-", place[160];

	snprintf(place, sizeof(place), "%s%s%s", side ? side : "", side ? ":" : "",
		 program->tracepoint);
	if (!out->json) {
		if (program->uncounted) {
			fprintf(out->file, "%-20s %-24s %14s %14s %8s %10s\n", program->name, place,
				"-", "-", "-", rawtp_output_thousands(misses));
			return;
		}
		if (timed)
			snprintf(text, sizeof(text), "%.1f", cost);
		fprintf(out->file, "%-20s %-24s %14s %14s %8s %10s\n", program->name, place,
			rawtp_output_thousands(hits), rawtp_output_thousands((uint64_t)rate), text,
			rawtp_output_thousands(misses));
		return;
	}
	rawtp_output_object(out, NULL);
	rawtp_output_string(out, "object", program->object->path);
	rawtp_output_string(out, "program", program->name);
	rawtp_output_string(out, "tracepoint", program->tracepoint);
	if (side)
		rawtp_output_string(out, "side", side);
	if (program->uncounted) {
		rawtp_output_null(out, "events");
		rawtp_output_null(out, "runs");
	} else {
		rawtp_output_u64(out, "events", hits);
		rawtp_output_u64(out, "runs", hits - misses);
	}
	rawtp_output_u64(out, "misses", misses);
	rawtp_output_u64(out, "recursion_misses", to->recursion_misses - from->recursion_misses);
	if (program->uncounted)
		rawtp_output_null(out, "events_per_second");
	else
		rawtp_output_double(out, "events_per_second", rate, 1);
	if (timed)
		rawtp_output_double(out, "ns_per_run", cost, 1);
	else
		rawtp_output_null(out, "ns_per_run");
	rawtp_output_end(out);
}

/* Above the first figures, so that records and the command's own output do not part them. */
static void print_header(struct rawtp_monitor *monitor)
{
	struct rawtp_output *out = monitor->out;

	if (!out->json && !monitor->headed)
		fprintf(out->file, "%8s  %-20s %-24s %14s %14s %8s %10s\n", "seconds", "program",
			"tracepoint", "events", "events/s", "ns/run", "misses");
	monitor->headed = true;
}

static void print_rates(struct rawtp_monitor *monitor, double at, double seconds)
{
	struct rawtp_session *session = monitor->session;
	struct rawtp_output *out = monitor->out;
	unsigned int i;

	rawtp_session_read(session);
	print_header(monitor);
	if (out->json) {
		rawtp_output_object(out, NULL);
		rawtp_output_double(out, "seconds", at, 3);
		rawtp_output_array(out, "rates");
	}
	for (i = 0; i < session->n_programs; i++) {
		if (!out->json)
			fprintf(out->file, "%8.1f  ", at);
		print_figures(out, &session->programs[i], &session->programs[i].before,
			      &session->programs[i].now, seconds);
	}
	if (out->json) {
		rawtp_output_end(out);
		rawtp_output_end(out);
	}
	fflush(out->file);
}

static void on_gone(const struct rawtp_session_target *target, void *data)
{
	struct rawtp_output *out = data;

	if (!out->json) {
		fprintf(out->file,
			"process %d (%s) has exited, runs another program, or was detached; its "
			"figures and the maps are kept\n",
			(int)target->pid, target->comm);
		return;
	}
	rawtp_output_object(out, NULL);
	rawtp_output_i64(out, "gone", target->pid);
	rawtp_output_end(out);
}

static void ignore_gone(const struct rawtp_session_target *target, void *data)
{
}

/*
 * Our own child goes on without what was attached, as a wrapper does that calls execve(): said, since
 * its figures stand still then. A link ends a moment before its process does, so it waits a step.
 */
static void check_child(struct rawtp_monitor *monitor, double t)
{
	const struct rawtp_session_target *target = &monitor->session->targets[0];
	struct rawtp_output *out = monitor->out;
	char path[32], program[256];
	ssize_t n;

	if (!target->gone) {
		rawtp_session_check(monitor->session, ignore_gone, NULL);
		monitor->gone_at = t;
		return;
	}
	if (monitor->gone_told || t < monitor->gone_at + STEP)
		return;
	monitor->gone_told = true;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)target->pid);
	n = readlink(path, program, sizeof(program) - 1);
	if (n < 0) /* it is ending */
		return;
	program[n] = '\0';
	if (out->json)
		on_gone(target, out);
	else
		fprintf(out->file,
			"process %d (%s) runs %s now, or was detached, and is no longer traced; "
			"name that program, or rawtp attach -p %d\n",
			(int)target->pid, target->comm, program, (int)target->pid);
	fflush(out->file);
}

static bool child_ended(struct rawtp_monitor *monitor)
{
	return monitor->child &&
	       waitpid(monitor->child, &monitor->child_status, WNOHANG) == monitor->child;
}

/*
 * The command that we started is to end by itself. Ctrl-C reaches it too, from the terminal; whoever
 * sends us another means both.
 */
static void pass_on(struct rawtp_monitor *monitor)
{
	if (stopped != SIGINT || monitor->interrupted)
		kill(monitor->child, (int)stopped);
	monitor->interrupted = true;
	stopped = 0;
}

/* Returns after how many seconds it ended. */
static double loop(struct rawtp_monitor *monitor, struct rawtp_rings *rings)
{
	double start = now(), last = start, t = start, wait, due;
	uint64_t lines = 1;

	for (;;) {
		due = monitor->seconds ? start + monitor->seconds : t + STEP;
		if (monitor->interval && start + (double)lines * monitor->interval < due)
			due = start + (double)lines * monitor->interval;
		wait = due - t < STEP ? due - t : STEP;
		rawtp_rings_poll(rings, wait > 0 ? (int)(wait * 1000 + 0.999) : 0);
		t = now();
		if (monitor->interval && t >= start + (double)lines * monitor->interval) {
			print_rates(monitor, t - start, t - last);
			last = t;
			/* Lines that came due while we were stopped are left out. */
			lines = (uint64_t)((t - start) / monitor->interval) + 1;
		}
		if (child_ended(monitor))
			break;
		if (stopped && !monitor->child)
			break;
		if (stopped)
			pass_on(monitor);
		if (monitor->child)
			check_child(monitor, t);
		else if (!rawtp_session_check(monitor->session, on_gone, monitor->out))
			break;
		if (monitor->seconds && t >= start + monitor->seconds)
			break;
	}
	return now() - start;
}

static void print_totals(struct rawtp_monitor *monitor, double seconds)
{
	const struct rawtp_stats_block zero = {0};
	const struct rawtp_session *session = monitor->session;
	struct rawtp_output *out = monitor->out;
	unsigned int i;

	print_header(monitor);
	if (out->json) {
		rawtp_output_double(out, "seconds", seconds, 3);
		rawtp_output_array(out, "totals");
	}
	for (i = 0; i < session->n_programs; i++) {
		if (!out->json)
			fprintf(out->file, "%8s  ", "total");
		print_figures(out, &session->programs[i], &zero, &session->programs[i].now,
			      seconds);
	}
	if (out->json)
		rawtp_output_end(out);
}

static void print_maps(struct rawtp_monitor *monitor, struct rawtp_rings *rings)
{
	struct rawtp_map_dump dump = {
		.out = monitor->out,
		.max_entries = monitor->max_entries,
		.read_only = monitor->session->cli->verbose,
		.shared = rawtp_session_shares,
	};
	unsigned int i;

	if (monitor->out->json)
		rawtp_output_array(monitor->out, "maps");
	else
		fputc('\n', monitor->out->file);
	for (i = 0; i < monitor->session->n_objects; i++) {
		dump.side = rawtp_object_side_name(&monitor->session->objects[i]);
		if (dump.side && !monitor->out->json)
			fprintf(monitor->out->file, "%s, %s side:\n",
				monitor->session->objects[i].path, dump.side);
		rawtp_object_target(&monitor->session->objects[i]);
		/* What both sides have is shown with the processes', which come first. */
		dump.skip_shared = i && monitor->session->objects[i].kernel &&
				   !strcmp(monitor->session->objects[i - 1].path,
					   monitor->session->objects[i].path);
		rawtp_map_dump_object(&dump, &monitor->session->objects[i]);
	}
	rawtp_rings_print(rings);
	if (monitor->out->json)
		rawtp_output_end(monitor->out);
}

int rawtp_monitor_open(struct rawtp_monitor *monitor)
{
	monitor->rings.ordered =
		monitor->rings.time || (monitor->session->to_kernel && monitor->session->n_targets);
	monitor->rings.kernel_lines = true;
	return rawtp_rings_open(monitor->session->cli, monitor->out, monitor->session->objects,
				monitor->session->n_objects, &monitor->rings, &monitor->open_rings);
}

int rawtp_monitor_run(struct rawtp_monitor *monitor)
{
	int status = monitor->open_rings ? RAWTP_EXIT_OK : rawtp_monitor_open(monitor), err;
	struct rawtp_output *out = monitor->out;
	struct rawtp_rings *rings = monitor->open_rings;
	double seconds;

	if (status)
		return status;
	err = monitor->start ? rawtp_client_go(monitor->start) : 0;
	if (monitor->child_go && write(monitor->child_go, "", 1) != 1)
		err = -errno;
	if (err) {
		rawtp_rings_close(rings);
		return rawtp_cli_error(monitor->session->cli, "the command does not start: %s",
				       strerror(-err));
	}
	print_start(monitor);
	fflush(out->file);
	seconds = loop(monitor, rings);
	rawtp_session_detach(monitor->session);
	rawtp_rings_drain(rings);
	rawtp_session_read(monitor->session);
	if (out->json)
		rawtp_output_end(out); /* events */
	print_totals(monitor, seconds);
	print_maps(monitor, rings);
	if (out->json)
		rawtp_output_end(out);
	rawtp_rings_close(rings);
	fflush(out->file);
	return RAWTP_EXIT_OK;
}
