#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rawtp run: every event from the first instruction, exactly; the status passed on; what cannot be run.
. tests/cli/lib.sh

program app || exit 1
bpf attach
object=$dir/attach.bpf.o

expect run-report 0 "$rawtp" run "$object" -- "$dir/app" 1000
json_of run-json '{t["program"]: (t["events"], t["runs"], t["misses"]) for t in j["totals"]} ==
	{"on_tick": (100000, 100000, 0), "on_tock": (50000, 50000, 0)} and
	{m["name"]: m for m in j["maps"]}["ticks"]["entries"][0]["value"] == 100000 and
	{m["name"]: m for m in j["maps"]}[".bss"]["variables"]["tocks"] == 50000 and
	{m["name"]: m for m in j["maps"]}["records"]["records"] == 1000 and
	j["targets"][0]["comm"] == "app"' \
	"$rawtp" run --json -o /dev/stdout "$object" -- "$dir/app" 100000
json_of run-records '[e["record"] for e in j["events"] if "record" in e] ==
	[{"n": 100 * i, "name": "tick"} for i in range(1, 11)]' \
	"$rawtp" run --json -o /dev/stdout --record tick "$object" -- "$dir/app" 1000
check run-without-dashes "$rawtp" run -o "$dir/report" "$object" "$dir/app" 10
check run-report-file grep -qE '^ticks \(percpu_array\): 10$' "$dir/report"

status() { # WANT COMMAND...
	local want=$1 rc=0
	shift
	"$@" >"$dir/out" 2>&1 || rc=$?
	((rc == want)) || { echo "status $rc, not $want"; cat "$dir/out"; return 1; }
}
check run-status-7 status 7 "$rawtp" run "$object" -- "$dir/app" 1 0 7
check run-status-255 status 255 "$rawtp" run "$object" -- "$dir/app" 1 0 255
check run-killed status 138 "$rawtp" run "$object" -- "$dir/app" 1 0 -10
check run-exec status 7 "$rawtp" run -- "$dir/app" 1 0 7

refuses run-not-found 127 'nosuchcommand: cannot be run: No such file' "$rawtp" run "$object" -- nosuchcommand
refuses run-not-executable 126 'cannot be run: Permission denied' "$rawtp" run "$object" -- "$object"
refuses run-no-command 2 'name a command' "$rawtp" run "$object" --
refuses run-nothing 2 'name a command' "$rawtp" run
refuses run-no-provider 1 'there is no provider nolibc' "$rawtp" run --provider nolibc -- true
refuses run-bad-provider 2 'is no name' "$rawtp" run --provider ../libc -- true
refuses run-no-object 1 'nowhere.o: cannot be opened' "$rawtp" run "$dir/nowhere.o" -- "$dir/app" 1
refuses run-no-record 1 'its BTF has no struct nosuch' "$rawtp" run --record nosuch "$object" -- "$dir/app" 1
if "$CC" -static -x c -o "$dir/static" - <<<'#include <stdio.h>
int main(void) { puts("ran"); }' 2>/dev/null; then
	refuses run-static 1 'is statically linked' "$rawtp" run "$object" -- "$dir/static"
fi

# Nothing of the command runs where it cannot be traced as asked.
bpf nosuch <<'END'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("raw_tp/app_tik") int on_tick(void *ctx) { return 0; }
char LICENSE[] SEC("license") = "MIT";
END
program touch <<'END'
#include <fcntl.h>
int main(int argc, char **argv) { return creat(argv[1], 0600) < 0; }
END
refuses run-unknown-tracepoint 1 'has no tracepoint app_tik; nearest: app_tick, app_tock' \
	"$rawtp" run "$dir/nosuch.bpf.o" -- "$dir/app" 1
# A sanitizer's runtime refuses to be preloaded into a program that is not built with it.
[[ $SAN ]] || refuses run-untraced 1 'has no tracepoint app_tick' "$rawtp" run "$object" -- "$dir/touch" "$dir/touched"
check run-untraced-did-nothing test ! -e "$dir/touched"

# Signals: Ctrl-C and kill end the command, whose status is passed on, and the report is still made.
for sig in INT TERM; do
	# Background commands of a script are started with SIGINT ignored.
	env --default-signal=INT "$rawtp" run -o "$dir/report" "$object" -- "$dir/app" 0 1000 &
	tool=$!
	pids+=("$tool")
	for ((i = 0; i < 100; i++)); do
		app=$(pgrep -P "$tool" -x app) && wait_for "$app" && break
		sleep 0.05
	done
	sleep 0.2
	# Ctrl-C reaches both; kill only the one that it is sent to.
	[[ $sig == INT ]] && kill -INT "$app"
	kill -$sig "$tool"
	rc=0
	wait "$tool" || rc=$?
	check "run-SIG$sig-status" test "$rc" = $((128 + $(kill -l $sig)))
	check "run-SIG$sig-report" grep -qE '^ticks \(percpu_array\): [1-9]' "$dir/report"
done
exit $failed
