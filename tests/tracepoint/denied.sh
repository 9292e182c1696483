#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Processes that may not patch their text: the second way works where only the first is closed; where
# both are, registering is refused with -EPERM and nothing else changes; -DRAWTP_NO_PATCH needs none.
. "$(dirname "$0")/lib.sh"
[[ $sanitize ]] && { echo "the sanitizer's runtime must be loaded before the preload library"; exit 77; }
src=$root/tests/tracepoint

$CC -O2 -Wall -shared -fPIC "$src/denied_preload.c" -o "$dir/preload.so" || exit 1
for kind in patched -DRAWTP_NO_PATCH; do
	$CC -O2 -Wall -I"$root/include" -I"$src" ${kind/patched/} "$src/denied_main.c" -o "$dir/app" \
		-L"$BUILD" -lrawtp -Wl,-rpath,"$BUILD" -pthread || exit 1
	for denied in nothing mem all; do
		expected=0
		[[ $kind$denied == patchedall ]] && expected=-1 # -EPERM
		name="$kind, denied $denied"
		if DENIED=$denied LD_PRELOAD=$dir/preload.so "$dir/app" $expected; then
			ok "$name"
		else
			not_ok "$name" "exit status $?"
		fi
	done
done
exit $failed
