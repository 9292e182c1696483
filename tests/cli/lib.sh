# SPDX-License-Identifier: MIT
# What the tests of the command share: cases, golden texts, objects and programs made on the way.
# Sourced by tests/cli/*.sh and tests/provider/*.sh.
set -u
BUILD=${BUILD:-build}
CC=${CC:-gcc}
CLANG=${CLANG:-clang}
SAN=${SAN:-}
rawtp=$BUILD/rawtp
golden=tests/cli/golden
dir=$(mktemp -d)
failed=0
pids=()

finish() {
	local pid
	for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null; done
	rm -rf "$dir"
}
trap finish EXIT

skip_all() {
	echo "$*"
	exit 77
}
ok() { echo "ok $1"; }
not_ok() {
	echo "not ok $1"
	shift
	printf '    %s\n' "$@"
	failed=1
}
# NAME, then a command that must succeed.
check() {
	local name=$1
	shift
	if "$@" >"$dir/check.out" 2>&1; then ok "$name"; else not_ok "$name" "$*" "$(cat "$dir/check.out")"; fi
}

# A file of text matches a golden one: <N> stands for a number, <ANY> for anything in a line, and
# <DIR>, <BUILD> for the two folders. UPDATE_GOLDEN=1 writes it anew; put the <N> back by hand.
match_golden() {
	local name=$1 text=$2 line want regex n=0
	sed -i -e "s|$dir|<DIR>|g" -e "s|$BUILD/|<BUILD>/|g" "$text"
	if [[ ${UPDATE_GOLDEN:-} ]]; then
		cp "$text" "$golden/$name.txt"
		return 0
	fi
	mapfile -t lines <"$text"
	while IFS= read -r want || [[ $want ]]; do
		line=${lines[n]-}
		n=$((n + 1))
		regex=$(sed -e 's/[][\.*^$+?(){}|]/\\&/g' -e 's/<N>/-?[0-9][0-9,.]*/g' -e 's/<ANY>/.*/g' \
			-e 's/  */ +/g' <<<"$want")
		[[ $line =~ ^$regex$ ]] && continue
		printf 'line %d is\n  %s\nnot\n  %s\n' "$n" "$line" "$want"
		return 1
	done <"$golden/$name.txt"
	((n == ${#lines[@]})) && return 0
	printf 'more than %d lines:\n%s\n' "$n" "${lines[n]}"
	return 1
}

# expect NAME STATUS COMMAND...: both outputs are golden/NAME.txt, and the status is that.
expect() {
	local name=$1 status=$2 rc=0 why
	shift 2
	"$@" >"$dir/out" 2>&1 </dev/null || rc=$?
	if ((rc != status)); then
		not_ok "$name" "exit $rc, not $status: $*" "$(cat "$dir/out")"
	elif why=$(match_golden "$name" "$dir/out"); then
		ok "$name"
	else
		not_ok "$name" "$*" "$why"
	fi
}

# refuses NAME STATUS PATTERN COMMAND...: nothing on standard output, one line that matches.
refuses() {
	local name=$1 status=$2 pattern=$3 rc=0
	shift 3
	"$@" >"$dir/out" 2>"$dir/err" </dev/null || rc=$?
	if ((rc != status)); then
		not_ok "$name" "exit $rc, not $status: $*" "$(cat "$dir/err")"
	elif [[ -s $dir/out ]]; then
		not_ok "$name" "output: $(head -n 3 "$dir/out")"
	elif (($(wc -l <"$dir/err") != 1)) || ! grep -qE -- "$pattern" "$dir/err"; then
		not_ok "$name" "no one line like $pattern:" "$(cat "$dir/err")"
	else
		ok "$name"
	fi
}

# json FILE EXPRESSION: the file is JSON, and the Python expression over it (called j) is true.
have_json() { type -P python3 >/dev/null; }
json() {
	python3 -c '
import json, sys
j = json.load(open(sys.argv[1]))
if not eval("(" + sys.argv[2] + ")"):
    sys.exit("not true: " + sys.argv[2] + "\n" + json.dumps(j)[:2000])' "$1" "$2"
}
json_of() { # NAME EXPRESSION COMMAND...: its standard output is such JSON
	local name=$1 expression=$2
	shift 2
	have_json || {
		echo "skip $name # no python3"
		return
	}
	if ! "$@" >"$dir/json" 2>"$dir/err" </dev/null; then
		not_ok "$name" "$* failed:" "$(cat "$dir/err")"
	else
		check "$name" json "$dir/json" "$expression"
	fi
}

# bpf NAME: compiles tests/cli/NAME.bpf.c, or standard input, to $dir/NAME.bpf.o.
bpf() {
	local source=tests/cli/$1.bpf.c
	[[ -e $source ]] || source=-
	"$CLANG" -O2 -g -target bpf -mcpu=v3 -x c -idirafter "/usr/include/$("$CC" -print-multiarch)" \
		-c -o "$dir/$1.bpf.o" "$source" || exit 1
}

# program NAME FLAGS...: compiles, where that is possible, tests/cli/NAME.c, or standard input, to $dir/NAME.
program() {
	local name=$1 source=tests/cli/$1.c
	[[ -e $source ]] || source=-
	shift
	"$CC" -O2 -g -Iinclude -Itests/cli ${SAN:+-fsanitize=$SAN} -x c "$source" -x none -o "$dir/$name" \
		-L"$BUILD" -lrawtp -Wl,-rpath,"$(realpath "$BUILD")" -pthread "$@"
}

# Waits until the process carries tracepoints.
wait_for() {
	local i
	for ((i = 0; i < 200; i++)); do
		"$rawtp" list -p "$1" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	return 1
}
