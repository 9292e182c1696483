#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rawtp attach -k: exact counts from the kernel's own bpf(2), what is refused and why, and that
# neither side is touched when the other is meant.
. tests/cli/lib.sh

kernel_bpf() { # NAME FLAGS...: as bpf, with flags
	local name=$1
	shift
	"$CLANG" -O2 -g -target bpf -mcpu=v3 -x c -idirafter "/usr/include/$("$CC" -print-multiarch)" "$@" \
		-c -o "$dir/$name.bpf.o" tests/cli/kernel_calls.bpf.c || exit 1
}
number=$(printf '#include <sys/syscall.h>\nSYS_getppid\n' | "$CC" -E -P - | tail -n 1)
kernel_bpf calls "-DNUMBER=$number"
object=$dir/calls.bpf.o
cat >"$dir/calls.c" <<'END'
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	for (long n = argc > 1 ? atol(argv[1]) : 0; n; n--)
		syscall(SYS_getppid);
	return 0;
}
END
"$CC" -o "$dir/rawtp-calls" "$dir/calls.c" || exit 1

refuses kernel-and-no-process 1 'process 2147483647: there is no such process' \
	"$rawtp" attach -k -p 2147483647 "$object"
refuses no-target 2 'or the kernel: -k' "$rawtp" attach "$object"

# What is missing, and for what. Root without a capability is as good as any user.
without() { # CAPABILITIES COMMAND...
	setpriv --bounding-set "$1" --inh-caps "$1" "${@:2}"
}
if without -bpf true 2>/dev/null; then
	refuses no-capability 1 '-k: CAP_BPF is missing, .* and CAP_PERFMON, ' \
		without -all "$rawtp" attach -k "$object"
	refuses test-no-capability 1 '^rawtp test: -k: CAP_BPF is missing' \
		without -all "$rawtp" test -k "$object" on_call 1 2
else
	echo "skip no-capability # setpriv cannot drop capabilities here"
fi
if unshare -Ur true 2>/dev/null; then
	refuses user-namespace 1 "must be the host's, not those of a user namespace" \
		unshare -Ur "$rawtp" attach -k "$object"
else
	echo "skip user-namespace # none can be made here"
fi

if setarch --uname-2.6 true 2>/dev/null; then
	refuses too-old 1 '-k needs Linux 4.17, .* this is 2\.6\..*; processes can be traced all the same' \
		setarch --uname-2.6 "$rawtp" attach -k "$object"
fi
locked_down() {
	unshare -Urm bash -c 'mount -t tmpfs none /sys/kernel/security &&
		echo "none integrity [confidentiality]" >/sys/kernel/security/lockdown && exec "$@"' bash "$@"
}
if locked_down true 2>/dev/null; then
	refuses locked-down 1 'it is locked down \(/sys/kernel/security/lockdown: confidentiality\)' \
		locked_down "$rawtp" attach -k "$object"
fi

if ! "$rawtp" test -k "$object" on_call 1 2 >/dev/null 2>&1; then
	((failed)) && exit 1
	skip_all "the kernel's bpf(2) is not permitted here"
fi

if without -sys_admin true 2>/dev/null; then
	refuses no-cap-bpf 1 '-k: CAP_BPF is missing, which making maps' \
		without -sys_admin,-bpf "$rawtp" attach -k "$object"
	refuses no-cap-perfmon 1 '-k: CAP_PERFMON is missing, which programs for raw tracepoints' \
		without -sys_admin,-perfmon "$rawtp" attach -k "$object"
fi

# rawtp attach ARGUMENTS in the background; waits until it is attached, runs calls, ends it.
calls=70000
traced() { # FILE ARGUMENTS...
	local file=$1 i
	shift
	: >"$file" # an earlier run's is not this one's
	"$@" >"$file" 2>"$dir/err" &
	pid=$!
	pids+=("$pid")
	for ((i = 0; i < 200; i++)); do
		grep -qE 'attached to the kernel|"targets"' "$file" && break
		sleep 0.05
	done
	"$dir/rawtp-calls" $calls
	kill -INT "$(pgrep -P "$pid" -x rawtp || echo "$pid")"
	wait "$pid"
}
check attach traced "$dir/text" "$rawtp" attach -k "$object"
check attach-says-whom grep -qE '^attached to the kernel \([0-9].*\); Ctrl-C detaches$' "$dir/text"
check attach-total grep -qE '^ +total  on_call +sys_enter +[0-9,]+ +[0-9,]+ +[0-9.]+ +0$' "$dir/text"
check attach-map grep -qx "calls (percpu_array): $calls" "$dir/text"
check attach-records grep -qE "^records \(ringbuf\): $((calls / 100)) records" "$dir/text"
check attach-json-run traced "$dir/json" "$rawtp" attach -k --json --record call "$object"
if have_json; then
	check attach-json json "$dir/json" "len(j['targets']) == 1 and j['targets'][0]['kernel'] and
		[m['variables']['total'] for m in j['maps'] if m['name'] == '.bss'] == [$calls] and
		[e['record'] for e in j['events'] if 'record' in e] == $((calls / 100)) * [{'number': $number}] and
		j['totals'][0]['events'] >= $calls and j['totals'][0]['ns_per_run'] > 0 and
		j['totals'][0]['runs'] == j['totals'][0]['events'] - j['totals'][0]['misses']"
