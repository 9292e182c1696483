/* SPDX-License-Identifier: MIT */
/* Helpers on maps. The verifier has proved their arguments; the map is the host's object. */
#include "bpf/helpers/helper.h"
#include "bpf/maps/map.h"
#include "bpf/maps/task_storage.h"

/* clang-format off */
#define RAWTP_HELPER(number, fn_name, returns, a1, a2, a3, a4, a5, doc)                            \
	uint64_t rawtp_helper_##fn_name(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,        \
					uint64_t r5);
#include "bpf/helpers/list.h"
/* clang-format on */

static inline void *pointer(uint64_t reg)
{
	return (void *)(uintptr_t)reg;
}

uint64_t rawtp_helper_map_lookup_elem(uint64_t map_reg, uint64_t key, uint64_t r3, uint64_t r4,
				      uint64_t r5)
{
	struct rawtp_map *map = pointer(map_reg);

	return (uint64_t)(uintptr_t)map->ops->lookup(map, pointer(key));
}

uint64_t rawtp_helper_map_update_elem(uint64_t map_reg, uint64_t key, uint64_t value,
				      uint64_t flags, uint64_t r5)
{
	struct rawtp_map *map = pointer(map_reg);

	return (uint64_t)map->ops->update(map, pointer(key), pointer(value), flags);
}

uint64_t rawtp_helper_map_delete_elem(uint64_t map_reg, uint64_t key, uint64_t r3, uint64_t r4,
				      uint64_t r5)
{
	struct rawtp_map *map = pointer(map_reg);

	return (uint64_t)map->ops->delete (map, pointer(key));
}

uint64_t rawtp_helper_map_push_elem(uint64_t map_reg, uint64_t value, uint64_t flags, uint64_t r4,
				    uint64_t r5)
{
	struct rawtp_map *map = pointer(map_reg);

	return (uint64_t)map->ops->push(map, pointer(value), flags);
}

uint64_t rawtp_helper_map_pop_elem(uint64_t map_reg, uint64_t value, uint64_t r3, uint64_t r4,
				   uint64_t r5)
{
	struct rawtp_map *map = pointer(map_reg);

	return (uint64_t)map->ops->pop(map, pointer(value));
}

uint64_t rawtp_helper_map_peek_elem(uint64_t map_reg, uint64_t value, uint64_t r3, uint64_t r4,
				    uint64_t r5)
{
	struct rawtp_map *map = pointer(map_reg);

	return (uint64_t)map->ops->peek(map, pointer(value));
}

uint64_t rawtp_helper_map_lookup_percpu_elem(uint64_t map_reg, uint64_t key, uint64_t cpu,
					     uint64_t r4, uint64_t r5)
{
	struct rawtp_map *map = pointer(map_reg);

	return (uint64_t)(uintptr_t)map->ops->lookup_percpu(map, pointer(key), (uint32_t)cpu);
}

uint64_t rawtp_helper_get_current_task_btf(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
					   uint64_t r5)
{
	return rawtp_task_storage_self();
}

uint64_t rawtp_helper_task_storage_get(uint64_t map_reg, uint64_t task, uint64_t value,
				       uint64_t flags, uint64_t r5)
{
	if (flags & ~(uint64_t)BPF_LOCAL_STORAGE_GET_F_CREATE)
		return 0;
	return (uint64_t)(uintptr_t)rawtp_task_storage_get(pointer(map_reg), pointer(value), flags);
}

uint64_t rawtp_helper_task_storage_delete(uint64_t map_reg, uint64_t task, uint64_t r3, uint64_t r4,
					  uint64_t r5)
{
	return (uint64_t)rawtp_task_storage_delete(pointer(map_reg));
}
