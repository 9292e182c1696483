#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rawtp test: arguments, what it returns, and maps of every shape as text and JSON; the same in the
# kernel where it is permitted.
. tests/cli/lib.sh

bpf shapes
object=$dir/shapes.bpf.o

expect test-shapes 0 "$rawtp" test "$object" fill 5 0x10 -3
check verbose-shows-libbpf grep -q 'libbpf: loading object' <("$rawtp" test -v "$object" first 12 2>&1)
check verbose-shows-rodata grep -q 'limit = 42' <("$rawtp" test -v "$object" first 12 2>/dev/null)
check quiet-by-default test -z "$("$rawtp" test "$object" first 12 2>&1 >/dev/null)"

json_of test-json 'j["program"] == "fill" and j["retval"] == 2**32 - 1 and
	{m["name"]: m for m in j["maps"]}[".bss"]["variables"]["last_args"] == [2**62, -1, 5] and
	{m["name"]: m for m in j["maps"]}["by_key"]["entries"][0] == {
		"key": {"pid": 7, "comm": "be\"ll\n"},
		"value": {"count": 2**62, "small": -3, "yes": True, "color": "GREEN", "low": 5, "high": 17,
			"list": [1, -2, 3] + 9 * [0], "nested": {"inner": 9}, "pointer": "0x1234"}} and
	{m["name"]: m for m in j["maps"]}["latency_hist"]["histogram"][0] == {"from": 8, "to": 15, "count": 30} and
	{m["name"]: m for m in j["maps"]}["untyped"]["entries"][0] == {"key": "010203" + 18 * "0", "value": "aabbcc"}' \
	"$rawtp" test --json "$object" fill 4611686018427387904 -1 5

# Every form of a number, and what is none.
args() { # TEXT WANT: what the program gets
	"$rawtp" test --json "$object" fill "$1" 0 0 >"$dir/json" &&
		json "$dir/json" "{m['name']: m for m in j['maps']}['.bss']['variables']['last_args'][0] == $2"
}
if have_json; then
	check arg-decimal args 123 123
	check arg-leading-zero args 010 10
	check arg-hexadecimal args 0xfF 255
	check arg-negative args -1 -1
	check arg-negative-hexadecimal args -0x10 -16
	check arg-most args 18446744073709551615 -1
	check arg-least args -9223372036854775808 -2**63
fi
for bad in 18446744073709551616 -9223372036854775809 12x 0x '' ' 1' +1 1e3 --5; do
	refuses "arg-refused-$bad" 2 'is no 64-bit number' "$rawtp" test "$object" fill 0 0 "$bad"
done
refuses arg-too-many 2 'more than 12' "$rawtp" test "$object" fill 1 2 3 4 5 6 7 8 9 10 11 12 13

refuses no-program 1 'has no program frist; nearest: first$' "$rawtp" test "$object" frist
refuses no-object 1 'nowhere.bpf.o: cannot be opened: No such file' "$rawtp" test "$dir/nowhere.bpf.o" x
refuses too-few-args 1 'reads more than the 2 arguments given' "$rawtp" test "$object" fill 1 2
refuses no-operands 2 'name an object and a program' "$rawtp" test
refuses unknown-option 2 'unknown option --nosuch' "$rawtp" test --nosuch "$object" fill

# Lines of trace_printk().
bpf prints <<'END'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("raw_tp/x") int prints(struct bpf_raw_tracepoint_args *ctx)
{
	bpf_printk("argument %d", (int)ctx->args[0]);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";
END
check trace-line grep -qE '^rawtp-[0-9]+ \[[0-9]{3}\] [0-9]+\.[0-9]{6}: prints: argument -77$' \
	<("$rawtp" test "$dir/prints.bpf.o" prints -77)
json_of trace-line-json 'j["events"][0]["trace"] == "argument 5" and j["events"][0]["program"] == "prints"' \
	"$rawtp" test -j "$dir/prints.bpf.o" prints 5

# The kernel is the judge where we may ask it.
if "$rawtp" test -k "$object" first 1 >/dev/null 2>&1; then
	for call in 'fill 5 0x10 -3' 'fill -1 -1 -1' 'first 12'; do
		# shellcheck disable=SC2086
		"$rawtp" test "$object" $call >"$dir/user" 2>&1
		# shellcheck disable=SC2086
		"$rawtp" test -k "$object" $call >"$dir/kernel" 2>&1
		check "same-in-kernel-${call// /_}" diff "$dir/user" "$dir/kernel"
	done
else
	echo "skip same-in-kernel # the kernel's bpf(2) is not permitted here"
fi
exit $failed
