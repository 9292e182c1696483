/* SPDX-License-Identifier: MIT */
#include "session.h"
#include "base/err.h"
#include "bpf/syscall/syscall.h"
#include "client/target_btf.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DETACH_TIME_LIMIT 2000 /* ms; a stopped target detaches when it goes on */

/* Arguments that the verifier saw a program read. */
static uint32_t args_read(int fd)
{
	struct rawtp_prog *prog = rawtp_prog_from_fd(fd);
	uint32_t n;

	if (rawtp_is_err(prog))
		return 0;
	n = (prog->max_ctx_access + 7) / 8;
	rawtp_prog_put(prog);
	return n;
}

/* Then a program without a tracepoint may be one that others go to. */
static bool has_prog_array(const struct rawtp_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object->bpf)
	{
		if (bpf_map__type(map) == BPF_MAP_TYPE_PROG_ARRAY)
			return true;
	}
	return false;
}

static int add_programs(struct rawtp_session *session, const struct rawtp_object *object)
{
	struct rawtp_session_program *grown;
	struct bpf_program *program;

	bpf_object__for_each_program(program, object->bpf)
	{
		const char *tracepoint = rawtp_object_tracepoint(program);

		if (!tracepoint || !bpf_program__autoload(program) || bpf_program__fd(program) < 0)
			continue;
		if (!*tracepoint && has_prog_array(object))
			continue;
		if (!*tracepoint)
			return rawtp_cli_error(session->cli,
					       "%s: program %s names no tracepoint; write "
					       "SEC(\"raw_tp/NAME\")",
					       object->path, bpf_program__name(program));
		grown = realloc(session->programs, (session->n_programs + 1) * sizeof(*grown));
		if (!grown)
			return rawtp_cli_error(session->cli, "out of memory");
		session->programs = grown;
		grown[session->n_programs++] = (struct rawtp_session_program){
			.object = object,
			.name = bpf_program__name(program),
			.tracepoint = tracepoint,
			.is_typed = rawtp_object_is_typed(program),
			.fd = bpf_program__fd(program),
			.kernel_link = -1,
			.n_args = object->kernel ? 0 : args_read(bpf_program__fd(program)),
		};
	}
	return RAWTP_EXIT_OK;
}

/*
 * The types of the processes, where they have any: libbpf is to find them. They must be the same in
 * all, since an object is loaded once. 0 or an exit status.
 */
static int find_types(struct rawtp_session *session, bool *has_types)
{
	unsigned int i;

	*has_types = false;
	for (i = 0; i < session->n_targets; i++) {
		struct rawtp_session_target *target = &session->targets[i];

		if (!i)
			*has_types = rawtp_target_btf_use(target->client) == 0;
		else if (!rawtp_target_btf_is(target->client))
			return rawtp_cli_error(session->cli,
					       "process %d (%s) has other types than process %d "
					       "(%s); attach to one kind of them at a time",
					       (int)target->pid, target->comm,
					       (int)session->targets[0].pid,
					       session->targets[0].comm);
	}
	return RAWTP_EXIT_OK;
}

/* One object for one side. Of a mixed one nothing may be left; then it is closed again. */
static int load_object(struct rawtp_session *session, const char *path, bool kernel, bool mixed)
{
	struct rawtp_object *object = &session->objects[session->n_objects];
	unsigned int n_chosen = 1;
	int status;

	object->kernel = kernel;
	object->mixed = mixed;
	object->has_types = !kernel && session->has_types;
	status = rawtp_object_open(session->cli, path, object);
	if (status)
		return status;
	if (mixed)
		status = rawtp_session_choose(session, object, &n_chosen);
	if (status || !n_chosen) {
		rawtp_object_close(object);
		return status;
	}
	session->n_objects++;
	if (mixed)
		status = rawtp_session_share(session, object);
	if (!status)
		status = rawtp_object_load(session->cli, object);
	return status ? status : add_programs(session, object);
}

