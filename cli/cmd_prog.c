/* SPDX-License-Identifier: MIT */
/* rawtp prog: programs that exist, and their instructions. */
#include "bpf/disasm.h"
#include "object.h"
#include "object_command.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MAPS 64

static void tag_text(const struct bpf_prog_info *prog, char *text)
{
	size_t i;

	for (i = 0; i < sizeof(prog->tag); i++)
		sprintf(text + 2 * i, "%02x", prog->tag[i]);
}

static void list_text(const struct rawtp_object_command *command,
		      const struct rawtp_bpf_object *object, const char *type)
{
	const struct bpf_prog_info *prog = &object->prog;
	char tag[2 * BPF_TAG_SIZE + 1], comm[64];

	tag_text(prog, tag);
	if (!command->shown)
		printf("%10s  %-20s %-16s %-16s %8s %8s  %s\n", "ID", "TYPE", "NAME", "TAG",
		       "INSNS", "BYTES", object->kernel ? "RUNS" : "HELD BY");
	printf("%10u  %-20s %-16s %-16s %8u %8u  ", prog->id, type, prog->name, tag,
	       prog->xlated_prog_len / 8, prog->jited_prog_len);
	if (object->kernel) {
		printf("%s\n", prog->run_time_ns ? rawtp_output_thousands(prog->run_cnt) : "-");
		return;
	}
	rawtp_cli_comm(object->holder, comm, sizeof(comm));
	printf("%d (%s)\n", (int)object->holder, comm);
}

static void list_json(struct rawtp_output *out, const struct rawtp_bpf_object *object,
		      const char *type)
{
	struct bpf_prog_info more = {0};
	char tag[2 * BPF_TAG_SIZE + 1];
	uint32_t maps[MAX_MAPS], size = sizeof(more), i;

	tag_text(&object->prog, tag);
	rawtp_output_object(out, NULL);
	rawtp_output_u64(out, "id", object->prog.id);
	rawtp_output_string(out, "type", type);
	rawtp_output_string(out, "name", object->prog.name);
	rawtp_output_string(out, "tag", tag);
	rawtp_output_u64(out, "insns", object->prog.xlated_prog_len / 8);
	rawtp_output_u64(out, "jited_bytes", object->prog.jited_prog_len);
	rawtp_output_u64(out, "run_cnt", object->prog.run_cnt);
	rawtp_output_u64(out, "run_time_ns", object->prog.run_time_ns);
	rawtp_output_u64(out, "recursion_misses", object->prog.recursion_misses);
	if (!object->kernel)
		rawtp_output_i64(out, "holder", object->holder);
	more.nr_map_ids = MAX_MAPS;
	more.map_ids = (uintptr_t)maps;
	rawtp_output_array(out, "map_ids");
	if (!bpf_obj_get_info_by_fd(object->fd, &more, &size))
		for (i = 0; i < more.nr_map_ids && i < MAX_MAPS; i++)
			rawtp_output_u64(out, NULL, maps[i]);
	rawtp_output_end(out);
	rawtp_output_end(out);
}

static void print_insns(struct rawtp_output *out, const struct bpf_insn *insns, uint32_t n)
{
	char text[256];
	uint32_t i, used;

	for (i = 0; i < n; i += used) {
		used = rawtp_disasm(&insns[i], n - i, text, sizeof(text));
		if (out->json)
			rawtp_output_string(out, NULL, text);
		else
			printf("%6u: %s\n", i, text);
	}
}

static int dump(struct rawtp_object_command *command, const struct rawtp_bpf_object *object)
{
	struct rawtp_output *out = &command->cli->out;
	struct bpf_prog_info more = {0};
	uint32_t size = sizeof(more), length = object->prog.xlated_prog_len;
	struct bpf_insn *insns = calloc(1, length + 8);
	int err;

	if (!insns)
		return rawtp_cli_error(command->cli, "out of memory");
	more.xlated_prog_insns = (uintptr_t)insns;
	more.xlated_prog_len = length;
	err = bpf_obj_get_info_by_fd(object->fd, &more, &size);
	if (err || !more.xlated_prog_insns) {
		free(insns);
		return rawtp_cli_error(command->cli,
				       "program %u: its instructions are not shown: %s",
				       object->prog.id,
				       err ? strerror(-err)
					   : "CAP_PERFMON is missing, or the kernel restricts "
					     "addresses (kernel.kptr_restrict)");
	}
	if (out->json) {
		rawtp_output_object(out, NULL);
		rawtp_output_u64(out, "id", object->prog.id);
		rawtp_output_string(out, "name", object->prog.name);
		rawtp_output_array(out, "insns");
	} else {
		printf("%s (%u):\n", object->prog.name, object->prog.id);
	}
	print_insns(out, insns,
		    (more.xlated_prog_len < length ? more.xlated_prog_len : length) / 8);
	if (out->json) {
		rawtp_output_end(out);
		rawtp_output_end(out);
	}
	free(insns);
	return RAWTP_EXIT_OK;
}

static int show(struct rawtp_object_command *command, const struct rawtp_bpf_object *object)
{
	const char *type = libbpf_bpf_prog_type_str(object->prog.type);

	type = type ? type : "?";
	if (rawtp_object_command_dumps(command))
		command->status = dump(command, object);
	else if (command->cli->json)
		list_json(&command->cli->out, object, type);
	else
		list_text(command, object, type);
	return command->status;
}

static int run(struct rawtp_cli *cli, int argc, char **argv)
{
	struct rawtp_object_command command = {
		.kind = RAWTP_BPF_PROG, .noun = "program", .show = show};

	return rawtp_object_command_run(&command, cli, argc, argv);
}

static const struct rawtp_option options[] = {
	{'k', "kernel", NULL, "programs of the kernel (needs CAP_SYS_ADMIN)"},
	{'p', "pid", "PID", "programs that this process holds"},
	{0},
};

const struct rawtp_command rawtp_cmd_prog = {
	.name = "prog",
	.usage = "[OPTION...] [list [ID | NAME] | dump ID | NAME]",
	.summary = "Show programs, and their instructions",
	.details =
		"Without -k: programs of user space, that some process holds (who attached them) "
		"and the\ncaller may look at. rawtp link shows where they are attached.\n",
	.options = options,
	.run = run,
};
