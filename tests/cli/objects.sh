#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rawtp map, prog and link: what exists in user space and in the kernel, what is in it, and detaching.
. tests/cli/lib.sh

have_json || skip_all "no python3"
ex=$BUILD/examples/request_switches
program app || exit 1
bpf attach
"$dir/app" 0 1000 &
app=$!
pids+=("$app")
wait_for "$app"
"$rawtp" attach -p "$app" --json "$dir/attach.bpf.o" >"$dir/attached" 2>&1 &
holder=$!
pids+=("$holder")
for ((i = 0; i < 200; i++)); do
	grep -q '"rates"' "$dir/attached" && break
	sleep 0.05
done

refuses verb 2 'lst is nothing to do; nearest: list' "$rawtp" map lst
refuses no-operand 2 'dump: name an id or a name' "$rawtp" prog dump
refuses both 2 '-k and -p: one of them at a time' "$rawtp" link -k -p 1
refuses no-map 1 '^rawtp map: there is no map tikcs; nearest: ticks' "$rawtp" map dump -p "$app" tikcs
refuses no-keys 1 'records\): a ringbuf has no keys to show$' "$rawtp" map dump -p "$app" records
json_of maps "sorted((m['name'], m['type']) for m in j if m['name'] in ('ticks', 'records')) ==
	[('records', 'ringbuf'), ('ticks', 'percpu_array')] and all(m['holder'] in ($holder, $app) for m in j)" \
	"$rawtp" map list --json -p "$app"
json_of map-of-another '[m for m in j if m["name"] == "ticks"] == []' "$rawtp" map --json -p $$
json_of map-dump 'len(j) == 1 and j[0]["entries"][0]["value"] > 0' "$rawtp" map dump --json -p "$app" ticks
json_of progs "{p['name']: (p['type'], p['holder'], len(p['map_ids']) > 0) for p in j if p['holder'] == $holder} ==
	{'on_tick': ('raw_tracepoint', $holder, True), 'on_tock': ('raw_tracepoint', $holder, True)}" \
	"$rawtp" prog --json -p "$holder"
json_of prog-dump "len(j) == 1 and j[0]['insns'][-1] == 'exit' and len(j[0]['insns']) > 5" \
	"$rawtp" prog dump --json -p "$holder" on_tick
json_of links "[(l['program'], l['tracepoint'], l['holder']) for l in j] ==
	[('on_tick', 'app_tick', $holder), ('on_tock', 'app_tock', $holder)]" "$rawtp" link --json -p "$app"
json_of links-of-all "$app in [l['pid'] for l in j]" "$rawtp" link show --json
check text bash -c '"$1" map list -p "$2" && "$1" prog && "$1" link' bash "$rawtp" "$app"
refuses no-link 1 "process $app has no link 999; see rawtp link -p $app" "$rawtp" link detach -p "$app" 999
refuses detach-whose 2 'detach: name the process: -p PID; try' "$rawtp" link detach 1
first=$("$rawtp" link --json -p "$app" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
check detach "$rawtp" link detach -p "$app" "$first"
json_of detached "[l['program'] for l in j] == ['on_tock']" "$rawtp" link --json -p "$app"
kill -INT "$holder"

# Hostile: memfds that only have the name.
cat >"$dir/liar.c" <<'END'
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
	int map = memfd_create("bpf-map:liar", MFD_ALLOW_SEALING), prog = memfd_create("bpf-prog", MFD_ALLOW_SEALING);

	for (int i = 0; i < 3000; i++)
		if (write(map, "rawtpmap", 8) != 8 || write(prog, "rawtpprg", 8) != 8)
			return 1;
	pause();
}
END
"$CC" -o "$dir/liar" "$dir/liar.c" || exit 1
"$dir/liar" &
liar=$!
pids+=("$liar")
json_of liar-map 'j == []' "$rawtp" map --json -p "$liar"
json_of liar-prog 'j == []' "$rawtp" prog --json -p "$liar"

"$rawtp" map -k >/dev/null 2>"$dir/err" || {
	((failed)) && exit 1
	skip_all "the kernel's objects may not be listed here: $(cat "$dir/err")"
}
"$ex/request_switches" 100000 1 5000 >/dev/null &
server=$!
pids+=("$server")
wait_for "$server"
"$rawtp" attach -k -p "$server" --json "$ex/request_switches.bpf.o" >"$dir/attached" 2>&1 &
holder=$!
pids+=("$holder")
for ((i = 0; i < 200; i++)); do
	grep -q '"rates"' "$dir/attached" && break
	sleep 0.05
done
json_of kernel-maps 'len([m for m in j if m["name"] == "serving" and m["type"] == "array"]) >= 1 and
	len({m["id"] for m in j}) == len(j)' "$rawtp" map -k --json
json_of kernel-prog 'len(j) >= 1 and j[0]["type"] == "raw_tracepoint" and len(j[0]["map_ids"]) >= 2' "$rawtp" prog -k --json list on_switch
json_of kernel-prog-dump "j[0]['insns'][-1] == 'exit'" "$rawtp" prog dump -k --json on_switch
json_of kernel-link "len([l for l in j if l.get('tracepoint') == 'sched_switch' and l['program'] == 'on_switch']) >= 1" \
	"$rawtp" link -k --json
json_of user-prog-of-shared-map "sorted(p['name'] for p in j) == ['on_begin', 'on_end']" "$rawtp" prog --json -p "$holder"
if type -P bpftool >/dev/null && bpftool -j prog show >"$dir/want" 2>/dev/null; then
	"$rawtp" prog -k --json >"$dir/json"
	check kernel-progs-as-bpftool python3 -c '
import json, sys
want = {p["id"]: (p.get("name", ""), p["tag"], p["type"]) for p in json.load(open(sys.argv[1]))}
got = {p["id"]: (p["name"], p["tag"], p["type"]) for p in json.load(open(sys.argv[2]))}
both = set(want) & set(got) # others come and go
assert len(both) >= 1 and all(want[i] == got[i] for i in both), [(want[i], got[i]) for i in both if want[i] != got[i]]' \
		"$dir/want" "$dir/json"
fi
kill -INT "$holder"
if setpriv --bounding-set -sys_admin --inh-caps -sys_admin true 2>/dev/null; then
	refuses kernel-no-sys-admin 1 'CAP_SYS_ADMIN is missing, which looking at maps of others needs$' \
		setpriv --bounding-set -all --inh-caps -all "$rawtp" map -k
fi
exit $failed