/* Who names both sides means both. */
static int check_sides(const struct rawtp_session *session)
{
	bool kernel = false, user = false;
	unsigned int i;

	for (i = 0; i < session->n_programs; i++) {
		kernel |= session->programs[i].object->kernel;
		user |= !session->programs[i].object->kernel;
	}
	if (kernel && user)
		return RAWTP_EXIT_OK;
	return rawtp_cli_error(session->cli, "no program is for the %s; leave %s out",
			       user ? "kernel" : "processes", user ? "-k" : "-p and --comm");
}

int rawtp_session_load(struct rawtp_session *session, const struct rawtp_cli *cli, char **paths,
		       unsigned int n)
{
	bool mixed = session->to_kernel && session->n_targets;
	unsigned int i;
	int status = RAWTP_EXIT_OK;

	session->cli = cli;
	rawtp_object_init(cli);
	if (session->to_kernel) {
		status = rawtp_kernel_open(cli, &session->kernel);
		if (status)
			return status;
	}
	status = find_types(session, &session->has_types);
	if (status)
		return status;
	if (n > RAWTP_SESSION_MAX_OBJECTS)
		return rawtp_cli_error(cli, "%u objects; at most %u can be loaded at once", n,
				       RAWTP_SESSION_MAX_OBJECTS);
	/* Processes first: what libbpf finds out of their bpf(2), it may use of the kernel's as well. */
	for (i = 0; i < n && !status; i++) {
		if (!session->to_kernel || mixed)
			status = load_object(session, paths[i], false, mixed);
		if (!status && session->to_kernel)
			status = load_object(session, paths[i], true, mixed);
	}
	return status || !mixed ? status : check_sides(session);
}

int rawtp_session_add_client(struct rawtp_session *session, pid_t pid, struct rawtp_client *client)
{
	struct rawtp_session_target *target;
	unsigned int i;

	for (i = 0; i < session->n_targets; i++)
		if (session->targets[i].pid == pid)
			break;
	if (i < session->n_targets || session->n_targets == RAWTP_SESSION_MAX_TARGETS) {
		rawtp_client_close(client);
		if (i < session->n_targets)
			return RAWTP_EXIT_OK;
		return rawtp_cli_error(session->cli, "more than %u processes; name some with -p",
				       RAWTP_SESSION_MAX_TARGETS);
	}
	target = &session->targets[session->n_targets++];
	memset(target, 0, sizeof(*target));
	target->pid = pid;
	target->client = client;
	target->link = -1;
	rawtp_cli_comm(pid, target->comm, sizeof(target->comm));
	return RAWTP_EXIT_OK;
}

int rawtp_session_add_pid(struct rawtp_session *session, pid_t pid)
{
	struct rawtp_client *client;
	int err = rawtp_client_open(pid, &client);

	if (err)
		return rawtp_cli_error(session->cli, "process %d: %s", (int)pid,
				       rawtp_cli_open_reason(err));
	return rawtp_session_add_client(session, pid, client);
}

/* A fresh memfd for the figures of one attachment. Its fd, or -1: then there are no figures. */
static int make_stats(struct rawtp_session *session, struct rawtp_link_stats **stats)
{
	int fd = rawtp_link_stats_create();

	*stats = NULL;
	if (fd < 0)
		return -1;
	*stats = rawtp_link_stats_map(fd);
	if (rawtp_is_err(*stats)) {
		*stats = NULL;
		close(fd);
		return -1;
	}
	__atomic_store_n(&(*stats)->sample, session->sample, __ATOMIC_RELAXED);
	return fd;
}

struct find_event {
	const char *name;
	struct rawtp_nearest nearest;
	uint32_t n_args;
	bool found;
	char args[256];
};

