#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The examples do what they say, and are short; so does the demo.
. tests/cli/lib.sh

for file in examples/*/*.[ch] examples/*/*/*/*.h; do
	check "length-${file#examples/}" test "$(wc -l <"$file")" -le 100
done
ex=$BUILD/examples
"$rawtp" run --json -o "$dir/report" "$ex/hello/hello.bpf.o" -- "$ex/hello/hello" 1000 0 >"$dir/out"
have_json && check hello json "$dir/report" 'sorted((e["key"]["status"], e["key"]["path"], e["value"])
	for e in j["maps"][0]["entries"]) ==
	[(200, "/", 250), (200, "/image.png", 250), (200, "/index.html", 250), (404, "/missing", 250)]'
check hello-output grep -qx 'served 1000 requests' "$dir/out"
"$rawtp" run --json -o "$dir/report" "$ex/kernel_style_header/door.bpf.o" -- \
	"$ex/kernel_style_header/kernel_style_header" 700 >"$dir/out"
have_json && check kernel-style-header json "$dir/report" 'j["maps"][0]["variables"] ==
	{"opened": 7 * [100] + [0], "closed": 7 * [50] + [0]}'

[[ $SAN ]] && {
	echo "skip demo # a sanitizer's runtime takes malloc for itself"
	exit $failed
}
DEMO_ROUNDS=2000000 BUILD=$BUILD scripts/demo >"$dir/out" 2>&1
check demo-status test $? = 0
check demo-ok grep -qx OK "$dir/out"
check demo-histogram grep -qE '8 -> 15 +: [0-9]{4,} +\|\*' "$dir/out"
check demo-counts grep -qE '^mallocs \(percpu_array\): [0-9]{4,}$' "$dir/out"
exit $failed
