#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The benchmarks run: every row of user space has a figure, the three formats are what they say, and
# the sum over generated tracepoints is one. No figure is judged here, but one that is of sizes: what
# BPF access adds in text is less than approach 1 would.
set -u
BUILD=${BUILD:-build}
bench=$BUILD/bench/bench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
check() {
	local name=$1
	shift
	if "$@"; then echo "ok $name"; else echo "not ok $name"; failed=1; fi
}
"$bench" -r 2 -m 1 -t 1 >"$work/text" 2>"$work/err"
check "text" [ $? == 0 ]
check "no row of user space is left out" bash -c "! grep -vE '^(kernel|uprobe|SDT|LTTng)' '$work/text' | grep 'left out'"
check "a row for each way" [ "$(grep -c '^tracepoint, ' "$work/text")" == 13 ]
check "a row for each way of the kernel" [ "$(grep -cE '^kernel (raw_tp|tracepoint)' "$work/text")" == 9 ]
check "each peer has a figure, or the reason why it has none" \
	[ "$(grep -cE '^(uprobe|SDT|LTTng).* ([0-9.]+ +[0-9.]+ - [0-9.]+ |left out: .)' "$work/text")" == 5 ]
check "nothing on standard error" [ ! -s "$work/err" ]
"$bench" -r 1 -m 1 -t 2 -f markdown 'per-CPU' >"$work/markdown"
check "markdown, two threads, chosen rows and what they are set against" \
	[ "$(grep -cE '^\| (tracepoint, program: per-CPU|C: counter for each CPU|empty loop)' "$work/markdown")" == 5 ]
"$bench" -r 1 -m 1 -t 1 -f json >"$work/json"
if type -P python3 >/dev/null; then
	check "json" python3 -m json.tool "$work/json" /dev/null
fi
engines=$BUILD/bench/engines/engines
if "$BUILD/tests/vm-run" <<<"b700000000000000 9500000000000000" >/dev/null 2>&1; then
	"$engines" -r 3 "$engines.bpf.o" >"$work/engines" 2>"$work/err"
	check "each program alone has a figure for each engine" \
		[ "$(grep -cE '^[a-z_]+ +(-?[0-9.]+ +){4}[0-9]+ +[0-9]+$' "$work/engines")" == 5 ]
	"$engines" -r 1 -f json "$engines.bpf.o" | head -n 1 >"$work/engines.json"
	type -P python3 >/dev/null && check "engines, json" python3 -m json.tool "$work/engines.json" /dev/null
else
	echo "skip engines # no JIT for this CPU, or executable memory is refused"
fi
if [[ -z ${SAN:-} ]]; then
	N=40 FORMAT=json bench/mail_sum.sh >"$work/sum" 2>"$work/err"
	check "sum of 40 tracepoints" [ $? == 0 ]
	value() {
		grep -oE "\"$1\": [0-9]+" "$work/sum" | grep -oE '[0-9]+$'
	}
	check "a thunk for each ($(value thunk_bytes) bytes)" [ "$(value thunk_bytes)" -ge 40 ]
	check "approach 2 adds less text ($(value text)) than approach 1 ($(value approach_1_text))" \
		[ "$(value text)" -lt "$(value approach_1_text)" ]
fi
exit $failed
