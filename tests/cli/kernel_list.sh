#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rawtp list -k: names and types are those that bpftool reads from the kernel's BTF, systems are
# tracefs's, and nothing but files is looked at.
. tests/cli/lib.sh

refuses list-kernel-and-pid 2 '-k and -p' "$rawtp" list -k -p 1
btf=/sys/kernel/btf/vmlinux
if [[ ! -r $btf ]]; then
	refuses list-kernel-no-btf 1 'shows no BTF .*CONFIG_DEBUG_INFO_BTF$' "$rawtp" list -k
	((failed)) && exit 1
	skip_all "this kernel shows no BTF ($btf)"
fi
refuses list-kernel-no-match 1 'matches sched_swich; nearest: sched_switch' "$rawtp" list -k sched_swich
check list-kernel-line grep -qE '^sched_switch\(bool preempt, struct task_struct \*prev, struct task_struct \*next' \
	<("$rawtp" list -k sched_switch)
json_of list-kernel-json 'len(j) == 1 and j[0]["kernel"] and len(j[0]["tracepoints"]) == 1 and
	[(a["name"], a["size"], a["kind"]) for a in j[0]["tracepoints"][0]["args"]][:2] ==
	[("preempt", 1, "unsigned"), ("prev", 8, "pointer")] and
	"sites" not in j[0]["tracepoints"][0]' "$rawtp" list -kj sched_switch

# Name by name and type by type.
if type -P bpftool >/dev/null && have_json && bpftool btf dump file "$btf" format c >"$dir/dump" 2>/dev/null; then
	sed -nE 's/^typedef void \(\*btf_trace_([a-z0-9_]+)\)\(void \*(, )?(.*)\);$/\1(\3)/p' "$dir/dump" |
		LC_ALL=C sort -u >"$dir/want"
	"$rawtp" list -kj >"$dir/json"
	python3 -c '
import json, sys
for e in json.load(open(sys.argv[1]))[0]["tracepoints"]:
    if e["object"] == "vmlinux":
        print("%s(%s)" % (e["name"], ", ".join(a["type"] for a in e["args"])))' "$dir/json" |
		LC_ALL=C sort -u >"$dir/got"
	check list-kernel-some-sched test "$(grep -c '^sched_' "$dir/want")" -ge 10
	check list-kernel-sched-as-bpftool diff <(grep '^sched_' "$dir/want") <(grep '^sched_' "$dir/got")
	check list-kernel-all-as-bpftool diff "$dir/want" "$dir/got"
else
	echo "skip list-kernel-as-bpftool # no bpftool or no python3"
fi

# Files are read, and that is all: no bpf(2), no socket, no process is looked at.
if type -P strace >/dev/null && strace -o "$dir/probe" true 2>/dev/null && [[ ! $SAN ]]; then
	strace -f -s 40 -e 'trace=!read,pread64,mmap' -o "$dir/trace" "$rawtp" list -k sched_switch >"$dir/out"
	check list-kernel-strace-output test -s "$dir/out"
	check list-kernel-touches-nobody test -z \
		"$(grep -E 'bpf\(|socket|connect|ptrace|kill|open.*"/proc/[0-9]|O_WRONLY|O_RDWR' "$dir/trace")"
else
	echo "skip list-kernel-touches-nobody # strace cannot trace here, or a sanitizer is in the way"
fi

# In a mount namespace of its own: tracefs tells the system; without BTF a line says so.
if unshare -m true 2>/dev/null; then
	here() { unshare -m bash -c "$1" bash "$rawtp"; }
	if here 'mount -t tracefs nodev /sys/kernel/tracing' 2>/dev/null; then
		check list-kernel-system grep -q '^    system sched, ' \
			<(here 'mount -t tracefs nodev /sys/kernel/tracing && "$1" list -kv sched_switch')
		check list-kernel-no-tracefs grep -q '^    system -, ' \
			<(here 'umount -a -t tracefs; "$1" list -kv sched_switch')
	else
		echo "skip list-kernel-system # tracefs cannot be mounted here"
	fi
	refuses list-kernel-hidden-btf 1 'shows no BTF' here 'mount -t tmpfs none /sys/kernel/btf && "$1" list -k'
	refuses list-kernel-bad-btf 1 'vmlinux cannot be read: ' \
		here 'mount -t tmpfs none /sys/kernel/btf && echo no BTF >/sys/kernel/btf/vmlinux && "$1" list -k'
else
	echo "skip list-kernel-system # no mount namespaces here"
fi
exit $failed
