/* SPDX-License-Identifier: MIT */
/* Which programs of an object go to the kernel and which to the processes, where both are named. */
#include "session.h"

#include <string.h>

struct find_name {
	const char *name;
	struct rawtp_nearest *nearest;
	bool found;
};

static int find_name(const struct rawtp_client_event *event, void *data)
{
	struct find_name *find = data;

	rawtp_nearest_offer(find->nearest, event->name);
	find->found |= !strcmp(event->name, find->name);
	return 0;
}

/* Does a process have the name? One that cannot be asked is told of when it is attached to. */
static bool processes_have(struct rawtp_session *session, const char *name,
			   struct rawtp_nearest *nearest)
{
	struct find_name find = {.name = name, .nearest = nearest};
	unsigned int i;

	for (i = 0; i < session->n_targets; i++)
		rawtp_client_list(session->targets[i].client, find_name, &find);
	return find.found;
}

/* The side of a program whose section names none. */
static int find_side(struct rawtp_session *session, const struct rawtp_object *object,
		     const struct bpf_program *program, enum rawtp_side *side)
{
	const char *name = rawtp_object_tracepoint(program);
	const struct rawtp_event_list *events = &session->kernel.events;
	struct rawtp_nearest nearest;
	bool in_kernel, in_process;
	char text[512];
	size_t i;

	if (!events->n)
		return rawtp_cli_error(
			session->cli,
			"%s: program %s: the kernel shows no BTF, so nobody knows whose "
			"%s is; write SEC(\"raw_tp/kernel:%s\") or "
			"SEC(\"raw_tp/user:%s\")",
			object->path, bpf_program__name(program), name, name, name);
	rawtp_nearest_init(&nearest, name);
	for (i = 0; i < events->n; i++)
		rawtp_nearest_offer(&nearest, events->events[i].name);
	in_kernel = rawtp_kernel_find(&session->kernel, name);
	in_process = processes_have(session, name, &nearest);
	if (in_kernel && in_process)
		return rawtp_cli_error(
			session->cli,
			"%s: program %s: the kernel and a process have a tracepoint %s; "
			"write SEC(\"raw_tp/kernel:%s\") or SEC(\"raw_tp/user:%s\")",
			object->path, bpf_program__name(program), name, name, name);
	if (!in_kernel && !in_process)
		return rawtp_cli_error(session->cli,
				       "%s: program %s: neither the kernel nor a process has a "
				       "tracepoint %s%s; see rawtp list -k and rawtp list -p",
				       object->path, bpf_program__name(program), name,
				       rawtp_nearest_text(&nearest, text, sizeof(text)));
	*side = in_kernel ? RAWTP_SIDE_KERNEL : RAWTP_SIDE_USER;
	return RAWTP_EXIT_OK;
}

int rawtp_session_choose(struct rawtp_session *session, const struct rawtp_object *object,
			 unsigned int *n_chosen)
{
	struct bpf_program *program;
	enum rawtp_side side;
	int status;

	*n_chosen = 0;
	bpf_object__for_each_program(program, object->bpf)
	{
		if (!bpf_program__autoload(program))
			continue;
		side = rawtp_object_side(program);
		if (side == RAWTP_SIDE_ANY && *rawtp_object_tracepoint(program)) {
			status = find_side(session, object, program, &side);
			if (status)
				return status;
		}
		if (side == (object->kernel ? RAWTP_SIDE_USER : RAWTP_SIDE_KERNEL))
			bpf_program__set_autoload(program, false);
		else
			++*n_chosen;
	}
	return RAWTP_EXIT_OK;
}

static bool is_of_kernel(const struct rawtp_kernel *kernel, const struct bpf_program *program)
{
	if (!bpf_program__autoload(program))
		return true;
	if (rawtp_object_side(program) != RAWTP_SIDE_ANY)
		return rawtp_object_side(program) == RAWTP_SIDE_KERNEL;
	return rawtp_kernel_find(kernel, rawtp_object_tracepoint(program));
}

int rawtp_session_only_kernel(const struct rawtp_cli *cli, char **paths, unsigned int n, bool *only)
{
	struct rawtp_kernel kernel = {0};
	struct bpf_program *program;
	unsigned int i;
	int status;

	rawtp_object_init(cli);
	status = rawtp_kernel_open(cli, &kernel);
	*only = true;
	for (i = 0; i < n && !status && *only; i++) {
		/* As one of two, so that no program is left out unseen. */
		struct rawtp_object object = {.kernel = true, .mixed = true};

		status = rawtp_object_open(cli, paths[i], &object);
		if (status)
			break;
		bpf_object__for_each_program(program, object.bpf)
		{
			enum rawtp_side side = rawtp_object_side(program);

			*only = *only && side != RAWTP_SIDE_USER && is_of_kernel(&kernel, program);
		}
		rawtp_object_close(&object);
	}
	rawtp_kernel_close(&kernel);
	return status;
}
