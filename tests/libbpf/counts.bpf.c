/* SPDX-License-Identifier: MIT */
/* One of each: maps, global data, a subprogram, a loop, a ring buffer. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct record {
	__u64 number;
	__u32 size;
	__u32 pid;
	char text[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} by_bucket SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} by_size SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} records SEC(".maps");

const volatile __u32 wanted_pid;
const volatile __u32 limit = 1000000;
__u64 events;
__u64 refused;
__u64 sum = 1000; /* .data */

static __attribute__((noinline)) __u32 bucket_of(__u32 size)
{
	__u32 bucket = 0, i;

	for (i = 0; i < 15 && size > 1; i++) {
		size >>= 1;
		bucket++;
	}
	return bucket & 15;
}

static void count_size(__u32 size)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(&by_size, &size);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&by_size, &size, &one, BPF_ANY);
}

SEC("raw_tp/counts_event")
int on_event(struct bpf_raw_tracepoint_args *ctx)
{
	const char *text = (const char *)ctx->args[0];
	__u32 size = (__u32)ctx->args[1], bucket = bucket_of(size), zero = 0;
	struct record *record;
	__u64 *n;

	if (wanted_pid && bpf_get_current_pid_tgid() >> 32 != wanted_pid)
		return 0;
	__sync_fetch_and_add(&events, 1);
	__sync_fetch_and_add(&sum, size);
	n = bpf_map_lookup_elem(&by_bucket, &bucket);
	if (n)
		__sync_fetch_and_add(n, 1);
	n = bpf_map_lookup_elem(&per_cpu, &zero);
	if (n)
		(*n)++;
	count_size(size);
	if (size > limit)
		return 0;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		__sync_fetch_and_add(&refused, 1);
		return 0;
	}
	record->number = events;
	record->size = size;
	record->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_probe_read_user_str(record->text, sizeof(record->text), text);
	bpf_ringbuf_submit(record, 0);
	return 1;
}

char _license[] SEC("license") = "GPL";
