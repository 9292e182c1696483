/* SPDX-License-Identifier: MIT */
/*
 * Counts the getppid() calls of processes called "rawtp-calls", in a map and a global. The test gives
 * their NUMBER.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

struct call {
	__u64 number;
};
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} records SEC(".maps");

__u64 total;
const struct call *unused;

SEC("raw_tp/sys_enter")
int on_call(struct bpf_raw_tracepoint_args *ctx)
{
	char comm[16], want[16] = "rawtp-calls";
	struct call call = {.number = ctx->args[1]};
	__u32 zero = 0, i;
	__u64 *count;

	if (call.number != NUMBER)
		return 0;
	if (bpf_get_current_comm(comm, sizeof(comm)))
		return 0;
	for (i = 0; i < 11; i++)
		if (comm[i] != want[i])
			return 0;
	count = bpf_map_lookup_elem(&calls, &zero);
	if (count)
		++*count;
	__sync_fetch_and_add(&total, 1);
	if (total % 100 == 1)
		bpf_ringbuf_output(&records, &call, sizeof(call), 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
