#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The same events in three sources and a shared library, through compilers and options. Each row is
# built and run; a warning is an error.
. "$(dirname "$0")/lib.sh"
src=$root/tests/tracepoint

# flags of everything | flags of the program's link | shared or static rawtp
rows='-O0||shared
-O1 -fPIC||shared
-O2||shared
-O2 -fPIE|-pie|static
-O2 -fno-pic|-no-pie|static
-O2 -fno-pic|-no-pie -static|static
-O3 -fvisibility=hidden||shared
-Os -ffunction-sections -fdata-sections|-Wl,--gc-sections|shared
-O2 -ffunction-sections|-Wl,--gc-sections -fuse-ld=lld|static
-O2 -flto|LTO|shared
-O2 -DRAWTP_NO_PATCH||shared
-O2 STRICT||shared'
[[ $sanitize ]] && rows='-O1||shared
-O2 -DRAWTP_NO_PATCH||shared'

build_row() { # compiler flags link kind
	local cc=$1 flags=$2 link=$3 kind=$4 std=gnu11 lang=c all

	is_cxx "$cc" && std=gnu++17 lang=c++
	[[ $flags == *STRICT* ]] && std=${std/gnu/c} flags=${flags/STRICT/}
	[[ $link == LTO ]] && link=$([[ $cc == *clang* ]] && echo -fuse-ld=lld)
	flags="$flags $sanitize"
	all="-std=$std -Wall -Wextra -Wno-unused-parameter -Werror $flags -I$root/include -I$src"
	[[ $kind == static ]] && all+=" -DWITHOUT_LIBRARY"

	rm -f "$dir"/*.o "$dir/app" "$dir/libmatrix.so"
	for f in main use; do
		$cc $all -x $lang -c "$src/matrix_$f.c" -o "$dir/$f.o" || return 1
	done
	if [[ $kind == static ]]; then
		$cc $flags "$dir"/{main,use}.o "$BUILD/librawtp.a" $link -o "$dir/app" -pthread
		return
	fi
	$cc $all -fPIC -shared -x $lang "$src/matrix_library.c" -x none $link -o "$dir/libmatrix.so" \
		-L"$BUILD" -lrawtp || return 1
	$cc $flags "$dir"/{main,use}.o -L"$BUILD" -lrawtp $link -o "$dir/app" \
		-L"$dir" -lmatrix -Wl,-rpath,"$dir:$BUILD" -pthread
}

for cc in $(compilers); do
	while IFS='|' read -r flags link kind; do
		name="$cc $flags $link $kind"
		[[ $link == *lld* || $link == LTO && $cc == *clang* ]] && ! type -P ld.lld >/dev/null && { echo "skip $name # no lld"; continue; }
		if ! build_row "$cc" "$flags" "$link" "$kind" >"$dir/build.log" 2>&1; then
			grep -m 5 -E 'error|undefined' "$dir/build.log"
			not_ok "$name" "does not build"
			continue
		fi
		timeout 60 "$dir/app" >/dev/null
		rc=$?
		((rc == 0)) && ok "$name" || not_ok "$name" "exit status $rc"
	done <<<"$rows"
done
exit $failed
