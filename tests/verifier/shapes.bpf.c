/* SPDX-License-Identifier: MIT */
/* What clang makes of everyday tracing programs. Whatever the kernel takes of it is taken here. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

struct args {
	u64 a[12];
};

struct event {
	u32 pid, kind;
	u64 time;
	u32 len;
	char comm[16];
	char text[128];
};

struct key {
	u32 pid;
	u16 kind;
	u8 pad[2];
	u64 address;
};

struct stat {
	u64 count, sum, min, max;
	u32 slots[32];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct key);
	__type(value, struct stat);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, char[1024]);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} hist SEC(".maps");

const volatile u32 min_size = 4;
const volatile u8 table[16] = {0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 4};
u64 total;
u32 counters[32];
s32 state[8] = {1, 2, 3};

char LICENSE[] SEC("license") = "GPL";

/* clang has no inline memcmp() for BPF. */
static __always_inline bool differ(const void *a, const void *b, u32 size)
{
	for (u32 i = 0; i < size; i++)
		if (((const u8 *)a)[i] != ((const u8 *)b)[i])
			return true;
	return false;
}

static __always_inline u32 log2_u32(u32 v)
{
	u32 r, shift;

	r = (v > 0xFFFF) << 4;
	v >>= r;
	shift = (v > 0xFF) << 3;
	v >>= shift;
	r |= shift;
	shift = (v > 0xF) << 2;
	v >>= shift;
	r |= shift;
	shift = (v > 0x3) << 1;
	v >>= shift;
	r |= shift;
	r |= (v >> 1);
	return r;
}

static __always_inline u32 log2_u64(u64 v)
{
	u32 hi = v >> 32;

	return hi ? log2_u32(hi) + 32 : log2_u32(v);
}

SEC("raw_tp/log2_branchless")
int log2_branchless(struct args *ctx)
{
	u32 slot = log2_u64(ctx->a[0]);
	u64 *v;

	if (slot >= 64)
		slot = 63;
	v = bpf_map_lookup_elem(&hist, &slot);
	if (v)
		__sync_fetch_and_add(v, 1);
	return slot;
}

SEC("raw_tp/log2_loop")
int log2_loop(struct args *ctx)
{
	u64 v = ctx->a[0];
	u32 slot = 0;
	u64 *p;

	for (int i = 0; i < 64 && v > 1; i++) {
		v >>= 1;
		slot++;
	}
	p = bpf_map_lookup_elem(&hist, &slot);
	if (p)
		*p += 1;
	return slot;
}

SEC("raw_tp/log2_in_value")
int log2_in_value(struct args *ctx)
{
	struct key key = {.pid = ctx->a[1], .kind = 1, .address = ctx->a[2]};
	struct stat *s = bpf_map_lookup_elem(&stats, &key);
	struct stat zero = {};
	u32 slot;

	if (!s) {
		zero.min = ~0ULL;
		bpf_map_update_elem(&stats, &key, &zero, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&stats, &key);
		if (!s)
			return 0;
	}
	__sync_fetch_and_add(&s->count, 1);
	s->sum += ctx->a[0];
	if (ctx->a[0] < s->min)
		s->min = ctx->a[0];
	if (ctx->a[0] > s->max)
		s->max = ctx->a[0];
	slot = log2_u32(ctx->a[0]);
	if (slot < 32)
		s->slots[slot]++;
	return s->count;
}

