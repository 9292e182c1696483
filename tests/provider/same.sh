#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Under the libc provider, real programs write the same and end the same: with nothing attached, with
# a program at every tracepoint, and where the agent cannot start.
. tests/cli/lib.sh
[[ $SAN ]] && skip_all "a sanitizer's runtime takes malloc for itself"

"$CLANG" -O2 -g -target bpf -mcpu=v3 -idirafter "/usr/include/$("$CC" -print-multiarch)" \
	-c -o "$dir/libc.bpf.o" tests/provider/libc.bpf.c || exit 1
provider=$(realpath "$BUILD/librawtp-libc.so")
"$CC" -O1 -fno-builtin -o "$dir/calls" tests/provider/calls.c -pthread || exit 1
cat >"$dir/signals.c" <<'END'
/* Signals that allocate nothing but read, write and fork, while the program allocates. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
static int fds[2];
static volatile sig_atomic_t seen;
static void handler(int sig) { char c = 'x'; if (write(fds[1], &c, 1) == 1 && read(fds[0], &c, 1) == 1) seen++; }
static void *busy(void *arg) { void *volatile p; for (int i = 0; i < 200000; i++) { p = malloc(i % 500); free(p); } return arg; }
int main(void) {
	struct itimerval often = {{0, 200}, {0, 200}};
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	pthread_t thread;
	if (pipe(fds)) return 2;
	sigaction(SIGALRM, &action, 0);
	setitimer(ITIMER_REAL, &often, 0);
	pthread_create(&thread, 0, busy, 0);
	for (int i = 0; i < 20; i++) { pid_t pid = fork(); if (!pid) { void *p = malloc(100); free(p); _exit(0); } waitpid(pid, 0, 0); }
	busy(0);
	pthread_join(thread, 0);
	while (!seen) pause();
	return 0;
}
END
"$CC" -O1 -fno-builtin -w -o "$dir/signals" "$dir/signals.c" -pthread || exit 1
seq 1 20000 >"$dir/numbers"

commands() { # NAME, then a shell command
	cat <<-'END'
	bash     bash -c 'for i in {1..300}; do a+=($i); done; echo ${#a[@]} $(echo inner | tr a-z A-Z); exit 3'
	python3  /usr/bin/python3 -c 'import json, threading; t = [threading.Thread(target=lambda: [json.dumps({"k": i}) for i in range(3000)]) for _ in range(4)]; [x.start() for x in t]; [x.join() for x in t]; print(sum(len(str(i)) for i in range(50000)))'
	xz       xz -T2 -9 -c "$dir/numbers" | xz -dc | sha256sum
	sqlite3  sqlite3 :memory: 'with recursive c(x) as (select 1 union all select x+1 from c where x<20000) select count(*), sum(length(hex(x))) from c;'
	perl     perl -e 'my %h; $h{$_ % 100} .= "$_," for 1..20000; print length(join "", map { $h{$_} } sort keys %h), "\n"; exit 5'
	sort     sort -n -r "$dir/numbers" | head -n 1000 | sha256sum
	git      git --version
	failing  cat /nonexistent/file
	killed   bash -c 'kill -TERM $$'
	calls    "$dir/calls" 200 2 1
	signals  "$dir/signals"
	END
}
run() { # FILE SHELL-COMMAND: output and status
	local rc=0
	dir=$dir bash -c "$2" >"$1" 2>&1 </dev/null || rc=$?
	echo "status $rc" >>"$1"
}
same() { # WHAT FILE
	check "$name-$1" diff "$dir/plain" "$2"
}
while read -r name command; do
	first=${command%% *}
	[[ $first == \"* ]] || type -P "$first" >/dev/null || { echo "skip $name # not installed"; continue; }
	run "$dir/plain" "$command"
	LD_PRELOAD=$provider run "$dir/traced" "$command"
	same provider "$dir/traced"
	# Everything attached: bash runs the command, so its children are traced too.
	rc=0
	dir=$dir "$rawtp" run -o "$dir/report" --provider libc "$dir/libc.bpf.o" -- \
		bash -c "$command" >"$dir/traced" 2>&1 </dev/null || rc=$?
	echo "status $rc" >>"$dir/traced"
	same attached "$dir/traced"
	# No place for the agent's socket, no descriptors to spare.
	(
		ulimit -n 16
		export TMPDIR=/nonexistent XDG_RUNTIME_DIR=/nonexistent RAWTP_RUN_DIR=/nonexistent
		LD_PRELOAD=$provider run "$dir/traced" "$command"
	)
	same no-agent "$dir/traced"
done < <(commands)
exit $failed
