#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rawtp attach -k -p PID: programs of one object go to the side that has their tracepoint; a name that
# both have must say which is meant.
. tests/cli/lib.sh

number=$(printf '#include <sys/syscall.h>\nSYS_getppid\n' | "$CC" -E -P - | tail -n 1)
object() { # NAME FLAGS...
	"$CLANG" -O2 -g -target bpf -mcpu=v3 -idirafter "/usr/include/$("$CC" -print-multiarch)" \
		"-DNUMBER=$number" "${@:2}" -c -o "$dir/$1.bpf.o" tests/cli/kernel_mixed.bpf.c || exit 1
}
object plain
object both '-DSIDE=""'
object user '-DSIDE="user:"'
object kernel '-DSIDE="kernel:"'
program kernel_mixed || exit 1
mkfifo "$dir/in"
"$dir/kernel_mixed" <"$dir/in" >"$dir/done" &
pid=$!
pids+=("$pid")
exec 9>"$dir/in"
wait_for "$pid"

# A process alone: what is the kernel's is left out, or is not there.
refuses process-alone 1 "has no tracepoint sys_enter" "$rawtp" attach -p "$pid" "$dir/plain.bpf.o"

"$rawtp" test -k "$dir/plain.bpf.o" on_request >/dev/null 2>&1 && [[ -r /sys/kernel/btf/vmlinux ]] || {
	((failed)) && exit 1
	skip_all "the kernel's bpf(2) is not permitted here, or it shows no BTF"
}
check side-loads "$rawtp" test -k "$dir/kernel.bpf.o" on_exit 0 0
if type -P bpftool unshare >/dev/null && unshare -m mount -t bpf none "$dir" 2>/dev/null; then
	mkdir "$dir/bpffs"
	check side-loads-in-stock-libbpf unshare -m bash -c \
		'mount -t bpf none "$1/bpffs" && bpftool prog loadall "$1/kernel.bpf.o" "$1/bpffs/x"' bash "$dir"
fi
refuses name-of-both 1 'the kernel and a process have a tracepoint sys_exit; write SEC\("raw_tp/kernel:sys_exit"\) or SEC' \
	"$rawtp" attach -k -p "$pid" "$dir/both.bpf.o"
sed 's/mixed_request/mixed_requst/' tests/cli/kernel_mixed.bpf.c | "$CLANG" -O2 -g -target bpf -x c "-DNUMBER=$number" \
	-idirafter "/usr/include/$("$CC" -print-multiarch)" -c -o "$dir/typo.bpf.o" -
refuses name-of-neither 1 'neither the kernel nor a process has a tracepoint mixed_requst; nearest: mixed_request' \
	"$rawtp" attach -k -p "$pid" "$dir/typo.bpf.o"
sed 's/mixed_request/sched_swich/' tests/cli/kernel_mixed.bpf.c | "$CLANG" -O2 -g -target bpf -x c "-DNUMBER=$number" \
	-idirafter "/usr/include/$("$CC" -print-multiarch)" -c -o "$dir/typo.bpf.o" -
refuses name-of-neither-near-the-kernel 1 'neither the kernel nor a process has a tracepoint sched_swich; nearest: sched_switch' \
	"$rawtp" attach -k -p "$pid" "$dir/typo.bpf.o"
hidden() { unshare -m bash -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' bash "$@"; }
if hidden true 2>/dev/null; then
	refuses no-btf 1 'the kernel shows no BTF, so nobody knows whose .* is; write SEC\("raw_tp/kernel:' \
		hidden "$rawtp" attach -k -p "$pid" "$dir/plain.bpf.o"
fi
bpf hello_side <<'END'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("raw_tp/user:mixed_request") int on_request(void *ctx) { return 0; }
char LICENSE[] SEC("license") = "GPL";
END
refuses nothing-for-the-kernel 1 'no program is for the kernel; leave -k out$' \
	"$rawtp" attach -k -p "$pid" "$dir/hello_side.bpf.o"
refuses nothing-of-the-kernel 1 'no program for a raw tracepoint of the kernel' \
	"$rawtp" attach -k "$dir/hello_side.bpf.o"

# traced FILE ARGUMENTS...: 1000 requests while it is attached.
traced() {
	local file=$1 i before
	: >"$file"
	"$rawtp" attach -k -p "$pid" "${@:2}" >"$file" 2>"$dir/err" &
	tracer=$!
	pids+=("$tracer")
	for ((i = 0; i < 200; i++)); do
		grep -qE 'attached to the kernel|"targets"' "$file" && break
		sleep 0.05
	done
	before=$(wc -l <"$dir/done")
	echo 1000 >&9
	for ((i = 0; i < 500; i++)); do
		(($(wc -l <"$dir/done") > before)) && break
		sleep 0.02
	done
	kill -INT "$tracer"
	wait "$tracer" || { cat "$dir/err"; return 1; }
}
have_json || {
	((failed)) && exit 1
	skip_all "no python3"
}
check attach-both traced "$dir/json" --json "$dir/user.bpf.o"
check both-sides json "$dir/json" "{(t['side'], t['tracepoint']) for t in j['totals']} ==
	{('user', 'mixed_request'), ('user', 'sys_exit'), ('kernel', 'sys_enter')} and
	{m['side']: m['variables'] for m in j['maps'] if m['name'] == '.bss'} == {
		'user': {'requests': 1000, 'calls': 0, 'exits': 500},
		'kernel': {'requests': 0, 'calls': 1000, 'exits': 0}} and
	{t['tracepoint']: t['events'] for t in j['totals']}['mixed_request'] == 1000 and
	len(j['targets']) == 2 and 'kernel' in j['targets'][0] and j['targets'][1]['pid'] == $pid"
check attach-kernel-exit traced "$dir/json" --json "$dir/kernel.bpf.o"
check kernel-exit json "$dir/json" "[m['variables']['exits'] >= 1000 for m in j['maps']
	if m['name'] == '.bss' and m['side'] == 'kernel'] == [True] and
	[m['variables']['exits'] for m in j['maps'] if m['name'] == '.bss' and m['side'] == 'user'] == [0]"
check attach-text traced "$dir/text" "$dir/user.bpf.o"
check text-names-sides grep -qE '^ +total  on_request +user:mixed_request +1,000 ' "$dir/text"
check text-names-kernel grep -qE '^ +total  on_call +kernel:sys_enter ' "$dir/text"
check text-heads grep -qE 'user.bpf.o, kernel side:$' "$dir/text"
exec 9>&-
exit $failed
