/* SPDX-License-Identifier: MIT */
/*
 * Programs for the kernel and for a process in one object. The test gives NUMBER, getppid()'s, and
 * SIDE, what is written before a name that both have.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 requests, calls, exits;

static int is_ours(void)
{
	char comm[16] = "", want[16] = "kernel_mixed";
	int i;

	if (bpf_get_current_comm(comm, sizeof(comm)))
		return 0;
	for (i = 0; i < 12; i++)
		if (comm[i] != want[i])
			return 0;
	return 1;
}

SEC("raw_tp/mixed_request")
int on_request(void *ctx)
{
	__sync_fetch_and_add(&requests, 1);
	return 0;
}

SEC("raw_tp/sys_enter")
int on_call(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[1] == NUMBER && is_ours())
		__sync_fetch_and_add(&calls, 1);
	return 0;
}

#ifdef SIDE
SEC("raw_tp/" SIDE "sys_exit")
int on_exit(struct bpf_raw_tracepoint_args *ctx)
{
	if (is_ours())
		__sync_fetch_and_add(&exits, 1);
	return 0;
}
#endif

char LICENSE[] SEC("license") = "GPL";
