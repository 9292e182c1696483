#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Machine code as gdb and perf see it: gdb names its functions and unwinds through them to main(), at
# each instruction and with the callers' registers; perf names them where the process was asked to
# write a map.
set -u
vm=$BUILD/tests/vm-run
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

say() { # ok|not ok, name, what was seen
	echo "$1 $2"
	[[ $1 == ok ]] || { failed=1; tail -n 25 "$3"; }
}

if [[ -n ${SAN:-} ]]; then
	echo "the sanitizers' own frames are in the way"
	exit 77
fi
# r6 = 1; r7 = 2; call sub; r0 += r6; exit
# sub: r8 = 3; *(u64 *)(r10 - 8) = r8; call leaf; call ktime_get_ns; r0 = 5; exit
# leaf: r6 = r1; r7 = r1; r0 = 9; if r6 == 0 goto +1; exit; exit
printf '%s\n' b706000001000000 b707000002000000 8510000002000000 0f60000000000000 9500000000000000 \
	b708000003000000 7b8af8ff00000000 8510000003000000 8500000005000000 b700000005000000 \
	9500000000000000 bf16000000000000 bf17000000000000 b700000009000000 1506010000000000 \
	9500000000000000 9500000000000000 >"$dir/calls"
if ! [[ $("$vm" <"$dir/calls") == 6 ]]; then
	echo "no JIT for this CPU, or executable memory is refused"
	exit 77
fi

if [[ $(uname -m) != x86_64 ]]; then
	echo "skip gdb # it compares registers of x86-64"
elif command -v gdb >/dev/null && gdb -batch -ex 'python pass' >/dev/null 2>&1; then
	cat >"$dir/common.py" <<-'END'
		import gdb
		saved = ["rbx", "rbp", "rsp", "r12", "r13", "r14", "r15"]
		gdb.execute("set pagination off")
		def frames():
		    frame = gdb.newest_frame()
		    while frame:
		        yield frame
		        frame = frame.older()
		def registers_of(function):
		    for frame in frames():
		        if frame.name() == function:
		            return [int(frame.read_register(name)) for name in saved]
		# Instruction by instruction, up to where machine code returns; what it calls is run through.
		def step_through(function):
		    right, steps = registers_of(function), 0
		    depth = len(list(frames()))
		    while len(list(frames())) >= depth:
		        name = gdb.newest_frame().name() or "?"
		        if not right or registers_of(function) != right:
		            print("wrong at", name, hex(gdb.newest_frame().pc()))
		        if name.startswith("bpf_prog"):
		            steps += 1
		            gdb.execute("stepi", to_string=True)
		        else:
		            print("stack:", *[frame.name() for frame in frames()])
		            gdb.execute("finish", to_string=True)
		    print("steps:", steps)
	END
	cat "$dir/common.py" - >"$dir/program.py" <<-'END'
		gdb.execute("break rawtp_jit_announce")
		gdb.execute("run <" + argument)
		gdb.execute("finish")
		gdb.execute("break *bpf_prog_vm_run")
		gdb.execute("continue")
		step_through("main")
		gdb.execute("delete")
		gdb.execute("break rawtp_jit_withdraw")
		gdb.execute("continue")
		gdb.execute("finish")
		try:
		    gdb.parse_and_eval("(long)&bpf_prog_vm_run")
		except gdb.error:
		    print("forgotten")
	END
	cat "$dir/common.py" - >"$dir/direct.py" <<-'END'
		# Of the probes that a tracepoint calls, those with and without a helper.
		gdb.execute("break rawtp_jit_entry_compile")
		gdb.execute("run " + argument)
		for probe in range(8):
		    code = int(gdb.parse_and_eval("(long)code"))
		    gdb.execute("finish", to_string=True)
		    entry = int(gdb.parse_and_eval("(long)((struct rawtp_jit_code *)%d)->entry" % code))
		    if probe in (1, 7):
		        gdb.Breakpoint("*%d" % entry, temporary=True)
		        gdb.execute("continue", to_string=True)
		        step_through("test_direct_arguments")
		    gdb.execute("continue", to_string=True)
	END
	step() { # script, argument, program
		timeout 100 gdb -nx -q -batch -ex "python argument='$2'" -x "$dir/$1.py" "$3" >"$dir/$1" 2>&1
	}
	steps_of() { # script, at least so many
		sed -n 's/^steps: //p' "$dir/$1" | awk -v min="$2" '{ n += $1 } END { print n; exit n < min }' &&
			! grep -qE 'wrong|rror' "$dir/$1"
	}
	step program "$dir/calls" "$vm"
	grep -q '^stack: rawtp_helper_ktime_get_ns bpf_prog_vm_run_1 bpf_prog_vm_run main$' "$dir/program" &&
		say ok "gdb: backtrace from a helper" || say "not ok" "gdb: backtrace from a helper" "$dir/program"
	steps=$(steps_of program 30) && say ok "gdb: unwinds at each of $steps instructions" ||
		say "not ok" "gdb: unwinds at each instruction" "$dir/program"
	grep -q '^forgotten$' "$dir/program" && say ok "gdb: freed code has no names" ||
		say "not ok" "gdb: freed code has no names" "$dir/program"
	if "$BUILD/tests/link_direct" direct_arguments >"$dir/out" 2>&1; then
		step direct direct_arguments "$BUILD/tests/link_direct"
		steps=$(steps_of direct 100) && grep -q '^stack: rawtp_helper_ktime_get_ns bpf_prog_' "$dir/direct" &&
			say ok "gdb: unwinds at each of $steps instructions of direct probes" ||
			say "not ok" "gdb: unwinds at each instruction of direct probes" "$dir/direct"
	else
		echo "skip gdb, direct probes # others attach to all processes just now"
	fi
