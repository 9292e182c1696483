#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# libbpf's perf_buffer: with the routes linked in and the kernel beside, and preloaded.
set -u
. "$(dirname "$0")/lib.sh"
need_libbpf
$CLANG -O2 -g -target bpf -mcpu=v3 -idirafter "/usr/include/$($CC -print-multiarch)" \
	-c -o "$out/perf.bpf.o" $here/perf.bpf.c || exit 1
flags+=" -DPERF_OBJECT=\"$(realpath "$out")/perf.bpf.o\""
$CC $flags -DWITH_ROUTES -rdynamic -o "$out/perf_buffer_routed" $here/perf_buffer.c tests/harness.c \
	preload/route*.c $link || exit 1
$CC $flags -o "$out/perf_buffer" $here/perf_buffer.c tests/harness.c $link || exit 1
timeout 120 "$out/perf_buffer_routed" 2>"$out/perf_buffer.log" | sed 's/^\(not \)\?ok /&linked_/'
((PIPESTATUS[0] == 0)) || failed=1
if [[ $can_preload ]]; then
	RAWTP_TARGET=self LD_PRELOAD=$preload timeout 120 "$out/perf_buffer" 2>>"$out/perf_buffer.log" |
		sed 's/^\(not \)\?ok /&preloaded_/'
	((PIPESTATUS[0] == 0)) || failed=1
else
	echo "skip preloaded_perf_buffer # under ThreadSanitizer"
fi
((failed)) && sed 's/^/    /' "$out/perf_buffer.log"
exit $failed
