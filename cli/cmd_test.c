/* SPDX-License-Identifier: MIT */
/* rawtp test: one run of one program on given arguments. */
#include "cli.h"
#include "kernel_target.h"
#include "map_dump.h"
#include "object.h"
#include "rings.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#define MAX_ARGS 12

static struct bpf_program *find_program(const struct rawtp_cli *cli,
					const struct rawtp_object *object, const char *name)
{
	struct bpf_program *program, *found = NULL;
	struct rawtp_nearest nearest;
	char text[512], all[512] = "";
	size_t used = 0;

	rawtp_nearest_init(&nearest, name);
	bpf_object__for_each_program(program, object->bpf)
	{
		rawtp_nearest_offer(&nearest, bpf_program__name(program));
		if (used < sizeof(all))
			used += (size_t)snprintf(all + used, sizeof(all) - used, "%s %s",
						 used ? "," : "; it has",
						 bpf_program__name(program));
		if (strcmp(bpf_program__name(program), name))
			bpf_program__set_autoload(program, false);
		else
			found = program;
	}
	if (!found)
		rawtp_cli_error(cli, "%s: has no program %s%s", object->path, name,
				nearest.n ? rawtp_nearest_text(&nearest, text, sizeof(text)) : all);
	else if (!rawtp_object_tracepoint(found))
		rawtp_cli_error(cli, "%s: program %s is for no raw tracepoint", object->path, name);
	else
		return found;
	return NULL;
}

/* What the run has left: what it returned, records and lines, maps. */
static int print_result(struct rawtp_cli *cli, const struct rawtp_object *object,
			const char *program, uint32_t retval)
{
	struct rawtp_output *out = &cli->out;
	const struct rawtp_map_dump dump = {.out = out, .read_only = cli->verbose};
	const struct rawtp_rings_options none = {0};
	struct rawtp_rings *rings;
	int status = rawtp_rings_open(cli, out, object, 1, &none, &rings);

	if (status)
		return status;
	if (out->json) {
		rawtp_output_object(out, NULL);
		rawtp_output_string(out, "program", program);
		rawtp_output_u64(out, "retval", retval);
		rawtp_output_array(out, "events");
	} else {
		printf("%s returned %u", program, retval);
		if ((int32_t)retval < 0)
			printf(" (%d)", (int32_t)retval);
		putchar('\n');
	}
	rawtp_rings_drain(rings);
	if (out->json) {
		rawtp_output_end(out);
		rawtp_output_array(out, "maps");
	}
	rawtp_map_dump_object(&dump, object);
	rawtp_rings_print(rings);
	if (out->json) {
		rawtp_output_end(out);
		rawtp_output_end(out);
	}
	rawtp_rings_close(rings);
	return RAWTP_EXIT_OK;
}

static int run_program(struct rawtp_cli *cli, struct rawtp_object *object, const char *name,
		       uint64_t *args, unsigned int n_args)
{
	struct bpf_program *program = find_program(cli, object, name);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = n_args ? args : NULL,
		    .ctx_size_in = n_args * (uint32_t)sizeof(*args));
	int status, err;

	if (!program)
		return RAWTP_EXIT_FAILED;
	status = rawtp_object_load(cli, object);
	if (status)
		return status;
	err = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
	/* The kernel refuses a context that is shorter than what the program reads. */
	if (err == -EINVAL)
		return rawtp_cli_error(cli,
				       "%s: program %s reads more than the %u argument%s given",
				       object->path, name, n_args, n_args == 1 ? "" : "s");
	if (err)
		return rawtp_cli_error(cli, "%s: program %s cannot be run: %s", object->path, name,
				       strerror(-err));
	return print_result(cli, object, name, opts.retval);
}

static int run(struct rawtp_cli *cli, int argc, char **argv)
{
	struct rawtp_object object = {0};
	uint64_t args[MAX_ARGS];
	unsigned int n_args = 0;
	bool kernel = false;
	const char *path, *name;
	int id, status;

	while ((id = rawtp_cli_option(cli, argc, argv, true)) != -1)
		kernel |= id == 'k';
	if (argc - optind < 2)
		return rawtp_cli_usage(cli, "name an object and a program of it");
	path = argv[optind++];
	name = argv[optind++];
	for (; optind < argc; optind++) {
		if (n_args == MAX_ARGS)
			return rawtp_cli_usage(cli, "more than %d arguments", MAX_ARGS);
		if (rawtp_cli_arg(argv[optind], &args[n_args++]))
			return rawtp_cli_usage(cli, "%s is no 64-bit number", argv[optind]);
	}
	object.kernel = kernel;
	rawtp_object_init(cli);
	status = kernel ? rawtp_kernel_permitted(cli) : RAWTP_EXIT_OK;
	if (!status)
		status = rawtp_object_open(cli, path, &object);
	if (!status)
		status = run_program(cli, &object, name, args, n_args);
	if (object.bpf)
		rawtp_object_close(&object);
	return status;
}

static const struct rawtp_option options[] = {
	{'k', "kernel", NULL, "run it in the kernel (needs CAP_BPF and CAP_PERFMON)"},
	{0},
};

const struct rawtp_command rawtp_cmd_test = {
	.name = "test",
	.usage = "[OPTION...] OBJECT.bpf.o PROGRAM [ARG...]",
	.summary = "Run a program once on given arguments, show what it returns and the maps",
	.details = "An ARG is decimal, hexadecimal (0x...) or negative. Nothing is attached.\n",
	.options = options,
	.run = run,
};
