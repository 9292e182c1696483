/* SPDX-License-Identifier: MIT */
/* rawtp map: maps that exist, and what is in them. */
#include "bpf_objects.h"
#include "map_dump.h"
#include "verbs.h"

#include <bpf/btf.h>
#include <string.h>

struct map_command {
	struct rawtp_cli *cli;
	struct rawtp_verbs verbs;
	struct rawtp_nearest nearest;
	unsigned int shown;
	int status;
};

static void list_text(const struct map_command *command, const struct rawtp_bpf_object *object,
		      const char *type)
{
	const struct bpf_map_info *map = &object->map;
	char comm[64];

	if (!command->shown)
		printf("%10s  %-16s %-16s %8s %8s %10s  %s\n", "ID", "TYPE", "NAME", "KEY", "VALUE",
		       "ENTRIES", object->kernel ? "" : "HELD BY");
	printf("%10u  %-16s %-16s %8u %8u %10u", map->id, type, map->name, map->key_size,
	       map->value_size, map->max_entries);
	if (!object->kernel) {
		rawtp_cli_comm(object->holder, comm, sizeof(comm));
		printf("  %d (%s)", (int)object->holder, comm);
	}
	putchar('\n');
}

static void list_json(struct rawtp_output *out, const struct rawtp_bpf_object *object,
		      const char *type)
{
	const struct bpf_map_info *map = &object->map;

	rawtp_output_object(out, NULL);
	rawtp_output_u64(out, "id", map->id);
	rawtp_output_string(out, "type", type);
	rawtp_output_string(out, "name", map->name);
	rawtp_output_u64(out, "key_size", map->key_size);
	rawtp_output_u64(out, "value_size", map->value_size);
	rawtp_output_u64(out, "max_entries", map->max_entries);
	rawtp_output_u64(out, "flags", map->map_flags);
	if (!object->kernel)
		rawtp_output_i64(out, "holder", object->holder);
	rawtp_output_end(out);
}

static void dump(const struct map_command *command, const struct rawtp_bpf_object *object)
{
	const struct rawtp_map_dump options = {.out = &command->cli->out,
					       .max_entries = command->verbs.max_entries,
					       .read_only = true};
	const struct bpf_map_info *map = &object->map;
	struct btf *btf = NULL;
	struct rawtp_map_source source = {
		.name = map->name,
		.fd = object->fd,
		.type = map->type,
		.key_size = map->key_size,
		.value_size = map->value_size,
		.max_entries = map->max_entries,
	};

	/* That of user space is known to who made the map alone. */
	if (object->kernel && map->btf_id)
		btf = btf__load_from_kernel_by_id(map->btf_id);
	if (btf) {
		const struct btf_type *type = btf__type_by_id(btf, map->btf_value_type_id);

		source.btf = btf;
		source.key_id = map->btf_key_type_id;
		source.value_id = map->btf_value_type_id;
		source.section = type && btf_is_datasec(type);
	}
	rawtp_map_dump_fd(&options, &source);
	btf__free(btf);
}

static int on_map(const struct rawtp_bpf_object *object, void *data)
{
	struct map_command *command = data;
	const char *type = libbpf_bpf_map_type_str(object->map.type);

	rawtp_nearest_offer(&command->nearest, object->map.name);
	if (command->verbs.wanted &&
	    !rawtp_bpf_object_is(command->verbs.wanted, object->map.id, object->map.name))
		return 0;
	type = type ? type : "?";
	if (!strcmp(command->verbs.verb, "dump") && !rawtp_map_dump_has_keys(object->map.type))
		command->status =
			rawtp_cli_error(command->cli, "map %u (%s): a %s has no keys to show",
					object->map.id, object->map.name, type);
	else if (!strcmp(command->verbs.verb, "dump"))
		dump(command, object);
	else if (command->cli->json)
		list_json(&command->cli->out, object, type);
	else
		list_text(command, object, type);
	command->shown++;
	return 0;
}

static int run(struct rawtp_cli *cli, int argc, char **argv)
{
	static const char *const verbs[] = {"list", "dump", NULL};
	struct map_command command = {.cli = cli};
	int status = rawtp_verbs_read(cli, argc, argv, verbs, &command.verbs);
	char text[512];

	if (status)
		return status;
	rawtp_nearest_init(&command.nearest, command.verbs.wanted ? command.verbs.wanted : "");
	if (cli->json)
		rawtp_output_array(&cli->out, NULL);
	status = command.verbs.kernel
			 ? rawtp_bpf_objects_kernel(cli, RAWTP_BPF_MAP, on_map, &command)
			 : rawtp_bpf_objects_user(cli, RAWTP_BPF_MAP, command.verbs.pid, on_map,
						  &command);
	if (cli->json)
		rawtp_output_end(&cli->out);
	if (!status && command.verbs.wanted && !command.shown)
		return rawtp_cli_error(cli, "there is no map %s%s", command.verbs.wanted,
				       rawtp_nearest_text(&command.nearest, text, sizeof(text)));
	return status ? status : command.status;
}

static const struct rawtp_option options[] = {
	{'k', "kernel", NULL, "maps of the kernel (needs CAP_SYS_ADMIN)"},
	{'p', "pid", "PID", "maps that this process uses"},
	{RAWTP_OPTION_MAX_ENTRIES, "max-entries", "N", "of a map, in text; 0: all (100)"},
	{0},
};

const struct rawtp_command rawtp_cmd_map = {
	.name = "map",
	.usage = "[OPTION...] [list [ID | NAME] | dump ID | NAME]",
	.summary = "Show maps, and what is in them",
	.details = "Without -k: maps of user space, that some process holds or uses and the caller "
		   "may look at.\n",
	.options = options,
	.run = run,
};
