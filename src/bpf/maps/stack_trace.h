/* SPDX-License-Identifier: MIT */
/* BPF_MAP_TYPE_STACK_TRACE: what bpf_get_stackid() needs of it. stack_trace.c has the layout. */
#ifndef RAWTP_BPF_MAPS_STACK_TRACE_H
#define RAWTP_BPF_MAPS_STACK_TRACE_H

#include "bpf/maps/map.h"

#define RAWTP_MAX_STACK_DEPTH 127 /* PERF_MAX_STACK_DEPTH */

/* Addresses that an entry has room for. */
static inline uint32_t rawtp_stack_trace_depth(const struct rawtp_map *map)
{
	return map->value_size / (uint32_t)sizeof(uint64_t);
}

/*
 * Finds or adds @n addresses, 1 to rawtp_stack_trace_depth(). Returns their id; -EEXIST where another
 * stack has that place, and @flags has no BPF_F_REUSE_STACKID, or that other is just being written.
 * BPF_F_FAST_STACK_CMP: stacks with the same hash are the same. Async-signal-safe, lock-free.
 */
long rawtp_stack_trace_add(struct rawtp_map *map, const uint64_t *addresses, uint32_t n,
			   uint64_t flags);

#endif
