#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Libraries with events are loaded and unloaded under load; their tables are in the note of the
# stripped file; the library itself has none.
. "$(dirname "$0")/lib.sh"
src=$root/tests/tracepoint
flags="-std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -Werror $sanitize -I$root/include -I$src"
flags+="${SAN:+ -DRAWTP_SANITIZED}"

for cc in $(compilers); do
	is_cxx "$cc" && continue
	for kind in "" -DRAWTP_NO_PATCH; do
		name="dlopen and dlclose, $cc $kind"
		for i in 1 2 3; do
			$cc $flags $kind -fPIC -shared "$src/matrix_library.c" -o "$dir/lib$i.so" \
				-L"$BUILD" -lrawtp || exit 1
			strip "$dir/lib$i.so"
		done
		$cc $flags $kind "$src/objects_main.c" -o "$dir/app" -L"$BUILD" -lrawtp \
			-Wl,-rpath,"$BUILD" -pthread -ldl || exit 1
		if timeout 120 "$dir/app" "$dir"/lib{1,2,3}.so >/dev/null; then
			ok "$name"
		else
			not_ok "$name" "exit status $?"
		fi
	done
	notes=$(readelf -nW "$dir/lib1.so" 2>/dev/null | grep -cE '^ +rawtp ')
	((notes == 1)) && ok "note of a stripped library, $cc" || not_ok "note, $cc" "$notes notes"
done
notes=$(readelf -nW "$BUILD/librawtp.so" 2>/dev/null | grep -cE '^ +rawtp ')
((notes == 0)) && ok "the library brings no events" || not_ok "the library brings no events" "a note"
exit $failed
