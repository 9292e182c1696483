/* SPDX-License-Identifier: MIT */
/*
 * What an unmodified libbpf calls, taken over by defining the same symbols: syscall(), ioctl(),
 * epoll_ctl(), epoll_wait(), epoll_pwait(). Linked into a tool (with -rdynamic, so that libbpf.so finds them
 * before libc's), or preloaded as librawtp-bpf.so.
 *
 * Only bpf(2) is routed, perf_event_open(2) for what programs of ours output, ring buffers and such
 * events in an epoll set, and the file of the kernel's BTF where the target has types of its own
 * (route_btf.c); everything else goes through unchanged.
 */
#ifndef RAWTP_PRELOAD_ROUTE_H
#define RAWTP_PRELOAD_ROUTE_H

#include <stdbool.h>

/*
 * Whose bpf(2) the calls of this process reach from now on: the kernel's, or rawtp_bpf() (what a
 * tool starts with). At any time, from any thread; objects that exist keep working with their own.
 */
void rawtp_target_kernel(bool kernel);

/*
 * Asked before each bpf(2): 0, the kernel's; 1, rawtp_bpf(); -errno, neither, and the call fails.
 * The tool's answer is what rawtp_target_kernel() said; the preload library's is the environment's.
 */
int rawtp_route(void);

/* Whether who opens the kernel's BTF is to see the types of the target. */
bool rawtp_route_types(void);

/* The tool says when: it reads the kernel's, too. */
void rawtp_target_types(bool shown);

#endif
