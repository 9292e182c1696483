/* SPDX-License-Identifier: MIT */
/* rawtp: the command. A table of subcommands; each is in its own cmd_*.c. */
#include "cli.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rawtp_command *const commands[] = {
	&rawtp_cmd_ps,   &rawtp_cmd_list, &rawtp_cmd_attach, &rawtp_cmd_run,  &rawtp_cmd_stat,
	&rawtp_cmd_link, &rawtp_cmd_prog, &rawtp_cmd_map,    &rawtp_cmd_test,
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int print_help(FILE *file)
{
	size_t i;

	fputs("Usage: rawtp COMMAND [OPTION...] ...\n"
	      "Raw tracepoints with eBPF programs, in user space and in the kernel.\n\nCommands:\n",
	      file);
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(file, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nrawtp COMMAND --help tells more; so does man rawtp-COMMAND.\n"
	      "Every command takes -j, --json and -v, --verbose.\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage.\n",
	      file);
	return RAWTP_EXIT_OK;
}

static const struct rawtp_command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	struct rawtp_nearest nearest;
	char text[512];
	size_t i;

	rawtp_nearest_init(&nearest, name);
	for (i = 0; i < N_COMMANDS; i++)
		rawtp_nearest_offer(&nearest, commands[i]->name);
	fprintf(stderr, "rawtp: no %s %s%s; try: rawtp --help\n",
		*name == '-' ? "option" : "command", name,
		rawtp_nearest_text(&nearest, text, sizeof(text)));
	return RAWTP_EXIT_USAGE;
}

/* Standard output that cannot be written (a full disk) is a failure like any other. */
static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		perror("rawtp: cannot write standard output");
		return status ? status : RAWTP_EXIT_FAILED;
	}
	return status;
}

int main(int argc, char **argv)
{
	struct rawtp_cli cli = {0};
	char *help[] = {NULL, "--help", NULL};
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name) {
		print_help(stderr);
		return RAWTP_EXIT_USAGE;
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		printf("rawtp %s, libbpf %s\n", RAWTP_VERSION, libbpf_version_string());
		return finish(RAWTP_EXIT_OK);
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || (!strcmp(name, "help") && argc == 2))
		return finish(print_help(stdout));
	if (!strcmp(name, "help")) {
		name = argv[2];
		argc = 2;
		help[0] = argv[2];
		argv = help;
	} else {
		argc--;
		argv++;
	}
	cli.command = find_command(name);
	if (!cli.command)
		return unknown_command(name);
	return finish(cli.command->run(&cli, argc, argv));
}
