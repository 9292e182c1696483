/* SPDX-License-Identifier: MIT */
/*
 * An operator's program, for any process that runs with the libc provider:
 *
 *	rawtp run --provider libc -- some-command &
 *	rawtp attach -p PID --for 3 build/examples/histogram/histogram.bpf.o
 *
 * Counts malloc and free exactly, one counter a CPU, and draws the sizes asked for.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} mallocs SEC(".maps"), frees SEC(".maps");

/* Slot i: sizes from 2^i to 2^(i+1) - 1. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 48);
	__type(key, __u32);
	__type(value, __u64);
} size_hist SEC(".maps");

static __always_inline void count(void *map, __u32 slot)
{
	__u64 *value = bpf_map_lookup_elem(map, &slot);

	if (value)
		*value += 1;
}

static __always_inline __u32 log2(__u64 value)
{
	__u32 n = 0, shift;

	shift = (value > 0xffffffff) << 5;
	value >>= shift;
	n |= shift;
	shift = (value > 0xffff) << 4;
	value >>= shift;
	n |= shift;
	shift = (value > 0xff) << 3;
	value >>= shift;
	n |= shift;
	shift = (value > 0xf) << 2;
	value >>= shift;
	n |= shift;
	shift = (value > 0x3) << 1;
	value >>= shift;
	n |= shift;
	return n | (__u32)(value >> 1);
}

/* TP_PROTO(size_t size, void *ptr) */
SEC("raw_tp/libc_malloc")
int on_malloc(struct bpf_raw_tracepoint_args *ctx)
{
	count(&mallocs, 0);
	count(&size_hist, log2(ctx->args[0]));
	return 0;
}

/* TP_PROTO(void *ptr) */
SEC("raw_tp/libc_free")
int on_free(struct bpf_raw_tracepoint_args *ctx)
{
	count(&frees, 0);
	return 0;
}

char LICENSE[] SEC("license") = "MIT";
