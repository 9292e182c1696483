#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The unit tests of tracepoints on arm64, by qemu-user: other sites, weaker memory order in the code
# (not in the emulation), the same counts.
. "$(dirname "$0")/lib.sh"
cc=aarch64-linux-gnu-gcc
qemu=$(type -P qemu-aarch64 || type -P qemu-aarch64-static)
type -P $cc >/dev/null || { echo "$cc is not installed"; exit 77; }
[[ $qemu ]] || { echo "qemu-aarch64 is not installed"; exit 77; }
[[ $sanitize ]] && { echo "sanitizers are not for emulation"; exit 77; }

sources="src/base/rcu.c src/base/thread.c src/base/task_id.c src/base/text_patch.c src/base/text_patch_arm64.c
	src/tracepoint/print.c src/tracepoint/probes.c src/tracepoint/registry.c src/tracepoint/switch.c"
flags="-std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -Wno-clobbered -Werror -D_GNU_SOURCE -Iinclude
	-Isrc -Itests"
objects=
for source in $sources; do
	objects+=" $dir/$(basename "$source").o"
	$cc $flags -DRAWTP_NO_OBJECT -c "$source" -o "$dir/$(basename "$source").o" || exit 1
done
for test in tracepoint_calls tracepoint_threads; do
	# As many rounds as under a sanitizer: emulation is slow.
	$cc $flags -DRAWTP_SANITIZED tests/unit/$test.c tests/harness.c $objects -static -pthread \
		-o "$dir/$test" || exit 1
	timeout 300 "$qemu" "$dir/$test" || failed=1
done
exit $failed
