#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The kernel's own sample of an event header compiles unmodified and works, end to end. Its text is
# taken out of Debian's linux-source-6.1 when the test runs.
. "$(dirname "$0")/lib.sh"
tarball=/usr/src/linux-source-6.1.tar.xz
header=linux-source-6.1/samples/trace_events/trace-events-sample.h

[[ -r $tarball ]] || { echo "no $tarball (package linux-source-6.1)"; exit 77; }
# Members are in order: no need to unpack all of it.
tar -xJf "$tarball" -C "$dir" --occurrence=1 "$header" || { echo "no $header in it"; exit 77; }

expected='registered 2
foo hello 10 TEN BIT2|BIT4 {0x1,0x2,0x3} {0x1,0x2,0x3} Gandalf hello (00000000,00000f0f) (00000000,00000f0f) iter=10 [8] MASK
foo HELLO 10
foo Some times print 10
bar I have to be different 10
foo_rel_loc Hello __rel_loc, 10, 00000000,deadbeef, 00000000,00000f0f
foo Look at me 10
foo Look at me too 10
foo hello 8 EIGHT BIT4 {0x1,0x2,0x3} {0x1,0x2,0x3} Gandalf hell (00000000,00000f0f) (00000000,00000f0f) iter=8 [8] MASK
foo HELLO 8
foo prints other times 8
bar I have to be different 8
foo_rel_loc Hello __rel_loc, 8, 00000000,deadbeef, 00000000,00000f0f
foo Look at me 8
foo Look at me too 8
registered 0
probed 7'

for cc in $(compilers); do
	is_cxx "$cc" && continue # the header is C
	name="kernel sample header with $cc"
	if ! $cc -std=gnu11 -O2 -Wall -Werror $sanitize -I"$root/include/compat" -I"$root/include" \
		-I"$dir/${header%/*}" "$root/tests/tracepoint/sample_app.c" -o "$dir/app" \
		-L"$BUILD" -lrawtp -Wl,-rpath,"$BUILD" -pthread; then
		not_ok "$name" "does not compile"
		continue
	fi
	# %*pbl is the kernel's: libc prints the pointer.
	got=$("$dir/app" | sed 's/\] 0x[0-9a-f]*bl$/] MASK/')
	if [[ $got == "$expected" ]]; then
		ok "$name"
	else
		diff <(echo "$expected") <(echo "$got")
		not_ok "$name" "other output"
	fi
done
exit $failed
