# SPDX-License-Identifier: MIT
# Sourced by the end-to-end scripts: a target to speak to, objects, cases, cleaning up.

BUILD=$(realpath "${BUILD:-build}")
RAWTP=$BUILD/rawtp
E2E=$BUILD/tests/e2e
work=$(mktemp -d)
failures=0
target_pid= target_in= target_out=

# Only what this script started is ended, by its number.
cleanup() {
	[[ -n $target_pid ]] && kill -KILL "$target_pid" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT

ok() {
	echo "ok $1"
}
not_ok() {
	echo "not ok $1"
	failures=$((failures + 1))
}
# check NAME COMMAND...: a case that passes where the command does.
check() {
	local name=$1
	shift
	if "$@"; then ok "$name"; else not_ok "$name: $*"; fi
}
finish() {
	exit $((failures > 0))
}

target_start() { # threads
	coproc TARGET { exec "$E2E/target" "$@"; }
	target_pid=$TARGET_PID target_in=${TARGET[1]} target_out=${TARGET[0]}
	target_answer
	[[ $answer == ready ]] || { echo "the target does not start: $answer"; exit 1; }
}
target_answer() { # sets $answer
	read -r -t 60 answer <&"$target_out" || answer="no answer"
}
ask() { # line to the target; sets $answer
	echo "$1" >&"$target_in"
	target_answer
}
# Ends the target, sets $answer to its last words and $target_status.
target_end() {
	ask quit
	wait "$target_pid"
	target_status=$?
	target_pid=
}
# Nothing of ours is attached to the target: waits for it, up to a limit that only a bug reaches.
nothing_attached() {
	local i
	for ((i = 0; i < 200; i++)); do
		attached_now
		[[ $attached == 0 ]] && return 0
		sleep 0.05
	done
	return 1
}
# Sets $attached: how many programs the agent of the target says there are.
attached_now() {
	attached=$("$RAWTP" ps 2>/dev/null | awk -v pid="$target_pid" '$1 == pid { print $NF }')
	attached=${attached:-unknown}
}
