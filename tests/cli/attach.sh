#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rawtp attach: to processes that run, by number and by name; how it ends; and what it refuses.
. tests/cli/lib.sh

program app || exit 1
bpf attach
object=$dir/attach.bpf.o
mv "$dir/app" "$dir/rawtp-app"
start() { # COUNT PAUSE: a target, its number in $pid
	"$dir/rawtp-app" "$@" &
	pid=$!
	pids+=("$pid")
	wait_for "$pid" || not_ok start "$pid never came up"
}
gone() { # nothing is attached to $pid any more
	"$rawtp" ps -j >"$dir/ps" && json "$dir/ps" "[p['links'] for p in j if p['pid'] == $1] == [[]]"
}

start 0 100
json_of attach-json '0 < len([e for e in j["events"] if "rates" in e]) <= 3 and
	j["totals"][0]["events"] == {m["name"]: m for m in j["maps"]}["ticks"]["entries"][0]["value"] > 0 and
	j["totals"][1]["events"] == {m["name"]: m for m in j["maps"]}[".bss"]["variables"]["tocks"] > 0 and
	{m["name"]: m for m in j["maps"]}["records"]["records"] == len([e for e in j["events"] if "record" in e]) > 0 and
	[t["comm"] for t in j["targets"]] == ["rawtp-app"]' \
	"$rawtp" attach --json -p "$pid" --for 1 --interval 0.3 --record tick "$object"
have_json && check attach-detached gone "$pid"

# Records of perf event arrays are shown as those of ring buffers, and none is missing.
bpf attach_perf
json_of attach-perf '{m["name"]: m for m in j["maps"]}["records"]["type"] == "perf_event_array" and
	{m["name"]: m for m in j["maps"]}["records"]["records"] == len([e for e in j["events"] if "record" in e]) and
	j["totals"][0]["events"] == {m["name"]: m for m in j["maps"]}["records"]["records"] +
		{m["name"]: m for m in j["maps"]}["records"]["lost"] > 0' \
	"$rawtp" attach --json -p "$pid" --for 0.5 --record tick "$dir/attach_perf.bpf.o"

"$rawtp" attach -p "$pid" --for 0.3 --interval 0 "$object" >"$dir/out"
check attach-no-interval test "$(grep -c on_tick "$dir/out")" = 1

# Attached programs are seen while they are, and go with their holder, however it ends.
for sig in INT TERM HUP KILL; do
	env --default-signal=INT "$rawtp" attach -p "$pid" "$object" >"$dir/out" &
	tool=$!
	pids+=("$tool")
	for ((i = 0; i < 100; i++)); do
		"$rawtp" ps 2>/dev/null | grep -q "on_tock at app_tock, held by $tool (rawtp)" && break
		sleep 0.05
	done
	check "attach-seen-$sig" test "$i" -lt 100
	kill -$sig "$tool"
	rc=0
	wait "$tool" 2>/dev/null || rc=$?
	if [[ $sig == KILL ]]; then want=137; else want=0; fi
	check "attach-status-$sig" test "$rc" = "$want"
	[[ $sig != KILL ]] && check "attach-maps-$sig" grep -qE '^ticks \(percpu_array\): [1-9]' "$dir/out"
	have_json && for ((i = 0; i < 20; i++)); do gone "$pid" 2>/dev/null && break || sleep 0.05; done
	have_json && check "attach-gone-$sig" gone "$pid"
done

# Two processes, one set of maps.
first=$pid
start 0 100
json_of attach-comm 'len(j["targets"]) == 2 and
	j["totals"][0]["events"] == {m["name"]: m for m in j["maps"]}["ticks"]["entries"][0]["value"]' \
	"$rawtp" attach --json --comm rawtp-app --for 0.4 "$object"
json_of attach-pids 'len(j["targets"]) == 2' "$rawtp" attach --json -p "$pid" -p "$first" -p "$pid" --for 0.1 "$object"
kill "$pid" "$first"
wait "$pid" "$first" 2>/dev/null

