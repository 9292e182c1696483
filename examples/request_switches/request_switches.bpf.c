/* SPDX-License-Identifier: MIT */
/*
 * When was the thread that serves a request off the CPU? One object for both worlds: the server's
 * tracepoints say which thread serves which request, the kernel's sched_switch looks that up.
 *
 *	rawtp attach -k -p PID --record event request_switches.bpf.o
 *
 * An array with BPF_F_MMAPABLE is one for both sides; each has its own ring buffer: the command merges
 * their records by time. On some machines the kernel's tracepoint itself leaves out a few switches.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define SLOTS 4096
enum what { REQUEST_BEGINS, SWITCHED_OUT, SWITCHED_IN, REQUEST_ENDS };

struct event {
	__u64 time;
	__u32 tid, cpu, request;
	enum what what;
};
const struct event *unused;

/* By thread: its request and, in the low half, its number; 0: none. Read and written as one word. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} serving SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

static void tell(__u32 tid, __u32 request, enum what what)
{
	struct event event = {bpf_ktime_get_ns(), tid, bpf_get_smp_processor_id(), request, what};

	bpf_ringbuf_output(&events, &event, sizeof(event), 0);
}

static volatile __u64 *slot_of(__u32 tid)
{
	__u32 index = tid % SLOTS;

	return bpf_map_lookup_elem(&serving, &index);
}

SEC("raw_tp/server_begin")
int on_begin(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid(), request = (__u32)ctx->args[0];
	volatile __u64 *slot = slot_of(tid);

	tell(tid, request, REQUEST_BEGINS);
	if (slot)
		*slot = (__u64)request << 32 | tid;
	return 0;
}

SEC("raw_tp/server_end")
int on_end(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	volatile __u64 *slot = slot_of(tid);

	if (slot)
		*slot = 0;
	tell(tid, (__u32)ctx->args[0], REQUEST_ENDS);
	return 0;
}

/* sched_switch(bool preempt, struct task_struct *prev, struct task_struct *next, ...) */
static void look(const struct task_struct *task, enum what what)
{
	__u32 tid = (__u32)BPF_CORE_READ(task, pid);
	volatile __u64 *slot = slot_of(tid);
	__u64 word = slot ? *slot : 0;

	if (tid && (__u32)word == tid)
		tell(tid, word >> 32, what);
}

SEC("raw_tp/sched_switch")
int on_switch(struct bpf_raw_tracepoint_args *ctx)
{
	look((const void *)ctx->args[1], SWITCHED_OUT);
	look((const void *)ctx->args[2], SWITCHED_IN);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
