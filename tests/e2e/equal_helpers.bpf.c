/* SPDX-License-Identifier: MIT */
/* Helpers on text, ids and clocks: the same results in the kernel and in user space. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 128);
	__type(key, __u32);
	__type(value, __u64);
} results SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, char[64]);
} texts SEC(".maps");

static __always_inline void result(__u32 index, __u64 value)
{
	bpf_map_update_elem(&results, &index, &value, BPF_ANY);
}

static const char numbers[24][24] = {
	"0",
	"12",
	"-12",
	"  77x",
	"\t\n8",
	"+5",
	"0x1F",
	"0X1fg",
	"0x",
	"-0x10",
	"017",
	"08",
	"",
	"   ",
	"-",
	"9223372036854775807",
	"9223372036854775808",
	"-9223372036854775808",
	"-9223372036854775809",
	"18446744073709551615",
	"18446744073709551616",
	"zz",
	"7f",
	"1 2",
};

/* Each text as a number of a base, looking at so many of its bytes, and one more. */
SEC("raw_tp/equal")
int parse(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 size = ctx->args[1] & 31;
	__u32 i;

	if (size >= sizeof(numbers[0]))
		size = sizeof(numbers[0]) - 1;
	size++;
	for (i = 0; i < 24; i++) {
		unsigned long positive = 1;
		char text[24];
		long number = 1;

		__builtin_memcpy(text, numbers[i], sizeof(text));
		result(4 * i, bpf_strtol(text, size, ctx->args[0], &number));
		result(4 * i + 1, number);
		result(4 * i + 2, bpf_strtoul(text, size, ctx->args[0], &positive));
		result(4 * i + 3, positive);
	}
	return 0;
}

static const char word[] = "tracepoint";

SEC("raw_tp/equal")
int compare(struct bpf_raw_tracepoint_args *ctx)
{
	char text[16] = "tracepoint";
	__u32 at = ctx->args[0] & 15;

	text[at] = ctx->args[1];
	result(0, bpf_strncmp(text, sizeof(text), word));
	result(1, bpf_strncmp(text, 5, word));
	result(2, bpf_strncmp(text, 11, word));
	return 0;
}

SEC("raw_tp/equal")
int print(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 a = ctx->args[0], b = ctx->args[1];
	__u32 index = 0;
	char *text;

	text = bpf_map_lookup_elem(&texts, &index);
	if (!text)
		return 1;
	result(0, BPF_SNPRINTF(text, 64, "%d %u %x %lx", (int)a, (unsigned int)b, (int)a, b));
	result(1, bpf_snprintf(0, 0, "plain", 0, 0));
	index = 1;
	text = bpf_map_lookup_elem(&texts, &index);
	if (!text)
		return 1;
	result(2, BPF_SNPRINTF(text, 12, "cut to twelve: %lld", a));
	index = 2;
	text = bpf_map_lookup_elem(&texts, &index);
	if (!text)
		return 1;
	result(3,
	       BPF_SNPRINTF(text, 64, "%s|%8s|%-5d|%05d|%%|%c", word, word, (int)a, (int)b, 'x'));
	index = 3;
	text = bpf_map_lookup_elem(&texts, &index);
	if (!text)
		return 1;
	result(4, BPF_SNPRINTF(text, 64, "%lu%lu%lu%lu%lu%lu%lu%lu%lu%lu%lu%lu", a, b, a, b, a, b,
			       a, b, a, b, a, b));
	result(5, BPF_SNPRINTF(text, 0, "%lu", a));
	return 0;
}

/* What is asked for in a pid namespace that nobody has. */
SEC("raw_tp/equal")
int who(struct bpf_raw_tracepoint_args *ctx)
{
	struct bpf_pidns_info info = {7, 8};

	long err = bpf_get_ns_current_pid_tgid(ctx->args[0], ctx->args[1], &info, sizeof(info));

	/* There and here are two processes. */
	result(0, err);
	result(1, err ? info.pid : info.tgid == bpf_get_current_pid_tgid() >> 32);
	result(2, bpf_get_current_cgroup_id());
	result(3, bpf_get_numa_node_id());
	result(4, bpf_ktime_get_boot_ns() >= bpf_ktime_get_ns());
	result(5, bpf_ktime_get_tai_ns() > bpf_ktime_get_boot_ns());
	result(6, bpf_jiffies64() > 0);
	result(7, bpf_get_attach_cookie(ctx));
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16);
	__uint(key_size, 4);
	__uint(value_size, 64);
} traces SEC(".maps");

/* Stacks differ; what is wrong does not. */
SEC("raw_tp/equal")
int stacks(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 room[4] = {9, 9, 9, 9};
	long id;

	result(0, bpf_get_stack(ctx, room, 24, ctx->args[0]));
	result(1, room[0] != 0);
	result(2, room[3]);
	room[0] = 9;
	result(3, bpf_get_stack(ctx, room, 12, 0));
	result(4, room[0]);
	result(5, bpf_get_stack(ctx, room, 24, 255));
	result(6, bpf_get_stackid(ctx, &traces, 255));
	result(7, bpf_get_stackid(ctx, &traces, BPF_F_USER_BUILD_ID));
	id = bpf_get_stackid(ctx, &traces, 0);
	result(8, id >= 0 && id < 16);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 3);
	__type(value, __u64);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 3);
	__type(value, __u64);
} stack SEC(".maps");

