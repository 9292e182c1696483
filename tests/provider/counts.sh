#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The libc provider counts exactly: what a program calls is what a BPF program sees, over threads and
# forked children, and every call does what it does without it.
. tests/cli/lib.sh
[[ $SAN ]] && skip_all "a sanitizer's runtime takes malloc for itself"
type -P python3 >/dev/null || skip_all "no python3 to read JSON with"

sources=tests/provider
"$CLANG" -O2 -g -target bpf -mcpu=v3 -idirafter "/usr/include/$("$CC" -print-multiarch)" \
	-c -o "$dir/libc.bpf.o" $sources/libc.bpf.c || exit 1
"$CC" -O1 -fno-builtin -o "$dir/calls" $sources/calls.c -pthread || exit 1

count() { # OUT ROUNDS THREADS CHILDREN
	"$rawtp" run --json -o "$1" --provider libc "$dir/libc.bpf.o" -- "$dir/calls" "$2" "$3" "$4"
}
# Differences of the counters between a run with rounds and one without, per round and thread.
compare() {
	python3 - "$dir/with" "$dir/without" "$1" <<'END'
import json, sys
def counters(path):
    j = json.load(open(path))
    assert all(t["misses"] == 0 and t["runs"] == t["events"] for t in j["totals"]), j["totals"]
    return {m["name"]: m for m in j["maps"]}[".bss"]["variables"]
a, b, n = counters(sys.argv[1]), counters(sys.argv[2]), int(sys.argv[3])
want = {"mallocs": 3, "frees": 4, "null_frees": 1, "callocs": 1, "reallocs": 1, "reads": 2,
        "failed_reads": 1, "writes": 1, "locks": 1, "malloc_bytes": 124 + 2**63 - 1, "calloc_bytes": 21,
        "realloc_bytes": 5000, "read_bytes": 1, "written_bytes": 1, "slow": 0}
got = {k: (a[k] - b[k]) % 2**64 for k in want}
want = {k: v * n % 2**64 for k, v in want.items()}
sys.exit(0 if got == want else f"got  {got}\nwant {want}")
END
}
while read -r rounds threads children; do
	name=counts-$rounds-$threads-$children
	if count "$dir/with" "$rounds" "$threads" "$children" && count "$dir/without" 0 "$threads" "$children"; then
		check "$name" compare $((rounds * threads * (children + 1)))
	else
		not_ok "$name" "the program went wrong"
	fi
done <<'END'
1 1 0
10000 1 0
5000 2 0
2000 8 0
1000 2 3
END

# A command that becomes another program is traced no more, and the report says so; others say nothing.
said='runs .*/[a-z]* now, or was detached, and is no longer traced'
mkfifo "$dir/hold"
"$rawtp" run --provider libc "$dir/libc.bpf.o" -- sh -c 'exec cat' <"$dir/hold" 2>"$dir/err" &
exec 9>"$dir/hold"
for _ in $(seq 400); do
	grep -q "$said" "$dir/err" && break
	sleep 0.05
done
exec 9>&-
wait $!
check become-another grep -q "$said" "$dir/err"
"$rawtp" run --provider libc "$dir/libc.bpf.o" -- sh -c 'cat; exit 0' </dev/null 2>"$dir/err"
check become-none bash -c "! grep -q 'no longer traced' '$dir/err'"
exit $failed
