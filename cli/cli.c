/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_OPTIONS 24

static const struct rawtp_option common_options[] = {
	{'j', "json", NULL, "print JSON"},
	{'v', "verbose", NULL, "print more, also libbpf's own messages"},
	{'h', "help", NULL, "print this"},
	{0},
};

static void help_option(const struct rawtp_option *option)
{
	char left[64];

	snprintf(left, sizeof(left), "%c%c%s --%s%s%s", option->id < 256 ? '-' : ' ',
		 option->id < 256 ? option->id : ' ', option->id < 256 ? "," : " ", option->name,
		 option->arg ? " " : "", option->arg ? option->arg : "");
	printf("  %-26s %s\n", left, option->help);
}

static void __attribute__((noreturn)) print_help(const struct rawtp_command *command)
{
	const struct rawtp_option *option;

	printf("Usage: rawtp %s %s\n%s.\n\nOptions:\n", command->name, command->usage,
	       command->summary);
	for (option = command->options; option && option->id; option++)
		help_option(option);
	for (option = common_options; option->id; option++)
		help_option(option);
	if (command->details)
		printf("\n%s", command->details);
	exit(fflush(stdout) ? RAWTP_EXIT_FAILED : RAWTP_EXIT_OK);
}

struct getopt_tables {
	struct option longs[MAX_OPTIONS + 1];
	char shorts[2 * MAX_OPTIONS + 3];
	unsigned int n, n_shorts;
};

static void add_options(struct getopt_tables *tables, const struct rawtp_option *option)
{
	for (; option && option->id && tables->n < MAX_OPTIONS; option++) {
		tables->longs[tables->n++] =
			(struct option){option->name, option->arg ? required_argument : no_argument,
					NULL, option->id};
		if (option->id >= 256)
			continue;
		tables->shorts[tables->n_shorts++] = (char)option->id;
		if (option->arg)
			tables->shorts[tables->n_shorts++] = ':';
	}
}

int rawtp_cli_option(struct rawtp_cli *cli, int argc, char **argv, bool stop_at_operand)
{
	struct getopt_tables tables = {0};
	int id;

	if (stop_at_operand)
		tables.shorts[tables.n_shorts++] = '+';
	tables.shorts[tables.n_shorts++] = ':';
	add_options(&tables, cli->command->options);
	add_options(&tables, common_options);
	opterr = 0;
	for (;;) {
		id = getopt_long(argc, argv, tables.shorts, tables.longs, NULL);
		if (id == 'j')
			cli->json = true;
		else if (id == 'v')
			cli->verbose = true;
		else if (id == 'h')
			print_help(cli->command);
		else if (id == ':')
			exit(rawtp_cli_usage(cli, "%s needs an argument", argv[optind - 1]));
		else if (id == '?')
			exit(rawtp_cli_usage(cli, "unknown option %s", argv[optind - 1]));
		else
			break;
	}
	if (id == -1)
		rawtp_output_init(&cli->out, stdout, cli->json);
	return id;
}

static void print_error(const struct rawtp_cli *cli, const char *format, va_list ap)
{
	fflush(stdout);
	fprintf(stderr, "rawtp %s: ", cli->command->name);
	vfprintf(stderr, format, ap);
}

int rawtp_cli_error(const struct rawtp_cli *cli, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_error(cli, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return RAWTP_EXIT_FAILED;
}

int rawtp_cli_usage(const struct rawtp_cli *cli, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_error(cli, format, ap);
	va_end(ap);
	fprintf(stderr, "; try: rawtp %s --help\n", cli->command->name);
	return RAWTP_EXIT_USAGE;
}

int rawtp_cli_u64(const char *text, int base, uint64_t *value)
{
	char *end;

	/* strtoull() takes blanks and a sign, which are no part of a number here. */
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &end, base);
	if (*end)
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

int rawtp_cli_arg(const char *text, uint64_t *value)
{
	bool negative = *text == '-';
	bool hex = !strncasecmp(text + negative, "0x", 2);
	int err = rawtp_cli_u64(text + negative, hex ? 16 : 10, value);

	if (err)
		return err;
	if (!negative)
		return 0;
	if (*value > (uint64_t)INT64_MAX + 1)
		return -ERANGE;
	*value = -*value;
	return 0;
}

int rawtp_cli_seconds(const struct rawtp_cli *cli, const char *option, const char *text,
		      double *seconds)
{
	/* strtod() takes blanks, a sign, nan and inf, which are no part of a number here. */
	bool number = (*text >= '0' && *text <= '9') || *text == '.';
	char *end;

	*seconds = number ? strtod(text, &end) : 0;
	if (number && end != text && !*end && *seconds > 0 && *seconds < 10 * 366 * 86400.0)
		return RAWTP_EXIT_OK;
	return rawtp_cli_usage(cli, "--%s %s is no number of seconds between 0 and 10 years",
			       option, text);
}

int rawtp_cli_pid(const char *text, pid_t *pid)
{
	uint64_t value;
	int err = rawtp_cli_u64(text, 10, &value);

	if (err)
		return err;
	if (!value || value > INT32_MAX)
		return -ERANGE;
	*pid = (pid_t)value;
	return 0;
}

void rawtp_cli_comm(pid_t pid, char *comm, size_t size)
{
	char path[64];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, comm, size - 1);
		close(fd);
	}
	if (n <= 0) {
		snprintf(comm, size, "?");
		return;
	}
	comm[n] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
}

const char *rawtp_cli_open_reason(int err)
{
	switch (err) {
	case -ESRCH:
		return "there is no such process; rawtp ps lists those that carry tracepoints";
	case -ENOENT:
		return "it carries no tracepoints; link it with librawtp, or start it with "
		       "rawtp run --provider libc";
	case -EACCES:
	case -EPERM:
		return "it belongs to another user; run rawtp as that user or as root";
	case -ETIMEDOUT:
		return "it does not answer; if it is stopped, kill -CONT lets it go on";
	case -EPROTO:
		return "it speaks another version of the protocol; use the rawtp of its librawtp";
	default:
		return strerror(-err);
	}
}
