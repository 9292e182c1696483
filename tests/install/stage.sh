#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# make install into a staging directory; a program is built from what is there alone, by pkg-config,
# with the shared and with the static library, and traced by the installed command; the man pages
# are found; make uninstall leaves nothing.
set -u
top=$PWD
BUILD=$(realpath "${BUILD:-build}")
[[ ${SAN:-} ]] && echo "a sanitizer's library is not what is installed" && exit 77
work=$(mktemp -d)
target=
trap '[[ $target ]] && kill $target 2>/dev/null; rm -rf "$work"' EXIT
failures=0
check() {
	local name=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name: $*"
		sed 's/^/    /' "$work/out" | tail -n 20
		failures=$((failures + 1))
	fi
}
quiet_make() {
	# Not the caller's job server, and not his SAN.
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u SAN make --no-print-directory BUILD="$BUILD" \
		DESTDIR="$work/stage" PREFIX=/opt/rawtp "$@"
}
check "make install" quiet_make install
root=$work/stage/opt/rawtp
files=$(cd "$root" 2>/dev/null && find . -type f -o -type l | sort)
for file in bin/rawtp lib/librawtp.so lib/librawtp.so.0 lib/librawtp.a lib/pkgconfig/rawtp.pc \
	lib/rawtp/librawtp-libc.so include/rawtp/tracepoint.h include/rawtp/bpf.h \
	include/rawtp/compat/linux/tracepoint.h share/man/man1/rawtp.1 share/man/man3/rawtp_bpf.3; do
	check "installed: $file" test -e "$root/$file"
done
check "nothing outside of PREFIX" [ "$(find "$work/stage" -type f | grep -cv "^$root/")" == 0 ]
check "nothing of the build directory in the library" \
	bash -c "! readelf -d '$root/lib/librawtp.so' '$root/bin/rawtp' | grep -E 'R(UN)?PATH.*$BUILD'"

# Only what is staged: the paths are moved by pkg-config.
export PKG_CONFIG_PATH=$root/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/stage
mkdir "$work/app"
cp examples/hello/*.[ch] "$work/app"
rm -f "$work"/app/*.bpf.c
flags=$(pkg-config --cflags rawtp)
libs=$(pkg-config --libs rawtp)
static_libs=$(pkg-config --libs --static rawtp)
cd "$work/app" || exit 1
# shellcheck disable=SC2086
check "a program builds with the shared library" ${CC:-gcc} -O2 -Wall -Wextra -Werror -I. $flags -o shared ./*.c $libs
# shellcheck disable=SC2086
check "and with the static one" ${CC:-gcc} -O2 -Wall -Wextra -Werror -I. $flags -o static ./*.c \
	${static_libs/-lrawtp/-l:librawtp.a}
check "the static one does not need librawtp.so" bash -c '! readelf -d static | grep -q librawtp'
export LD_LIBRARY_PATH=$root/lib
object=$BUILD/examples/hello/hello.bpf.o
tracepoints_of() {
	"$root/bin/rawtp" list "$1" | grep -q '^hello_request('
}
for kind in shared static; do
	check "$kind: runs" bash -c "[[ \$(./$kind 1000 0) == 'served 1000 requests' ]]"
	check "$kind: its tracepoints are in the file" tracepoints_of ./$kind
	./$kind 100000000 10 >/dev/null &
	target=$!
	for ((i = 0; i < 200; i++)); do
		"$root/bin/rawtp" list -p $target >/dev/null 2>&1 && break
		sleep 0.05
	done
	"$root/bin/rawtp" attach -p $target --for 0.5 --interval 0 --json "$object" >"$work/json" 2>"$work/err"
	check "$kind: traced by the installed command ($(head -n 1 "$work/err"))" grep -q '/index.html' "$work/json"
	kill $target 2>/dev/null
	wait $target 2>/dev/null
	target=
done
check "the provider is found beside the installed command" \
	"$root/bin/rawtp" run --provider libc -- /bin/true
# A page may be a reference to another, which is looked for from the manual's root.
cd "$root/share/man" || exit 1
page_is_whole() {
	[[ $(mandoc -T ascii "$1" | sed 's/.\x08//g' | grep -cE '^(NAME|SYNOPSIS|DESCRIPTION|SEE ALSO)$') == 4 ]]
}
for page in man*/*; do
	check "man ${page##*/}" page_is_whole "$page"
done
cd "$work/app" || exit 1
cd "$top" || exit 1
check "make uninstall" quiet_make uninstall
check "uninstall leaves nothing ($(wc -l <<<"$files") files were there)" \
	[ "$(find "$work/stage" -type f -o -type l | wc -l)" == 0 ]
exit $((failures > 0))
