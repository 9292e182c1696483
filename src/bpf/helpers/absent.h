/* SPDX-License-Identifier: MIT */
/*
 * THE list of the kernel's helpers for raw tracepoints that cannot be here, and what to do instead:
 * the verifier's refusal ends with it. Include it after defining RAWTP_ABSENT_HELPER(name, why). The
 * macro is undefined at the end of this file.
 */
#ifndef RAWTP_ABSENT_HELPER
#error "define RAWTP_ABSENT_HELPER before including bpf/helpers/absent.h"
#endif

/* clang-format off */
RAWTP_ABSENT_HELPER(get_cgroup_classid, "a process has no net_cls class; use bpf_get_current_cgroup_id()")
RAWTP_ABSENT_HELPER(perf_event_read, "hardware counters are the kernel's; use bpf_ktime_get_ns(), or perf stat beside")
RAWTP_ABSENT_HELPER(perf_event_read_value, "hardware counters are the kernel's; use bpf_ktime_get_ns(), or perf stat beside")
RAWTP_ABSENT_HELPER(get_current_task, "a process has no task_struct; use bpf_get_current_pid_tgid() and bpf_get_current_comm()")
RAWTP_ABSENT_HELPER(probe_write_user, "programs write to their stack, maps and ring buffers only")
RAWTP_ABSENT_HELPER(current_task_under_cgroup, "a process cannot look into a cgroup map; compare bpf_get_current_cgroup_id()")
RAWTP_ABSENT_HELPER(spin_lock, "a lock in shared memory is lost with its owner; use atomics or a per-CPU map")
RAWTP_ABSENT_HELPER(spin_unlock, "a lock in shared memory is lost with its owner; use atomics or a per-CPU map")
RAWTP_ABSENT_HELPER(get_current_ancestor_cgroup_id, "groups above a process may be hidden from it; use bpf_get_current_cgroup_id()")
RAWTP_ABSENT_HELPER(get_task_stack, "a thread cannot walk another's stack; use bpf_get_stack()")
RAWTP_ABSENT_HELPER(snprintf_btf, "the types of the kernel are not known here; use bpf_snprintf()")
RAWTP_ABSENT_HELPER(per_cpu_ptr, "a process has no per-CPU variables of the kernel; use a per-CPU map")
RAWTP_ABSENT_HELPER(this_cpu_ptr, "a process has no per-CPU variables of the kernel; use a per-CPU map")
RAWTP_ABSENT_HELPER(timer_init, "nothing here runs a program later; compare bpf_ktime_get_ns() at events")
RAWTP_ABSENT_HELPER(timer_set_callback, "nothing here runs a program later; compare bpf_ktime_get_ns() at events")
RAWTP_ABSENT_HELPER(timer_start, "nothing here runs a program later; compare bpf_ktime_get_ns() at events")
RAWTP_ABSENT_HELPER(timer_cancel, "nothing here runs a program later; compare bpf_ktime_get_ns() at events")
RAWTP_ABSENT_HELPER(get_func_ip, "a raw tracepoint is in no function of its own; bpf_get_stack() has the caller's address")
RAWTP_ABSENT_HELPER(task_pt_regs, "no registers are saved at a tracepoint; its arguments are ctx->args")
RAWTP_ABSENT_HELPER(get_branch_snapshot, "the CPU's branch records are the kernel's; use bpf_get_stack()")
RAWTP_ABSENT_HELPER(find_vma, "a process has no vm_area_struct; addresses are looked up in /proc/PID/maps by the reader")
RAWTP_ABSENT_HELPER(copy_from_user_task, "a program reads its own process only; use bpf_probe_read_user()")
RAWTP_ABSENT_HELPER(kptr_xchg, "maps hold no pointers to kernel objects; store values")
/* clang-format on */

#undef RAWTP_ABSENT_HELPER