SEC("raw_tp/record_with_string")
int record_with_string(struct args *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	long n;

	if (!e)
		return 1;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->kind = ctx->a[1];
	e->time = ctx->a[2];
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	n = bpf_probe_read_kernel_str(e->text, sizeof(e->text), (void *)ctx->a[0]);
	if (n < 0) {
		bpf_ringbuf_discard(e, 0);
		return 2;
	}
	e->len = n;
	if (n > 0 && n <= sizeof(e->text))
		e->text[n - 1] = '!';
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("raw_tp/record_of_variable_length")
int record_of_variable_length(struct args *ctx)
{
	u32 zero = 0;
	char *buf = bpf_map_lookup_elem(&scratch, &zero);
	struct event *e;
	long n;

	if (!buf)
		return 1;
	e = (struct event *)buf;
	e->pid = 1;
	e->len = 0;
	n = bpf_probe_read_kernel_str(e->text, sizeof(e->text), (void *)ctx->a[0]);
	if (n > 0 && n <= sizeof(e->text)) {
		e->len = n;
		return bpf_ringbuf_output(&events, e, __builtin_offsetof(struct event, text) + n,
					  0);
	}
	return 2;
}

static __always_inline u32 append(char *buf, u32 off, u64 from)
{
	long n;

	if (off > 1024 - 128)
		return off;
	n = bpf_probe_read_kernel_str(buf + off, 128, (void *)from);
	return n > 0 && n <= 128 ? off + n : off;
}

SEC("raw_tp/strings_one_after_the_other")
int strings_one_after_the_other(struct args *ctx)
{
	u32 zero = 0, off = 0;
	char *buf = bpf_map_lookup_elem(&scratch, &zero);

	if (!buf)
		return 1;
	off = append(buf, off, ctx->a[0]);
	off = append(buf, off, ctx->a[1]);
	off = append(buf, off, ctx->a[2]);
	if (off > 0 && off <= 1024)
		bpf_ringbuf_output(&events, buf, off & 1023, 0);
	return off;
}

SEC("raw_tp/strings_in_a_loop")
int strings_in_a_loop(struct args *ctx)
{
	u32 zero = 0, off = 0;
	char *buf = bpf_map_lookup_elem(&scratch, &zero);
	u64 from = ctx->a[0];

	if (!buf)
		return 1;
#pragma clang loop unroll(disable)
	for (int i = 0; i < 6; i++) {
		long n;

		if (off >= 1024 - 64)
			break;
		n = bpf_probe_read_kernel_str(buf + off, 64, (void *)from);
		if (n < 0)
			break;
		off += n;
		from += n;
	}
	return off;
}

SEC("raw_tp/copy_of_masked_length")
int copy_of_masked_length(struct args *ctx)
{
	char buf[64] = {};
	u32 n = ctx->a[1];

	n &= 63;
	bpf_probe_read_kernel(buf, n, (void *)ctx->a[0]);
	return buf[0] + buf[n];
}

SEC("raw_tp/bounded_index")
int bounded_index(struct args *ctx)
{
	u32 i = ctx->a[0];
	u64 k = ctx->a[1];

	if (i < 32)
		counters[i]++;
	counters[(ctx->a[2] >> 3) & 31] += 2;
	if (k > 0 && k <= 8)
		return state[k - 1];
	if (ctx->a[3] < 16)
		return table[ctx->a[3]];
	return -1;
}

SEC("raw_tp/loop_over_array")
int loop_over_array(struct args *ctx)
{
	u32 n = ctx->a[0], sum = 0;

	if (n > 32)
		n = 32;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 32; i++) {
		if (i >= n)
			break;
		sum += counters[i];
	}
	return sum;
}

SEC("raw_tp/search_table")
int search_table(struct args *ctx)
{
	int found = -1;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 16; i++) {
		if (table[i] == (u8)ctx->a[0]) {
			found = i;
			break;
		}
	}
	if (found >= 0)
		counters[found]++;
	return found;
}

__attribute__((noinline)) int clamp(int v, int max)
{
	if (v < 0)
		return 0;
	return v > max ? max : v;
}

__attribute__((noinline)) u64 mix(u64 a, u64 b)
{
	a ^= b;
	a *= 0x9e3779b97f4a7c15ULL;
	return a ^ (a >> 29);
}

static __attribute__((noinline)) void fill(struct key *key, u64 address, u32 kind)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->pid = 7;
	key->kind = kind;
	key->address = address;
}

SEC("raw_tp/global_functions")
int global_functions(struct args *ctx)
{
	int i = clamp(ctx->a[0], 7);
	struct key key;
	struct stat *s;

	fill(&key, mix(ctx->a[0], ctx->a[1]), ctx->a[2]);
	s = bpf_map_lookup_elem(&stats, &key);
	if (s)
		s->slots[key.kind & 31]++;
	if (i < 0 || i > 7)
		return -1;
	return state[i];
}

SEC("raw_tp/switches")
int switches(struct args *ctx)
{
	u32 slot;
	u64 *v;

	switch (ctx->a[0]) {
	case 0:
		slot = 1;
		break;
	case 1:
	case 2:
		slot = ctx->a[1] & 7;
		break;
	case 10:
		slot = 11;
		break;
	case 11:
		slot = 13;
		break;
	case 12:
		slot = 17;
		break;
	case 100:
		return 7;
	default:
		slot = ctx->a[2] % 64;
	}
	counters[slot % 32]++;
	v = bpf_map_lookup_elem(&hist, &slot);
	if (v)
		*v = ctx->a[0];
	return slot;
}

