#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# From the object code: a thunk of three arguments is a zero-extension and a jump of at most 10 bytes,
# one for each class; a site is one instruction in the hot text.
. "$(dirname "$0")/lib.sh"
[[ $(uname -m) == x86_64 ]] || { echo "reads x86-64 code"; exit 77; }
src=$root/tests/tracepoint

cat >"$dir/site.c" <<'END'
#include "matrix_events.h"
void hot(unsigned int act);
void hot(unsigned int act)
{
	trace_xdp_exception((struct net_device *)0, (struct bpf_prog *)0, act);
}
END

# The instructions of function $2 in file $1, without padding.
code() {
	objdump -d --no-show-raw-insn "$1" | awk -v f="<$2>:" \
		'$2 == f { on = 1; next } /^$/ { on = 0 } on { $1 = ""; print $0 }' |
		grep -vE '^ *(nop|xchg %ax,%ax|data16|cs nop)' | sed 's/  *#.*//; s/^ *//; s/  */ /g'
}
size() { echo $((16#$(nm -S "$1" | awk -v f="$2" '$4 == f { print $2 }'))); }

for cc in $CC $CLANG; do
	type -P "$cc" >/dev/null || continue
	for flags in "-O2" "-O2 -fPIC"; do
		$cc $flags -I"$root/include" -I"$src" -c "$src/matrix_main.c" -o "$dir/main.o" || exit 1
		$cc $flags -I"$root/include" -I"$src" -c "$dir/site.c" -o "$dir/site.o" || exit 1
		thunk=$(code "$dir/main.o" __bpf_trace_xdp_class)
		bytes=$(size "$dir/main.o" __bpf_trace_xdp_class)
		if [[ $(wc -l <<<"$thunk") == 2 && $thunk =~ ^mov\ %ecx,%ecx$'\n'jmp ]] && ((bytes <= 10)); then
			ok "thunk of 3 arguments, $cc $flags: $bytes bytes"
		else
			echo "$thunk"
			not_ok "thunk of 3 arguments, $cc $flags" "$bytes bytes"
		fi
		n=$(nm "$dir/main.o" | grep -c '__bpf_trace_xdp')
		((n == 1)) && ok "one thunk a class, $cc $flags" || not_ok "one thunk a class" "$n"
		# test $imm32,%eax and what was there without it.
		site=$(code "$dir/site.o" hot | head -n 2)
		if [[ $site =~ ^test\ \$0x[0-9a-f]+,%eax$'\n'ret ]]; then
			ok "site is one instruction, $cc $flags"
		else
			echo "$site"
			not_ok "site is one instruction, $cc $flags" "more"
		fi
	done
done
exit $failed
