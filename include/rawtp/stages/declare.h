/* SPDX-License-Identifier: MIT */
/*
 * First pass, in every source that includes an event header. Of TRACE_EVENT(foo, ...) it makes
 *
 *	extern struct tracepoint __tracepoint_foo;
 *	static inline void trace_foo(proto) { if (<site>) <entry>(..., args); }
 *	trace_foo_enabled(), register_trace_foo(), unregister_trace_foo(), ...
 */
#include <rawtp/stages/reset.h>

#define DECLARE_TRACE(name, proto, args) RAWTP_DECLARE(name, PARAMS(proto), PARAMS(args), 1)
#define DECLARE_TRACE_CONDITION(name, proto, args, cond) \
	RAWTP_DECLARE(name, PARAMS(proto), PARAMS(args), PARAMS(cond))

#define TRACE_EVENT(name, proto, args, tstruct, assign, print) \
	DECLARE_TRACE(name, PARAMS(proto), PARAMS(args))
#define TRACE_EVENT_CONDITION(name, proto, args, cond, tstruct, assign, print) \
	DECLARE_TRACE_CONDITION(name, PARAMS(proto), PARAMS(args), PARAMS(cond))
#define TRACE_EVENT_FN(name, proto, args, tstruct, assign, print, reg, unreg) \
	DECLARE_TRACE(name, PARAMS(proto), PARAMS(args))
#define TRACE_EVENT_FN_COND(name, proto, args, cond, tstruct, assign, print, reg, unreg) \
	DECLARE_TRACE_CONDITION(name, PARAMS(proto), PARAMS(args), PARAMS(cond))
#define DECLARE_EVENT_CLASS(name, proto, args, tstruct, assign, print)
#define DEFINE_EVENT(template, name, proto, args) DECLARE_TRACE(name, PARAMS(proto), PARAMS(args))
#define DEFINE_EVENT_FN(template, name, proto, args, reg, unreg) \
	DECLARE_TRACE(name, PARAMS(proto), PARAMS(args))
#define DEFINE_EVENT_PRINT(template, name, proto, args, print) \
	DECLARE_TRACE(name, PARAMS(proto), PARAMS(args))
#define DEFINE_EVENT_CONDITION(template, name, proto, args, cond) \
	DECLARE_TRACE_CONDITION(name, PARAMS(proto), PARAMS(args), PARAMS(cond))

/* Compiled out: the calls remain and do nothing. */
#define RAWTP_NOP(name, proto)                                                 \
	static inline __attribute__((unused)) void trace_##name(proto)         \
	{                                                                      \
	}                                                                      \
	static inline __attribute__((unused)) int trace_##name##_enabled(void) \
	{                                                                      \
		return 0;                                                      \
	}                                                                      \
	struct rawtp_needs_a_semicolon
#define TRACE_EVENT_NOP(name, proto, args, tstruct, assign, print) RAWTP_NOP(name, PARAMS(proto))
#define DEFINE_EVENT_NOP(template, name, proto, args)              RAWTP_NOP(name, PARAMS(proto))
#define DECLARE_EVENT_NOP(name, proto, args)                       RAWTP_NOP(name, PARAMS(proto))
