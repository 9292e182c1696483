#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Bad input on the command line: each is one line that says what is wrong, with the right exit
# status; nothing is attached, nothing is left in the target, and the target goes on.
. tests/e2e/lib.sh
tick=$E2E/tick.bpf.o

# Objects that are wrong, made from text.
object() { # name, source
	# shellcheck disable=SC2086
	${CLANG:-clang} -O2 -g -target bpf -mcpu=v3 -idirafter "/usr/include/$(${CC:-gcc} -print-multiarch)" \
		-c -o "$work/$1.bpf.o" -x c - <<<"#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC(\"license\") = \"GPL\";
$2"
}
object unknown 'SEC("raw_tp/e2e_tik") int on(struct bpf_raw_tracepoint_args *c) { return 0; }'
object third_argument 'SEC("raw_tp/e2e_tick") int on(struct bpf_raw_tracepoint_args *c) { return c->args[2]; }'
object refused 'SEC("raw_tp/e2e_tick") int on(struct bpf_raw_tracepoint_args *c) { return *(int *)c->args[0]; }'
object endless 'SEC("raw_tp/e2e_tick") int on(struct bpf_raw_tracepoint_args *c) { for (;;) asm volatile(""); return 0; }'
object no_program 'int unused;'
object map_type 'struct { __uint(type, BPF_MAP_TYPE_SOCKHASH); __uint(max_entries, 1); __type(key, int); __type(value, int); } m SEC(".maps");
SEC("raw_tp/e2e_tick") int on(struct bpf_raw_tracepoint_args *c) { int k = 0; return bpf_map_lookup_elem(&m, &k) != 0; }'
object other_type 'SEC("socket") int on(struct __sk_buff *skb) { return 0; }'
head -c 0 "$tick" >"$work/empty.bpf.o"
printf '\x7fELF' >"$work/magic.bpf.o"
head -c 64 "$tick" >"$work/header.bpf.o"
head -c $(($(stat -c %s "$tick") / 2)) "$tick" >"$work/half.bpf.o"
echo 'not an object' >"$work/text.bpf.o"
mkdir "$work/directory.bpf.o"
mkfifo "$work/pipe.bpf.o"

target_start 1
sleep 1000 &
stranger=$!
sh -c 'exit 0' &
gone=$!
wait $gone
ask census
read -r fds threads switches _ <<<"$answer"

# bad NAME STATUS PATTERN ARGUMENTS...: of rawtp. One line of reason at least, its first line is it.
bad() {
	local name=$1 status=$2 pattern=$3 rc
	shift 3
	timeout -k 5 60 "$RAWTP" "$@" >"$work/out" 2>"$work/err" </dev/null
	rc=$?
	if ((rc == status)) && grep -qE -- "$pattern" "$work/err" && [[ ! -s $work/out ]]; then
		ok "$name: $(head -n 1 "$work/err" | sed "s,$work/,,g; s,$target_pid,PID,g" | cut -c1-150)"
	else
		not_ok "$name: status $rc, not $status, or not /$pattern/: $(head -n 5 "$work/err") $(head -n 3 "$work/out")"
	fi
}
attach() { # name, status, pattern, options and object
	local name=$1 status=$2 pattern=$3
	shift 3
	bad "$name" "$status" "$pattern" attach -p "$target_pid" --for 0.2 --interval 0 "$@"
}

attach "unknown tracepoint" 1 'e2e_tik.*e2e_tick' "$work/unknown.bpf.o"
attach "more arguments than there are" 1 'e2e_tick.*2|2.*e2e_tick' "$work/third_argument.bpf.o"
attach "refused by the verifier" 1 'refused|verifier|invalid' "$work/refused.bpf.o"
attach "a loop without end" 1 'refused|verifier|loop' "$work/endless.bpf.o"
attach "no program" 1 'no program' "$work/no_program.bpf.o"
attach "map type" 1 'map m: maps of type sockhash are not here; there are .*ringbuf' "$work/map_type.bpf.o"
attach "a program of another type" 1 'raw tracepoint|raw_tp' "$work/other_type.bpf.o"
for file in empty magic header half text directory; do
	attach "object: $file" 1 "$file.bpf.o" "$work/$file.bpf.o"
