/* SPDX-License-Identifier: MIT */
/* Records of bpf_perf_event_output(). */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, char[8192]);
} bytes SEC(".maps");

struct {
	__u64 made, refused;
} totals;

/* Arguments: flags, how many of the bytes. Returns what the helper does. */
SEC("raw_tp/sys_enter")
long output(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 size = ctx->args[1] & 8191;
	__u32 zero = 0;
	char *data = bpf_map_lookup_elem(&bytes, &zero);

	if (!data)
		return 1;
	return bpf_perf_event_output(ctx, &events, ctx->args[0], data, size);
}

struct record {
	__u64 text;
	__u32 size;
	__u32 pid;
	__u64 number;
};

/* A record for each event, which is counted. */
SEC("raw_tp/perf_event_made")
int on_event(struct bpf_raw_tracepoint_args *ctx)
{
	struct record record = {.text = ctx->args[0], .size = ctx->args[1]};

	record.pid = bpf_get_current_pid_tgid() >> 32;
	record.number = __sync_fetch_and_add(&totals.made, 1);
	if (bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &record, sizeof(record)))
		__sync_fetch_and_add(&totals.refused, 1);
	return 0;
}

/* The same where there is nothing else to do. */
SEC("raw_tp/perf_event_made")
int on_event_only(struct bpf_raw_tracepoint_args *ctx)
{
	struct record record = {.text = ctx->args[0], .size = ctx->args[1], .pid = 1};

	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &record, sizeof(record));
	return 0;
}

char _license[] SEC("license") = "GPL";
