/* SPDX-License-Identifier: MIT */
/* BPF_MAP_TYPE_TASK_STORAGE: a value for each thread. For programs alone. */
#ifndef RAWTP_BPF_MAPS_TASK_STORAGE_H
#define RAWTP_BPF_MAPS_TASK_STORAGE_H

#include "bpf/maps/map.h"

/*
 * The calling thread's value; where there is none and @create, a new one, @value or zeros. NULL: none.
 * Async-signal-safe, lock-free.
 */
void *rawtp_task_storage_get(struct rawtp_map *map, const void *value, bool create);
/* 0 or -ENOENT. */
long rawtp_task_storage_delete(struct rawtp_map *map);
/* What stands for the calling thread; never 0, and another for each thread. */
uint64_t rawtp_task_storage_self(void);

#endif
