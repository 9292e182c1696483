/* SPDX-License-Identifier: MIT */
/* What arrays and per-CPU arrays share. */
#ifndef RAWTP_BPF_MAPS_ARRAY_H
#define RAWTP_BPF_MAPS_ARRAY_H

#include "bpf/maps/map.h"
#include <string.h>

static inline uint32_t rawtp_array_index(const void *key)
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	return index;
}

int rawtp_array_check_update(const struct rawtp_map *map, uint32_t index, uint64_t flags);
int rawtp_array_get_next_key(struct rawtp_map *map, const void *key, void *next);
long rawtp_array_delete(struct rawtp_map *map, const void *key);

#endif
