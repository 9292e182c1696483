#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The library built for arm64, and the tests of the engines on it under qemu-user, on a CPU with
# atomics of one instruction and on one without. Random programs must give the same on this machine:
# RANDOM_COUNT and RANDOM_SEED say how many and which.
set -u
cc=aarch64-linux-gnu-gcc
for tool in $cc aarch64-linux-gnu-ar; do
	if ! command -v $tool >/dev/null; then
		echo "$tool is not installed"
		exit 77
	fi
done
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static)
if [[ -z $qemu ]]; then
	echo "qemu-aarch64 is not installed"
	exit 77
fi
if [[ -n ${SAN:-} ]]; then
	echo "done once, without sanitizers"
	exit 77
fi

# What make passes down is meant for this machine's compiler.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES
here=$BUILD/tests/engine_random
out=$BUILD/arm64
failed=0
tests="typed engine_cases engine_jit engine_lookup engine_lookup_hash engine_run engine_tail engine_random"

# As a library is: where the kernel puts it, with machine code beside it.
if ! make -s CC=$cc AR=aarch64-linux-gnu-ar SAN= LDFLAGS=-static-pie BUILD="$out" \
	$(printf "$out/tests/%s " $tests vm-run) >"$BUILD/arm64.log" 2>&1; then
	cat "$BUILD/arm64.log"
	echo "not ok arm64 build"
	exit 1
fi

# Handlers of signals, with the library's functions before libc's: a static program has no order.
rm -f "$out/tests/nofault_signals"
if make -s CC=$cc AR=aarch64-linux-gnu-ar SAN= LDFLAGS= BUILD="$out" "$out/tests/nofault_signals" \
	>>"$BUILD/arm64.log" 2>&1; then
	"$qemu" -L /usr/aarch64-linux-gnu "$out/tests/nofault_signals" 2>/dev/null |
		sed "s/^\(ok\|not ok\|skip\) /\1 arm64 /"
	((PIPESTATUS[0])) && failed=1
else
	echo "not ok arm64 build of nofault_signals"
	failed=1
fi

# Emulation is slow.
export RANDOM_COUNT=${RANDOM_COUNT:-10000}
RANDOM_SUM=$out/sum.here "$here" engine_random_programs >/dev/null || failed=1
for cpu in max cortex-a53; do
	for name in $tests; do
		RANDOM_SUM=$out/sum.$cpu "$qemu" -cpu $cpu "$out/tests/$name" |
			sed "s/^\(ok\|not ok\|skip\) /\1 arm64 $cpu /"
		((PIPESTATUS[0])) && failed=1
	done
	if cmp -s "$out/sum.here" "$out/sum.$cpu"; then
		echo "ok arm64 $cpu $RANDOM_COUNT programs, as on this machine"
	else
		echo "not ok arm64 $cpu other results than on this machine"
		failed=1
	fi
	rm -f "$out/sum.$cpu"
done

mkdir -p "$out/run/tests"
printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$qemu" "$(realpath "$out/tests/vm-run")" \
	>"$out/run/tests/vm-run"
chmod +x "$out/run/tests/vm-run"
BUILD=$out/run tests/run/vm-run.sh | sed 's/^\(ok\|not ok\|skip\) /\1 arm64 /'
((PIPESTATUS[0])) && failed=1
exit $failed
