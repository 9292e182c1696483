#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A libbpf tool that knows nothing of us, preloaded, on other processes: one, two, and some that die.
set -u
. "$(dirname "$0")/lib.sh"
[[ $can_preload ]] || skip_all "under ThreadSanitizer"
need_libbpf
skeleton remote || exit 1
$CC $flags -o "$out/rawtp_remote" $here/remote.c $link || exit 1
targets=()
trap 'kill -9 "${targets[@]}" 2>/dev/null' EXIT

start() { # sets pid
	local fifo=$out/ready.$$
	mkfifo "$fifo"
	"$out/rawtp_remote" fire >"$fifo" 2>"$out/fire.log" &
	pid=$!
	targets+=("$pid")
	read -r -t 20 _ <"$fifo"
	rm -f "$fifo"
}
reader() { # TARGET N
	RAWTP_TARGET=$1 LD_PRELOAD=$preload timeout 60 "$out/rawtp_remote" read "$2" 2>>"$out/remote.log"
}
: >"$out/remote.log"

start
first=$pid
[[ $(reader "$first" 5000) == 5000 ]]
ok $? remote_one "$out/remote.log"
start
second=$pid
[[ $(reader "$first,$second" 5000) == 5000 ]]
ok $? remote_two "$out/remote.log"
[[ $(reader comm:rawtp_remote 5000) == 5000 ]]
ok $? remote_comm "$out/remote.log"

# The last producer is killed: the reader does not hang.
: >"$out/remote.log"
reader "$first,$second" 1000000000 >"$out/quiet.log" &
tool=$!
for ((i = 0; i < 500; i++)); do
	grep -q reading "$out/remote.log" && break
	sleep 0.1
done
kill -9 "$first" "$second"
wait "$tool"
(($? == 0)) && grep -q quiet "$out/quiet.log"
ok $? remote_killed "$out/remote.log"

! reader "$first" 10 >/dev/null && grep -q "RAWTP_TARGET=$first: No such process" "$out/remote.log"
ok $? remote_gone "$out/remote.log"
exit $failed
