/* SPDX-License-Identifier: MIT */
/* Counts what the target of these tests passes, by its first argument. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} ticks SEC(".maps");

SEC("raw_tp/e2e_tick")
int on_tick(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 index = (__u32)ctx->args[0] & 3;
	__u64 *count = bpf_map_lookup_elem(&ticks, &index);

	if (count)
		*count += 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
