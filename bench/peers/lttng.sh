#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# lttng.sh COMMAND...: runs the command while a session of LTTng records the bench's events into
# memory (a snapshot session: nothing is written). Without lttng-tools it only runs the command.
set -u
started=
finish() {
	lttng --no-sessiond destroy rawtp-bench >/dev/null 2>&1
	local i
	# It and its parent; the next run must not take one for its own that is ending.
	[[ $started ]] && kill $started 2>/dev/null
	for ((i = 0; i < 100; i++)); do
		[[ $started ]] && kill -0 $started 2>/dev/null || break
		sleep 0.1
	done
	[[ ${home:-} ]] && rm -rf "$home"
}
begin() {
	local before
	type -P lttng lttng-sessiond >/dev/null || return
	home=$(mktemp -d)
	trap finish EXIT
	before=$(pgrep -x lttng-sessiond)
	if [[ -z $before ]]; then
		((EUID)) && export LTTNG_HOME=$home
		lttng-sessiond --daemonize --no-kernel >/dev/null 2>&1 || return
		started=$(pgrep -x lttng-sessiond | tr '\n' ' ')
	fi
	lttng --no-sessiond create rawtp-bench --snapshot -o "$home/out" &&
		lttng --no-sessiond enable-channel -u -s rawtp-bench --overwrite --subbuf-size 1M --num-subbuf 4 ring &&
		lttng --no-sessiond enable-event -u -s rawtp-bench -c ring rawtp_bench:recorded &&
		lttng --no-sessiond enable-event -u -s rawtp-bench -c ring rawtp_bench:rejected --filter 'act == 4294967295' &&
		lttng --no-sessiond start rawtp-bench
} >/dev/null 2>&1
begin
"$@"
