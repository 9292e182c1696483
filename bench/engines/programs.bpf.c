/* SPDX-License-Identifier: MIT */
/* The programs as BPF. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PROGRAM(name) SEC("raw_tp/" #name) __u64 name(const __u64 *ctx)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

#define LOOKUP_COUNTER(key)     bpf_map_lookup_elem(&counters, key)
#define UPDATE_HASH(key, value) bpf_map_update_elem(&hash, key, value, BPF_ANY)
#define RESERVE(size)           bpf_ringbuf_reserve(&ring, size, 0)
#define SUBMIT(record)          bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP)

#include "programs.h"

char LICENSE[] SEC("license") = "GPL";
