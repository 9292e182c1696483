/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel says what (include/trace/bpf_probe.h, include/linux/tracepoint.h of Linux):
 * "typedef void (*btf_trace_NAME)(void *, ARGUMENTS)" has the types of a raw tracepoint; the names
 * are those of the parameters of __traceiter_NAME() or, before that was in BTF, __bpf_trace_NAME().
 */
#include "kernel_events.h"
#include "btf_print.h"
#include "object.h"
#include "preload/route.h"

#include <bpf/btf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BTF_FOLDER   "/sys/kernel/btf"
#define MAX_ARGS     12
#define TYPE_SIZE    256
#define TYPEDEF_HEAD "btf_trace_"

static const char *const function_heads[] = {"__traceiter_", "__bpf_trace_"};

/* Something by its name: a typedef's or function's prototype, or a tracepoint's system. */
struct named {
	const char *name;
	uint32_t id;   /* of the prototype */
	uint32_t rank; /* of two with one name the lower is taken */
	const char *system;
};

struct named_list {
	struct named *rows;
	size_t n, allocated;
};

struct reader {
	const struct rawtp_cli *cli;
	const struct btf *btf;
	struct btf_dump *dump;
	const char *object;
	struct named_list typedefs, functions, systems;
	char type[TYPE_SIZE]; /* that btf_dump is writing */
	size_t length;
	int (*fn)(const struct rawtp_client_event *event, void *data);
	void *data;
	int stopped;
};

static bool add_name(struct named_list *list, struct named row)
{
	struct named *grown;

	if (list->n == list->allocated) {
		size_t n = list->allocated ? 2 * list->allocated : 1024;

		grown = realloc(list->rows, n * sizeof(*grown));
		if (!grown)
			return false;
		list->rows = grown;
		list->allocated = n;
	}
	list->rows[list->n++] = row;
	return true;
}

static int compare_names(const void *a, const void *b)
{
	const struct named *one = a, *two = b;
	int order = strcmp(one->name, two->name);

	return order ? order : (int)one->rank - (int)two->rank;
}

static int compare_key(const void *key, const void *row)
{
	return strcmp(key, ((const struct named *)row)->name);
}

static void sort_names(struct named_list *list)
{
	if (list->n)
		qsort(list->rows, list->n, sizeof(*list->rows), compare_names);
}

/* The first of that name. */
static const struct named *find_name(const struct named_list *list, const char *name)
{
	const struct named *row =
		list->n ? bsearch(name, list->rows, list->n, sizeof(*list->rows), compare_key)
			: NULL;

	while (row && row > list->rows && !strcmp(row[-1].name, name))
		row--;
	return row;
}

bool rawtp_kernel_tracefs(char *path, size_t size)
{
	char events[PATH_MAX];
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent *mount;
	bool found = false;

	if (!mounts)
		return false;
	while (!found && (mount = getmntent(mounts))) {
		if (strcmp(mount->mnt_type, "tracefs"))
			continue;
		snprintf(events, sizeof(events), "%s/events", mount->mnt_dir);
		found = snprintf(path, size, "%s", mount->mnt_dir) < (int)size &&
			!access(events, R_OK | X_OK);
	}
	endmntent(mounts);
	return found;
}

static void read_system(struct reader *reader, const char *events, const char *system)
{
	char path[PATH_MAX + 300];
	struct dirent *entry;
	struct named row = {0};
	char *text;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", events, system);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || *entry->d_name == '.')
			continue;
		if (asprintf(&text, "%s%c%s", system, '\0', entry->d_name) < 0)
			break;
		row.system = text;
		row.name = text + strlen(text) + 1;
		if (!add_name(&reader->systems, row)) {
			free(text);
			break;
		}
	}
	closedir(dir);
}

/* As many as can be read: the list is right without them. */
static void read_systems(struct reader *reader)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	if (!rawtp_kernel_tracefs(path, sizeof(path) - sizeof("/events")))
		return;
	strcat(path, "/events");
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && *entry->d_name != '.')
			read_system(reader, path, entry->d_name);
	if (dir)
		closedir(dir);
	sort_names(&reader->systems);
}

