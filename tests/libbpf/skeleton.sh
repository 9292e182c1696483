#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A skeleton program of stock libbpf on tracepoints of its own process: with the routes linked in, and
# preloaded. No bpf(2) reaches the kernel.
set -u
. "$(dirname "$0")/lib.sh"
need_libbpf
skeleton counts || exit 1
# The author's program: libbpf as it is, librawtp for the tracepoint.
$CC $flags -o "$out/counts" $here/counts.c $link || exit 1
# The same with the routes in it, as the rawtp command has them.
$CC $flags -rdynamic -o "$out/counts_routed" $here/counts.c preload/route*.c $link || exit 1

timeout 120 "$out/counts_routed" >"$out/linked.log" 2>&1
ok $? linked "$out/linked.log"
if [[ $can_preload ]]; then
	RAWTP_TARGET=self LD_PRELOAD=$preload timeout 120 "$out/counts" >"$out/preloaded.log" 2>&1
	ok $? preloaded "$out/preloaded.log"
	# A target that is not there: neither the kernel nor this process is taken for it.
	RAWTP_TARGET=comm:no-such-name LD_PRELOAD=$preload timeout 60 "$out/counts" >"$out/absent.log" 2>&1
	(($? != 0)) && grep -q 'RAWTP_TARGET=comm:no-such-name: No such process' "$out/absent.log"
	ok $? absent_target "$out/absent.log"
else
	echo "skip libbpf_preloaded # under ThreadSanitizer"
fi

if [[ -n $SAN ]]; then
	echo "skip libbpf_no_kernel # under a sanitizer"
elif ! strace -o /dev/null true 2>/dev/null; then
	echo "skip libbpf_no_kernel # strace is missing or not permitted"
else
	timeout 120 strace -f -qq -e trace=bpf -o "$out/strace.log" "$out/counts_routed" >"$out/traced.log" 2>&1
	ok $? traced "$out/traced.log"
	! grep -q 'bpf(' "$out/strace.log"
	ok $? no_kernel "$out/strace.log"
	# That strace would have shown them.
	strace -f -qq -e trace=bpf -o "$out/strace.log" "$out/counts" >/dev/null 2>&1
	grep -q 'bpf(' "$out/strace.log"
	ok $? strace_sees_bpf "$out/strace.log"
fi
exit $failed
