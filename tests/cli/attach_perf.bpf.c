/* SPDX-License-Identifier: MIT */
/* A record for every tick, to the ring of its CPU. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct tick {
	unsigned long long n;
	char name[8];
};
const struct tick *unused __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} records SEC(".maps");

SEC("raw_tp/app_tick")
int on_tick(struct bpf_raw_tracepoint_args *ctx)
{
	struct tick tick = {.n = ctx->args[0]};

	bpf_probe_read_user_str(tick.name, sizeof(tick.name), (void *)ctx->args[1]);
	bpf_perf_event_output(ctx, &records, BPF_F_CURRENT_CPU, &tick, sizeof(tick));
	return 0;
}

char LICENSE[] SEC("license") = "MIT";