static bool add_function(struct reader *reader, const char *name, uint32_t id)
{
	uint32_t i;
	size_t n;

	for (i = 0; i < sizeof(function_heads) / sizeof(function_heads[0]); i++) {
		n = strlen(function_heads[i]);
		if (!strncmp(name, function_heads[i], n))
			return add_name(&reader->functions,
					(struct named){.name = name + n, .id = id, .rank = i});
	}
	return true;
}

/* The tracepoints and functions of the types from @first on. */
static bool find_types(struct reader *reader, uint32_t first)
{
	uint32_t id, n = btf__type_cnt(reader->btf);
	const struct btf_type *type;
	const char *name;
	bool fits = true;

	reader->typedefs.n = reader->functions.n = 0;
	for (id = first; id < n && fits; id++) {
		type = btf__type_by_id(reader->btf, id);
		name = rawtp_cli_btf_name(reader->btf, type->name_off);
		if (btf_is_func(type))
			fits = add_function(reader, name, type->type);
		else if (btf_is_typedef(type) && !strncmp(name, TYPEDEF_HEAD, strlen(TYPEDEF_HEAD)))
			fits = add_name(&reader->typedefs,
					(struct named){.name = name + strlen(TYPEDEF_HEAD),
						       .id = type->type});
	}
	sort_names(&reader->typedefs);
	sort_names(&reader->functions);
	return fits;
}

static void write_type(void *context, const char *format, va_list ap)
{
	struct reader *reader = context;
	int n = vsnprintf(reader->type + reader->length, TYPE_SIZE - reader->length, format, ap);

	if (n > 0)
		reader->length += (size_t)n;
	if (reader->length >= TYPE_SIZE)
		reader->length = TYPE_SIZE - 1;
}

/* "char *" and no blank behind it. NULL: out of memory. */
static char *spell_type(struct reader *reader, uint32_t id)
{
	LIBBPF_OPTS(btf_dump_emit_type_decl_opts, opts, .field_name = "");

	reader->length = 0;
	reader->type[0] = '\0';
	if (btf_dump__emit_type_decl(reader->dump, id, &opts))
		snprintf(reader->type, TYPE_SIZE, "?");
	else
		while (reader->length && reader->type[reader->length - 1] == ' ')
			reader->type[--reader->length] = '\0';
	return strdup(reader->type);
}

static bool fill_arg(struct reader *reader, struct rawtp_client_arg *arg, uint32_t id)
{
	const struct btf_type *type = rawtp_cli_btf_strip(reader->btf, id);
	int64_t size = btf__resolve_size(reader->btf, id);

	arg->type = spell_type(reader, id);
	arg->size = size > 0 ? (uint32_t)size : 0;
	arg->is_pointer = type && btf_is_ptr(type);
	arg->is_float = type && btf_is_float(type);
	if (type && btf_is_int(type))
		arg->is_signed = btf_int_encoding(type) & BTF_INT_SIGNED;
	else if (type && btf_is_any_enum(type))
		arg->is_signed = btf_kflag(type);
	return arg->type;
}

/* The parameters of the function that carries the names: a prototype of as many, or NULL. */
static const struct btf_param *find_names(const struct reader *reader, const char *name, uint32_t n)
{
	const struct named *function = find_name(&reader->functions, name);
	const struct btf_type *proto;

	if (!function)
		return NULL;
	proto = btf__type_by_id(reader->btf, function->id);
	if (!proto || !btf_is_func_proto(proto) || btf_vlen(proto) != n)
		return NULL;
	return btf_params(proto);
}

