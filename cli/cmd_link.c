/* SPDX-License-Identifier: MIT */
/* rawtp link: what is attached where; and detaching it, whoever attached it. */
#include "bpf_objects.h"
#include "client/client.h"
#include "verbs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct link_command {
	struct rawtp_cli *cli;
	struct rawtp_verbs verbs;
	unsigned int shown;
	int status;
	pid_t pid; /* the process at hand */
};

static bool is_wanted(const struct link_command *command, uint32_t id, const char *name)
{
	return !command->verbs.wanted || rawtp_bpf_object_is(command->verbs.wanted, id, name);
}

static void print_head(struct link_command *command)
{
	if (!command->shown++ && !command->cli->json)
		printf("%8s  %-16s %-32s %-24s %s\n", "ID", "PROGRAM", "TRACEPOINT",
		       command->verbs.kernel ? "TYPE" : "OF PROCESS",
		       command->verbs.kernel ? "" : "HELD BY");
}

static int on_process_link(const struct rawtp_client_link_info *link, void *data)
{
	struct link_command *command = data;
	struct rawtp_output *out = &command->cli->out;
	char comm[64], of[96], holder[96] = "?";

	if (!is_wanted(command, (uint32_t)link->id, link->program))
		return 0;
	print_head(command);
	rawtp_cli_comm(command->pid, comm, sizeof(comm));
	if (out->json) {
		rawtp_output_object(out, NULL);
		rawtp_output_i64(out, "pid", command->pid);
		rawtp_output_string(out, "comm", comm);
		rawtp_output_u64(out, "id", link->id);
		rawtp_output_string(out, "program", link->program);
		rawtp_output_string(out, "tracepoint", link->tracepoint);
		rawtp_output_i64(out, "holder", link->holder);
		rawtp_output_u64(out, "events", link->hits);
		rawtp_output_u64(out, "misses", link->misses);
		rawtp_output_end(out);
		return 0;
	}
	snprintf(of, sizeof(of), "%d (%s)", (int)command->pid, comm);
	if (link->holder) {
		rawtp_cli_comm(link->holder, comm, sizeof(comm));
		snprintf(holder, sizeof(holder), "%d (%s)", (int)link->holder, comm);
	}
	printf("%8llu  %-16s %-32s %-24s %s\n", (unsigned long long)link->id, link->program,
	       link->tracepoint, of, holder);
	return 0;
}

static int on_process(pid_t pid, void *data)
{
	struct link_command *command = data;
	struct rawtp_client *client;
	int err = rawtp_client_open(pid, &client);

	command->pid = pid;
	if (!err) {
		err = rawtp_client_links(client, on_process_link, command);
		rawtp_client_close(client);
	}
	/* Of all, one that ends or stops meanwhile does not keep us from the others. */
	if (err < 0 && command->verbs.pid)
		command->status = rawtp_cli_error(command->cli, "process %d: %s", (int)pid,
						  rawtp_cli_open_reason(err));
	return 0;
}

static void program_name(uint32_t id, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	strcpy(name, "?");
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size))
		memcpy(name, info.name, BPF_OBJ_NAME_LEN);
	close(fd);
}

static int on_kernel_link(const struct rawtp_bpf_object *object, void *data)
{
	const char *type = libbpf_bpf_link_type_str(object->link.type);
	struct link_command *command = data;
	struct rawtp_output *out = &command->cli->out;
	char program[BPF_OBJ_NAME_LEN];

	program_name(object->link.prog_id, program);
	if (!is_wanted(command, object->link.id, program))
		return 0;
	print_head(command);
	type = type ? type : "?";
	if (!out->json) {
		printf("%8u  %-16s %-32s %s\n", object->link.id, program,
		       *object->tracepoint ? object->tracepoint : "-", type);
		return 0;
	}
	rawtp_output_object(out, NULL);
	rawtp_output_u64(out, "id", object->link.id);
	rawtp_output_string(out, "type", type);
	rawtp_output_u64(out, "prog_id", object->link.prog_id);
	rawtp_output_string(out, "program", program);
	if (*object->tracepoint)
		rawtp_output_string(out, "tracepoint", object->tracepoint);
	rawtp_output_end(out);
	return 0;
}

static int detach(struct rawtp_cli *cli, const struct rawtp_verbs *verbs)
{
	struct rawtp_client *client;
	uint64_t id;
	int err;

	if (!verbs->pid)
		return rawtp_cli_usage(
			cli, "detach: name the process: -p PID%s",
			verbs->kernel ? " (a link of the kernel ends with its holder)" : "");
	if (rawtp_cli_u64(verbs->wanted, 10, &id))
		return rawtp_cli_usage(cli, "%s is no number of a link", verbs->wanted);
	err = rawtp_client_open(verbs->pid, &client);
	if (err)
		return rawtp_cli_error(cli, "process %d: %s", (int)verbs->pid,
				       rawtp_cli_open_reason(err));
	err = rawtp_client_detach(client, id);
	rawtp_client_close(client);
	if (err == -ENOENT)
		return rawtp_cli_error(cli, "process %d has no link %s; see rawtp link -p %d",
				       (int)verbs->pid, verbs->wanted, (int)verbs->pid);
	return err ? rawtp_cli_error(cli, "process %d: %s", (int)verbs->pid,
				     rawtp_cli_open_reason(err))
		   : RAWTP_EXIT_OK;
}

static int run(struct rawtp_cli *cli, int argc, char **argv)
{
	static const char *const verbs[] = {"list", "detach", NULL};
	struct link_command command = {.cli = cli};
	int status = rawtp_verbs_read(cli, argc, argv, verbs, &command.verbs);

	if (status)
		return status;
	if (!strcmp(command.verbs.verb, "detach"))
		return detach(cli, &command.verbs);
	if (cli->json)
		rawtp_output_array(&cli->out, NULL);
	if (command.verbs.kernel)
		status = rawtp_bpf_objects_kernel(cli, RAWTP_BPF_LINK, on_kernel_link, &command);
	else if (command.verbs.pid)
		on_process(command.verbs.pid, &command);
	else
		rawtp_client_find(on_process, &command);
	if (cli->json)
		rawtp_output_end(&cli->out);
	if (!status && !command.status && command.verbs.wanted && !command.shown)
		return rawtp_cli_error(cli, "there is no link %s", command.verbs.wanted);
	return status ? status : command.status;
}

static const struct rawtp_option options[] = {
	{'k', "kernel", NULL, "links of the kernel (needs CAP_SYS_ADMIN)"},
	{'p', "pid", "PID", "links of this process"},
	{0},
};

const struct rawtp_command rawtp_cmd_link = {
	.name = "link",
	.usage = "[OPTION...] [list [ID | PROGRAM] | detach -p PID ID]",
	.summary = "Show what is attached where, and detach it",
	.details = "Without -k and -p: of all processes that carry tracepoints.\n",
	.options = options,
	.run = run,
};
