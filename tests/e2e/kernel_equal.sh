#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The kernel is the oracle: the same object and the same `rawtp test` arguments give the same return
# value and the same map contents here and there.
. tests/e2e/lib.sh
object=$E2E/equal.bpf.o
if ! "$RAWTP" test -k "$object" compares 1 2 >/dev/null 2>"$work/why"; then
	head -n 1 "$work/why"
	echo "the kernel does not run BPF programs here (bpf(2) needs root and a kernel that permits it)"
	exit 77
fi
# One CPU for both: per-CPU values stand under its number.
cpu=$(taskset -pc $$ | grep -oE '[0-9]+([,-][0-9]+)*$' | grep -oE '^[0-9]+')
rawtp() {
	taskset -c "$cpu" "$RAWTP" "$@"
}

rows() {
	cat <<-'END'
	arithmetic 7 3
	arithmetic 0 0
	arithmetic -1 1
	arithmetic 0x8000000000000000 -1
	arithmetic 0x80000000 0xffffffff
	arithmetic 0x123456789abcdef0 0xfedcba9876543210
	arithmetic 5 0
	arithmetic 0x7fffffffffffffff 63
	compares 1 2
	compares -1 1
	compares 0x100000001 1
	compares 0x80000000 0x7fffffff
	compares 0x8000000000000000 0x7fffffffffffffff
	hash_flags 1 2 3
	hash_flags 0 0 -1
	array_flags 3 99
	array_flags 31 -5
	array_flags 32 1
	per_cpu 0 41
	per_cpu 3 -1
	ring_buffer 17
	global_data 0 0
	global_data 3 12345678901
	global_data 7 -3
	bad_addresses 0x10
	bad_addresses 0xdead000000000000
	twelve 1 2 3 4 5 6 7 8 9 10 11 12
	twelve -1 0x1ffffffff 0 0 0 0 0 0 0 0 0 0x123456789
	atomics 0x1234567890 0xf0f0f0f0f0
	atomics -1 -1
	END
}

helper_rows() {
	cat <<-'END'
	parse 0 24
	parse 8 24
	parse 10 24
	parse 16 24
	parse 10 2
	parse 0 3
	parse 16 1
	parse 7 24
	parse 32 24
	parse -1 24
	compare 0 116
	compare 0 65
	compare 3 200
	compare 6 0
	compare 9 117
	compare 10 1
	compare 12 77
	print 1 2
	print -1 -1
	print 0x123456789abcdef 0xfedcba9876543210
	print -2147483648 9
	order 10 0
	order 10 2
	order 10 1
	order 10 3
	order -1 -1
	per_task 7
	dynptrs 5 8 0
	dynptrs 6 56 0
	dynptrs 5 57 0
	dynptrs 5 -1 0
	dynptrs 5 4096 0
	dynptrs 5 0x1000000 0
	dynptrs 7 8 1
	cpus 0 7
	cpus 1 -1
	cpus 2 5
	stacks 0
	stacks 1
	stacks 4096
	stacks 0x10000
	who 4 1
	who 0 4026531836
	END
	echo "who $(stat -L -c '%d %i' /proc/self/ns/pid)"
}

# A run has its CPU's values by restartable sequences, which sanitized code and other CPUs do without.
own_cpu_rows() {
	cat <<-'END'
	own_cpu 0 7
	own_cpu 1 -1
	own_cpu 2 5
	END
}

compare() { # object program args
	local object=$1 program=$2 args=$3 here there
	# shellcheck disable=SC2086
	rawtp test --json -v "$object" $program $args >"$work/here" 2>"$work/here.err"
	here=$?
	# shellcheck disable=SC2086
	rawtp test --json -v -k "$object" $program $args >"$work/kernel" 2>"$work/kernel.err"
	there=$?
	if ((here == 0 && there == 0)) && [[ -s $work/here ]] && cmp -s "$work/here" "$work/kernel"; then
		ok "$program $args"
	else
		not_ok "$program $args: status $here here, $there in the kernel"
		diff "$work/here" "$work/kernel" | head -n 20
		cat "$work/here.err" "$work/kernel.err" | grep -v ^libbpf: | head -n 20
	fi
}

while read -r program args; do
	compare "$object" "$program" "$args"
done < <(rows)
# A process knows the id of its control group by the group's folder, the kernel without.
has_cgroups() {
	[[ $(stat -f -c %T /sys/fs/cgroup) == cgroup2fs ||
		$(stat -f -c %T /sys/fs/cgroup/unified 2>/dev/null) == cgroup2fs ]]
}

while read -r program args; do
	if [[ $program == who ]] && ! has_cgroups; then
		echo "skip $program $args # no control groups (version 2) are mounted"
	else
		compare "$E2E/equal_helpers.bpf.o" "$program" "$args"
	fi
done < <(helper_rows)
while read -r program args; do
	if [[ -n ${SAN:-} || $(uname -m) != x86_64 ]]; then
		echo "skip $program $args # there are no restartable sequences in this build"
	else
		compare "$E2E/equal_helpers.bpf.o" "$program" "$args"
	fi
done < <(own_cpu_rows)

# What the kernel refuses to run is refused here.
while read -r program args; do
	# shellcheck disable=SC2086
	"$RAWTP" test "$object" $program $args >/dev/null 2>"$work/here.err"
	here=$?
	# shellcheck disable=SC2086
	"$RAWTP" test -k "$object" $program $args >/dev/null 2>&1
	there=$?
	check "refused: $program $args ($(head -n 1 "$work/here.err"))" [ $here -ne 0 -a $there -ne 0 ]
done <<-'END'
	twelve 1 2 3 4 5 6 7 8 9 10 11
	arithmetic 1
	compares
END
finish
