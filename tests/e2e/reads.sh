#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Programs that read memory that is not there, in a process that has handlers of its own. The functions
# of libc that it calls must be those of librawtp.so: what it does without a system call shows it.
set -u
bin=$BUILD/tests/e2e/reads
bad=0
check() { # name, wanted, got
	if [[ $2 == "$3" ]]; then
		echo "ok $1"
	else
		echo "not ok $1: '$3', not '$2'"
		bad=1
	fi
}

for jit in 0 1; do
	for handler in 0 1; do
		got=$(RAWTP_JIT=$jit RAWTP_FAULT_HANDLER=$handler timeout 20 "$bin")
		check "reads_jit${jit}_handler$handler" "good 1001 bad 1000 own 10" "$got"
		[[ $SAN ]] && continue
		{ (ulimit -c 0; RAWTP_JIT=$jit RAWTP_FAULT_HANDLER=$handler timeout 20 "$bin" crash); } 2>/dev/null
		check "reads_crash_jit${jit}_handler$handler" 139 $?
	done
	if [[ $SAN ]]; then
		echo "skip reads_silent_jit$jit # a sanitizer has the handlers of faults"
		continue
	fi
	RAWTP_JIT=$jit timeout 20 "$bin" silent
	status=$?
	if ((status == 77)); then
		echo "skip reads_silent_jit$jit # seccomp is not permitted"
	else
		check "reads_silent_jit$jit" 0 $status
	fi
done
exit $bad
