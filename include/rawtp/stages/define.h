/* SPDX-License-Identifier: MIT */
/*
 * The last pass: for each event its struct tracepoint, the function that walks its probes, and, in
 * section rawtp_events, its struct rawtp_event.
 */
#include <rawtp/stages/reset.h>

#define RAWTP_DEFINE_EVENT(template, name, proto, args, reg, unreg, print_fn)                   \
	RAWTP_CHECK_CLASS(template, PARAMS(proto), PARAMS(args))                                \
	RAWTP_DEFINE(name, #template, PARAMS(proto), PARAMS(args), reg, unreg,                  \
		     trace_event_raw_event_##template, print_fn, trace_event_fields_##template, \
		     sizeof(struct trace_event_raw_##template), __bpf_trace_##template)

#undef RAWTP_CHECK_CLASS
#ifdef __cplusplus
#define RAWTP_CHECK_CLASS(template, proto, args)                                              \
	static_assert(                                                                        \
		std::is_same<decltype(&__bpf_trace_##template),                               \
			     void (*)(RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args)))>::value, \
		"rawtp: TP_PROTO of an event differs from that of its class");
#else
#define RAWTP_CHECK_CLASS(template, proto, args)                                         \
	_Static_assert(__builtin_types_compatible_p(                                     \
			       __typeof__(&__bpf_trace_##template),                      \
			       void (*)(RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args)))), \
		       "rawtp: TP_PROTO of an event differs from that of its class");
#endif

#define TRACE_EVENT(name, proto, args, tstruct, assign, print)                             \
	TRACE_EVENT_FN(name, PARAMS(proto), PARAMS(args), PARAMS(tstruct), PARAMS(assign), \
		       PARAMS(print), 0, 0)
#define TRACE_EVENT_CONDITION(name, proto, args, cond, tstruct, assign, print)             \
	TRACE_EVENT_FN(name, PARAMS(proto), PARAMS(args), PARAMS(tstruct), PARAMS(assign), \
		       PARAMS(print), 0, 0)
#define TRACE_EVENT_FN(name, proto, args, tstruct, assign, print, reg, unreg)   \
	RAWTP_DEFINE_EVENT(name, name, PARAMS(proto), PARAMS(args), reg, unreg, \
			   trace_raw_output_##name)
#define TRACE_EVENT_FN_COND(name, proto, args, cond, tstruct, assign, print, reg, unreg)   \
	TRACE_EVENT_FN(name, PARAMS(proto), PARAMS(args), PARAMS(tstruct), PARAMS(assign), \
		       PARAMS(print), reg, unreg)
#define DECLARE_EVENT_CLASS(name, proto, args, tstruct, assign, print)
#define DEFINE_EVENT(template, name, proto, args) \
	DEFINE_EVENT_FN(template, name, PARAMS(proto), PARAMS(args), 0, 0)
#define DEFINE_EVENT_FN(template, name, proto, args, reg, unreg)                    \
	RAWTP_DEFINE_EVENT(template, name, PARAMS(proto), PARAMS(args), reg, unreg, \
			   trace_raw_output_##template)
#define DEFINE_EVENT_CONDITION(template, name, proto, args, cond) \
	DEFINE_EVENT_FN(template, name, PARAMS(proto), PARAMS(args), 0, 0)
#define DEFINE_EVENT_PRINT(template, name, proto, args, print)                \
	RAWTP_DEFINE_EVENT(template, name, PARAMS(proto), PARAMS(args), 0, 0, \
			   trace_raw_output_##name)

#define DECLARE_TRACE(name, proto, args) DEFINE_TRACE(name, PARAMS(proto), PARAMS(args))
#define DECLARE_TRACE_CONDITION(name, proto, args, cond) \
	DEFINE_TRACE(name, PARAMS(proto), PARAMS(args))

#define TRACE_EVENT_NOP(name, proto, args, tstruct, assign, print)
#define DEFINE_EVENT_NOP(template, name, proto, args)
#define DECLARE_EVENT_NOP(name, proto, args)