#define ORDER(map, at)                                                                  \
	do {                                                                            \
		for (i = 0; i < 5; i++) {                                               \
			value = ctx->args[0] + i;                                       \
			result((at) + i, bpf_map_push_elem(map, &value, ctx->args[1])); \
		}                                                                       \
		result((at) + 5, bpf_map_peek_elem(map, &value));                       \
		result((at) + 6, value);                                                \
		for (i = 0; i < 4; i++) {                                               \
			result((at) + 7 + 2 * i, bpf_map_pop_elem(map, &value));        \
			result((at) + 8 + 2 * i, value);                                \
		}                                                                       \
		result((at) + 15, bpf_map_peek_elem(map, &value));                      \
		result((at) + 16, value);                                               \
	} while (0)

SEC("raw_tp/equal")
int order(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 value;
	__u32 i;

	ORDER(&queue, 0);
	ORDER(&stack, 20);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} cpu_array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} cpu_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} recent SEC(".maps");

SEC("raw_tp/equal")
int cpus(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 key = ctx->args[0];
	__u64 value = ctx->args[1], *found;

	result(0, bpf_map_update_elem(&cpu_array, &key, &value, BPF_ANY));
	found = bpf_map_lookup_elem(&cpu_array, &key);
	result(1, found ? *found : 99);
	result(2, !bpf_map_lookup_percpu_elem(&cpu_array, &key, 5000));
	result(3, bpf_map_update_elem(&cpu_hash, &key, &value, BPF_NOEXIST));
	found = bpf_map_lookup_elem(&cpu_hash, &key);
	result(4, found ? *found : 99);
	if (found)
		*found += 1;
	found = bpf_map_lookup_elem(&cpu_hash, &key);
	result(5, found ? *found : 99);
	result(6, !bpf_map_lookup_percpu_elem(&cpu_hash, &key, -1));
	result(7, bpf_map_update_elem(&recent, &key, &value, BPF_EXIST));
	result(8, bpf_map_update_elem(&recent, &key, &value, BPF_NOEXIST));
	found = bpf_map_lookup_elem(&recent, &key);
	result(9, found ? *found : 99);
	result(10, bpf_map_delete_elem(&recent, &key));
	result(11, bpf_map_delete_elem(&recent, &key));
	return 0;
}

/* What a run wrote, by the number of its CPU. */
SEC("raw_tp/equal")
int own_cpu(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 key = ctx->args[0], cpu = bpf_get_smp_processor_id();
	__u64 value = ctx->args[1], *found;

	result(0, bpf_map_update_elem(&cpu_array, &key, &value, BPF_ANY));
	found = bpf_map_lookup_percpu_elem(&cpu_array, &key, cpu);
	result(1, found ? *found : 99);
	result(2, bpf_map_update_elem(&cpu_hash, &key, &value, BPF_NOEXIST));
	found = bpf_map_lookup_percpu_elem(&cpu_hash, &key, cpu);
	result(3, found ? *found : 99);
	if (found)
		*found += 1;
	found = bpf_map_lookup_elem(&cpu_hash, &key);
	result(4, found ? *found : 99);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

static char area[64];

SEC("raw_tp/equal")
int dynptrs(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 word = ctx->args[0], *found;
	struct bpf_dynptr ptr;
	__u32 i;

	result(0, bpf_dynptr_from_mem(area, sizeof(area), ctx->args[2], &ptr));
	result(1, bpf_dynptr_write(&ptr, ctx->args[1], &word, sizeof(word), 0));
	word = 77;
	result(2, bpf_dynptr_read(&word, 8, &ptr, ctx->args[1], 0));
	result(3, bpf_dynptr_read(&word, 8, &ptr, 0, 1));
	result(4, bpf_dynptr_write(&ptr, -1, &word, 8, 0));
	result(5, bpf_dynptr_write(&ptr, 64, &word, 0, 0));
	result(6, bpf_dynptr_write(&ptr, 65, &word, 0, 0));
	found = bpf_dynptr_data(&ptr, 56, 8);
	result(7, found ? *found : 99);
	result(8, !bpf_dynptr_data(&ptr, 57, 8));
	for (i = 0; i < 8; i++)
		result(10 + i, *(__u64 *)(area + 8 * i));
	result(20, bpf_ringbuf_reserve_dynptr(&events, ctx->args[1], ctx->args[2], &ptr));
	word = ctx->args[0];
	result(21, bpf_dynptr_write(&ptr, 0, &word, sizeof(word), 0));
	found = bpf_dynptr_data(&ptr, 0, 8);
	result(22, found ? *found : 99);
	if (ctx->args[0] & 1)
		bpf_ringbuf_submit_dynptr(&ptr, BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_discard_dynptr(&ptr, BPF_RB_NO_WAKEUP);
	result(23, bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA));
	return 0;
}

struct task_struct;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} storage SEC(".maps");

SEC("raw_tp/equal")
int per_task(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 value = ctx->args[0], *found;

	result(0, !bpf_task_storage_get(&storage, task, 0, 0));
	result(1, bpf_task_storage_delete(&storage, task));
	found = bpf_task_storage_get(&storage, task, &value, BPF_LOCAL_STORAGE_GET_F_CREATE);
	result(2, found ? *found : 99);
	if (found)
		*found += 5;
	value = 1;
	found = bpf_task_storage_get(&storage, task, &value, BPF_LOCAL_STORAGE_GET_F_CREATE);
	result(3, found ? *found : 99);
	result(4, !bpf_task_storage_get(&storage, task, 0, 8));
	result(5, bpf_task_storage_delete(&storage, task));
	found = bpf_task_storage_get(&storage, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	result(6, found ? *found : 99);
	result(7, bpf_task_storage_delete(&storage, task));
	result(8, bpf_task_storage_delete(&storage, task));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
