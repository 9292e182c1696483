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

# How long an attach takes here, in microseconds: moments to kill at are drawn from a bit more, and
# from more or less in the next batch where most were killed too early or too late.
start=${EPOCHREALTIME/[.,]/}
timeout -s INT 20 "$RAWTP" attach -p "$target_pid" --for 0.001 --interval 0 "$E2E/tick.bpf.o" >/dev/null
limit=$(((${EPOCHREALTIME/[.,]/} - start) * 5 / 4))
ask census
read -r _ _ before _ <<<"$answer"
first_before=$before

# Two at once, on one target.
killer() { # seed
	"$E2E/killer" $((times / 20)) $limit "$1" \
		"$RAWTP" attach -p "$target_pid" --interval 0 --for 1000 "$E2E/tick.bpf.o"
}
for ((batch = 0; batch < 10; batch++)); do
	killer $((2 * batch)) >>"$work/killed" 2>>"$work/killed.err" &
	first=$!
	killer $((2 * batch + 1)) >>"$work/killed" 2>>"$work/killed.err"
	wait $first
	ask census
	read -r _ _ after _ <<<"$answer"
	((after - before < times / 40)) && limit=$((limit * 2))
	((after - before > times * 3 / 40 && limit > 2000)) && limit=$((limit / 2))
	before=$after
done
check "all were killed, none ended by itself" \
	[ "$(sort -u "$work/killed")" == "killed $((times / 20)) ended 0" -a "$(wc -l <"$work/killed")" == 20 ]
check "nothing stays attached" nothing_attached
ask census
read -r fds_after threads_after after mappings_after <<<"$answer"
switched=$((after - first_before))
check "some were killed after they had attached ($switched switches of $times)" [ $switched -gt 0 ]
check "some were killed before" [ $switched -lt "$times" ]
check "no descriptor is left" [ "$fds_after" == "$fds" ]
check "no thread is left" [ "$threads_after" == "$threads" ]
# Memory that is kept for the next time may be cut into some more mappings, but not one for each.
check "mappings do not grow with the attaches ($mappings, then $mappings_after)" \
	[ "$mappings_after" -le $((mappings + times / 20 + 10)) ]

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
