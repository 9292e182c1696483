/* SPDX-License-Identifier: MIT */
/*
 * THE list of helper functions: one row a helper, read by helper.c (prototypes) and by whoever
 * documents them. Include it after defining
 *
 *   RAWTP_HELPER(id, name, returns, arg1, arg2, arg3, arg4, arg5, doc)
 *
 * The C function of a row is rawtp_helper_<name>, of type rawtp_helper_fn. Kinds are written without
 * their RET_ and ARG_. Ids, argument kinds and meanings are the kernel's (enum bpf_func_id; the
 * comments of <linux/bpf.h>). The macro is undefined at the end of this file.
 */
#ifndef RAWTP_HELPER
#error "define RAWTP_HELPER before including bpf/helpers/list.h"
#endif

/* clang-format off */
RAWTP_HELPER(1, map_lookup_elem, PTR_TO_MAP_VALUE_OR_NULL,
	     CONST_MAP_PTR, PTR_TO_MAP_KEY, NONE, NONE, NONE,
	     "The value of a key, or NULL.")
RAWTP_HELPER(2, map_update_elem, INTEGER,
	     CONST_MAP_PTR, PTR_TO_MAP_KEY, PTR_TO_MAP_VALUE, ANYTHING, NONE,
	     "Sets the value of a key; BPF_ANY, BPF_NOEXIST or BPF_EXIST.")
RAWTP_HELPER(3, map_delete_elem, INTEGER,
	     CONST_MAP_PTR, PTR_TO_MAP_KEY, NONE, NONE, NONE,
	     "Removes a key.")
RAWTP_HELPER(4, probe_read, INTEGER,
	     PTR_TO_UNINIT_MEM, CONST_SIZE_OR_ZERO, ANYTHING, NONE, NONE,
	     "Copies memory of the process that may not be there; zeros and -EFAULT where it is not.")
RAWTP_HELPER(5, ktime_get_ns, INTEGER,
	     NONE, NONE, NONE, NONE, NONE,
	     "Nanoseconds of CLOCK_MONOTONIC.")
/* As in the kernel the values are not checked: bpf_printk() leaves out those it has not. */
RAWTP_HELPER(6, trace_printk, INTEGER,
	     PTR_TO_MEM_RDONLY, CONST_SIZE, NONE, NONE, NONE,
	     "Prints a line with up to three values, for debugging.")
RAWTP_HELPER(7, get_prandom_u32, INTEGER,
	     NONE, NONE, NONE, NONE, NONE,
	     "A pseudo-random number of 32 bits.")
RAWTP_HELPER(8, get_smp_processor_id, INTEGER,
	     NONE, NONE, NONE, NONE, NONE,
	     "The number of the CPU that the thread ran on a moment ago.")
RAWTP_HELPER(12, tail_call, VOID,
	     PTR_TO_CTX, CONST_MAP_PTR, ANYTHING, NONE, NONE,
	     "Goes on in a program of an array, and does not come back; on behind it where there is none.")
RAWTP_HELPER(14, get_current_pid_tgid, INTEGER,
	     NONE, NONE, NONE, NONE, NONE,
	     "Process id << 32 | thread id.")
RAWTP_HELPER(15, get_current_uid_gid, INTEGER,
	     NONE, NONE, NONE, NONE, NONE,
	     "Group id << 32 | user id.")
RAWTP_HELPER(16, get_current_comm, INTEGER,
	     PTR_TO_UNINIT_MEM, CONST_SIZE, NONE, NONE, NONE,
	     "The name of the thread, always terminated.")
RAWTP_HELPER(27, get_stackid, INTEGER,
	     PTR_TO_CTX, CONST_MAP_PTR, ANYTHING, NONE, NONE,
	     "The id of the event's stack in a stack_trace map, where it is added if it is new.")
