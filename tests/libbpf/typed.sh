#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Programs with typed arguments: one object on two builds of an application whose structures differ,
# by the command and by a libbpf tool that knows nothing of us.
set -u
. "$(dirname "$0")/lib.sh"
app=examples/typed
object=$BUILD/examples/typed/typed.bpf.o
rawtp=$BUILD/rawtp
pids=()
trap 'kill -9 "${pids[@]}" 2>/dev/null' EXIT
log=$out/typed.log
: >"$log"

# By gcc's -gbtf, and by pahole from DWARF: whatever is there.
builds=()
build() { # NAME FLAGS
	$CC -std=gnu11 -O2 -D_GNU_SOURCE -Iinclude -I$app ${SAN:+-fsanitize=$SAN} $2 -o "$out/$1" $app/main.c \
		$link >>"$log" 2>&1
}
if build typed_gbtf -gbtf 2>/dev/null; then
	build typed_gbtf_next "-gbtf -DNEXT_RELEASE" && builds+=(typed_gbtf typed_gbtf_next)
fi
if command -v pahole >/dev/null && build typed_pahole -g && pahole -J "$out/typed_pahole" 2>>"$log"; then
	build typed_pahole_next "-g -DNEXT_RELEASE" && pahole -J "$out/typed_pahole_next" &&
		builds+=(typed_pahole typed_pahole_next)
fi
[[ ${builds[*]} ]] || skip_all "neither $CC -gbtf nor pahole makes BTF"
build typed_plain -g || exit 1

# requests errors bytes lost ids slashes sent, of 1000
want="200 200 200 200 1000 200 100000 200 499500 1000 10020000"
figures() {
	sed -nE 's/^ +([0-9]|requests|errors|bytes|lost|ids|slashes|sent)( =|:) ([0-9]+)$/\3/p' | tr '\n' ' ' | sed 's/ $//'
}
for name in "${builds[@]}"; do
	got=$("$rawtp" run "$object" -- "$out/$name" 1000 2>&1 | tee -a "$log" | figures)
	[[ $got == "$want" ]]
	ok $? "typed_run_$name" "$log"
done

! "$rawtp" run "$object" -- "$out/typed_plain" 10 2>"$log" && grep -q 'needs the types of the process' "$log"
ok $? typed_without_btf "$log"

start() { # NAME; sets pid
	"$out/$1" &
	pid=$!
	pids+=("$pid")
	for ((i = 0; i < 100; i++)); do
		"$rawtp" ps 2>/dev/null | grep -q "^ *$pid " && return
		sleep 0.1
	done
}
start "${builds[0]}"
first=$pid
start "${builds[1]}"
second=$pid
! "$rawtp" attach -p "$first" -p "$second" --for 1 "$object" 2>"$log" && grep -q 'has other types than' "$log"
ok $? typed_two_builds_at_once "$log"
"$rawtp" attach -p "$second" --for 1 --interval 0 "$object" >"$log" 2>&1 && grep -Eq '^ +slashes = [1-9]' "$log"
ok $? typed_attach "$log"

if [[ $can_preload ]] && need_libbpf 2>/dev/null; then
	$CC $flags -o "$out/typed_tool" $here/typed.c $link >>"$log" 2>&1 || exit 1
	for pid in $first $second; do
		RAWTP_TARGET=$pid LD_PRELOAD=$preload timeout 60 "$out/typed_tool" "$object" 100 >"$log" 2>&1
		# Each request has a path that begins with a slash, 100 bytes, and one in five is lost.
		awk '$1 >= 100 && NF == 7 { good = $6 == $1 && $3 == 100 * $1 && $4 >= $1 / 5 - 2 &&
			$4 <= $1 / 5 + 2 } END { exit !good }' "$log"
		ok $? "typed_tool_$((pid == second))" "$log"
	done
fi
exit $failed
