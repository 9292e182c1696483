#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Wrong uses of the macros are errors that say what is wrong, with every compiler. Each row is a
# program that differs from a right one in one mistake.
. "$(dirname "$0")/../tracepoint/lib.sh"

# name | words of the error | the mistake
rows='right||
thirteen arguments|at most 12 arguments|DECLARE_TRACE(t, TP_PROTO(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j, int k, int l, int m), TP_ARGS(a, b, c, d, e, f, g, h, i, j, k, l, m));
twenty arguments|at most 12 arguments|DECLARE_TRACE(t, TP_PROTO(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j, int k, int l, int m, int n, int o, int p, int q, int r, int s, int u), TP_ARGS(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u));
thirteen in DEFINE_TRACE|at most 12 arguments|DEFINE_TRACE(t, TP_PROTO(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j, int k, int l, int m), TP_ARGS(a, b, c, d, e, f, g, h, i, j, k, l, m));
a structure of 16 bytes|1, 2, 4 or 8 bytes|struct large { long a, b; }; DECLARE_TRACE(t, TP_PROTO(struct large l), TP_ARGS(l)); DEFINE_TRACE(t, TP_PROTO(struct large l), TP_ARGS(l));
a structure of 3 bytes|1, 2, 4 or 8 bytes|struct odd { char a[3]; }; DECLARE_TRACE(t, TP_PROTO(struct odd o), TP_ARGS(o)); DEFINE_TRACE(t, TP_PROTO(struct odd o), TP_ARGS(o));
long double|1, 2, 4 or 8 bytes|DECLARE_TRACE(t, TP_PROTO(long double d), TP_ARGS(d)); DEFINE_TRACE(t, TP_PROTO(long double d), TP_ARGS(d));
a probe of other arguments|(incompatible (function )?pointer|invalid conversion|no matching function|cannot initialize)|static void probe(void *data, const char *s) { } int f(void); int f(void) { return register_trace_good(probe, 0); }
an argument of another type|(incompatible|invalid conversion|no matching function|makes integer from pointer)|void f(void); void f(void) { trace_good("text"); }
too few arguments|(too few arguments|no matching function)|void f(void); void f(void) { trace_good(); }
an event unlike its class|differs from that of its class|CLASS'

program() { # mistake
	local mistake=$1 class_event=""

	[[ $mistake == CLASS ]] && mistake="" class_event='DEFINE_EVENT(c, e, TP_PROTO(long a), TP_ARGS(a));'
	cat >"$dir/events.h" <<END
#undef TRACE_SYSTEM
#define TRACE_SYSTEM events
#if !defined(EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define EVENTS_H
#include <rawtp/tracepoint.h>
DECLARE_TRACE(good, TP_PROTO(int a), TP_ARGS(a));
DECLARE_EVENT_CLASS(c, TP_PROTO(int a), TP_ARGS(a), TP_STRUCT__entry(__field(int, a)),
	TP_fast_assign(__entry->a = a;), TP_printk("%d", __entry->a));
DEFINE_EVENT(c, d, TP_PROTO(int a), TP_ARGS(a));
$class_event
#endif
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#include <rawtp/define_trace.h>
END
	printf '#define CREATE_TRACE_POINTS\n#include "events.h"\n%s\n' "$mistake" >"$dir/program.c"
}

SAN=
for cc in $(compilers); do
	std="-std=c11 -Werror=incompatible-pointer-types -Werror=int-conversion -x c"
	is_cxx "$cc" && std="-std=c++17 -x c++"
	while IFS='|' read -r name rest; do
		mistake=${rest##*|} words=${rest%|*}
		program "$mistake"
		if $cc $std -I"$root/include" -I"$dir" -c "$dir/program.c" -o "$dir/program.o" \
			>"$dir/log" 2>&1; then
			[[ $words ]] && not_ok "$name, $cc" "compiles" || ok "$name, $cc"
		elif [[ $words ]] && grep -E 'error' "$dir/log" | grep -qE "$words"; then
			ok "$name, $cc"
		else
			grep -m 5 error "$dir/log"
			not_ok "$name, $cc" "other errors"
		fi
	done <<<"$rows"
done
exit $failed
