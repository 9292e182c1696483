/* SPDX-License-Identifier: MIT */
/* Counts requests by status and path, where the request is served. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct key {
	int status;
	char path[28];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, __u64);
} requests SEC(".maps");

/* TP_PROTO(const char *path, int status, unsigned int bytes) */
SEC("raw_tp/hello_request")
int count_request(struct bpf_raw_tracepoint_args *ctx)
{
	struct key key = {.status = (int)ctx->args[1]};
	__u64 one = 1, *count;

	bpf_probe_read_user_str(key.path, sizeof(key.path), (const void *)ctx->args[0]);
	count = bpf_map_lookup_elem(&requests, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&requests, &key, &one, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "MIT";
