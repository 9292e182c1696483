#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A skeleton program of stock libbpf on tracepoints of its own process: with the routes linked in, and
# preloaded. No bpf(2) reaches the kernel.
set -u
BUILD=${BUILD:-build} CC=${CC:-gcc} CLANG=${CLANG:-clang} SAN=${SAN:-}
cd "$(dirname "$0")/../.." || exit 1
here=tests/libbpf out=$BUILD/tests/libbpf
failed=0

skip() {
	echo "$1"
	exit 77
}
command -v "$CLANG" >/dev/null || skip "no $CLANG"
bpftool=$(command -v bpftool || echo /usr/sbin/bpftool)
[ -x "$bpftool" ] || skip "no bpftool"
echo '#include <bpf/libbpf.h>' | $CC -E -x c - >/dev/null 2>&1 || skip "no libbpf-dev"
[ -f "$BUILD/librawtp-bpf.so" ] || skip "librawtp-bpf.so is not built"

mkdir -p "$out"
flags="-O2 -g -std=gnu11 -Iinclude -I$here -I$out ${SAN:+-fsanitize=$SAN}"
$CLANG -O2 -g -target bpf -mcpu=v3 -idirafter "/usr/include/$($CC -print-multiarch)" \
	-c -o "$out/counts.bpf.o" $here/counts.bpf.c &&
	"$bpftool" gen skeleton "$out/counts.bpf.o" name counts_bpf >"$out/counts.skel.h" || exit 1
link="-L$BUILD -lrawtp -lbpf -lelf -pthread -Wl,-rpath,$(realpath "$BUILD")"
# The author's program: libbpf as it is, librawtp for the tracepoint.
$CC $flags -o "$out/counts" $here/counts.c $link || exit 1
# The same with the routes in it, as the rawtp command has them.
$CC $flags -iquote . -rdynamic -o "$out/counts_routed" $here/counts.c preload/route*.c $link -ldl || exit 1

check() { # NAME COMMAND...
	local name=$1
	shift
	if timeout 60 "$@" >"$out/$name.log" 2>&1; then
		echo "ok libbpf_$name"
	else
		echo "not ok libbpf_$name (exit $?)"
		sed 's/^/    /' "$out/$name.log"
		failed=1
	fi
}

preload=$(realpath "$BUILD/librawtp-bpf.so")
if [ -n "$SAN" ]; then
	# The sanitizer's library must come first in the process.
	preload="$($CC -print-file-name=lib${SAN%%,*}.so | sed 's/libaddress/libasan/;s/libthread/libtsan/') $preload"
	case $SAN in
	address*) preload="$($CC -print-file-name=libasan.so) $(realpath "$BUILD/librawtp-bpf.so")" ;;
	thread*) preload="$($CC -print-file-name=libtsan.so) $(realpath "$BUILD/librawtp-bpf.so")" ;;
	esac
fi
check linked "$out/counts_routed"
check preloaded env RAWTP_TARGET=self LD_PRELOAD="$preload" "$out/counts"

# A target that is not there: neither the kernel nor this process is taken for it.
if RAWTP_TARGET=comm:no-such-name LD_PRELOAD=$preload "$out/counts" >"$out/absent.log" 2>&1; then
	echo "not ok libbpf_absent_target"
	failed=1
elif grep -q 'RAWTP_TARGET=comm:no-such-name: No such process' "$out/absent.log"; then
	echo "ok libbpf_absent_target"
else
	echo "not ok libbpf_absent_target"
	sed 's/^/    /' "$out/absent.log"
	failed=1
fi

if [ -n "$SAN" ]; then
	echo "skip libbpf_no_kernel # under a sanitizer"
elif ! command -v strace >/dev/null || ! strace -o /dev/null true 2>/dev/null; then
	echo "skip libbpf_no_kernel # strace is missing or not permitted"
else
	check traced strace -f -qq -e trace=bpf -o "$out/strace.log" "$out/counts_routed"
	if grep -q 'bpf(' "$out/strace.log"; then
		echo "not ok libbpf_no_kernel"
		head -n 5 "$out/strace.log" | sed 's/^/    /'
		failed=1
	else
		echo "ok libbpf_no_kernel"
	fi
fi
exit $failed
