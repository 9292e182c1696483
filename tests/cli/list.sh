#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rawtp list and rawtp ps: files of every kind of link, processes, patterns, and what is not there.
. tests/cli/lib.sh

program app || exit 1
expect list-file 0 "$rawtp" list "$dir/app"
expect list-verbose 0 "$rawtp" list -v "$dir/app"
"$rawtp" list "$dir/app" >"$dir/want"

# The same from every kind of file.
same_list() { diff "$dir/want" <("$rawtp" list "$1"); }
strip -o "$dir/stripped" "$dir/app"
check list-stripped same_list "$dir/stripped"
if objcopy --strip-section-headers "$dir/app" "$dir/headless" 2>/dev/null; then
	check list-no-section-headers same_list "$dir/headless"
fi
cp "$dir/app" "$dir/app.pie"
program app -no-pie -fno-pie && check list-no-pie same_list "$dir/app"
program app -shared -fPIC && check list-shared same_list "$dir/app"
program app -static-pie -L. "$BUILD/librawtp.a" 2>/dev/null && check list-static-pie same_list "$dir/app"
program app -Wl,-z,pack-relative-relocs 2>/dev/null && check list-relr same_list "$dir/app"
program app -Wl,-O1 -Wl,--gc-sections -ffunction-sections -flto && check list-lto same_list "$dir/app"
if type -P aarch64-linux-gnu-gcc >/dev/null &&
	aarch64-linux-gnu-gcc -O2 -shared -fPIC -Iinclude -Itests/cli -o "$dir/arm64.so" tests/cli/app.c 2>/dev/null; then
	check list-arm64 same_list "$dir/arm64.so"
fi
program app -DRAWTP_NO_PATCH
check list-branch-kind grep -q '1 site, branch' <("$rawtp" list -v "$dir/app" app_tock)

json_of list-json 'j[0]["name"] == "app_tick" and j[0]["class"] == "app_class" and j[0]["system"] == "app" and
	j[2]["args"][0] == {"name": "c", "type": "signed char", "size": 1, "kind": "signed"} and
	j[2]["args"][4]["kind"] == "float" and j[2]["args"][7]["kind"] == "pointer" and len(j) == 3' \
	"$rawtp" list -j "$dir/app.pie"
json_of list-json-glob '[e["name"] for e in j] == ["app_tick", "app_tock"]' "$rawtp" list -j "$dir/app.pie" 'app_t?ck'

refuses list-no-match 1 'none of 3 tracepoints matches app_tik; nearest: app_tick, app_tock$' \
	"$rawtp" list "$dir/app.pie" app_tik
refuses list-no-tracepoints 1 'has no tracepoints$' "$rawtp" list "$(type -P cat)"
refuses list-no-elf 1 'is no ELF file$' "$rawtp" list tests/cli/list.sh
refuses list-folder 1 'is no regular file' "$rawtp" list "$dir"
refuses list-nowhere 1 'cannot be opened: No such file' "$rawtp" list "$dir/nowhere"
refuses list-no-process 1 'process 2147483647: there is no such process' "$rawtp" list -p 2147483647
refuses list-foreign-process 1 "process $$: it carries no tracepoints" "$rawtp" list -p $$
refuses list-bad-pid 2 'is no process number' "$rawtp" list -p 12x
refuses list-too-many 2 'one operand too many' "$rawtp" list "$dir/app.pie" a b

# A process.
"$dir/app.pie" 0 1000 &
pid=$!
pids+=("$pid")
check process-appears wait_for "$pid"
check list-process diff "$dir/want" <("$rawtp" list -p "$pid")
json_of list-process-json "j[0]['pid'] == $pid and len(j[0]['tracepoints']) == 3 and
	j[0]['tracepoints'][0]['attached'] == 0" "$rawtp" list -j -p "$pid"
json_of ps-json "[p for p in j if p['pid'] == $pid] == [{'pid': $pid, 'comm': 'app.pie', 'tracepoints': 3, 'links': []}]" \
	"$rawtp" ps -j
check ps-text grep -qE "^ +$pid  app.pie +3 +0$" <("$rawtp" ps)

# A name that is no UTF-8, and needs escapes.
cp "$dir/app.pie" "$dir/"$'\xff"\xc3\xa9\x01'
"$dir/"$'\xff"\xc3\xa9\x01' 0 1000 &
odd=$!
pids+=("$odd")
wait_for "$odd"
json_of ps-odd-name "[p['comm'] for p in j if p['pid'] == $odd] == ['\xff\"\xe9\x01']" "$rawtp" ps -j

# One that is stopped is shown with the reason, and keeps nobody waiting for long.
kill -STOP "$pid"
check ps-stopped grep -qE "^ +$pid  app.pie +it does not answer" <("$rawtp" ps)
refuses list-stopped 1 'does not answer; if it is stopped, kill -CONT' "$rawtp" list -p "$pid"
kill -CONT "$pid"
check list-continued diff "$dir/want" <("$rawtp" list -p "$pid")
refuses ps-operand 2 'there are no operands' "$rawtp" ps x
exit $failed
