#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rawtp stat: exact counts in a process and in the kernel without an object, what ends it, what it refuses.
. tests/cli/lib.sh

program kernel_mixed || exit 1
mkfifo "$dir/in"
"$dir/kernel_mixed" <"$dir/in" >"$dir/done" &
pid=$!
pids+=("$pid")
exec 9>"$dir/in"
wait_for "$pid"

refuses no-match 1 'none of [0-9]+ tracepoints matches mixed_requst; nearest: mixed_request$' \
	"$rawtp" stat -p "$pid" mixed_requst
refuses no-process 1 'process 2147483647: there is no such process' "$rawtp" stat -p 2147483647
refuses no-comm 1 'no process called no-such-name carries tracepoints; see rawtp ps$' "$rawtp" stat --comm no-such-name
refuses bad-count 2 '--count x is no number' "$rawtp" stat --count x

# stat ARGUMENTS in the background, then a command, then Ctrl-C.
counted() { # FILE COMMAND ARGUMENTS...
	local file=$1 command=$2 i tracer
	: >"$file"
	"${@:3}" >"$file" 2>"$dir/err" &
	tracer=$!
	pids+=("$tracer")
	for ((i = 0; i < 400; i++)); do
		grep -q intervals "$file" && break
		sleep 0.02
	done
	$command
	kill -INT "$(pgrep -P "$tracer" -x rawtp || echo "$tracer")"
	wait "$tracer" || { cat "$dir/err"; return 1; }
}
requests() {
	local i before
	before=$(wc -l <"$dir/done")
	echo 1000 >&9
	for ((i = 0; i < 500; i++)); do
		(($(wc -l <"$dir/done") > before)) && break
		sleep 0.02
	done
}
have_json || {
	((failed)) && exit 1
	skip_all "no python3"
}
check process counted "$dir/json" requests "$rawtp" stat --json --interval 0 --sample 1 -p "$pid"
check process-exact json "$dir/json" "{t['tracepoint']: (t['events'], t['misses'], t['pid']) for t in j['totals']} ==
	{'mixed_request': (1000, 0, $pid), 'sys_exit': (500, 0, $pid)} and j['silent'] == 0 and
	[t['ns_per_run'] is not None for t in j['totals']] == [True, True] and j['intervals'] == [] and
	[t['tracepoint'] for t in j['totals']] == ['mixed_request', 'sys_exit']"
check process-glob counted "$dir/json" requests "$rawtp" stat --json --interval 0 --sample 0 --comm kernel_mixed 'mixed_*'
check process-glob-only json "$dir/json" \
	"[(t['tracepoint'], t['events'], t['ns_per_run']) for t in j['totals']] == [('mixed_request', 1000, None)]"
check detached test "$("$rawtp" ps --json | python3 -c "import json, sys
print([len(p['links']) for p in json.load(sys.stdin) if p['pid'] == $pid])")" = "[0]"
into() { "${@:2}" >"$1"; }
check tables into "$dir/text" "$rawtp" stat -p "$pid" --interval 0.05 --count 3
check tables-three test "$(grep -c '^after ' "$dir/text")" = 3
check tables-summary grep -qE '^ +2 tracepoints attached to, 2 without an event$' "$dir/text"
# All that carry tracepoints; the end of the last target is the end.
"$dir/kernel_mixed" <<<1000 >/dev/null # one that has gone is no matter
check all-processes into "$dir/json" "$rawtp" stat --json --for 0.1
check all-processes-ours json "$dir/json" "$pid in [t['pid'] for t in j['targets']]"
# A process alone: nothing of the kernel is touched.
traceable() { type -P strace >/dev/null && strace -o "$dir/probe" true 2>/dev/null && [[ ! $SAN ]]; }
if traceable; then
	strace -f -s 60 -e 'trace=!read,pread64,write' -o "$dir/trace" \
		"$rawtp" stat -p "$pid" --for 0.1 >"$dir/out" 2>&1
	check process-attached grep -q '2 tracepoints attached to' "$dir/out"
	check process-touches-no-kernel test -z "$(grep -E ' bpf\(|/sys/kernel/|perf_event_open' "$dir/trace")"
