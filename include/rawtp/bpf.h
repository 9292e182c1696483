/* SPDX-License-Identifier: MIT */
/*
 * bpf(2) in user space.
 *
 * Numbers, structures, flags and errors are those of <linux/bpf.h>; what they mean is in bpf(2) and
 * in the kernel's Documentation/bpf/. Objects are file descriptors: a map is a memfd whose pages
 * hold the map, a program is a sealed memfd, a link is one end of a socket.
 */
#ifndef RAWTP_BPF_H
#define RAWTP_BPF_H

#include <linux/bpf.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * rawtp_bpf - bpf(2) on objects of user space
 * @cmd: enum bpf_cmd
 * @attr: its arguments; bytes beyond what this library knows must be zero
 * @size: size of @attr in bytes
 *
 * Stands in for syscall(__NR_bpf, ...). Returns what the command returns in the kernel (a file
 * descriptor with O_CLOEXEC, or 0); on error -1 with errno set: EINVAL for a command that is not
 * implemented, for unknown flags and bad values; E2BIG for trailing bytes that are not zero; the
 * rest as in bpf(2). Never reaches the kernel's own bpf(2). Thread-safe; not async-signal-safe.
 */
int rawtp_bpf(int cmd, union bpf_attr *attr, unsigned int size);

/**
 * rawtp_prog_attach - run a program at a tracepoint of this process
 * @prog_fd: from BPF_PROG_LOAD, of type BPF_PROG_TYPE_RAW_TRACEPOINT
 * @name: the tracepoint's name
 *
 * Returns the file descriptor of the link: closing it detaches the program. On error -1 with
 * errno: ENOENT, no loaded object has such a tracepoint; EINVAL, the program reads more arguments
 * than it has; EBADF, ENOMEM. Thread-safe; not async-signal-safe.
 */
int rawtp_prog_attach(int prog_fd, const char *name);

#pragma GCC visibility pop
/**
 * rawtp_ringbuf_poll - wait for a record in a BPF_MAP_TYPE_RINGBUF
 * @map_fd: the map, or a descriptor of rawtp_perf_event_open()
 * @timeout_ms: how long; 0: only look, -1: for ever
 *
 * Returns 1 when there is something to read, 0 when the time is over or a signal came. The map's
 * memory is read as the kernel's (libbpf's ring_buffer__consume()); epoll does not know it. On error
 * -1 with errno: EBADF; EINVAL, not a ring buffer. Thread-safe; not async-signal-safe.
 */
int rawtp_ringbuf_poll(int map_fd, int timeout_ms);

struct perf_event_attr;

/**
 * rawtp_perf_event_open - perf_event_open(2) for BPF_MAP_TYPE_PERF_EVENT_ARRAY
 * @attr: type PERF_TYPE_SOFTWARE, config PERF_COUNT_SW_BPF_OUTPUT, sample_type PERF_SAMPLE_RAW
 * @pid: -1
 * @cpu: whose records
 * @group_fd: -1
 * @flags: 0 or PERF_FLAG_FD_CLOEXEC
 *
 * Returns a descriptor. mmap(2) it as the kernel's (a page, and data of a power of two pages, up to
 * 16 MiB), then put it into a map of rawtp_bpf(): from then on the mapping shows what programs on
 * @cpu write by bpf_perf_event_output(). One reader an entry: the last. On error -1 with errno: ENOENT,
 * an event of another kind; EINVAL; ENODEV, no such CPU; EFAULT, EMFILE, ENOMEM. Thread-safe; not
 * async-signal-safe.
 */
int rawtp_perf_event_open(const struct perf_event_attr *attr, int pid, int cpu, int group_fd,
			  unsigned long flags);

/**
 * rawtp_perf_event_ioctl - ioctl(2) on a descriptor of rawtp_perf_event_open()
 * @fd: the descriptor
 * @request: PERF_EVENT_IOC_ENABLE or PERF_EVENT_IOC_DISABLE
 *
 * Returns 0; on error -1 with errno: EBADF, no such descriptor; ENOTTY, another request. Thread-safe;
 * not async-signal-safe.
 */
int rawtp_perf_event_ioctl(int fd, unsigned long request);

/**
 * rawtp_trace_ring - the lines of bpf_trace_printk()
 *
 * Returns a descriptor of the ring buffer, the caller's to close, that takes the lines of all
 * programs that this process loads, in whatever process they run; a record is a
 * struct rawtp_trace_line. On error -1 with errno: ENOENT, no program that was loaded prints;
 * EMFILE. Thread-safe; not async-signal-safe.
 */
int rawtp_trace_ring(void);

struct rawtp_trace_line {
	__u64 time;     /* nanoseconds of CLOCK_MONOTONIC */
	__u32 pid, tid; /* as the process sees itself */
	__u32 cpu;
	char comm[16];    /* name of the thread */
	char program[16]; /* name of the program */
	char text[];      /* NUL-terminated */
};

/**
 * rawtp_bpf_set_target - whose tracepoints programs are attached to from now on
 * @target: "self", this process (the state after start); "PID,PID,..."; or "comm:NAME", each process
 *          of that name that carries tracepoints
 *
 * Means BPF_RAW_TRACEPOINT_OPEN alone: maps and programs belong to no process. One link stands for
 * all targets. Returns 0; on error -1 with errno: ESRCH, no such process; ENOENT, it carries no
 * tracepoints; EACCES, it is another user's; ETIMEDOUT, it does not answer; EINVAL, @target is none
 * of these; and nothing has changed. Thread-safe; not async-signal-safe.
 */
int rawtp_bpf_set_target(const char *target);

/**
 * rawtp_bpf_target_btf - the types of the processes that programs are attached to
 *
 * Returns a descriptor (O_CLOEXEC), the caller's to close, of a file that holds BTF: the types of the
 * first target, from the .BTF sections of its objects with tracepoints, and for each tracepoint a
 * type btf_trace_NAME, as the kernel's BTF has it. Its numbers are those of attach_btf_id. On error
 * -1 with errno: ENOENT, the target's objects have no BTF; ENOMEM, EMFILE. Thread-safe; not
 * async-signal-safe.
 */
int rawtp_bpf_target_btf(void);

#ifdef __cplusplus
}
#endif
#endif
