#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What happens to the agent around exec, daemon(3), spawn, exit, kill, set-user-ID, no place for a
# socket, and in containers: the program is never harmed, its socket comes and goes with it.
BUILD=$(realpath "${BUILD:-build}")
RAWTP=$BUILD/rawtp
here=$(dirname "$0")
failures=0
# Not below /tmp, which the container of one case does not have.
mkdir -p "$BUILD/tests"
work=$(mktemp -d "$BUILD/tests/agent-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
export RAWTP_RUN_DIR=$work/run
# Threads after a fork are what is tested here.
export TSAN_OPTIONS="${TSAN_OPTIONS:-} die_after_fork=0"

check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@"; then echo "ok $name"; else
		echo "not ok $name: $*"
		failures=$((failures + 1))
	fi
}
eventually() { # COMMAND...
	local i
	for ((i = 0; i < 400; i++)); do
		"$@" && return 0
		sleep 0.025
	done
	return 1
}
listed() { # PID
	"$RAWTP" ps 2>/dev/null | awk -v pid="$1" '$1 == pid { found = 1 } END { exit !found }'
}
gone() {
	! [[ -e $1 ]]
}

${CC:-gcc} -O2 -D_GNU_SOURCE ${SAN:+-fsanitize=$SAN} -Iinclude -o "$work/subject" "$here/subject.c" \
	-L"$BUILD" -lrawtp -Wl,-rpath,"$BUILD" || { echo "not ok the subject compiles"; exit 1; }

begin() { # how, sets $pid
	coproc SUBJECT { exec "$work/subject" "$@"; }
	pid=$SUBJECT_PID in=${SUBJECT[1]} out=${SUBJECT[0]}
	read -r -t 30 line <&"$out"
}
end() {
	exec {in}>&-
	wait "$pid"
	status=$?
}

begin wait
check "the socket is there" eventually test -S "$RAWTP_RUN_DIR/$pid"
check "its directory is for its owner alone" [ "$(stat -c %a "$RAWTP_RUN_DIR")" == 700 ]
check "ps finds it" listed "$pid"
end
check "the program ends with its own status" [ $status == 0 ]
check "the socket goes with it" gone "$RAWTP_RUN_DIR/$pid"

begin exec
check "after exec there is a new agent at the same place" listed "$pid"
check "and it is the new program's: $line" [ "$line" == "ready $pid" ]
end
check "which removes it" gone "$RAWTP_RUN_DIR/$pid"

begin wait
kill -KILL "$pid"
wait "$pid" 2>/dev/null
check "a killed program leaves its socket" test -S "$RAWTP_RUN_DIR/$pid"
"$RAWTP" ps >/dev/null 2>&1
check "which the next look removes" gone "$RAWTP_RUN_DIR/$pid"

check "daemon(3) works" "$work/subject" daemon "$work/pid"
eventually test -s "$work/pid"
pid=$(cat "$work/pid")
check "the daemon is found" eventually listed "$pid"
rm "$work/pid"
check "and removes its socket at its end" eventually gone "$RAWTP_RUN_DIR/$pid"

check "posix_spawn and vfork are left alone" "$work/subject" spawn
check "they leave nothing" [ -z "$(ls -A "$RAWTP_RUN_DIR")" ]

RAWTP_RUN_DIR=/proc/nowhere "$work/subject" wait </dev/null >"$work/out" 2>"$work/err"
check "no place for a socket: status 0" [ $? == 0 ]
check "no place for a socket: nothing is said" [ ! -s "$work/err" ]
RAWTP_AGENT=0 "$work/subject" wait </dev/null >"$work/out" 2>"$work/err"
check "switched off: status 0, nothing is said, nothing is made" \
	[ "$? $(wc -c <"$work/err") $(ls -A "$RAWTP_RUN_DIR" | wc -l)" == "0 0 0" ]

if [[ ${SAN:-} ]]; then
	echo "skip set-user-ID # sanitizers do not like it"
elif [[ $(id -u) != 0 ]] || ! command -v setpriv >/dev/null; then
	echo "skip set-user-ID # needs root and setpriv"
elif ! setpriv --reuid 65534 --regid 65534 --clear-groups "$work/subject" wait </dev/null >/dev/null 2>&1; then
	echo "skip set-user-ID # other users cannot run what lies in $BUILD"
else
	cp "$work/subject" "$work/secure"
	chmod 4755 "$work/secure"
	check "set-user-ID programs have no agent" \
		setpriv --reuid 65534 --regid 65534 --clear-groups "$work/secure" sanitize
fi

# Another mount namespace, another process namespace: reached through /proc/PID/root.
unset RAWTP_RUN_DIR
if ! unshare --mount --pid --fork true 2>/dev/null; then
	echo "skip a container # namespaces are not permitted"
elif [[ $BUILD == /tmp/* ]]; then
	echo "skip a container # it has a /tmp of its own, and what was built lies there"
else
	mkfifo "$work/hold"
	unshare --mount --pid --fork --kill-child bash -c \
		'mount -t tmpfs none /tmp; [[ -d /run/user/0 ]] && mount -t tmpfs none /run/user/0
		exec "$0" wait <"$1"' "$work/subject" "$work/hold" >"$work/out" &
	unshared=$!
	exec {hold}>"$work/hold"
	eventually grep -q ready "$work/out"
	check "it sees itself under another number: $(cat "$work/out")" grep -q "^ready 1$" "$work/out"
	pid=$(pgrep -P "$unshared")
	check "a container's process is found from outside" listed "$pid"
	check "and answers" "$RAWTP" list -p "$pid"  >"$work/list"
	grep -h '^not ok' "$work/list"
	check "with its tracepoints" grep -q subject_tick "$work/list"
	exec {hold}>&-
	wait $unshared
	check "and ends as it should" [ $? == 0 ]
fi
exit $((failures > 0))
