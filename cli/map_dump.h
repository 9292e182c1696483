/* SPDX-License-Identifier: MIT */
/*
 * The maps of a loaded object, with keys and values by their BTF types. Per-CPU counters (integers
 * and arrays of them) are summed; other per-CPU values are shown CPU by CPU. Where a map looks like
 * a power-of-two histogram it is drawn as one (histogram.h says when).
 */
#ifndef RAWTP_CLI_MAP_DUMP_H
#define RAWTP_CLI_MAP_DUMP_H

#include "object.h"
#include "output.h"

struct rawtp_map_dump {
	struct rawtp_output *out;
	uint32_t max_entries; /* in text; 0: all */
	bool read_only;       /* .rodata too */
	const char *side;     /* whose maps they are, where there are others too; or NULL */
	/* Is a map that of both sides? Then it is shown as such; with @skip_shared, not at all. */
	bool (*shared)(const struct rawtp_object *object, const struct bpf_map *map);
	bool skip_shared;
};

/* A map by itself; ids of types are those of @btf. */
struct rawtp_map_source {
	const char *name;
	int fd;
	const struct btf *btf; /* or NULL */
	uint32_t type, key_size, value_size, max_entries;
	uint32_t key_id, value_id; /* 0: not typed */
	bool section;              /* .data, .bss or .rodata */
	bool shared;               /* it is of both sides */
};
/* Has it keys, so that there is something to show? */
bool rawtp_map_dump_has_keys(uint32_t type);
void rawtp_map_dump_fd(const struct rawtp_map_dump *dump, const struct rawtp_map_source *source);

/* JSON: items of the array that the caller has begun. */
void rawtp_map_dump_object(const struct rawtp_map_dump *dump, const struct rawtp_object *object);

#endif
