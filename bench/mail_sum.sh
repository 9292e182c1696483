#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What it costs in bytes that BPF can reach 500 tracepoints, from object code made here and now.
#
# Approach 2 (what rawtp does): a thunk and a record for each; the difference between two builds of
# the same 500 tracepoints, with and without. Approach 1: the arguments are taken inside the function
# that records the event for trace files, perf_trace_<call>(); again the difference of two builds.
# Kinds and numbers of arguments are drawn as often as the events of Linux 6.1 have them.
set -eu
cd "$(dirname "$0")/.."
N=${N:-500}
CC=${CC:-gcc}
FORMAT=${FORMAT:-text}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# name, arguments as TYPE:NAME
events() {
	awk -v n="$N" 'BEGIN {
		split("1107 1346 1036 535 279 140 61 22 11 5 4 1", counts)
		split("5779 2650 1247 1746 300 221 255 179", weights)
		split("const_struct_object_* u32 int u64 u16 u8 bool enum_kind", types)
		seed = 20170817
		for (i = 0; i < n; i++) {
			line = "event_" i
			args = draw(counts, 12)
			for (j = 1; j <= args; j++)
				line = line " " types[draw(weights, 8)] ":a" j
			print line
		}
	}
	function draw(weight, n,   i, sum, at) {
		for (i = 1; i <= n; i++) sum += weight[i]
		seed = (seed * 1103515245 + 12345) % 2147483648
		at = int(seed / 2147483648 * sum)
		for (i = 1; at >= weight[i]; i++) at -= weight[i]
		return i
	}'
}

types='#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef uint64_t u64; typedef uint32_t u32; typedef uint16_t u16; typedef uint8_t u8;
enum kind { KIND_A, KIND_B };
struct object;'

# An event header as any author writes it.
header() {
	cat <<-END
	#undef TRACE_SYSTEM
	#define TRACE_SYSTEM sum
	#if !defined(SUM_H) || defined(TRACE_HEADER_MULTI_READ)
	#define SUM_H
	#include <rawtp/tracepoint.h>
	END
	events | awk '{
		proto = args = fields = assign = print_args = format = ""
		for (i = 2; i <= NF; i++) {
			split($i, part, ":"); gsub("_", " ", part[1]); name = part[2]
			comma = i > 2 ? ", " : ""
			proto = proto comma part[1] " " name
			args = args comma name
			fields = fields " __field(" part[1] ", " name ")"
			assign = assign " __entry->" name " = " name ";"
			format = format " %llx"
			print_args = print_args ", (unsigned long long)(uintptr_t)__entry->" name
		}
		printf "TRACE_EVENT(%s, TP_PROTO(%s), TP_ARGS(%s),\n\tTP_STRUCT__entry(%s),\n\tTP_fast_assign(%s),\n\tTP_printk(\"%s\"%s));\n", $1, proto, args, fields, assign, format, print_args
	}'
	cat <<-END
	#endif
	#undef TRACE_INCLUDE_PATH
	#undef TRACE_INCLUDE_FILE
	#define TRACE_INCLUDE_PATH .
	#define TRACE_INCLUDE_FILE sum
	#include <rawtp/define_trace.h>
	END
}

# The same tracepoints without what BPF needs: no thunk, no record of names and types.
without_bpf() {
	cat <<-'END'
	#undef RAWTP_THUNK
	/* A declaration is left for the check of types. */
	#define RAWTP_THUNK(name, proto, args) \
		static __attribute__((unused)) void __bpf_trace_##name(RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args)))
	#undef RAWTP_DEFINE
	#define RAWTP_DEFINE(event_name, class_str, proto, args, reg, unreg, record_fn, rest...) \
		struct tracepoint __tracepoint_##event_name RAWTP_HIDDEN = {                     \
			#event_name, 0, 0, reg, unreg, NULL, NULL, (void *)__traceiter_##event_name, NULL}; \
		__attribute__((used)) static void *const keep_record_##event_name                \
			__attribute__((section("kept"))) = (void *)record_fn;                    \
		__attribute__((used, noinline, cold)) int __traceiter_##event_name(              \
			RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args)))                           \
		{                                                                                \
			const struct tracepoint_func *func;                                      \
			struct rawtp_thread *reader = rawtp_read_lock();                         \
			if (!reader)                                                             \
				return 0;                                                        \
			func = __atomic_load_n(&__tracepoint_##event_name.funcs, __ATOMIC_ACQUIRE); \
			if (func)                                                                \
				do                                                               \
					((void (*)(RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args))))func->func)( \
						RAWTP_DATA_ARGS(func->data, PARAMS(args)));      \
				while ((++func)->func);                                          \
			rawtp_read_unlock(reader);                                               \
			return 0;                                                                \
		}                                                                                \
		struct rawtp_needs_a_semicolon
	END
}

source_of() { # with|without
	echo "$types"
	echo '#include <rawtp/tracepoint.h>'
	[[ $1 == without ]] && without_bpf
	echo '#define CREATE_TRACE_POINTS'
	echo '#include "sum.h"'
}

