#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# 1,000 times: `rawtp attach` is killed with SIGKILL at some moment between its start and some time
# after it has attached. The target, which passes the tracepoint all the while, runs on; nothing
# stays attached; no descriptor, thread or mapping is left. Then a program attached to the end counts
# every call.
. tests/e2e/lib.sh
times=${TIMES:-1000}
[[ ${SAN:-} ]] && times=$((times / 10))

target_start 2
ask "call 10"
# The first attach may map or open what stays (the agent's own things): not a leak.
timeout -s INT 20 "$RAWTP" attach -p "$target_pid" --for 0.1 --interval 0 "$E2E/tick.bpf.o" >/dev/null
nothing_attached
ask census
read -r fds threads switches mappings <<<"$answer"
[[ $switches -ge 1 ]] && ok "an attach switches the tracepoint on" || not_ok "nothing was attached: $answer"

# How long an attach takes here, in microseconds: moments to kill at are drawn from a bit more.
start=${EPOCHREALTIME/[.,]/}
timeout -s INT 20 "$RAWTP" attach -p "$target_pid" --for 0.001 --interval 0 "$E2E/tick.bpf.o" >/dev/null
took=$((${EPOCHREALTIME/[.,]/} - start))
ask census
read -r _ _ before _ <<<"$answer"

# Two at once, on one target.
run_killer() {
	"$E2E/killer" $((times / 2)) $((took * 5 / 4)) "$1" \
		"$RAWTP" attach -p "$target_pid" --interval 0 --for 1000 "$E2E/tick.bpf.o"
}
run_killer 1 >"$work/first" 2>"$work/first.err" &
first=$!
run_killer 2 >"$work/second" 2>"$work/second.err"
wait $first
check "all were killed, none ended by itself ($(cat "$work/first" "$work/second" | tr '\n' ' '))" \
	[ "$(cat "$work/first" "$work/second")" == "$(printf 'killed %d ended 0\n' $((times / 2)) $((times / 2)))" ]
check "nothing stays attached ($attached)" nothing_attached
ask census
read -r fds_after threads_after after mappings_after <<<"$answer"
switched=$((after - before))
check "some were killed after they had attached ($switched switches of $times)" [ $switched -gt 0 ]
check "some were killed before" [ $switched -lt "$times" ]
check "no descriptor is left" [ "$fds_after" == "$fds" ]
check "no thread is left" [ "$threads_after" == "$threads" ]
# Memory that is kept for the next time may be cut into some more mappings, but not one for each.
check "mappings do not grow with the attaches ($mappings, then $mappings_after)" \
	[ "$mappings_after" -le $((mappings + times / 20)) ]

# The last one lives: it counts all.
"$RAWTP" attach -p "$target_pid" --interval 0 --for 1000 --json "$E2E/tick.bpf.o" >"$work/last.json" &
tool=$!
for ((i = 0; i < 400; i++)); do
	attached_now
	[[ $attached == 1 ]] && break
	sleep 0.05
done
ask "call 12345"
kill -INT $tool
wait $tool
check "after all that, every call is counted" grep -q 12345 "$work/last.json"
target_end
check "the target ends well" [ "$target_status $answer" == "0 calls 12355" ]
finish