RAWTP_HELPER(42, get_numa_node_id, INTEGER,
	     NONE, NONE, NONE, NONE, NONE,
	     "The number of the NUMA node that the thread ran on a moment ago.")
RAWTP_HELPER(25, perf_event_output, INTEGER,
	     PTR_TO_CTX, CONST_MAP_PTR, ANYTHING, PTR_TO_MEM_RDONLY, CONST_SIZE_OR_ZERO,
	     "Copies a record into the ring of the CPU; -ENOSPC where it was lost, and is counted.")
RAWTP_HELPER(45, probe_read_str, INTEGER,
	     PTR_TO_UNINIT_MEM, CONST_SIZE_OR_ZERO, ANYTHING, NONE, NONE,
	     "Copies a string that may not be there; its length with the NUL, or -EFAULT.")
RAWTP_HELPER(67, get_stack, INTEGER,
	     PTR_TO_CTX, PTR_TO_UNINIT_MEM, CONST_SIZE_OR_ZERO, ANYTHING, NONE,
	     "The addresses of the event's stack, innermost first; how many bytes they take.")
RAWTP_HELPER(80, get_current_cgroup_id, INTEGER,
	     NONE, NONE, NONE, NONE, NONE,
	     "Id of the process's control group (version 2), not older than a second; 0: not known.")
RAWTP_HELPER(87, map_push_elem, INTEGER,
	     CONST_MAP_PTR, PTR_TO_MAP_VALUE, ANYTHING, NONE, NONE,
	     "Adds a value to a queue or stack; BPF_EXIST: in place of the oldest, if it is full.")
RAWTP_HELPER(88, map_pop_elem, INTEGER,
	     CONST_MAP_PTR, PTR_TO_UNINIT_MAP_VALUE, NONE, NONE, NONE,
	     "Takes the next value out of a queue or stack.")
RAWTP_HELPER(89, map_peek_elem, INTEGER,
	     CONST_MAP_PTR, PTR_TO_UNINIT_MAP_VALUE, NONE, NONE, NONE,
	     "The next value of a queue or stack, which stays there.")
RAWTP_HELPER(105, strtol, INTEGER,
	     PTR_TO_MEM_RDONLY, CONST_SIZE, ANYTHING, PTR_TO_LONG, NONE,
	     "A signed number out of text; the bytes that it took.")
RAWTP_HELPER(106, strtoul, INTEGER,
	     PTR_TO_MEM_RDONLY, CONST_SIZE, ANYTHING, PTR_TO_LONG, NONE,
	     "An unsigned number out of text; the bytes that it took.")
RAWTP_HELPER(109, send_signal, INTEGER,
	     ANYTHING, NONE, NONE, NONE, NONE,
	     "A signal to the process; -EPERM unless it runs with RAWTP_SEND_SIGNAL=1.")
RAWTP_HELPER(112, probe_read_user, INTEGER,
	     PTR_TO_UNINIT_MEM, CONST_SIZE_OR_ZERO, ANYTHING, NONE, NONE,
	     "As probe_read: here all memory is the process's own.")
RAWTP_HELPER(113, probe_read_kernel, INTEGER,
	     PTR_TO_UNINIT_MEM, CONST_SIZE_OR_ZERO, ANYTHING, NONE, NONE,
	     "As probe_read: here all memory is the process's own.")
RAWTP_HELPER(114, probe_read_user_str, INTEGER,
	     PTR_TO_UNINIT_MEM, CONST_SIZE_OR_ZERO, ANYTHING, NONE, NONE,
	     "As probe_read_str.")
RAWTP_HELPER(115, probe_read_kernel_str, INTEGER,
	     PTR_TO_UNINIT_MEM, CONST_SIZE_OR_ZERO, ANYTHING, NONE, NONE,
	     "As probe_read_str.")
RAWTP_HELPER(117, send_signal_thread, INTEGER,
	     ANYTHING, NONE, NONE, NONE, NONE,
	     "A signal to the thread; -EPERM unless the process runs with RAWTP_SEND_SIGNAL=1.")
