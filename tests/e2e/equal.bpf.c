/* SPDX-License-Identifier: MIT */
/* Programs whose results and maps must be the same in the kernel and in user space. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __u64);
} results SEC(".maps");

struct key {
	__u32 low;
	__u16 half;
	__u8 byte, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, struct key);
	__type(value, __s64);
} small_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} percpu_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} percpu_array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

__u64 zeroed;
__s32 initialized = -7;
const volatile __u64 constant = 0x123456789abcdefULL;
static __u64 table[4] = {1, 10, 100, 1000};

static __always_inline void result(__u32 index, __u64 value)
{
	bpf_map_update_elem(&results, &index, &value, BPF_ANY);
}

SEC("raw_tp/equal")
int arithmetic(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 a = ctx->args[0], b = ctx->args[1];
	__s64 sa = a;
	__u32 wa = a, wb = b;
	__s32 swa = a;

	result(0, a + b);
	result(1, a - b);
	result(2, a * b);
	result(3, a / b);
	result(4, a % b);
	result(5, wa / wb);
	result(6, wa % wb);
	result(7, a << (b & 63));
	result(8, a >> (b & 63));
	result(9, sa >> (b & 63));
	result(10, (__u32)(wa << (wb & 31)));
	result(11, (__u64)(__s64)(swa >> (wb & 31)));
	result(12, -a);
	result(13, (__u32)-wa);
	result(14, bpf_htons((__u16)a));
	result(15, bpf_htonl(wa));
	result(16, bpf_cpu_to_be64(a));
	result(17, (a ^ b) | (a & b));
	result(18, wa * wb);
	return sa < (__s64)b ? -1 : swa > (__s32)b;
}

SEC("raw_tp/equal")
int compares(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 a = ctx->args[0], b = ctx->args[1], bits = 0;

	bits |= (a == b) << 0 | (a != b) << 1;
	bits |= (a < b) << 2 | (a <= b) << 3;
	bits |= ((__s64)a < (__s64)b) << 4 | ((__s64)a >= (__s64)b) << 5;
	bits |= ((__u32)a < (__u32)b) << 6 | ((__s32)a < (__s32)b) << 7;
	bits |= ((a & b) != 0) << 8 | ((__u32)a == (__u32)b) << 9;
	result(0, bits);
	return bits;
}

SEC("raw_tp/equal")
int hash_flags(struct bpf_raw_tracepoint_args *ctx)
{
	struct key key = {.low = ctx->args[0], .half = ctx->args[1]};
	__s64 value = ctx->args[2], *found;
	__u32 i;

	result(0, bpf_map_update_elem(&small_hash, &key, &value, BPF_EXIST));
	result(1, bpf_map_update_elem(&small_hash, &key, &value, BPF_NOEXIST));
	result(2, bpf_map_update_elem(&small_hash, &key, &value, BPF_NOEXIST));
	result(3, bpf_map_update_elem(&small_hash, &key, &value, 77));
	found = bpf_map_lookup_elem(&small_hash, &key);
	if (found)
		*found -= 1;
	/* One more than there is room for. */
	for (i = 1; i <= 4; i++) {
		key.byte = i;
		result(3 + i, bpf_map_update_elem(&small_hash, &key, &value, BPF_ANY));
	}
	key.byte = 2;
	result(8, bpf_map_delete_elem(&small_hash, &key));
	result(9, bpf_map_delete_elem(&small_hash, &key));
	return 0;
}

SEC("raw_tp/equal")
int array_flags(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 value = ctx->args[1];
	__u32 index = ctx->args[0];

	result(0, bpf_map_update_elem(&results, &index, &value, BPF_NOEXIST));
	result(1, bpf_map_update_elem(&results, &index, &value, BPF_EXIST));
	result(2, bpf_map_delete_elem(&results, &index));
	index = 32;
	result(3, bpf_map_update_elem(&results, &index, &value, BPF_ANY));
	return bpf_map_lookup_elem(&results, &index) ? 1 : 2;
}

