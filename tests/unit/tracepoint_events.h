/* SPDX-License-Identifier: MIT */
/* Events for the unit tests of tracepoints. */
/* clang-format off */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM unit-test

#if !defined(TRACEPOINT_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define TRACEPOINT_EVENTS_H

#include <rawtp/tracepoint.h>
#include <stdbool.h>
#include <stdint.h>

#ifndef TRACEPOINT_EVENTS_TYPES
#define TRACEPOINT_EVENTS_TYPES
struct unit_pair {
	int16_t a, b;
};
struct unit_pointer {
	void *p;
};
enum unit_color { UNIT_RED, UNIT_GREEN = 7 };
enum unit_signed { UNIT_MINUS = -5 };
struct trace_seq;
extern int unit_reg_calls, unit_unreg_calls, unit_reg_result;
int unit_reg(void);
void unit_unreg(void);
#endif

TRACE_DEFINE_ENUM(UNIT_RED);

DECLARE_TRACE(unit_bare, TP_PROTO(int value), TP_ARGS(value));
DECLARE_TRACE(unit_none, TP_PROTO(void), TP_ARGS());
DECLARE_TRACE(unit_kinds,
	      TP_PROTO(int i, bool b, int8_t c, enum unit_color e, float f, double d,
		       struct unit_pair pair, struct unit_pointer sp, const char *s, uint64_t u),
	      TP_ARGS(i, b, c, e, f, d, pair, sp, s, u));
DECLARE_TRACE(unit_twelve,
	      TP_PROTO(int a1, int a2, int a3, int a4, int a5, int a6, int a7, int a8, int a9,
		       int a10, int a11, enum unit_signed a12),
	      TP_ARGS(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12));

TRACE_EVENT_CONDITION(unit_condition, TP_PROTO(int value), TP_ARGS(value), TP_CONDITION(value & 1),
		      TP_STRUCT__entry(__field(int, value)),
		      TP_fast_assign(__entry->value = value;), TP_printk("%d", __entry->value));

TRACE_EVENT_FN(unit_fn, TP_PROTO(int value), TP_ARGS(value), TP_STRUCT__entry(__field(int, value)),
	       TP_fast_assign(__entry->value = value;), TP_printk("%d", __entry->value), unit_reg,
	       unit_unreg);

DECLARE_EVENT_CLASS(
	unit_class, TP_PROTO(const char *name, int flags, const uint8_t *bytes, unsigned int n),
	TP_ARGS(name, flags, bytes, n),
	TP_STRUCT__entry(__string(name, name) __field(int, flags) __array(char, fixed, 4)
				 __dynamic_array(uint8_t, bytes, n) __rel_string(again, name)
					 __field_struct(struct unit_pair, pair)),
	TP_fast_assign(int local = flags;

		       __assign_str(name, name); __assign_rel_str(again); __entry->flags = local;
		       memcpy(__entry->fixed, "abc", 4);
		       memcpy(__get_dynamic_array(bytes), bytes, n); entry->pair.a = 3;
		       entry->pair.b = -4;),
	TP_printk("%s %s %s %s %s %s %d,%d", __get_str(name), __get_rel_str(again), __entry->fixed,
		  __print_flags(__entry->flags, "|", {1, "ONE"}, {2, "TWO"}),
		  __print_symbolic(__entry->flags, {3, "three"}, {9, "nine"}),
		  __print_hex(__get_dynamic_array(bytes), __get_dynamic_array_len(bytes)),
		  __entry->pair.a, __entry->pair.b));

DEFINE_EVENT(unit_class, unit_member,
	     TP_PROTO(const char *name, int flags, const uint8_t *bytes, unsigned int n),
	     TP_ARGS(name, flags, bytes, n));

DEFINE_EVENT_PRINT(unit_class, unit_member_print,
		   TP_PROTO(const char *name, int flags, const uint8_t *bytes, unsigned int n),
		   TP_ARGS(name, flags, bytes, n),
		   TP_printk("other %s %s", __get_str(name),
			     __print_array(__get_dynamic_array(bytes),
					   __get_dynamic_array_len(bytes), 1)));

TRACE_EVENT_NOP(unit_nop, TP_PROTO(int value), TP_ARGS(value), TP_STRUCT__entry(), TP_fast_assign(),
		TP_printk("x"));

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH unit
#define TRACE_INCLUDE_FILE tracepoint_events
#include <rawtp/define_trace.h>
