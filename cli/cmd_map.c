/* SPDX-License-Identifier: MIT */
/* rawtp map: maps that exist, and what is in them. */
#include "map_dump.h"
#include "object_command.h"

#include <bpf/btf.h>
#include <string.h>

static void list_text(const struct rawtp_object_command *command,
		      const struct rawtp_bpf_object *object, const char *type)
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

static void dump(const struct rawtp_object_command *command, const struct rawtp_bpf_object *object)
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

static int show(struct rawtp_object_command *command, const struct rawtp_bpf_object *object)
{
	const char *type = libbpf_bpf_map_type_str(object->map.type);
	bool dumps = rawtp_object_command_dumps(command);

	type = type ? type : "?";
	if (dumps && !rawtp_map_dump_has_keys(object->map.type))
		command->status =
			rawtp_cli_error(command->cli, "map %u (%s): a %s has no keys to show",
					object->map.id, object->map.name, type);
	else if (dumps)
		dump(command, object);
	else if (command->cli->json)
		list_json(&command->cli->out, object, type);
	else
		list_text(command, object, type);
	return 0;
}

static int run(struct rawtp_cli *cli, int argc, char **argv)
{
	struct rawtp_object_command command = {.kind = RAWTP_BPF_MAP, .noun = "map", .show = show};

	return rawtp_object_command_run(&command, cli, argc, argv);
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
