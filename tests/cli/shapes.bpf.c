/* SPDX-License-Identifier: MIT */
/* A map of each shape that the command prints in its own way, filled from the arguments. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum color { RED, GREEN = 5, BLUE = -1 };

struct key {
	int pid;
	char comm[8];
};

struct value {
	unsigned long long count;
	signed char small;
	_Bool yes;
	enum color color;
	unsigned int low : 3, high : 5;
	short list[12];
	struct {
		int inner;
	} nested;
	void *pointer;
};

struct histogram {
	unsigned int errors;
	unsigned int slots[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct key);
	__type(value, struct value);
} by_key SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, int);
	__type(value, unsigned long long);
} by_rank SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, unsigned int);
	__type(value, unsigned long long);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 20);
	__type(key, unsigned int);
	__type(value, unsigned int);
} latency_hist SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, unsigned int);
	__type(value, struct histogram);
} by_disk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__uint(key_size, 12);
	__uint(value_size, 3);
} untyped SEC(".maps");

int total;
long long last_args[3];
unsigned long long size_hist[16];
static volatile const int limit = 42;

static __attribute__((always_inline)) void set_rank(int key, unsigned long long rank)
{
	bpf_map_update_elem(&by_rank, &key, &rank, BPF_ANY);
}

static __attribute__((always_inline)) void set_bar(unsigned int slot, unsigned int height)
{
	unsigned int *bar = bpf_map_lookup_elem(&latency_hist, &slot);

	if (bar)
		*bar = height;
}

static __attribute__((always_inline)) void fill_hashes(struct bpf_raw_tracepoint_args *ctx)
{
	struct key key = {.pid = 7, .comm = "be\"ll\n"};
	struct value value;
	struct histogram histogram = {.errors = 1};
	unsigned char bytes[12] = {1, 2, 3}, three[3] = {0xaa, 0xbb, 0xcc};
	unsigned int disk = 8;

	/* Padding too: it is read with the rest. */
	__builtin_memset(&value, 0, sizeof(value));
	value.count = ctx->args[0];
	value.small = -3;
	value.yes = 1;
	value.color = GREEN;
	value.low = 5;
	value.high = 17;
	value.list[0] = 1;
	value.list[1] = -2;
	value.list[2] = 3;
	value.nested.inner = 9;
	value.pointer = (void *)0x1234;
	bpf_map_update_elem(&by_key, &key, &value, BPF_ANY);
	set_rank(-1, 90);
	set_rank(0, 100);
	set_rank(1, 110);
	set_rank(2, 110);
	histogram.slots[2] = 6;
	histogram.slots[4] = 3;
	bpf_map_update_elem(&by_disk, &disk, &histogram, BPF_ANY);
	bpf_map_update_elem(&untyped, bytes, three, BPF_ANY);
}

SEC("raw_tp/shapes")
int fill(struct bpf_raw_tracepoint_args *ctx)
{
	unsigned long long *count;
	unsigned int slot = 1;

	count = bpf_map_lookup_elem(&per_cpu, &slot);
	if (count)
		*count += 11;
	set_bar(3, 30);
	set_bar(4, 40);
	set_bar(5, 50);
	fill_hashes(ctx);
	total = limit;
	last_args[0] = ctx->args[0];
	last_args[1] = ctx->args[1];
	last_args[2] = ctx->args[2];
	size_hist[0] = 1;
	size_hist[15] = 2;
	return (int)ctx->args[1];
}

SEC("raw_tracepoint/one")
int first(struct bpf_raw_tracepoint_args *ctx)
{
	total = (int)ctx->args[0];
	return 1;
}

char LICENSE[] SEC("license") = "MIT";