static int find_event(const struct rawtp_client_event *event, void *data)
{
	struct find_event *find = data;
	size_t used;
	uint32_t i;

	rawtp_nearest_offer(&find->nearest, event->name);
	if (strcmp(event->name, find->name))
		return 0;
	find->found = true;
	find->n_args = event->n_args;
	find->args[0] = '\0';
	for (i = 0; i < event->n_args; i++) {
		used = strlen(find->args);
		snprintf(find->args + used, sizeof(find->args) - used, "%s%s", i ? ", " : "",
			 event->args[i].name);
	}
	return 0;
}

/* What can be said better here than by the errno of a refusal. 0 or an exit status. */
static int check_program(struct rawtp_session *session, const struct rawtp_session_target *target,
			 const struct rawtp_session_program *program)
{
	struct find_event find = {.name = program->tracepoint};
	char text[512], hint[64] = "name the --provider that has it, or another command";
	int err;

	if (!session->started)
		snprintf(hint, sizeof(hint), "see rawtp list -p %d", (int)target->pid);
	rawtp_nearest_init(&find.nearest, program->tracepoint);
	err = rawtp_client_list(target->client, find_event, &find);
	if (err < 0)
		return rawtp_cli_error(session->cli, "process %d (%s): %s", (int)target->pid,
				       target->comm, rawtp_cli_open_reason(err));
	if (!find.found)
		return rawtp_cli_error(session->cli,
				       "%s: program %s: process %d (%s) has no tracepoint %s%s; "
				       "%s",
				       program->object->path, program->name, (int)target->pid,
				       target->comm, program->tracepoint,
				       rawtp_nearest_text(&find.nearest, text, sizeof(text)), hint);
	if (program->n_args > find.n_args)
		return rawtp_cli_error(session->cli,
				       "%s: program %s reads %u arguments, but tracepoint %s has "
				       "%u (%s); read fewer",
				       program->object->path, program->name, program->n_args,
				       program->tracepoint, find.n_args, find.args);
	return RAWTP_EXIT_OK;
}

static int attach_program(struct rawtp_session *session, struct rawtp_session_target *target,
			  unsigned int n, int link_end)
{
	const struct rawtp_session_program *program = &session->programs[n];
	char log[4096] = "";
	int err, stats_fd;

	err = check_program(session, target, program);
	if (err)
		return err;
	stats_fd = make_stats(session, &target->stats[n]);
	err = rawtp_client_attach(target->client, program->fd, program->tracepoint, link_end,
				  stats_fd, 0, log, sizeof(log));
	if (stats_fd >= 0)
		close(stats_fd);
	if (!err)
		return RAWTP_EXIT_OK;
	log[strcspn(log, "\n")] = '\0';
	return rawtp_cli_error(
		session->cli, "%s: program %s cannot be attached to %s of process %d (%s): %s",
		program->object->path, program->name, program->tracepoint, (int)target->pid,
		target->comm, *log ? log : rawtp_cli_open_reason(err));
}

static int attach_target(struct rawtp_session *session, struct rawtp_session_target *target)
{
	int ends[2], status = RAWTP_EXIT_OK;
	unsigned int i;

	target->stats = calloc(session->n_programs, sizeof(*target->stats));
	if (!target->stats || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return rawtp_cli_error(session->cli, "cannot make a link: %s", strerror(errno));
	for (i = 0; i < session->n_programs && !status; i++)
		if (!session->programs[i].object->kernel)
			status = attach_program(session, target, i, ends[1]);
	/* The target holds its own copy; with ours open, its death could not be seen. */
	close(ends[1]);
	target->link = ends[0];
	return status;
}

static int attach_kernel(struct rawtp_session *session)
{
	unsigned int i;
	int status = RAWTP_EXIT_OK;

	if (session->sample)
		rawtp_kernel_count(session->cli, &session->kernel);
	for (i = 0; i < session->n_programs && !status; i++)
		if (session->programs[i].object->kernel)
			status = rawtp_kernel_attach(session->cli, &session->kernel,
						     &session->programs[i]);
	return status;
}

int rawtp_session_attach(struct rawtp_session *session)
{
	unsigned int i;
	int status = session->to_kernel ? attach_kernel(session) : RAWTP_EXIT_OK;

	for (i = 0; i < session->n_targets && !status; i++)
		status = attach_target(session, &session->targets[i]);
	if (status)
		rawtp_session_detach(session);
	return status;
}

unsigned int rawtp_session_check(struct rawtp_session *session,
				 void (*fn)(const struct rawtp_session_target *target, void *data),
				 void *data)
{
	unsigned int i, left = session->to_kernel;

	for (i = 0; i < session->n_targets; i++) {
		struct rawtp_session_target *target = &session->targets[i];
		struct pollfd fd = {.fd = target->link, .events = POLLIN};

		if (target->gone)
			continue;
		if (poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR | POLLNVAL))) {
			target->gone = true;
			fn(target, data);
		} else {
			left++;
		}
	}
	return left;
}

