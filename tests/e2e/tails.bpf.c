/* SPDX-License-Identifier: MIT */
/* Counts as tick.bpf.c does, by ways that need more than one function: tail calls and callbacks. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Younger than the oldest libbpf that we build with. */
static long (*const for_each)(void *map, void *function, void *data, __u64 flags) = (void *)164;
static long (*const loop)(__u32 rounds, void *function, void *data, __u64 flags) = (void *)181;

int even(void *ctx);
int odd(void *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} jump SEC(".maps") = {.values = {(void *)&even, (void *)&odd}};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} ticks SEC(".maps");

struct round {
	__u64 sum, value;
};

static long add(__u32 i, struct round *round)
{
	round->sum += round->value & 1;
	return 0;
}

static long add_to_each(void *map, __u32 *key, __u64 *value, struct round *round)
{
	if (*key < 2)
		__sync_fetch_and_add(value, round->sum);
	return *key == 2;
}

/* Three for each odd value, to both counters. */
SEC("raw_tp")
int odd(void *ctx)
{
	struct bpf_raw_tracepoint_args *raw = ctx;
	struct round round = {.value = raw->args[1]};

	loop(3, add, &round, 0);
	for_each(&ticks, add_to_each, &round, 0);
	return 0;
}

SEC("raw_tp")
int even(void *ctx)
{
	__u32 key = 3;
	__u64 *count = bpf_map_lookup_elem(&ticks, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

SEC("raw_tp/e2e_tick")
int on_tick(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_tail_call(ctx, &jump, ctx->args[1] & 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
