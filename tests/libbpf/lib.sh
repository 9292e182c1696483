# SPDX-License-Identifier: MIT
# Sourced by the scripts of this folder: what they need, where they build, what they preload.
BUILD=${BUILD:-build} CC=${CC:-gcc} CLANG=${CLANG:-clang} SAN=${SAN:-}
cd "$(dirname "$0")/../.." || exit 1
here=tests/libbpf out=$BUILD/tests/libbpf
failed=0
mkdir -p "$out"

skip_all() {
	echo "$1"
	exit 77
}

ok() { # STATUS NAME [LOG]
	if (($1 == 0)); then
		echo "ok libbpf_$2"
		return
	fi
	echo "not ok libbpf_$2 (status $1)"
	[[ -n ${3:-} ]] && sed 's/^/    /' "$3"
	failed=1
}

[[ -f $BUILD/librawtp-bpf.so ]] || skip_all "librawtp-bpf.so is not built"
flags="-std=gnu11 -O2 -g -D_GNU_SOURCE -Iinclude -I$here -I$out -Itests -iquote . ${SAN:+-fsanitize=$SAN}"
link="-L$BUILD -lrawtp -pthread -ldl -Wl,-rpath,$(realpath "$BUILD")"

need_libbpf() {
	command -v "$CLANG" >/dev/null || skip_all "no $CLANG"
	bpftool=$(command -v bpftool || echo /usr/sbin/bpftool)
	[[ -x $bpftool ]] || skip_all "no bpftool"
	echo '#include <bpf/libbpf.h>' | $CC -E -x c - >/dev/null 2>&1 || skip_all "no libbpf-dev"
	link="-lbpf -lelf $link"
}

# counts.bpf.c as a skeleton. Each script has its own copy: they may run at once.
skeleton() { # NAME
	$CLANG -O2 -g -target bpf -mcpu=v3 -idirafter "/usr/include/$($CC -print-multiarch)" \
		-c -o "$out/$1.bpf.o" $here/counts.bpf.c &&
		"$bpftool" gen skeleton "$out/$1.bpf.o" name counts_bpf >"$out/$1.skel.h.new" &&
		mv "$out/$1.skel.h.new" "$out/$1.skel.h"
}

preload=$(realpath "$BUILD/librawtp-bpf.so")
# ThreadSanitizer calls a preloaded epoll_wait() from its own, where it sees no mutex.
can_preload=1
# A forked child's agent starts its thread anew.
# It is libbpf's reader, which is not instrumented, that hands a ring's bytes from one lap to the next.
echo 'race:^rawtp_nofault_' >"$out/tsan.supp"
export TSAN_OPTIONS="die_after_fork=0 suppressions=$(realpath "$out")/tsan.supp ${TSAN_OPTIONS:-}"
[[ $SAN == thread* ]] && can_preload=
# A sanitizer's library must come first in the process.
case $SAN in
address*) preload="$($CC -print-file-name=libasan.so) $preload" ;;
thread*) preload="$($CC -print-file-name=libtsan.so) $preload" ;;
esac
