/* SPDX-License-Identifier: MIT */
/* Each kind of map that maps.sh looks at, filled by the target's own thread. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct task_struct;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8);
	__type(key, __u64);
	__type(value, __u64);
} recent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__type(value, __u64);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 64);
	__uint(key_size, 4);
	__uint(value_size, 80);
} traces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} per_thread SEC(".maps");

/* How often each stack was met, by its id: one place in the target, one stack. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} stacks SEC(".maps");

/* 0: calls, as the thread has counted them; 1: of the queue's values; 2: frames; 3: errors. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} sums SEC(".maps");

static void sum(__u32 index, __u64 value)
{
	__u64 *found = bpf_map_lookup_elem(&sums, &index);

	if (found)
		*found = value;
}

SEC("raw_tp/e2e_tick")
int on_tick(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 value = ctx->args[1], one = 1, *found, frames[8], errors = 0;
	long id;

	if ((__u32)ctx->args[0])
		return 0;
	errors |= bpf_map_update_elem(&recent, &value, &value, BPF_ANY) != 0;
	errors |= (bpf_map_push_elem(&queue, &value, BPF_EXIST) != 0) << 1;
	found = bpf_task_storage_get(&per_thread, bpf_get_current_task_btf(), 0,
				     BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (found)
		sum(0, ++*found);
	if (!bpf_map_peek_elem(&queue, &value))
		sum(1, value);
	sum(2, (__u64)bpf_get_stack(ctx, frames, sizeof(frames), BPF_F_USER_STACK) >> 3);
	id = bpf_get_stackid(ctx, &traces, BPF_F_USER_STACK);
	errors |= (id < 0) << 2;
	if (id >= 0) {
		__u32 key = id;

		found = bpf_map_lookup_elem(&stacks, &key);
		if (found)
			*found += 1;
		else
			bpf_map_update_elem(&stacks, &key, &one, BPF_ANY);
	}
	sum(3, errors);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