else
	echo "skip gdb # gdb with python is not installed"
fi

# call sub; exit; sub: r1 = 0x8000000; *(u64 *)(r10 - 8) = r1; r1 -= 1; if r1 != 0 goto -2; r0 = 1; exit
printf '%s\n' 8510000001000000 9500000000000000 b701000000000008 7b1af8ff00000000 1701000001000000 \
	5501feff00000000 b700000001000000 9500000000000000 >"$dir/spin"
if ! command -v perf >/dev/null; then
	echo "skip perf # perf is not installed"
elif ! perf record -q -e cpu-clock -o "$dir/data" true 2>"$dir/err"; then
	echo "skip perf # perf may not record here: $(head -n 1 "$dir/err")"
else
	RAWTP_PERF_MAP=1 perf record -q -e cpu-clock --call-graph fp -o "$dir/data" "$vm" <"$dir/spin" \
		>"$dir/out" 2>&1
	perf script -i "$dir/data" -F pid,ip,sym >"$dir/script" 2>"$dir/err"
	pid=$(awk 'NR == 1 { print $1 }' "$dir/script")
	grep -q 'bpf_prog_vm_run_1' "$dir/script" && say ok "perf: names from the map" ||
		say "not ok" "perf: names from the map" "$dir/script"
	grep -A 1 'bpf_prog_vm_run_1$' "$dir/script" | grep -q 'bpf_prog_vm_run$' &&
		say ok "perf: callers by frame pointers" ||
		say "not ok" "perf: callers by frame pointers" "$dir/script"
	[[ -O /tmp/perf-$pid.map ]] && rm -f "/tmp/perf-$pid.map"
fi
# Nobody asked.
"$vm" <"$dir/spin" >"$dir/out" &
wait $!
[[ ! -e /tmp/perf-$!.map ]] && say ok "no map unless asked" || say "not ok" "no map unless asked" "$dir/out"
# Somebody was there first, in a folder that is everybody's.
hostile() { # name, command that makes \$map
	timeout 20 bash -c 'map=/tmp/perf-$$.map; '"$2"'; echo $map >"$1/path"; RAWTP_PERF_MAP=1 exec "$2" <"$1/calls"' \
		_ "$dir" "$vm" >"$dir/out" 2>&1
	[[ $? == 0 && $(<"$dir/out") == 6 && ! -s $dir/other ]] && say ok "$1" || say "not ok" "$1" "$dir/out"
	rm -f "$(<"$dir/path")"
}
touch "$dir/other"
hostile "a map that is a pipe" 'mkfifo $map'
hostile "a map that is a link" "ln -s '$dir/other' \$map"
exit $failed
