/* SPDX-License-Identifier: MIT */
/*
 * THE list of map types. Include it after defining RAWTP_MAP_TYPE(type, name, ops, percpu): the
 * number is BPF_MAP_TYPE_<type>, @name is bpftool's word for it, @ops a struct rawtp_map_ops. The
 * macro is undefined at the end of this file.
 */
#ifndef RAWTP_MAP_TYPE
#error "define RAWTP_MAP_TYPE before including bpf/maps/types.h"
#endif

/* clang-format off */
RAWTP_MAP_TYPE(HASH,         "hash",         rawtp_hash_ops,         false)
RAWTP_MAP_TYPE(PROG_ARRAY,   "prog_array",   rawtp_prog_array_ops,   false)
RAWTP_MAP_TYPE(ARRAY,        "array",        rawtp_array_ops,        false)
RAWTP_MAP_TYPE(PERCPU_HASH,  "percpu_hash",  rawtp_percpu_hash_ops,  true)
RAWTP_MAP_TYPE(PERCPU_ARRAY, "percpu_array", rawtp_percpu_array_ops, true)
RAWTP_MAP_TYPE(RINGBUF,      "ringbuf",      rawtp_ringbuf_ops,      false)
RAWTP_MAP_TYPE(STACK_TRACE,  "stack_trace",  rawtp_stack_trace_ops,  false)
RAWTP_MAP_TYPE(PERF_EVENT_ARRAY, "perf_event_array", rawtp_perf_event_ops, false)
RAWTP_MAP_TYPE(LRU_HASH,     "lru_hash",     rawtp_lru_hash_ops,     false)
RAWTP_MAP_TYPE(LRU_PERCPU_HASH, "lru_percpu_hash", rawtp_lru_percpu_hash_ops, true)
RAWTP_MAP_TYPE(TASK_STORAGE, "task_storage", rawtp_task_storage_ops, false)
RAWTP_MAP_TYPE(QUEUE,        "queue",        rawtp_queue_stack_ops,  false)
RAWTP_MAP_TYPE(STACK,        "stack",        rawtp_queue_stack_ops,  false)
/* clang-format on */

#undef RAWTP_MAP_TYPE
