/* SPDX-License-Identifier: MIT */
/* Counts ticks and tocks exactly, and sends a record for every hundredth tick. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct tick {
	unsigned long long n;
	char name[8];
};
const struct tick *unused __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, unsigned int);
	__type(value, unsigned long long);
} ticks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} records SEC(".maps");

unsigned long long tocks;

SEC("raw_tp/app_tick")
int on_tick(struct bpf_raw_tracepoint_args *ctx)
{
	unsigned long long *count;
	unsigned int zero = 0;
	struct tick *tick;

	count = bpf_map_lookup_elem(&ticks, &zero);
	if (count)
		*count += 1;
	if (ctx->args[0] % 100)
		return 0;
	tick = bpf_ringbuf_reserve(&records, sizeof(*tick), 0);
	if (!tick)
		return 0;
	tick->n = ctx->args[0];
	__builtin_memset(tick->name, 0, sizeof(tick->name));
	bpf_probe_read_user_str(tick->name, sizeof(tick->name), (void *)ctx->args[1]);
	bpf_ringbuf_submit(tick, 0);
	return 0;
}

SEC("raw_tp/app_tock")
int on_tock(struct bpf_raw_tracepoint_args *ctx)
{
	__sync_fetch_and_add(&tocks, 1);
	return 0;
}

char LICENSE[] SEC("license") = "MIT";
