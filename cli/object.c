/* SPDX-License-Identifier: MIT */
#include "object.h"
#include "elf_file.h"
#include "kernel_target.h"
#include "preload/route.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_SIZE         (1024 * 1024)
#define OPEN_TIME_LIMIT  30 /* seconds; an honest object takes milliseconds */
#define GUARD_STACK_SIZE 65536

/* libbpf's warnings since the last forget_warnings(): the first and the last are kept. */
static struct {
	bool verbose;
	char first[512], last[512];
} warnings;

static int keep_warning(enum libbpf_print_level level, const char *format, va_list ap)
{
	char line[sizeof(warnings.first)], *text = line;

	if (warnings.verbose)
		return vfprintf(stderr, format, ap);
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, ap);
	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(text, "libbpf: ", 8))
		text += 8;
	/* Says nothing that the lines before did not say. */
	if (!strncmp(text, "failed to load object", 21))
		return 0;
	if (!*warnings.first)
		snprintf(warnings.first, sizeof(warnings.first), "%s", text);
	snprintf(warnings.last, sizeof(warnings.last), "%s", text);
	return 0;
}

static void forget_warnings(void)
{
	warnings.first[0] = warnings.last[0] = '\0';
}

void rawtp_object_init(const struct rawtp_cli *cli)
{
	warnings.verbose = cli->verbose;
	libbpf_set_print(keep_warning);
}

/*
 * The net below: a file that makes libbpf crash or loop ends the command with a line of its own.
 * Nothing that outlives the process has been made at that point.
 */
static const int guarded_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGALRM};
#define N_GUARDED (sizeof(guarded_signals) / sizeof(guarded_signals[0]))
static struct {
	struct sigaction saved[N_GUARDED];
	char message[600];
} guard;

static void on_crash(int sig)
{
	ssize_t n = write(STDERR_FILENO, guard.message, strlen(guard.message));

	(void)n;
	(void)sig;
	_exit(RAWTP_EXIT_FAILED);
}

static void guard_begin(const struct rawtp_cli *cli, const char *path, unsigned int limit)
{
	static char stack[GUARD_STACK_SIZE];
	const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};
	size_t i;

	snprintf(guard.message, sizeof(guard.message),
		 "rawtp %s: %.400s: damaged object: libbpf cannot read it; compile it again\n",
		 cli->command->name, path);
	sigaltstack(&alternate, NULL);
	for (i = 0; i < N_GUARDED; i++)
		sigaction(guarded_signals[i], &action, &guard.saved[i]);
	alarm(limit);
}

static void guard_end(void)
{
	const stack_t none = {.ss_flags = SS_DISABLE};
	size_t i;

	alarm(0);
	for (i = 0; i < N_GUARDED; i++)
		sigaction(guarded_signals[i], &guard.saved[i], NULL);
	sigaltstack(&none, NULL);
}

static const char *const sides[] = {
	[RAWTP_SIDE_KERNEL] = "kernel:",
	[RAWTP_SIDE_USER] = "user:",
};

/* What the section names, with the side before it. */
static const char *section_target(const struct bpf_program *program)
{
	static const char *const prefixes[] = {"raw_tp", "raw_tracepoint", "tp_btf"};
	const char *section = bpf_program__section_name(program);
	size_t i, n;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		n = strlen(prefixes[i]);
		if (strncmp(section, prefixes[i], n))
			continue;
		if (section[n] == '/')
			return section + n + 1;
		if (!section[n])
			return "";
	}
	return NULL;
}

enum rawtp_side rawtp_object_side(const struct bpf_program *program)
{
	const char *target = section_target(program);
	enum rawtp_side side;

	for (side = RAWTP_SIDE_KERNEL; target && side <= RAWTP_SIDE_USER; side++)
		if (!strncmp(target, sides[side], strlen(sides[side])))
			return side;
	return RAWTP_SIDE_ANY;
}

const char *rawtp_object_tracepoint(const struct bpf_program *program)
{
	const char *target = section_target(program);
	enum rawtp_side side = rawtp_object_side(program);

	return side == RAWTP_SIDE_ANY ? target : target + strlen(sides[side]);
}

bool rawtp_object_is_typed(const struct bpf_program *program)
{
	return strncmp(bpf_program__section_name(program), "tp_btf", 6) == 0;
}

const char *rawtp_object_side_name(const struct rawtp_object *object)
{
	if (!object->mixed)
		return NULL;
	return object->kernel ? "kernel" : "user";
}

void rawtp_object_target(const struct rawtp_object *object)
{
	rawtp_target_kernel(object->kernel);
}

