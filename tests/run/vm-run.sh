#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# vm-run: the protocol, on both engines, and what it refuses.
set -u
vm=$BUILD/tests/vm-run
failed=0

# NAME EXPECTED_OUTPUT EXPECTED_CODE PROGRAM [ARG...]
check() {
	local name=$1 output=$2 code=$3 program=$4 got rc
	shift 4
	got=$(printf '%s' "$program" | "$vm" "$@" 2>&1)
	rc=$?
	if [[ $got == "$output" && $rc == "$code" ]]; then
		echo "ok $name"
	else
		echo "not ok $name: \"$got\" ($rc)"
		failed=1
	fi
}

exit_=9500000000000000
for engine in interp jit; do
	if [[ $engine == jit ]] && ! printf 'b700000000000000%s' $exit_ | "$vm" >/dev/null 2>&1; then
		echo "skip jit # no JIT for this CPU, or executable memory is refused"
		continue
	fi
	check "$engine: r0 = -2" fffffffffffffffe 0 "b7000000feffffff $exit_" --engine $engine
	# r0 = *(u32 *)(r1 + 1)
	check "$engine: memory" 55443322 0 "6110010000000000 $exit_" --engine $engine "11 22 33 44 55"
	# r0 = r2
	check "$engine: length" 3 0 "bf20000000000000$exit_" --engine $engine "112233"
	check "$engine: no memory" 0 0 "bf10000000000000 0f20000000000000 $exit_" --engine $engine
done
check "a jump out of the program" "vm-run: a jump to nowhere" 1 "0500ff7f00000000 $exit_"
check "a jump into an immediate" "vm-run: a jump to nowhere" 1 \
	"0500010000000000 18000000010000000000000000000000 $exit_"
check "no exit" "vm-run: no exit at the end" 1 "b700000000000000"
check "unknown bytes" "vm-run: not an instruction" 1 "ff00000000000000 $exit_"
check "half an instruction" "vm-run: bad hex" 1 "b7000000"
check "no hex" "vm-run: bad hex" 1 "zz"
exit $failed