# Approach 1: the recording function, with and without the arguments for BPF inside it.
recorders() { # with|without
	echo "$types"
	cat <<-'END'
	struct sink { void *(*reserve)(struct sink *, size_t); void (*commit)(struct sink *, void *, size_t); void *program; };
	int trace_call_bpf(void *program, const u64 *args);
	END
	events | awk -v bpf="$1" '{
		proto = assign = cast = ""; fields = ""
		for (i = 2; i <= NF; i++) {
			split($i, part, ":"); gsub("_", " ", part[1]); name = part[2]
			proto = proto ", " part[1] " " name
			fields = fields " " part[1] " " name ";"
			assign = assign " entry->" name " = " name ";"
			cast = cast (i > 2 ? ", " : "") (part[1] ~ /\*/ ? "(uintptr_t)" : "(u64)") name
		}
		printf "void perf_trace_%s(void *data%s)\n{\n\tstruct sink *sink = data;\n\tstruct {%s } *entry;\n", $1, proto, fields
		if (bpf == "with")
			printf "\tif (__builtin_expect(!!sink->program, 0)) {\n\t\tu64 args[] = {%s};\n\t\tif (!trace_call_bpf(sink->program, args))\n\t\t\treturn;\n\t}\n", cast
		printf "\tentry = sink->reserve(sink, sizeof(*entry));\n\tif (!entry)\n\t\treturn;\n\t%s\n\tsink->commit(sink, entry, sizeof(*entry));\n}\n", assign
	}'
}

header >"$work/sum.h"
for build in with without; do
	source_of $build >"$work/$build.c"
	$CC -std=gnu11 -O2 -fPIC -w -Iinclude -I"$work" -c -o "$work/$build.o" "$work/$build.c"
	$CC -shared -o "$work/$build.so" "$work/$build.o"
	recorders $build >"$work/recorders_$build.c"
	$CC -std=gnu11 -O2 -fPIC -c -o "$work/recorders_$build.o" "$work/recorders_$build.c"
done

bytes() { # file, pattern of sections: their sum
	size -A "$1" | awk -v pattern="$2" '$1 ~ pattern { sum += $2 } END { print sum + 0 }'
}
added() { # pattern
	echo $(($(bytes "$work/with.so" "$1") - $(bytes "$work/without.so" "$1")))
}
text='^\.text'
thunks=$(nm -S --defined-only "$work/with.o" | awk '$4 ~ /^__bpf_trace_/ { print strtonum_hex($2), $4 }
	function strtonum_hex(hex,   i, value) {
		for (i = 1; i <= length(hex); i++)
			value = value * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
		return value
	}' | sort -n)
[[ $(wc -l <<<"$thunks") == "$N" ]] || { echo "mail_sum: not $N thunks" >&2; exit 1; }
thunk_bytes=$(awk '{ sum += $1 } END { print sum }' <<<"$thunks")
thunk_median=$(awk '{ size[NR] = $1 } END { print size[int((NR + 1) / 2)] }' <<<"$thunks")
thunk_max=$(tail -n 1 <<<"$thunks" | cut -d' ' -f1)
# Where all arguments fit into registers, data included (6 on x86-64, 8 on arm64).
in_registers=$(join <(events | awk 'NF <= 6 { print "__bpf_trace_" $1 }' | sort) \
	<(awk '{ print $2, $1 }' <<<"$thunks" | sort))
register_max=$(awk '$2 > max { max = $2 } END { print max }' <<<"$in_registers")
register_count=$(wc -l <<<"$in_registers")
record_text=$(($(bytes "$work/recorders_with.o" "$text") - $(bytes "$work/recorders_without.o" "$text")))
text_added=$(added "$text")
strings_added=$(added '^\.rodata')
records_added=$(added '^\.data\.rel\.ro')
data_added=$(added '^(\.data|rawtp_events)$')
frames_added=$(added '^\.eh_frame')
rela_added=$(added '^\.rela?\.dyn')

each() {
	awk -v n="$N" -v bytes="$1" 'BEGIN { printf "%.1f", bytes / n }'
}
rows() { # what|bytes
	cat <<-END
	approach 2, text (thunks)|$text_added
	approach 2, rodata: records, with what every argument is|$records_added
	approach 2, rodata: names of events, arguments and types|$strings_added
	approach 2, data (one pointer for each record)|$data_added
	approach 2, eh_frame|$frames_added
	approach 2, dynamic relocations (read once by the loader)|$rela_added
	approach 1, text (arguments taken in perf_trace_<call>())|$record_text
	END
}
title="Bytes that BPF access adds to $N tracepoints ($($CC --version | head -n 1), -O2 -fPIC, $(uname -m))"
thunk_line="thunks: $thunk_bytes bytes in all, median $thunk_median, largest $thunk_max; largest of the $register_count with at most 5 arguments: $register_max"
case $FORMAT in
json)
	echo "{\"title\": \"$title\", \"tracepoints\": $N, \"thunk_bytes\": $thunk_bytes, \"thunk_median\": $thunk_median,"
	echo " \"thunk_max\": $thunk_max, \"thunk_max_in_registers\": $register_max, \"text\": $text_added, \"records\": $records_added, \"strings\": $strings_added,"
	echo " \"data\": $data_added, \"eh_frame\": $frames_added, \"rela\": $rela_added, \"approach_1_text\": $record_text}"
	;;
markdown)
	printf '\n### %s\n\n| what | bytes | for each |\n| --- | --: | --: |\n' "$title"
	while IFS='|' read -r what bytes; do echo "| $what | $bytes | $(each "$bytes") |"; done < <(rows)
	printf '\n%s\n' "$thunk_line"
	;;
*)
	printf '\n%s\n\n%-62s %8s  %8s\n' "$title" "" bytes "for each"
	while IFS='|' read -r what bytes; do printf '%-62s %8d  %8s\n' "$what" "$bytes" "$(each "$bytes")"; done < <(rows)
	echo "$thunk_line"
	;;
esac