RAWTP_HELPER(118, jiffies64, INTEGER,
	     NONE, NONE, NONE, NONE, NONE,
	     "Ticks of a hundredth of a second.")
RAWTP_HELPER(120, get_ns_current_pid_tgid, INTEGER,
	     ANYTHING, ANYTHING, PTR_TO_UNINIT_MEM, CONST_SIZE, NONE,
	     "Thread and process id in a pid namespace, which must be the process's own.")
RAWTP_HELPER(125, ktime_get_boot_ns, INTEGER,
	     NONE, NONE, NONE, NONE, NONE,
	     "Nanoseconds of CLOCK_BOOTTIME.")
RAWTP_HELPER(130, ringbuf_output, INTEGER,
	     CONST_MAP_PTR, PTR_TO_MEM_RDONLY, CONST_SIZE_OR_ZERO, ANYTHING, NONE,
	     "Copies a record into a ring buffer; -EAGAIN where there is no room.")
RAWTP_HELPER(131, ringbuf_reserve, PTR_TO_ALLOC_MEM_OR_NULL,
	     CONST_MAP_PTR, CONST_ALLOC_SIZE_OR_ZERO, ANYTHING, NONE, NONE,
	     "Room for a record, to be filled in place and submitted or discarded; NULL: no room.")
RAWTP_HELPER(132, ringbuf_submit, VOID,
	     PTR_TO_ALLOC_MEM, ANYTHING, NONE, NONE, NONE,
	     "Hands a reserved record to the reader.")
RAWTP_HELPER(133, ringbuf_discard, VOID,
	     PTR_TO_ALLOC_MEM, ANYTHING, NONE, NONE, NONE,
	     "Gives a reserved record up; the reader skips it.")
RAWTP_HELPER(134, ringbuf_query, INTEGER,
	     CONST_MAP_PTR, ANYTHING, NONE, NONE, NONE,
	     "Unread bytes, size or positions of a ring buffer, as they were a moment ago.")
/* The kernel has it for programs that may sleep alone: here nothing has to. */
RAWTP_HELPER(148, copy_from_user, INTEGER,
	     PTR_TO_UNINIT_MEM, CONST_SIZE_OR_ZERO, ANYTHING, NONE, NONE,
	     "As probe_read.")
/* The kernel has it for socket filters alone; libbpf takes its absence for an old kernel. */
RAWTP_HELPER(160, ktime_get_coarse_ns, INTEGER,
	     NONE, NONE, NONE, NONE, NONE,
	     "Nanoseconds of CLOCK_MONOTONIC_COARSE: cheaper, some milliseconds old.")
RAWTP_HELPER(164, for_each_map_elem, INTEGER,
	     CONST_MAP_PTR, PTR_TO_FUNC, PTR_TO_STACK_OR_NULL, ANYTHING, NONE,
	     "Calls a function with each key and value of a map until it returns 1; how often.")
RAWTP_HELPER(165, snprintf, INTEGER,
	     PTR_TO_OUT_MEM_OR_NULL, CONST_SIZE_OR_ZERO, PTR_TO_CONST_STR,
	     PTR_TO_MEM_OR_NULL, CONST_SIZE_OR_ZERO,
	     "Formats up to twelve values into a buffer; the length that it would have, with the NUL.")
RAWTP_HELPER(174, get_attach_cookie, INTEGER,
	     PTR_TO_CTX, NONE, NONE, NONE, NONE,
	     "The number that the program was attached with, or 0.")
RAWTP_HELPER(177, trace_vprintk, INTEGER,
	     PTR_TO_MEM_RDONLY, CONST_SIZE, PTR_TO_MEM_OR_NULL, CONST_SIZE_OR_ZERO, NONE,
	     "Prints a line with up to twelve values, for debugging.")
