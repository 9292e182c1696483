#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tail calls and callbacks through an unmodified libbpf, in another process: programs that an attached
# one can go to are sent with it, and go when it does.
. tests/e2e/lib.sh
object=$E2E/tails.bpf.o
target_start
ask census
before=$answer
"$RAWTP" attach --json -p "$target_pid" --for 3 --interval 0 "$object" >"$work/out" 2>"$work/err" &
attach_pid=$!
for ((i = 0; i < 200; i++)); do
	attached_now
	[[ $attached == 1 ]] && break
	sleep 0.05
done
check "one program is attached" [ "$attached" == 1 ]
ask "call 1000"
wait $attach_pid || { not_ok "attach"; cat "$work/err"; }
values=$(tr ',' '\n' <"$work/out" | grep -oE '"value": *[0-9]+' | grep -oE '[0-9]+$' | tr '\n' ' ')
check "counted by the programs it went to: $values" [ "$values" == "1500 1500 0 500 " ]
ask census
check "nothing is left: $before, $answer" [ "${before%% *}" == "${answer%% *}" ]
target_end
finish
