/* SPDX-License-Identifier: MIT */
#include "rings.h"
#include "btf_print.h"
#include "preload/route.h"
#include "rawtp/bpf.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_RINGS 64

struct ring {
	struct rawtp_rings *rings;
	struct bpf_map *map;
	const struct btf *btf;
	const char *side; /* of a mixed object; or NULL */
	uint32_t type_id; /* 0: not typed */
	uint64_t records, bytes;
};

struct rawtp_rings {
	struct rawtp_output *out;
	struct ring_buffer *buffer; /* NULL: no ring buffers */
	struct ring ring[MAX_RINGS];
	unsigned int n;
	int trace_fd; /* -1: no program prints */
};

static int on_record(void *context, void *data, size_t size)
{
	struct ring *ring = context;
	struct rawtp_output *out = ring->rings->out;

	ring->records++;
	ring->bytes += size;
	if (!ring->type_id)
		return 0;
	if (!out->json) {
		fprintf(out->file, "%s: ", bpf_map__name(ring->map));
		rawtp_cli_btf_print(out, NULL, ring->btf, ring->type_id, data, size);
		fputc('\n', out->file);
		return 0;
	}
	if (!rawtp_output_object(out, NULL))
		return 0;
	rawtp_output_string(out, "map", bpf_map__name(ring->map));
	if (ring->side)
		rawtp_output_string(out, "side", ring->side);
	rawtp_cli_btf_print(out, "record", ring->btf, ring->type_id, data, size);
	rawtp_output_end(out);
	return 0;
}

/* In the form of the kernel's trace_pipe. */
static int on_line(void *context, void *data, size_t size)
{
	struct rawtp_output *out = context;
	struct rawtp_trace_line *line = data;
	size_t length;

	if (size <= sizeof(*line))
		return 0;
	length = strnlen(line->text, size - sizeof(*line));
	if (!out->json) {
		while (length && line->text[length - 1] == '\n')
			length--;
		fprintf(out->file, "%.16s-%u [%03u] %llu.%06llu: %.16s: %.*s\n", line->comm,
			line->tid, line->cpu, line->time / 1000000000, line->time / 1000 % 1000000,
			line->program, (int)length, line->text);
		return 0;
	}
	if (!rawtp_output_object(out, NULL))
		return 0;
	rawtp_output_chars(out, "trace", line->text, length);
	rawtp_output_chars(out, "program", line->program, sizeof(line->program));
	rawtp_output_chars(out, "comm", line->comm, sizeof(line->comm));
	rawtp_output_u64(out, "pid", line->pid);
	rawtp_output_u64(out, "tid", line->tid);
	rawtp_output_u64(out, "cpu", line->cpu);
	rawtp_output_u64(out, "time", line->time);
	rawtp_output_end(out);
	return 0;
}

/* 0 or -errno. */
static int add_buffer(struct rawtp_rings *rings, int fd, ring_buffer_sample_fn fn, void *context)
{
	if (rings->buffer)
		return ring_buffer__add(rings->buffer, fd, fn, context);
	rings->buffer = ring_buffer__new(fd, fn, context, NULL);
	return rings->buffer ? 0 : -errno;
}

static int add_ring(const struct rawtp_cli *cli, struct rawtp_rings *rings,
		    const struct rawtp_object *object, struct bpf_map *map, const char *record)
{
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
	err = add_buffer(rings, bpf_map__fd(map), on_record, ring);
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
	err = add_buffer(rings, rings->trace_fd, on_line, rings->out);
	if (err)
		return rawtp_cli_error(cli, "the lines of trace_printk cannot be read: %s",
				       strerror(-err));
	return RAWTP_EXIT_OK;
}

int rawtp_rings_open(const struct rawtp_cli *cli, struct rawtp_output *out,
		     const struct rawtp_object *objects, unsigned int n, const char *record,
		     struct rawtp_rings **result)
{
	struct rawtp_rings *rings = calloc(1, sizeof(*rings));
	struct bpf_map *map;
	int status = RAWTP_EXIT_OK;
	unsigned int i;

	*result = NULL;
	if (!rings)
		return rawtp_cli_error(cli, "out of memory");
	rings->out = out;
	rings->trace_fd = -1;
	for (i = 0; i < n; i++) {
		rawtp_object_target(&objects[i]);
		bpf_object__for_each_map(map, objects[i].bpf) if (!status &&
								  bpf_map__type(map) ==
									  BPF_MAP_TYPE_RINGBUF)
			status = add_ring(cli, rings, &objects[i], map, record);
	}
	if (!status && record && !rings->n)
		status = rawtp_cli_error(cli, "--record %s: no object has a ring buffer", record);
	if (!status)
		status = add_lines(cli, rings);
	if (status) {
		rawtp_rings_close(rings);
		return status;
	}
	*result = rings;
	return RAWTP_EXIT_OK;
}

void rawtp_rings_poll(struct rawtp_rings *rings, int ms)
{
	if (rings->buffer)
		ring_buffer__poll(rings->buffer, ms);
	else
		poll(NULL, 0, ms);
}

void rawtp_rings_drain(struct rawtp_rings *rings)
{
	if (rings->buffer)
		ring_buffer__consume(rings->buffer);
}

void rawtp_rings_print(struct rawtp_rings *rings)
{
	struct rawtp_output *out = rings->out;
	unsigned int i;

	for (i = 0; i < rings->n; i++) {
		const struct ring *ring = &rings->ring[i];

		if (!out->json) {
			fprintf(out->file, "%s (ringbuf%s%s): %s record%s, %s bytes\n",
				bpf_map__name(ring->map), ring->side ? ", " : "",
				ring->side ? ring->side : "", rawtp_output_thousands(ring->records),
				ring->records == 1 ? "" : "s", rawtp_output_thousands(ring->bytes));
			continue;
		}
		if (!rawtp_output_object(out, NULL))
			continue;
		rawtp_output_string(out, "name", bpf_map__name(ring->map));
		if (ring->side)
			rawtp_output_string(out, "side", ring->side);
		rawtp_output_string(out, "type", "ringbuf");
		rawtp_output_u64(out, "records", ring->records);
		rawtp_output_u64(out, "bytes", ring->bytes);
		rawtp_output_end(out);
	}
}

void rawtp_rings_close(struct rawtp_rings *rings)
{
	if (!rings)
		return;
	ring_buffer__free(rings->buffer);
	if (rings->trace_fd >= 0)
		close(rings->trace_fd);
	free(rings);
}