else
	echo "skip process-touches-no-kernel # strace cannot trace here, or a sanitizer is in the way"
fi
end() { exec 9>&-; }
check ends-with-its-target counted "$dir/json" end "$rawtp" stat --json --interval 0 -p "$pid"

# The kernel.
"$rawtp" stat -k --for 0.05 sched_switch >"$dir/out" 2>&1 || {
	((failed)) && exit 1
	skip_all "the kernel's bpf(2) is not permitted here, or it shows no BTF: $(tail -n 1 "$dir/out")"
}
refuses kernel-no-match 1 'none of [0-9]+ tracepoints matches task_renam; nearest: task_rename' "$rawtp" stat -k task_renam
cat >"$dir/rename.c" <<'END'
#include <sys/prctl.h>
int main(void)
{
	for (int i = 0; i < 70000; i++)
		prctl(PR_SET_NAME, i % 2 ? "one" : "two", 0, 0, 0);
	return 0;
}
END
"$CC" -o "$dir/rename" "$dir/rename.c" || exit 1
# Others may rename themselves meanwhile, but not so often.
enough="70000 <= [t['events'] - t['misses'] for t in j['totals'] if t['tracepoint'] == 'task_rename'][0] < 80000"
check kernel counted "$dir/json" "$dir/rename" "$rawtp" stat -k --json --interval 0 'task_*'
check kernel-counts json "$dir/json" "$enough and j['tracepoints'] >= 2 and j['targets'][0]['kernel'] and
	all(t['side'] == 'kernel' and t['ns_per_run'] > 0 for t in j['totals'] if t['events'] > t['misses'])"
# The kernel alone: no process is touched, though there is one.
if traceable; then
	strace -f -s 60 -e 'trace=!read,pread64,write' -o "$dir/trace" \
		"$rawtp" stat -k --for 0.1 task_rename >"$dir/out" 2>&1
	check kernel-attached grep -q 'bpf(BPF_RAW_TRACEPOINT_OPEN' "$dir/trace"
	check kernel-touches-no-process test -z \
		"$(grep -E 'socket\(|connect\(|sendmsg\(|ptrace\(|process_vm|kill\(|"/proc/[0-9]|rawtp-' "$dir/trace" |
			grep -vE 'execve\(|"/proc/self')"
fi
without() { setpriv --bounding-set "$1" --inh-caps "$1" "${@:2}"; }
if without -sys_admin true 2>/dev/null; then
	check kernel-no-sys-admin counted "$dir/json" "$dir/rename" \
		without -sys_admin "$rawtp" stat -k --json --interval 0 task_rename
	check kernel-no-sys-admin-counts json "$dir/json" "$enough and j['totals'][0]['ns_per_run'] is None"
	check kernel-no-sys-admin-says grep -q 'BPF_ENABLE_STATS needs CAP_SYS_ADMIN' "$dir/err"
	refuses kernel-no-capability 1 '^rawtp stat: -k: CAP_BPF is missing' without -all "$rawtp" stat -k sched_switch
fi
hidden() { unshare -m bash -c 'mount -t tmpfs none /sys/kernel/btf && "$@"' bash "$@"; }
if hidden true 2>/dev/null; then
	check kernel-no-btf hidden "$rawtp" stat -k --for 0.05 task_rename
	refuses kernel-no-btf-all 1 'the kernel shows no BTF, so its tracepoints are unknown; name them' hidden "$rawtp" stat -k
	refuses kernel-no-btf-unknown 1 'task_renam: the kernel has no such raw tracepoint' hidden "$rawtp" stat -k task_renam
fi
if bpftool prog list >/dev/null 2>&1; then
	check kernel-nothing-stays bash -c 'for i in {1..100}; do
		bpftool prog list | grep -qw rawtp_stat || exit 0; sleep 0.1; done; exit 1'
fi
exit $failed