SEC("raw_tp/equal")
int per_cpu(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 index = ctx->args[0] & 3;
	__u64 value = ctx->args[1], *found;

	found = bpf_map_lookup_elem(&percpu_array, &index);
	if (found)
		*found += value;
	result(0, bpf_map_update_elem(&percpu_hash, &index, &value, BPF_NOEXIST));
	found = bpf_map_lookup_elem(&percpu_hash, &index);
	if (found)
		*found += 1;
	result(1, bpf_map_update_elem(&percpu_hash, &index, &value, BPF_NOEXIST));
	return found ? *found : 0;
}

SEC("raw_tp/equal")
int ring_buffer(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 *record, i;
	__u32 n = 0;

	for (i = 0; i < 3; i++) {
		record = bpf_ringbuf_reserve(&ring, 40, 0);
		if (!record)
			break;
		record[0] = ctx->args[0] + i;
		record[4] = i;
		if (i == 1)
			bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		else
			bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
		n++;
	}
	result(0, bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA));
	result(1, bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE));
	result(2, bpf_ringbuf_query(&ring, BPF_RB_CONS_POS));
	result(3, bpf_ringbuf_query(&ring, BPF_RB_PROD_POS));
	result(4, bpf_ringbuf_query(&ring, 99));
	/* Larger than the ring, and unknown flags. */
	record = bpf_ringbuf_reserve(&ring, 8192, 0);
	result(5, !record);
	if (record)
		bpf_ringbuf_discard(record, 0);
	result(6, bpf_ringbuf_output(&ring, &i, sizeof(i), BPF_RB_NO_WAKEUP));
	/* Until it is full. */
	for (i = 0; i < 64; i++)
		if (bpf_ringbuf_output(&ring, table, 128 > sizeof(table) ? sizeof(table) : 128,
				       BPF_RB_NO_WAKEUP))
			break;
	result(7, i);
	return n;
}

static __attribute__((noinline)) __u64 fold(__u64 value, __u32 times)
{
	__u32 i;

	for (i = 0; i < 8; i++) {
		if (i >= times)
			break;
		value = value * 31 + i;
	}
	return value;
}

SEC("raw_tp/equal")
int global_data(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 index = ctx->args[0] & 3;

	zeroed += constant;
	initialized -= 3;
	table[index] += fold(ctx->args[1], ctx->args[0] & 7);
	return table[3 - index];
}

SEC("raw_tp/equal")
int bad_addresses(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 into[2] = {~0ULL, ~0ULL};
	char text[8] = "before";

	/* The address is one that neither the kernel nor any process has mapped. */
	result(0, bpf_probe_read_user(into, sizeof(into), (void *)ctx->args[0]));
	result(1, into[0]);
	result(2, bpf_probe_read_user_str(text, sizeof(text), (void *)ctx->args[0]));
	result(3, text[0]);
	return 0;
}

SEC("raw_tp/equal")
int twelve(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 i;

#pragma clang loop unroll(full)
	for (i = 0; i < 12; i++)
		result(i, ctx->args[i]);
	return ctx->args[11];
}

SEC("raw_tp/equal")
int atomics(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 index = 0;
	__u64 *value = bpf_map_lookup_elem(&results, &index);

	if (!value)
		return 1;
	__sync_fetch_and_add(value, ctx->args[0]);
	result(1, __sync_fetch_and_add(value, 5));
	result(2, __sync_fetch_and_or(value, 0xf0));
	result(3, __sync_fetch_and_and(value, 0xff));
	result(4, __sync_fetch_and_xor(value, ctx->args[1]));
	result(5, __sync_lock_test_and_set(value, 42));
	result(6, __sync_val_compare_and_swap(value, 42, ctx->args[0]));
	result(7, __sync_val_compare_and_swap(value, 42, 1));
	return *value;
}

char LICENSE[] SEC("license") = "GPL";