static void add_figures(struct rawtp_stats_block *sum, const struct rawtp_link_stats *stats)
{
	const struct rawtp_stats_block more = rawtp_link_stats_sum(stats);

	sum->hits += more.hits;
	sum->misses += more.misses;
	sum->recursion_misses += more.recursion_misses;
	sum->timed += more.timed;
	sum->nsecs += more.nsecs;
}

void rawtp_session_read(struct rawtp_session *session)
{
	unsigned int i, j;

	for (i = 0; i < session->n_programs; i++) {
		struct rawtp_session_program *program = &session->programs[i];

		program->before = program->now;
		if (program->object->kernel) {
			rawtp_kernel_read(&session->kernel, program);
			continue;
		}
		memset(&program->now, 0, sizeof(program->now));
		for (j = 0; j < session->n_targets; j++)
			if (session->targets[j].stats && session->targets[j].stats[i])
				add_figures(&program->now, session->targets[j].stats[i]);
	}
}

/* The target closes its end when the last run has ended. */
static void wait_for_end(struct rawtp_session_target *target)
{
	struct pollfd fd = {.fd = target->link, .events = POLLIN};
	char byte;

	while (poll(&fd, 1, DETACH_TIME_LIMIT) > 0)
		if (recv(target->link, &byte, 1, MSG_DONTWAIT) <= 0)
			break;
}

void rawtp_session_detach(struct rawtp_session *session)
{
	unsigned int i;

	for (i = 0; i < session->n_programs; i++) {
		if (session->programs[i].kernel_link >= 0)
			close(session->programs[i].kernel_link);
		session->programs[i].kernel_link = -1;
	}
	if (session->to_kernel)
		rawtp_kernel_wait();
	for (i = 0; i < session->n_targets; i++)
		if (session->targets[i].link >= 0)
			shutdown(session->targets[i].link, SHUT_WR);
	for (i = 0; i < session->n_targets; i++) {
		if (session->targets[i].link < 0)
			continue;
		wait_for_end(&session->targets[i]);
		close(session->targets[i].link);
		session->targets[i].link = -1;
	}
}

void rawtp_session_free(struct rawtp_session *session)
{
	unsigned int i, j;

	rawtp_session_detach(session);
	for (i = 0; i < session->n_targets; i++) {
		struct rawtp_session_target *target = &session->targets[i];

		for (j = 0; target->stats && j < session->n_programs; j++)
			if (target->stats[j])
				rawtp_link_stats_unmap(target->stats[j]);
		free(target->stats);
		rawtp_client_close(target->client);
	}
	for (i = 0; i < session->n_objects; i++)
		rawtp_object_close(&session->objects[i]);
	free(session->programs);
	for (i = 0; i < session->n_shared; i++) {
		close(session->shared[i].fd);
		free(session->shared[i].name);
	}
	free(session->shared);
	if (session->to_kernel)
		rawtp_kernel_close(&session->kernel);
	memset(session, 0, sizeof(*session));
}
