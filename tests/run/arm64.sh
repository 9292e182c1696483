#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The library built for arm64, and the tests of the engines on it under qemu-user.
set -u
for tool in aarch64-linux-gnu-gcc aarch64-linux-gnu-ar; do
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
out=$BUILD/arm64
failed=0
for name in engine_cases engine_random; do
	if ! make -s CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar SAN= LDFLAGS=-static \
		BUILD="$out" "$out/tests/$name" >"$BUILD/arm64.log" 2>&1; then
		cat "$BUILD/arm64.log"
		echo "not ok arm64 build of $name"
		failed=1
		continue
	fi
	"$qemu" "$out/tests/$name" | sed 's/^\(ok\|not ok\|skip\) /\1 arm64 /'
	((PIPESTATUS[0])) && failed=1
done
exit $failed
