#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# lttng.sh COMMAND...: runs the command while a session of LTTng records the bench's events into
# memory (a snapshot session: nothing is written). Without lttng-tools it only runs the command.
set -u
started=
finish() {
	lttng destroy rawtp-bench >/dev/null 2>&1
	[[ $started ]] && kill $started 2>/dev/null # it and its parent
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
	lttng create rawtp-bench --snapshot -o "$home/out" &&
		lttng enable-channel -u -s rawtp-bench --overwrite --subbuf-size 1M --num-subbuf 4 ring &&
		lttng enable-event -u -s rawtp-bench -c ring rawtp_bench:recorded &&
		lttng enable-event -u -s rawtp-bench -c ring rawtp_bench:rejected --filter 'act == 4294967295' &&
		lttng start rawtp-bench
} >/dev/null 2>&1
begin
"$@"