done
attach "object: a pipe" 1 'pipe.bpf.o' "$work/pipe.bpf.o"
attach "object: a program of this machine" 1 'target' "$E2E/target"
attach "object: not there" 1 'nowhere.*No such file' "$work/nowhere.bpf.o"
attach "the second of two objects is bad" 1 'half' "$tick" "$work/half.bpf.o"
bad "process: not there" 1 "$gone" attach -p $gone --for 0.2 "$tick"
bad "process: without tracepoints" 1 "$stranger" attach -p $stranger --for 0.2 "$tick"
bad "process: no number" 2 'abc' attach -p abc "$tick"
bad "process: 0" 2 '0' attach -p 0 "$tick"
bad "process: negative" 2 '-5' attach -p -5 "$tick"
bad "process: too large" 2 '99999999999' attach -p 99999999999 "$tick"
bad "process: none of that name" 1 'no_such_name' attach --comm no_such_name --for 0.2 "$tick"
bad "no process" 2 '-p PID' attach "$tick"
bad "no object" 2 'object' attach -p "$target_pid"
bad "time: no number" 2 'soon' attach -p "$target_pid" --for soon "$tick"
bad "time: negative" 2 '-1' attach -p "$target_pid" --for -1 "$tick"
bad "unknown option" 2 'nonsense' attach --nonsense -p "$target_pid" "$tick"
bad "unknown command" 2 'atach.*attach' atach -p "$target_pid" "$tick"
bad "no command" 2 'Usage'
bad "test: unknown program" 1 'on_tik.*on_tick' test "$tick" on_tik
bad "test: no number" 2 '12x' test "$tick" on_tick 12x
bad "test: 13 arguments" 2 '12' test "$tick" on_tick 1 2 3 4 5 6 7 8 9 10 11 12 13
bad "test: fewer arguments than it reads" 1 'argument' test "$tick" on_tick
bad "list: a file without tracepoints" 1 'bash' list /bin/bash
bad "list: not there" 1 'nowhere' list "$work/nowhere"
bad "run: no such command" 127 'no_such_command' run "$tick" -- /no_such_command

kill -STOP "$target_pid"
bad "process: stopped" 1 "$target_pid.*(stopped|answer)" attach -p "$target_pid" --for 0.2 "$tick"
kill -CONT "$target_pid"
kill $stranger

# One byte changed in a good object, anywhere: taken or refused, but no crash and no hang.
crashed=0 taken=0
bytes=$(stat -c %s "$tick")
RANDOM=7
rounds=100 limit=60
[[ ${SAN:-} ]] && rounds=20 limit=10
for ((i = 0; i < rounds; i++)); do
	cp "$tick" "$work/flipped.bpf.o"
	at=$(((RANDOM * 32768 + RANDOM) % bytes))
	printf '%b' "\\x$(printf %02x $((RANDOM % 256)))" |
		dd of="$work/flipped.bpf.o" bs=1 seek=$at conv=notrunc status=none
	# A map may have become a large one, which is good but takes long to show: little memory. The
	# sanitizers cannot live with that.
	(
		[[ ${SAN:-} ]] || ulimit -v 600000
		exec timeout -k 5 $limit "$RAWTP" test "$work/flipped.bpf.o" on_tick 1 2 >/dev/null 2>"$work/err" </dev/null
	)
	rc=$?
	[[ ${SAN:-} && $rc == 124 ]] && rc=1
	((rc == 0)) && taken=$((taken + 1))
	((rc > 2)) && crashed=$((crashed + 1)) && echo "byte $at: status $rc: $(tail -n 1 "$work/err")"
done
check "$rounds objects with a changed byte: none crashes the tool" [ $crashed == 0 ]
check "and some of them are still good ($taken)" [ $taken -gt 0 ]

check "nothing is attached" nothing_attached
ask census
read -r fds_after threads_after _ _ <<<"$answer"
check "no descriptor is left in the target" [ "$fds_after" == "$fds" ]
check "no thread is left in the target" [ "$threads_after" == "$threads" ]
ask "call 7"
target_end
check "the target ends well" [ "$target_status $answer" == "0 calls 7" ]
finish