# A target that ends: said, and the maps are kept.
start 3000 500
json_of attach-ends "[e['gone'] for e in j['events'] if 'gone' in e] == [$pid] and
	{m['name']: m for m in j['maps']}['ticks']['entries'][0]['value'] == j['totals'][0]['events'] > 0" \
	"$rawtp" attach --json -p "$pid" --for 60 "$object"
start 3000 500
"$rawtp" attach -p "$pid" "$object" >"$dir/out"
check attach-ends-text grep -q "process $pid (rawtp-app) has exited" "$dir/out"

# A target that is stopped keeps its links for as long, and nobody hangs.
start 0 100
kill -STOP "$pid"
refuses attach-stopped 1 'does not answer; if it is stopped' "$rawtp" attach -p "$pid" --for 1 "$object"
kill -CONT "$pid"

bpf refused <<'END'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("raw_tp/app_tick") int on_tick(struct bpf_raw_tracepoint_args *ctx) { return *(int *)ctx->args[1]; }
char LICENSE[] SEC("license") = "MIT";
END
rc=0
"$rawtp" attach -p "$pid" "$dir/refused.bpf.o" >"$dir/out" 2>"$dir/err" || rc=$?
check attach-refused-status test "$rc" = 1
check attach-refused-line grep -q 'program on_tick was refused by the verifier (Permission denied):$' "$dir/err"
check attach-refused-report grep -q '^  Reason: ' "$dir/err"

bpf many_args <<'END'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
unsigned long long sum;
SEC("raw_tp/app_tick") int on_tick(struct bpf_raw_tracepoint_args *ctx) { sum += ctx->args[4]; return 0; }
char LICENSE[] SEC("license") = "MIT";
END
refuses attach-too-many-args 1 'on_tick reads 5 arguments, but tracepoint app_tick has 2 \(n, name\)' \
	"$rawtp" attach -p "$pid" "$dir/many_args.bpf.o"

bpf nosuch <<'END'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("raw_tp/app_tick") int good(void *ctx) { return 0; }
SEC("raw_tracepoint/tick") int on_tick(void *ctx) { return 0; }
char LICENSE[] SEC("license") = "MIT";
END
refuses attach-unknown 1 'has no tracepoint tick; nearest: app_tick; see rawtp list -p' \
	"$rawtp" attach -p "$pid" "$dir/nosuch.bpf.o"
have_json && check attach-all-or-nothing gone "$pid"

bpf unnamed <<'END'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("raw_tp") int on_tick(void *ctx) { return 0; }
char LICENSE[] SEC("license") = "MIT";
END
refuses attach-unnamed 1 'names no tracepoint; write SEC\("raw_tp/NAME"\)' "$rawtp" attach -p "$pid" "$dir/unnamed.bpf.o"

bpf other <<'END'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("socket") int filter(void *ctx) { return 0; }
char LICENSE[] SEC("license") = "MIT";
END
rc=0
"$rawtp" attach -p "$pid" "$dir/other.bpf.o" >"$dir/out" 2>"$dir/err" || rc=$?
check attach-no-raw-tracepoint grep -q 'no program for a raw tracepoint' "$dir/err"
check attach-no-raw-tracepoint-status test "$rc" = 1

refuses attach-no-target 2 'name a process' "$rawtp" attach "$object"
refuses attach-no-object 2 'name a BPF object' "$rawtp" attach -p "$pid"
refuses attach-no-file 1 'cannot be opened' "$rawtp" attach -p "$pid" "$dir/nowhere.o"
refuses attach-no-process 1 'there is no such process' "$rawtp" attach -p 2147483647 "$object"
refuses attach-foreign 1 'it carries no tracepoints' "$rawtp" attach -p $$ "$object"
refuses attach-no-comm 1 'no process called rawtp-ap carries tracepoints; nearest: rawtp-app' \
	"$rawtp" attach --comm rawtp-ap "$object"
refuses attach-bad-for 2 'no number of seconds' "$rawtp" attach -p "$pid" --for -1 "$object"
refuses attach-zero-for 2 'no number of seconds' "$rawtp" attach -p "$pid" --for 0 "$object"
refuses attach-nan-for 2 'no number of seconds' "$rawtp" attach -p "$pid" --for nan "$object"
refuses attach-no-argument 2 'needs an argument' "$rawtp" attach -p
exit $failed
