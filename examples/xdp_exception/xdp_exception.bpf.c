/* SPDX-License-Identifier: MIT */
/*
 * How many packets met an XDP exception, by action and device. The same object file serves both:
 *
 *	rawtp attach -k xdp_exception.bpf.o                    the kernel's tracepoint
 *	rawtp run xdp_exception.bpf.o -- ./xdp_exception       that of a program
 *
 * In the kernel, ifindex is read where the kernel's BTF has it; in a program, where this declaration
 * has it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct net_device {
	char name[16];
	int ifindex;
} __attribute__((preserve_access_index));

struct key {
	enum xdp_action action;
	int ifindex;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, __u64);
} exceptions SEC(".maps");

SEC("raw_tp/xdp_exception")
int on_exception(struct bpf_raw_tracepoint_args *ctx)
{
	/* (const struct net_device *dev, const struct bpf_prog *xdp, u32 act) */
	const struct net_device *dev = (const void *)ctx->args[0];
	struct key key = {.action = (__u32)ctx->args[2]};
	__u64 zero = 0, *count;

	key.ifindex = BPF_CORE_READ(dev, ifindex);
	bpf_map_update_elem(&exceptions, &key, &zero, BPF_NOEXIST);
	count = bpf_map_lookup_elem(&exceptions, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