/* False: out of memory. */
static bool tell_event(struct reader *reader, const char *name, const struct btf_type *proto)
{
	const struct btf_param *types = btf_params(proto), *names;
	const struct named *system = find_name(&reader->systems, name);
	struct rawtp_client_arg args[MAX_ARGS] = {0};
	char numbered[MAX_ARGS][8];
	struct rawtp_client_event event = {
		.name = name,
		.system = system ? system->system : "",
		.class_name = "",
		.object = reader->object,
		.args = args,
		.site_kind = "",
	};
	bool fits = true;
	uint32_t i;

	names = find_names(reader, name, btf_vlen(proto));
	/* Parameter 0 is the probe's own "void *__data". */
	for (i = 0; fits && i + 1 < btf_vlen(proto) && i < MAX_ARGS; i++) {
		snprintf(numbered[i], sizeof(numbered[i]), "arg%u", i);
		args[i].name = names ? rawtp_cli_btf_name(reader->btf, names[i + 1].name_off) : "";
		if (!*args[i].name)
			args[i].name = numbered[i];
		fits = fill_arg(reader, &args[i], types[i + 1].type);
		event.n_args++;
	}
	if (fits)
		reader->stopped = reader->fn(&event, reader->data);
	for (i = 0; i < event.n_args; i++)
		free((char *)args[i].type);
	return fits;
}

/* All of one BTF, whose own types begin at @first. 0 or an exit status. */
static int tell_events(struct reader *reader, const struct btf *btf, uint32_t first,
		       const char *object)
{
	const struct btf_type *type;
	bool fits;
	size_t i;

	reader->btf = btf;
	reader->object = object;
	reader->dump = btf_dump__new(btf, write_type, reader, NULL);
	fits = reader->dump && find_types(reader, first);
	for (i = 0; fits && i < reader->typedefs.n && !reader->stopped; i++) {
		type = btf__type_by_id(btf, reader->typedefs.rows[i].id);
		if (type && btf_is_ptr(type))
			type = btf__type_by_id(btf, type->type);
		if (type && btf_is_func_proto(type) && btf_vlen(type))
			fits = tell_event(reader, reader->typedefs.rows[i].name, type);
	}
	btf_dump__free(reader->dump);
	return fits ? RAWTP_EXIT_OK : rawtp_cli_error(reader->cli, "out of memory");
}

static int tell_modules(struct reader *reader, struct btf *vmlinux)
{
	DIR *dir = opendir(BTF_FOLDER);
	char path[PATH_MAX];
	struct dirent *entry;
	struct btf *btf;
	int status = RAWTP_EXIT_OK;

	while (dir && !status && !reader->stopped && (entry = readdir(dir))) {
		if (*entry->d_name == '.' || !strcmp(entry->d_name, "vmlinux"))
			continue;
		snprintf(path, sizeof(path), BTF_FOLDER "/%s", entry->d_name);
		btf = btf__parse_split(path, vmlinux);
		/* A module may go while we read. */
		if (!btf)
			continue;
		status = tell_events(reader, btf, btf__type_cnt(vmlinux), entry->d_name);
		btf__free(btf);
	}
	if (dir)
		closedir(dir);
	return status;
}

/* Name and system of a row are one piece of memory. */
static void free_systems(struct named_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free((char *)list->rows[i].system);
	free(list->rows);
}

int rawtp_kernel_events(const struct rawtp_cli *cli,
			int (*fn)(const struct rawtp_client_event *event, void *data), void *data)
{
	struct reader reader = {.cli = cli, .fn = fn, .data = data};
	struct btf *vmlinux;
	char reason[128];
	int status;

	rawtp_object_init(cli); /* where libbpf's words go */
	/* Of processes, the file stands for their types. */
	rawtp_target_kernel(true);
	vmlinux = btf__parse(BTF_FOLDER "/vmlinux", NULL);
	status = errno;
	rawtp_target_kernel(false);
	if (!vmlinux && status == ENOENT)
		return rawtp_cli_error(cli, "the kernel shows no BTF (" BTF_FOLDER
					    "/vmlinux): names and "
					    "types of its tracepoints are unknown; it needs "
					    "CONFIG_DEBUG_INFO_BTF");
	if (!vmlinux) {
		libbpf_strerror(status, reason, sizeof(reason));
		return rawtp_cli_error(cli, BTF_FOLDER "/vmlinux cannot be read: %s", reason);
	}
	read_systems(&reader);
	status = tell_events(&reader, vmlinux, 1, "vmlinux");
	if (!status)
		status = tell_modules(&reader, vmlinux);
	btf__free(vmlinux);
	free_systems(&reader.systems);
	free(reader.typedefs.rows);
	free(reader.functions.rows);
	return status;
}
