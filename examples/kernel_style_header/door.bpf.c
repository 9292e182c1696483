/* SPDX-License-Identifier: MIT */
/* How often each door was opened and closed. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 opened[8], closed[8];

SEC("raw_tracepoint/door_open")
int on_open(struct bpf_raw_tracepoint_args *ctx)
{
	__sync_fetch_and_add(&opened[ctx->args[1] & 7], 1);
	return 0;
}

SEC("raw_tracepoint/door_close")
int on_close(struct bpf_raw_tracepoint_args *ctx)
{
	__sync_fetch_and_add(&closed[ctx->args[1] & 7], 1);
	return 0;
}

char LICENSE[] SEC("license") = "MIT";
