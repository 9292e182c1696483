/* SPDX-License-Identifier: MIT */
/* Helpers that call back: loops whose length is known only when they run. */
#include "bpf/callback.h"
#include "bpf/maps/map.h"

#include <errno.h>

/* clang-format off */
#define RAWTP_HELPER(number, fn_name, returns, a1, a2, a3, a4, a5, doc)                            \
	uint64_t rawtp_helper_##fn_name(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,        \
					uint64_t r5);
#include "bpf/helpers/list.h"
/* clang-format on */

/* The engines call rawtp_tail_call(): what they do afterwards no helper can. */
uint64_t rawtp_helper_tail_call(uint64_t ctx, uint64_t map, uint64_t index, uint64_t r4,
				uint64_t r5)
{
	return 0;
}

#define MAX_LOOPS (8U << 20) /* BPF_MAX_LOOPS */

uint64_t rawtp_helper_loop(uint64_t rounds, uint64_t function, uint64_t data, uint64_t flags,
			   uint64_t r5)
{
	uint32_t n = (uint32_t)rounds, i;

	if (flags)
		return (uint64_t)-EINVAL;
	if (n > MAX_LOOPS)
		return (uint64_t)-E2BIG;
	for (i = 0; i < n; i++)
		if (rawtp_call_back(function, i, data, 0, 0))
			return i + 1;
	return i;
}

/* Elements that come or go meanwhile may be seen or not, as in the kernel. */
uint64_t rawtp_helper_for_each_map_elem(uint64_t map_reg, uint64_t function, uint64_t data,
					uint64_t flags, uint64_t r5)
{
	struct rawtp_map *map = (struct rawtp_map *)(uintptr_t)map_reg;
	struct rawtp_map_cursor cursor = {0};
	const void *key;
	uint64_t n = 0;

	if (flags)
		return (uint64_t)-EINVAL;
	while ((key = map->ops->walk(map, &cursor))) {
		void *value = map->ops->lookup(map, key);

		if (!value)
			continue;
		n++;
		if (rawtp_call_back(function, map_reg, (uintptr_t)key, (uintptr_t)value, data))
			break;
	}
	return n;
}