struct inner {
	u16 x, y;
	u8 name[5];
};

struct outer {
	u64 id;
	struct inner in[3];
	u32 last;
};

SEC("raw_tp/nested_structs")
int nested_structs(struct args *ctx)
{
	struct outer o = {}, p;

	o.id = ctx->a[0];
	o.in[1].x = ctx->a[1];
	o.in[1].y = o.in[1].x + 1;
	o.in[2].name[3] = ctx->a[2];
	o.last = o.in[1].y;
	p = o;
	p.in[0].x = 3;
	if (differ(&o.in[1], &p.in[1], sizeof(o.in[1])))
		return -1;
	if (bpf_ringbuf_output(&events, &p, sizeof(p), 0))
		return -2;
	return p.last + p.in[2].name[3];
}

SEC("raw_tp/compare_names")
int compare_names(struct args *ctx)
{
	char comm[16] = {}, want[] = "bash";

	if (bpf_probe_read_kernel_str(comm, sizeof(comm), (void *)ctx->a[0]) < 0)
		return -1;
	if (!differ(comm, want, sizeof(want)))
		return 1;
#pragma unroll
	for (int i = 0; i < 15; i++) {
		if (!comm[i])
			return i;
		if (comm[i] >= 'A' && comm[i] <= 'Z')
			return 100 + i;
	}
	return 15;
}

SEC("raw_tp/hash_of_string")
int hash_of_string(struct args *ctx)
{
	char buf[32] = {};
	u32 h = 2166136261u;
	long n = bpf_probe_read_kernel_str(buf, sizeof(buf), (void *)ctx->a[0]);

	if (n < 0)
		return -1;
#pragma clang loop unroll(disable)
	for (int i = 0; i < sizeof(buf); i++) {
		if (i >= n || !buf[i])
			break;
		h = (h ^ (u8)buf[i]) * 16777619u;
	}
	return h;
}

SEC("raw_tp/signed_ranges")
int signed_ranges(struct args *ctx)
{
	s64 d = (s64)ctx->a[0] - (s64)ctx->a[1];

	if (d < 0 || d > 7)
		return -1;
	return state[d];
}

SEC("raw_tp/divided")
int divided(struct args *ctx)
{
	u64 average = ctx->a[1] ? ctx->a[0] / ctx->a[1] : 0;
	u32 hundreds = (u16)ctx->a[0] / 2500;

	total += average;
	counters[hundreds & 31]++;
	return average;
}

SEC("raw_tp/pairs_of_pointers")
int pairs_of_pointers(struct args *ctx)
{
	u32 k0 = ctx->a[0] & 63, k1 = ctx->a[1] & 63;
	u64 *from = bpf_map_lookup_elem(&hist, &k0), *to = bpf_map_lookup_elem(&hist, &k1), *big;

	if (!from || !to)
		return -1;
	big = *from > *to ? from : to;
	*big += 1;
	if (min_size > 3)
		__sync_lock_test_and_set(to, *from);
	return *big;
}

SEC("raw_tp/two_records")
int two_records(struct args *ctx)
{
	u64 *a = bpf_ringbuf_reserve(&events, 16, 0), *b;

	if (!a)
		return 1;
	b = bpf_ringbuf_reserve(&events, 8, 0);
	if (b)
		*b = ctx->a[0];
	a[0] = ctx->a[1];
	a[1] = (u64)b != 0;
	if (ctx->a[2] & 1)
		bpf_ringbuf_discard(a, 0);
	else
		bpf_ringbuf_submit(a, BPF_RB_NO_WAKEUP);
	if (b)
		bpf_ringbuf_submit(b, 0);
	return 0;
}

SEC("raw_tp/scratch_window")
int scratch_window(struct args *ctx)
{
	u64 off = ctx->a[0], len = ctx->a[1];
	u32 zero = 0;
	char *buf = bpf_map_lookup_elem(&scratch, &zero);

	if (!buf || off > 512 || len > 512)
		return -1;
	if (bpf_probe_read_kernel(buf + off, len, (void *)ctx->a[2]))
		return -2;
	if (!len)
		return 0;
	return buf[off + len - 1];
}

SEC("raw_tp/nested_loops")
int nested_loops(struct args *ctx)
{
	u32 n = 0;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 12; i++) {
#pragma clang loop unroll(disable)
		for (u32 j = i; j < 12; j++) {
			if (ctx->a[3] >> i & 1)
				n += counters[(i * 2 + j) & 31];
		}
	}
	return n;
}