/* Leaves out what cannot run here. 0 or an exit status. */
static int choose_programs(const struct rawtp_cli *cli, struct rawtp_object *object)
{
	enum rawtp_side other = object->kernel ? RAWTP_SIDE_USER : RAWTP_SIDE_KERNEL;
	struct bpf_program *program;
	unsigned int n = 0;

	bpf_object__for_each_program(program, object->bpf)
	{
		if (rawtp_object_side(program) == other) {
			bpf_program__set_autoload(program, false);
			continue;
		}
		if (rawtp_object_is_typed(program) && !object->kernel && !object->has_types)
			return rawtp_cli_error(
				cli,
				"%s: program %s: SEC(\"%s\") needs the types of the process, and "
				"it has no BTF; compile it with gcc -gbtf, or with -g and run "
				"pahole -J on it",
				object->path, bpf_program__name(program),
				bpf_program__section_name(program));
		if (rawtp_object_tracepoint(program)) {
			n++;
			continue;
		}
		bpf_program__set_autoload(program, false);
		/* Said of its twin already. */
		if (object->mixed && object->kernel)
			continue;
		rawtp_cli_error(cli, "%s: program %s is left out: SEC(\"%s\") is no raw tracepoint",
				object->path, bpf_program__name(program),
				bpf_program__section_name(program));
	}
	if (n || object->mixed)
		return RAWTP_EXIT_OK;
	return rawtp_cli_error(cli,
			       "%s: no program for a raw tracepoint%s; write SEC(\"raw_tp/NAME\")",
			       object->path, object->kernel ? " of the kernel" : "");
}

int rawtp_object_open(const struct rawtp_cli *cli, const char *path, struct rawtp_object *object)
{
	const char *types = object->kernel || object->has_types ? NULL : path;
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = types);
	char reason[256];
	int err;

	object->path = path;
	object->bpf = NULL;
	if (rawtp_elf_check_object(path, reason, sizeof(reason)))
		return rawtp_cli_error(cli, "%s: %s", path, reason);
	forget_warnings();
	guard_begin(cli, path, OPEN_TIME_LIMIT);
	rawtp_target_types(object->has_types);
	object->bpf = bpf_object__open_file(path, &opts);
	err = errno;
	rawtp_target_types(false);
	guard_end();
	if (!object->bpf)
		return rawtp_cli_error(cli, "%s: libbpf cannot open it: %s", path,
				       *warnings.first ? warnings.first : strerror(err));
	err = choose_programs(cli, object);
	if (err)
		rawtp_object_close(object);
	return err;
}

static void print_indented(const char *text)
{
	const char *end;

	for (; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		fprintf(stderr, "  %.*s\n", (int)(end - text), text);
	}
}

/* A program whose log is not empty is the one that was refused. */
static int report_refusal(const struct rawtp_cli *cli, const struct rawtp_object *object, int err)
{
	struct bpf_program *program;
	const char *log;
	size_t size;

	bpf_object__for_each_program(program, object->bpf)
	{
		log = bpf_program__log_buf(program, &size);
		if (!log || !*log || bpf_program__fd(program) >= 0)
			continue;
		rawtp_cli_error(cli,
				"%s: program %s was refused by the verifier (%s):", object->path,
				bpf_program__name(program), strerror(err));
		print_indented(log);
		return RAWTP_EXIT_FAILED;
	}
	if (object->kernel && err == EPERM)
		return rawtp_kernel_refused(cli, object->path);
	return rawtp_cli_error(cli, "%s: cannot be loaded: %s", object->path,
			       *warnings.last ? warnings.last : strerror(err));
}

/* libbpf would say "Invalid argument". 0 or an exit status. */
static int check_maps(const struct rawtp_cli *cli, const struct rawtp_object *object)
{
	const struct bpf_map *map;
	const char *type;

	bpf_object__for_each_map(map, object->bpf)
	{
		switch (bpf_map__type(map)) {
#define RAWTP_MAP_TYPE(type, name, ops, percpu) case BPF_MAP_TYPE_##type:
#include "bpf/maps/types.h"
			continue;
		default:
			type = libbpf_bpf_map_type_str(bpf_map__type(map));
			return rawtp_cli_error(
				cli, "%s: map %s: maps of type %s are not here; there are"
#define RAWTP_MAP_TYPE(type, name, ops, percpu) " " name
#include "bpf/maps/types.h"
				,
				object->path, bpf_map__name(map), type ? type : "unknown");
		}
	}
	return RAWTP_EXIT_OK;
}

int rawtp_object_load(const struct rawtp_cli *cli, struct rawtp_object *object)
{
	unsigned int n = 0, i = 0;
	struct bpf_program *program;
	int err, status = object->kernel ? RAWTP_EXIT_OK : check_maps(cli, object);
	char **logs;

	if (status)
		return status;
	bpf_object__for_each_program(program, object->bpf) n++;
	logs = calloc(n + 1, sizeof(*logs));
	bpf_object__for_each_program(program, object->bpf)
	{
		if (!logs)
			break;
		logs[i] = calloc(1, LOG_SIZE);
		if (logs[i])
			bpf_program__set_log_buf(program, logs[i++], LOG_SIZE);
	}
	forget_warnings();
	rawtp_object_target(object);
	guard_begin(cli, object->path, 0);
	rawtp_target_types(object->has_types);
	err = bpf_object__load(object->bpf);
	rawtp_target_types(false);
	guard_end();
	if (err)
		status = report_refusal(cli, object, -err);
	/* libbpf keeps the pointers, and looks at them in load alone. */
	for (i = 0; logs && i < n; i++)
		free(logs[i]);
	free(logs);
	return status;
}

void rawtp_object_close(struct rawtp_object *object)
{
	bpf_object__close(object->bpf);
	object->bpf = NULL;
}
