/* SPDX-License-Identifier: MIT */
/*
 * What the commands share: the table of commands, options from one list (parsing and --help read
 * the same rows), and errors.
 *
 * Exit status: 0 done, 1 failed, 2 wrong usage. Errors go to standard error in one line that says
 * what, where and what to do; results go to standard output.
 */
#ifndef RAWTP_CLI_H
#define RAWTP_CLI_H

#include "output.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { RAWTP_EXIT_OK = 0, RAWTP_EXIT_FAILED = 1, RAWTP_EXIT_USAGE = 2 };

/* Identifiers of options without a short name; those with one are identified by it. */
enum {
	RAWTP_OPTION_COMM = 256,
	RAWTP_OPTION_FOR,
	RAWTP_OPTION_INTERVAL,
	RAWTP_OPTION_RECORD,
	RAWTP_OPTION_PROVIDER,
	RAWTP_OPTION_MAX_ENTRIES,
	RAWTP_OPTION_SAMPLE,
	RAWTP_OPTION_COUNT,
	RAWTP_OPTION_TOP,
	RAWTP_OPTION_TIME,
	RAWTP_OPTION_WINDOW,
};

struct rawtp_option {
	int id;           /* short name, or RAWTP_OPTION_* */
	const char *name; /* long name */
	const char *arg;  /* what its argument is called; NULL: it has none */
	const char *help;
};

struct rawtp_cli;

struct rawtp_command {
	const char *name;
	const char *usage;                  /* behind "rawtp NAME " */
	const char *summary;                /* one line */
	const char *details;                /* lines of --help behind the options, or NULL */
	const struct rawtp_option *options; /* ends with a row of zeros; NULL: none */
	int (*run)(struct rawtp_cli *cli, int argc, char **argv);
};

extern const struct rawtp_command rawtp_cmd_ps, rawtp_cmd_list, rawtp_cmd_attach, rawtp_cmd_run,
	rawtp_cmd_test, rawtp_cmd_stat, rawtp_cmd_map, rawtp_cmd_prog, rawtp_cmd_link;

struct rawtp_cli {
	const struct rawtp_command *command;
	bool json, verbose;
	struct rawtp_output out; /* standard output, as --json says, once options are read */
};

/*
 * The next option's id; -1 where only operands are left (from optind on). Handles --json, --verbose
 * and --help itself. Exits with RAWTP_EXIT_USAGE on an unknown option. The first operand ends the
 * options where @stop_at_operand (getopt's "+").
 */
int rawtp_cli_option(struct rawtp_cli *cli, int argc, char **argv, bool stop_at_operand);

/* "rawtp COMMAND: ...\n" on standard error; returns RAWTP_EXIT_FAILED. */
int rawtp_cli_error(const struct rawtp_cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same with a hint at --help; returns RAWTP_EXIT_USAGE. */
int rawtp_cli_usage(const struct rawtp_cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Numbers of the command line. @base 0 takes 0x and 0 prefixes. The whole text must be a number.
 * 0 or -EINVAL, -ERANGE.
 */
int rawtp_cli_u64(const char *text, int base, uint64_t *value);
/* Decimal, hexadecimal or negative (as the 64 bits that C would pass). */
int rawtp_cli_arg(const char *text, uint64_t *value);
/* --@option's number of seconds: more than 0, less than 10 years. 0 or RAWTP_EXIT_USAGE, printed. */
int rawtp_cli_seconds(const struct rawtp_cli *cli, const char *option, const char *text,
		      double *seconds);
int rawtp_cli_pid(const char *text, pid_t *pid);

/* Name of a process as the kernel shows it, "?" where it cannot be read. */
void rawtp_cli_comm(pid_t pid, char *comm, size_t size);

/* Why rawtp_client_open() failed, and what to do, in words. */
const char *rawtp_cli_open_reason(int err);

/* Names that a mistyped one may have meant: ", nearest: a, b" in @text or "" */
struct rawtp_nearest {
	const char *wanted;
	struct {
		char name[128];
		unsigned int distance;
	} best[3];
	unsigned int n;
};
void rawtp_nearest_init(struct rawtp_nearest *nearest, const char *wanted);
void rawtp_nearest_offer(struct rawtp_nearest *nearest, const char *name);
/* Returns @text: "" or "; the nearest names are a, b". */
const char *rawtp_nearest_text(const struct rawtp_nearest *nearest, char *text, size_t size);

#endif
