/* SPDX-License-Identifier: MIT */
#include "object_command.h"

#include <string.h>

bool rawtp_object_command_dumps(const struct rawtp_object_command *command)
{
	return !strcmp(command->verbs.verb, "dump");
}

static int on_object(const struct rawtp_bpf_object *object, void *data)
{
	struct rawtp_object_command *command = data;
	bool map = command->kind == RAWTP_BPF_MAP;
	const char *name = map ? object->map.name : object->prog.name;
	uint32_t id = map ? object->map.id : object->prog.id;
	int stop;

	rawtp_nearest_offer(&command->nearest, name);
	if (command->verbs.wanted && !rawtp_bpf_object_is(command->verbs.wanted, id, name))
		return 0;
	stop = command->show(command, object);
	command->shown++;
	return stop;
}

int rawtp_object_command_run(struct rawtp_object_command *command, struct rawtp_cli *cli, int argc,
			     char **argv)
{
	static const char *const verbs[] = {"list", "dump", NULL};
	int status = rawtp_verbs_read(cli, argc, argv, verbs, &command->verbs);
	const char *wanted = command->verbs.wanted;
	char text[512];

	if (status)
		return status;
	command->cli = cli;
	rawtp_nearest_init(&command->nearest, wanted ? wanted : "");
	if (cli->json)
		rawtp_output_array(&cli->out, NULL);
	status = command->verbs.kernel
			 ? rawtp_bpf_objects_kernel(cli, command->kind, on_object, command)
			 : rawtp_bpf_objects_user(cli, command->kind, command->verbs.pid, on_object,
						  command);
	if (cli->json)
		rawtp_output_end(&cli->out);
	if (!status && wanted && !command->shown)
		return rawtp_cli_error(cli, "there is no %s %s%s", command->noun, wanted,
				       rawtp_nearest_text(&command->nearest, text, sizeof(text)));
	return status ? status : command->status;
}
