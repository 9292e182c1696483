/* SPDX-License-Identifier: MIT */
#include "rings.h"
#include "btf_print.h"
#include "order.h"
#include "trace_pipe.h"
#include "preload/route.h"
#include "rawtp/bpf.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_RINGS  64
#define PERF_PAGES 64 /* for each CPU */
#define NO_TIME    UINT32_MAX

struct ring {
	struct rawtp_rings *rings;
	struct bpf_map *map;
	const struct btf *btf;
	const char *side; /* of a mixed object; or NULL */
	uint32_t type_id; /* 0: not typed */
	uint32_t time_at; /* byte of the record at which its time is, or NO_TIME */
	uint64_t records, bytes, lost;
	struct perf_buffer *perf; /* of a perf event array; else NULL */
};

struct rawtp_rings {
	struct rawtp_output *out;
	struct ring_buffer *buffer; /* NULL: no ring buffers */
	unsigned int n_perf;
	struct ring ring[MAX_RINGS];
	unsigned int n;
	int trace_fd;                  /* -1: no program of a process prints */
	struct rawtp_trace_pipe *pipe; /* NULL: none of the kernel's does */
	struct rawtp_order *order;     /* NULL: as they come */
	int is_line, is_kernel_line;   /* their addresses stand for sources that are no ring */
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void print_record(const struct ring *ring, const void *data, size_t size, bool late)
{
	struct rawtp_output *out = ring->rings->out;

	if (!out->json) {
		fprintf(out->file, "%s%s%s: ", ring->side ? ring->side : "", ring->side ? ":" : "",
			bpf_map__name(ring->map));
		rawtp_cli_btf_print(out, NULL, ring->btf, ring->type_id, data, size);
		fputc('\n', out->file);
		return;
	}
	if (!rawtp_output_object(out, NULL))
		return;
	rawtp_output_string(out, "map", bpf_map__name(ring->map));
	if (ring->side)
		rawtp_output_string(out, "side", ring->side);
	rawtp_cli_btf_print(out, "record", ring->btf, ring->type_id, data, size);
	if (late)
		rawtp_output_bool(out, "late", true);
	rawtp_output_end(out);
}

static int on_record(void *context, void *data, size_t size)
{
	struct ring *ring = context;
	uint64_t time;

	ring->records++;
	ring->bytes += size;
	if (!ring->type_id)
		return 0;
	if (!ring->rings->order) {
		print_record(ring, data, size, false);
		return 0;
	}
	if (ring->time_at != NO_TIME && size >= sizeof(time) &&
	    ring->time_at <= size - sizeof(time))
		memcpy(&time, (char *)data + ring->time_at, sizeof(time));
	else
		time = now();
	rawtp_order_add(ring->rings->order, time, ring, data, size);
	return 0;
}

/* Behind the record may be padding. */
static void on_perf_record(void *context, int cpu, void *data, __u32 size)
{
	on_record(context, data, size);
}

static void on_perf_lost(void *context, int cpu, __u64 lost)
{
	struct ring *ring = context;

	ring->lost += lost;
}

/* In the form of the kernel's trace_pipe. */
static void print_line(struct rawtp_output *out, const struct rawtp_trace_line *line, size_t size)
{
	size_t length;

	length = strnlen(line->text, size - sizeof(*line));
	if (!out->json) {
		while (length && line->text[length - 1] == '\n')
			length--;
		fprintf(out->file, "%.16s-%u [%03u] %llu.%06llu: %.16s: %.*s\n", line->comm,
			line->tid, line->cpu, line->time / 1000000000, line->time / 1000 % 1000000,
			line->program, (int)length, line->text);
		return;
	}
	if (!rawtp_output_object(out, NULL))
		return;
	rawtp_output_chars(out, "trace", line->text, length);
	rawtp_output_chars(out, "program", line->program, sizeof(line->program));
	rawtp_output_chars(out, "comm", line->comm, sizeof(line->comm));
	rawtp_output_u64(out, "pid", line->pid);
	rawtp_output_u64(out, "tid", line->tid);
	rawtp_output_u64(out, "cpu", line->cpu);
	rawtp_output_u64(out, "time", line->time);
	rawtp_output_end(out);
}

static int on_line(void *context, void *data, size_t size)
{
	struct rawtp_rings *rings = context;
	struct rawtp_trace_line *line = data;

	if (size <= sizeof(*line))
		return 0;
	if (rings->order)
		rawtp_order_add(rings->order, line->time, &rings->is_line, data, size);
	else
		print_line(rings->out, line, size);
	return 0;
}

/* A line of the kernel has the kernel's form already. */
static void print_kernel_line(struct rawtp_output *out, uint64_t time, const char *line)
{
	if (!out->json) {
		fprintf(out->file, "%s\n", line);
		return;
	}
	if (!rawtp_output_object(out, NULL))
		return;
	rawtp_output_string(out, "trace", line);
	rawtp_output_string(out, "side", "kernel");
	rawtp_output_u64(out, "time", time);
	rawtp_output_end(out);
}

static void on_kernel_line(uint64_t time, const char *line, void *context)
{
	struct rawtp_rings *rings = context;
	char *copy;

	if (!time) /* that some were lost, say */
		time = now();
	if (!rings->order)
		return print_kernel_line(rings->out, time, line);
	copy = malloc(sizeof(time) + strlen(line) + 1);
	if (!copy)
		return;
	memcpy(copy, &time, sizeof(time));
	strcpy(copy + sizeof(time), line);
	rawtp_order_add(rings->order, time, &rings->is_kernel_line, copy,
			sizeof(time) + strlen(line) + 1);
	free(copy);
}

static void on_ordered(void *source, void *data, size_t size, bool late, void *context)
{
	struct rawtp_rings *rings = context;
	uint64_t time;

	if (source == &rings->is_line) {
		print_line(rings->out, data, size);
	} else if (source == &rings->is_kernel_line) {
		memcpy(&time, data, sizeof(time));
		print_kernel_line(rings->out, time, (char *)data + sizeof(time));
	} else {
		print_record(source, data, size, late);
	}
}

/* 0 or -errno. */
static int add_buffer(struct rawtp_rings *rings, int fd, ring_buffer_sample_fn fn, void *context)
{
	if (rings->buffer)
		return ring_buffer__add(rings->buffer, fd, fn, context);
	rings->buffer = ring_buffer__new(fd, fn, context, NULL);
	return rings->buffer ? 0 : -errno;
}

/* Where a record has its time: whole bytes of 8, named so. */
static uint32_t find_time(const struct btf *btf, uint32_t type_id, const char *name)
{
	static const char *const usual[] = {"time", "ts", "timestamp", "time_ns"};
	const struct btf_type *type = btf__type_by_id(btf, type_id);
	const struct btf_member *member = btf_members(type);
	uint32_t i, j, at;
	bool named;

	for (i = 0; i < btf_vlen(type); i++) {
		at = btf_member_bit_offset(type, i);
		named = name && !strcmp(rawtp_cli_btf_name(btf, member[i].name_off), name);
		for (j = 0; !name && j < sizeof(usual) / sizeof(usual[0]); j++)
			named |= !strcmp(rawtp_cli_btf_name(btf, member[i].name_off), usual[j]);
		if (named && at % 8 == 0 && !btf_member_bitfield_size(type, i) &&
		    btf__resolve_size(btf, member[i].type) == 8)
			return at / 8;
	}
	return NO_TIME;
}

static bool is_perf(const struct bpf_map *map)
{
	return bpf_map__type(map) == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

static int add_ring(const struct rawtp_cli *cli, struct rawtp_rings *rings,
		    const struct rawtp_object *object, struct bpf_map *map,
		    const struct rawtp_rings_options *options)
{
	const char *record = options->record;
	struct ring *ring;
	int32_t id = 0, err;

	if (rings->n == MAX_RINGS)
		return rawtp_cli_error(cli, "more than %d ring buffers", MAX_RINGS);
	ring = &rings->ring[rings->n++];
	ring->rings = rings;
	ring->map = map;
	ring->side = rawtp_object_side_name(object);
	ring->btf = bpf_object__btf(object->bpf);
	if (record)
		id = ring->btf ? btf__find_by_name_kind(ring->btf, record, BTF_KIND_STRUCT)
			       : -ENOENT;
	if (id < 0)
		return rawtp_cli_error(cli,
				       "%s: its BTF has no struct %s; add to the program: "
				       "const struct %s *unused;",
				       object->path, record, record);
	ring->type_id = (uint32_t)id;
	ring->time_at = id ? find_time(ring->btf, ring->type_id, options->time) : NO_TIME;
	if (options->time && ring->time_at == NO_TIME)
		return rawtp_cli_error(cli,
				       "%s: struct %s has no member %s of 8 bytes to order records "
				       "by",
				       object->path, record ? record : "(of no --record)",
				       options->time);
	if (is_perf(map)) {
		ring->perf = perf_buffer__new(bpf_map__fd(map), PERF_PAGES, on_perf_record,
					      on_perf_lost, ring, NULL);
		err = ring->perf ? 0 : -errno;
		rings->n_perf += !err;
	} else {
		err = add_buffer(rings, bpf_map__fd(map), on_record, ring);
	}
	if (err)
		return rawtp_cli_error(cli, "%s: ring buffer %s cannot be read: %s", object->path,
				       bpf_map__name(map), strerror(-err));
	return RAWTP_EXIT_OK;
}

/* Only where a program prints. */
static int add_lines(const struct rawtp_cli *cli, struct rawtp_rings *rings)
{
	int err;

	rings->trace_fd = rawtp_trace_ring();
	if (rings->trace_fd < 0)
		return RAWTP_EXIT_OK;
	rawtp_target_kernel(false);
	err = add_buffer(rings, rings->trace_fd, on_line, rings);
	if (err)
		return rawtp_cli_error(cli, "the lines of trace_printk cannot be read: %s",
				       strerror(-err));
	return RAWTP_EXIT_OK;
}

int rawtp_rings_open(const struct rawtp_cli *cli, struct rawtp_output *out,
		     const struct rawtp_object *objects, unsigned int n,
		     const struct rawtp_rings_options *options, struct rawtp_rings **result)
{
	struct rawtp_rings *rings = calloc(1, sizeof(*rings));
	const char *record = options->record;
	struct bpf_map *map;
	int status = RAWTP_EXIT_OK;
	unsigned int i;

	*result = NULL;
	if (!rings)
		return rawtp_cli_error(cli, "out of memory");
	rings->out = out;
	rings->trace_fd = -1;
	if (options->ordered) {
		rings->order = rawtp_order_new(options->window, on_ordered, rings);
		if (!rings->order)
			status = rawtp_cli_error(cli, "out of memory");
	}
	for (i = 0; i < n; i++) {
		rawtp_object_target(&objects[i]);
		bpf_object__for_each_map(
			map,
			objects[i].bpf) if (!status && (is_perf(map) ||
							bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF))
			status = add_ring(cli, rings, &objects[i], map, options);
	}
	if (!status && record && !rings->n)
		status = rawtp_cli_error(cli, "--record %s: no object has a ring buffer", record);
	if (!status)
		status = add_lines(cli, rings);
	if (!status && options->kernel_lines)
		rings->pipe = rawtp_trace_pipe_open(cli, objects, n);
	if (status) {
		rawtp_rings_close(rings);
		return status;
	}
	*result = rings;
	return RAWTP_EXIT_OK;
}

/* Everything that was there at the beginning of this has been taken at its end. */
static void consume(struct rawtp_rings *rings)
{
	uint64_t begin = now();
	unsigned int i;

	if (rings->buffer)
		ring_buffer__consume(rings->buffer);
	for (i = 0; i < rings->n; i++)
		if (rings->ring[i].perf)
			perf_buffer__consume(rings->ring[i].perf);
	if (rings->pipe)
		rawtp_trace_pipe_read(rings->pipe, on_kernel_line, rings);
	if (rings->order)
		rawtp_order_advance(rings->order, begin);
}

void rawtp_rings_poll(struct rawtp_rings *rings, int ms)
{
	unsigned int i, n = rings->n_perf + !!rings->buffer;

	/* What waits in the order or in the kernel's pipe wakes nobody. */
	if ((rings->order || rings->pipe) && ms > 20)
		ms = 20;
	/* One epoll set each: with several, in turn. */
	if (rings->buffer)
		ring_buffer__poll(rings->buffer, ms / (int)n);
	for (i = 0; i < rings->n; i++)
		if (rings->ring[i].perf)
			perf_buffer__poll(rings->ring[i].perf, ms / (int)n);
	if (!n)
		poll(NULL, 0, ms);
	if (rings->order || rings->pipe)
		consume(rings);
}

void rawtp_rings_drain(struct rawtp_rings *rings)
{
	consume(rings);
	if (rings->order)
		rawtp_order_flush(rings->order);
}

static const char *type_name(const struct ring *ring)
{
	return ring->perf ? "perf_event_array" : "ringbuf";
}

void rawtp_rings_print(struct rawtp_rings *rings)
{
	struct rawtp_output *out = rings->out;
	uint64_t late = rings->order ? rawtp_order_late(rings->order) : 0;
	unsigned int i;

	if (late && !out->json)
		fprintf(out->file, "%s came too late for the order (see --window)\n",
			rawtp_output_thousands(late));

	for (i = 0; i < rings->n; i++) {
		const struct ring *ring = &rings->ring[i];

		if (!out->json) {
			fprintf(out->file, "%s (%s%s%s): %s record%s, %s bytes",
				bpf_map__name(ring->map), type_name(ring), ring->side ? ", " : "",
				ring->side ? ring->side : "", rawtp_output_thousands(ring->records),
				ring->records == 1 ? "" : "s", rawtp_output_thousands(ring->bytes));
			if (ring->lost)
				fprintf(out->file, ", %s lost", rawtp_output_thousands(ring->lost));
			fputc('\n', out->file);
			continue;
		}
		if (!rawtp_output_object(out, NULL))
			continue;
		rawtp_output_string(out, "name", bpf_map__name(ring->map));
		if (ring->side)
			rawtp_output_string(out, "side", ring->side);
		rawtp_output_string(out, "type", type_name(ring));
		rawtp_output_u64(out, "records", ring->records);
		rawtp_output_u64(out, "bytes", ring->bytes);
		if (ring->perf)
			rawtp_output_u64(out, "lost", ring->lost);
		rawtp_output_end(out);
	}
}

void rawtp_rings_close(struct rawtp_rings *rings)
{
	unsigned int i;

	if (!rings)
		return;
	ring_buffer__free(rings->buffer);
	for (i = 0; i < rings->n; i++)
		perf_buffer__free(rings->ring[i].perf);
	rawtp_trace_pipe_close(rings->pipe);
	rawtp_order_free(rings->order);
	if (rings->trace_fd >= 0)
		close(rings->trace_fd);
	free(rings);
}
