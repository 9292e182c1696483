/* SPDX-License-Identifier: MIT */
/* Ring buffers: counted, and printed record by record where --record names their struct. */
#include "btf_print.h"
#include "monitor.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RINGS 64

struct ring {
	struct rawtp_rings *rings;
	struct bpf_map *map;
	const struct btf *btf;
	uint32_t type_id; /* 0: not typed */
	uint64_t records, bytes;
};

struct rawtp_rings {
	struct rawtp_output *out;
	struct ring_buffer *buffer; /* NULL: no ring buffers */
	struct ring ring[MAX_RINGS];
	unsigned int n;
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
	rawtp_cli_btf_print(out, "record", ring->btf, ring->type_id, data, size);
	rawtp_output_end(out);
	return 0;
}

static int add_ring(struct rawtp_monitor *monitor, struct rawtp_rings *rings,
		    const struct rawtp_object *object, struct bpf_map *map)
{
	const struct rawtp_cli *cli = monitor->session->cli;
	struct ring *ring;
	int32_t id = 0, err;

	if (rings->n == MAX_RINGS)
		return rawtp_cli_error(cli, "more than %d ring buffers", MAX_RINGS);
	ring = &rings->ring[rings->n++];
	ring->rings = rings;
	ring->map = map;
	ring->btf = bpf_object__btf(object->bpf);
	if (monitor->record && ring->btf)
		id = btf__find_by_name_kind(ring->btf, monitor->record, BTF_KIND_STRUCT);
	if (id < 0)
		return rawtp_cli_error(cli,
				       "%s: its BTF has no struct %s; add to the program: "
				       "const struct %s *unused;",
				       object->path, monitor->record, monitor->record);
	ring->type_id = (uint32_t)id;
	if (rings->buffer) {
		err = ring_buffer__add(rings->buffer, bpf_map__fd(map), on_record, ring);
	} else {
		rings->buffer = ring_buffer__new(bpf_map__fd(map), on_record, ring, NULL);
		err = rings->buffer ? 0 : -errno;
	}
	if (err)
		return rawtp_cli_error(cli, "%s: ring buffer %s cannot be read: %s", object->path,
				       bpf_map__name(map), strerror(-err));
	return RAWTP_EXIT_OK;
}

int rawtp_rings_open(struct rawtp_monitor *monitor, struct rawtp_rings **result)
{
	struct rawtp_rings *rings = calloc(1, sizeof(*rings));
	struct bpf_map *map;
	int status = RAWTP_EXIT_OK;
	unsigned int i;

	*result = NULL;
	if (!rings)
		return rawtp_cli_error(monitor->session->cli, "out of memory");
	rings->out = monitor->out;
	for (i = 0; i < monitor->session->n_objects; i++)
		bpf_object__for_each_map(
			map, monitor->session->objects[i].bpf) if (!status &&
								   bpf_map__type(map) ==
									   BPF_MAP_TYPE_RINGBUF)
			status = add_ring(monitor, rings, &monitor->session->objects[i], map);
	if (!status && monitor->record && !rings->n)
		status = rawtp_cli_error(monitor->session->cli,
					 "--record %s: no object has a ring buffer",
					 monitor->record);
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
			fprintf(out->file, "%s (ringbuf): %s records, %s bytes\n",
				bpf_map__name(ring->map), rawtp_output_thousands(ring->records),
				rawtp_output_thousands(ring->bytes));
			continue;
		}
		if (!rawtp_output_object(out, NULL))
			continue;
		rawtp_output_string(out, "name", bpf_map__name(ring->map));
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
	free(rings);
}