RAWTP_HELPER(181, loop, INTEGER,
	     ANYTHING, PTR_TO_FUNC, PTR_TO_STACK_OR_NULL, ANYTHING, NONE,
	     "Calls a function with 0, 1, ... until it returns 1, 8,388,608 times at most; how often.")
RAWTP_HELPER(182, strncmp, INTEGER,
	     PTR_TO_MEM_RDONLY, CONST_SIZE, PTR_TO_CONST_STR, NONE, NONE,
	     "Compares memory with a constant string.")
RAWTP_HELPER(156, task_storage_get, PTR_TO_MAP_VALUE_OR_NULL,
	     CONST_MAP_PTR, PTR_TO_TASK, PTR_TO_MAP_VALUE_OR_NULL, ANYTHING, NONE,
	     "The thread's own value; BPF_LOCAL_STORAGE_GET_F_CREATE: a new one, if it has none.")
RAWTP_HELPER(157, task_storage_delete, INTEGER,
	     CONST_MAP_PTR, PTR_TO_TASK, NONE, NONE, NONE,
	     "Removes the thread's own value.")
RAWTP_HELPER(158, get_current_task_btf, PTR_TO_TASK,
	     NONE, NONE, NONE, NONE, NONE,
	     "The thread, for task_storage_get and task_storage_delete.")
RAWTP_HELPER(195, map_lookup_percpu_elem, PTR_TO_MAP_VALUE_OR_NULL,
	     CONST_MAP_PTR, PTR_TO_MAP_KEY, ANYTHING, NONE, NONE,
	     "The value of a key that belongs to a CPU, or NULL.")
RAWTP_HELPER(197, dynptr_from_mem, INTEGER,
	     PTR_TO_UNINIT_MEM, CONST_SIZE_OR_ZERO, ANYTHING, PTR_TO_UNINIT_DYNPTR, NONE,
	     "Makes a dynptr to memory of a map value.")
RAWTP_HELPER(198, ringbuf_reserve_dynptr, INTEGER,
	     CONST_MAP_PTR, ANYTHING, ANYTHING, PTR_TO_UNINIT_DYNPTR, NONE,
	     "Room for a record of any size as a dynptr; to be given back also where it failed.")
RAWTP_HELPER(199, ringbuf_submit_dynptr, VOID,
	     PTR_TO_RINGBUF_DYNPTR, ANYTHING, NONE, NONE, NONE,
	     "Hands the record of a dynptr to the reader.")
RAWTP_HELPER(200, ringbuf_discard_dynptr, VOID,
	     PTR_TO_RINGBUF_DYNPTR, ANYTHING, NONE, NONE, NONE,
	     "Gives the record of a dynptr up; the reader skips it.")
RAWTP_HELPER(201, dynptr_read, INTEGER,
	     PTR_TO_UNINIT_MEM, CONST_SIZE_OR_ZERO, PTR_TO_DYNPTR, ANYTHING, ANYTHING,
	     "Copies out of a dynptr's memory; -E2BIG beyond its end.")
RAWTP_HELPER(202, dynptr_write, INTEGER,
	     PTR_TO_DYNPTR, ANYTHING, PTR_TO_MEM_RDONLY, CONST_SIZE_OR_ZERO, ANYTHING,
	     "Copies into a dynptr's memory; -E2BIG beyond its end.")
RAWTP_HELPER(203, dynptr_data, PTR_TO_DYNPTR_MEM_OR_NULL,
	     PTR_TO_DYNPTR, ANYTHING, CONST_ALLOC_SIZE_OR_ZERO, NONE, NONE,
	     "The address of a part of a dynptr's memory, or NULL.")
RAWTP_HELPER(208, ktime_get_tai_ns, INTEGER,
	     NONE, NONE, NONE, NONE, NONE,
	     "Nanoseconds of CLOCK_TAI.")
/* clang-format on */

#undef RAWTP_HELPER
