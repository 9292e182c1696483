#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Maps that a target fills and the command reads: LRU hash, queue, stack traces, task storage. What they
# hold when the program has been detached is what the target has done.
. tests/e2e/lib.sh
target_start 0
out=$work/out
timeout -s INT 60 "$RAWTP" attach --json -p "$target_pid" --interval 0 "$E2E/maps.bpf.o" >"$out" 2>"$work/err" &
tool=$!
for ((i = 0; i < 400; i++)); do
	attached_now
	[[ $attached == 1 ]] && break
	sleep 0.05
done
ask "call 1000"
check "the target goes on: $answer" [ "$answer" = "done 1000" ]
kill -INT "$tool"
wait "$tool"
check "the command ends well: $(cat "$work/err")" [ $? -eq 0 ]

# Values of a map, one a line, by key.
values() {
	jq -r --arg map "$1" '.. | objects | select(.name? == $map) | .entries[]? | "\(.key) \(.value)"' "$out" | sort -n
}
if type -P jq >/dev/null; then
	read -r calls queue frames errors <<<"$(values sums | awk '{ printf "%s ", $2 }')"
	check "calls of the thread, in its own storage: $calls" [ "$calls" -eq 1000 ]
	check "the oldest value of a queue of 4: $queue" [ "$queue" -eq 996 ]
	check "frames: $frames" [ "$frames" -ge 2 -a "$frames" -le 8 ]
	check "no call failed: $errors" [ "$errors" -eq 0 ]
	n=$(values recent | wc -l)
	check "an LRU hash of 8 is full: $n" [ "$n" -eq 8 ]
	check "and has the last key" grep -q '^999 999$' <(values recent)
	check "one stack, met each time: $(values stacks)" [ "$(values stacks | awk '{ print $2 }')" = 1000 ]
else
	echo "skip contents # no jq"
fi
nothing_attached
target_end
check "the target ends well: $answer" [ "$answer" = "calls 1000" -a "$target_status" -eq 0 ]
finish