fi
# rawtp run -k: the command beside the kernel's programs, from its first instruction to its last.
refuses run-no-object 2 '-k: name a BPF object' "$rawtp" run -k -- true
if have_json; then
	check run "$rawtp" run -k --json -o "$dir/json" "$object" -- "$dir/rawtp-calls" $calls
	check run-exact json "$dir/json" "[m['variables']['total'] for m in j['maps'] if m['name'] == '.bss'] == [$calls] and
		j['targets'][0]['kernel'] and len(j['targets']) == 1"
fi
status_is() { # WANT COMMAND...
	local rc=0
	"${@:2}" >"$dir/out" 2>"$dir/err" || rc=$?
	((rc == $1)) || { echo "status $rc, not $1"; cat "$dir/err"; return 1; }
}
check run-status status_is 7 "$rawtp" run -k "$object" -- sh -c 'exit 7'
check run-not-found status_is 127 "$rawtp" run -k "$object" -- ./no-such-command
check run-not-found-says grep -qx 'rawtp run: ./no-such-command: cannot be run: No such file or directory' "$dir/err"
check run-preloads-nothing status_is 0 "$rawtp" run -k "$object" -- sh -c 'test -z "$LD_PRELOAD$RAWTP_START_FD"'
gone() { # the kernel frees programs a grace period after their last user
	local i
	for ((i = 0; i < 100; i++)); do
		bpftool prog list 2>/dev/null | grep -qw on_call || return 0
		sleep 0.1
	done
	return 1
}
check nothing-stays gone

# Runs are not counted where nobody asks, or where it is not permitted; the maps are right.
check attach-uncounted traced "$dir/json" "$rawtp" attach -k --json --sample 0 "$object"
have_json && check attach-uncounted-null json "$dir/json" "j['totals'][0]['events'] is None and
	[m['entries'] for m in j['maps'] if m['name'] == 'calls'][0][0]['value'] == $calls"
if without -sys_admin true 2>/dev/null; then
	check attach-no-sys-admin traced "$dir/text" without -sys_admin "$rawtp" attach -k "$object"
	check attach-no-sys-admin-says grep -q 'BPF_ENABLE_STATS needs CAP_SYS_ADMIN' "$dir/err"
	check attach-no-sys-admin-map grep -qx "calls (percpu_array): $calls" "$dir/text"
fi

# Names and arguments that the kernel does not have.
sed 's|raw_tp/sys_enter|raw_tp/sys_entr|' tests/cli/kernel_calls.bpf.c | "$CLANG" -O2 -g -target bpf -x c \
	"-DNUMBER=$number" -idirafter "/usr/include/$("$CC" -print-multiarch)" -c -o "$dir/typo.bpf.o" -
sed 's|args\[1\]|args[7]|' tests/cli/kernel_calls.bpf.c | "$CLANG" -O2 -g -target bpf -x c \
	"-DNUMBER=$number" -idirafter "/usr/include/$("$CC" -print-multiarch)" -c -o "$dir/args.bpf.o" -
if [[ -r /sys/kernel/btf/vmlinux ]]; then
	refuses unknown-name 1 'program on_call: the kernel has no raw tracepoint sys_entr; nearest: sys_enter.*; see rawtp list -k$' \
		"$rawtp" attach -k "$dir/typo.bpf.o"
	refuses too-many-args 1 'reads more arguments than .*sys_enter has \(2\); see rawtp list -k sys_enter$' \
		"$rawtp" attach -k --sample 0 "$dir/args.bpf.o"
fi
if unshare -m mount -t tmpfs none /sys/kernel/btf 2>/dev/null; then
	refuses unknown-name-no-btf 1 'has no raw tracepoint sys_entr.*it shows no BTF' \
		unshare -m bash -c 'mount -t tmpfs none /sys/kernel/btf && "$@"' bash "$rawtp" attach -k "$dir/typo.bpf.o"
fi

# Each side by itself.
if type -P strace >/dev/null && strace -o "$dir/probe" true 2>/dev/null && [[ ! $SAN ]]; then
	program app || exit 1
	"$dir/app" 0 1000 &
	app=$!
	pids+=("$app")
	wait_for "$app"
	strace -f -s 60 -e 'trace=!read,pread64,write' -o "$dir/trace" \
		"$rawtp" attach -k --for 0.3 "$object" >"$dir/out" 2>&1
	check strace-kernel grep -q 'bpf(BPF_RAW_TRACEPOINT_OPEN' "$dir/trace"
	check kernel-touches-no-process test -z \
		"$(grep -E 'socket\(|connect\(|sendmsg\(|ptrace\(|process_vm|kill\(|"/proc/[0-9]|rawtp-' "$dir/trace" |
			grep -vE "execve\(|\"/proc/self|$object")"
	bpf attach
	strace -f -s 60 -e 'trace=!read,pread64,write' -o "$dir/trace" \
		"$rawtp" attach -p "$app" --for 0.3 "$dir/attach.bpf.o" >"$dir/out" 2>&1
	check strace-process grep -q '^attached to' "$dir/out"
	check process-touches-no-kernel test -z "$(grep -E ' bpf\(|/sys/kernel/|perf_event_open' "$dir/trace")"
else
	echo "skip kernel-touches-no-process # strace cannot trace here, or a sanitizer is in the way"
fi
exit $failed
