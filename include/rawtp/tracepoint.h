/* SPDX-License-Identifier: MIT */
/*
 * Tracepoints for authors: the kernel's macros and conventions in user space.
 *
 *	// event header, say sample.h
 *	#undef TRACE_SYSTEM
 *	#define TRACE_SYSTEM sample
 *	#if !defined(SAMPLE_H) || defined(TRACE_HEADER_MULTI_READ)
 *	#define SAMPLE_H
 *	#include <rawtp/tracepoint.h>
 *	TRACE_EVENT(request,
 *		TP_PROTO(const char *path, int status),
 *		TP_ARGS(path, status),
 *		TP_STRUCT__entry(__string(path, path) __field(int, status)),
 *		TP_fast_assign(__assign_str(path, path); __entry->status = status;),
 *		TP_printk("%s %d", __get_str(path), __entry->status));
 *	#endif
 *	#undef TRACE_INCLUDE_PATH
 *	#define TRACE_INCLUDE_PATH .
 *	#include <rawtp/define_trace.h>
 *
 * One source of each program or shared library that uses the events says
 * "#define CREATE_TRACE_POINTS" before it includes the header; all others just include it. Then
 *
 *	trace_request(path, status);            one no-op until somebody listens
 *	if (trace_request_enabled()) ...        for arguments that are dear to make
 *
 * An argument is an integer, a pointer, an enum, a bool, a float, a double, or a struct or union of
 * 1, 2, 4 or 8 bytes; there are at most 12. Everything else is a compile-time error that says so.
 * -DRAWTP_NO_PATCH makes sites test a flag instead of being patched, for processes that may not
 * patch their text.
 *
 * The records are hidden symbols: two objects may have different events of one name.
 */
#ifndef RAWTP_TRACEPOINT_H
#define RAWTP_TRACEPOINT_H

#include <rawtp/object.h>
#include <rawtp/record.h>
#include <rawtp/thread.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * Probes, with the kernel's semantics. @probe is called as probe(data, the tracepoint's arguments)
 * on the thread that passes the tracepoint, inside a read-side section: it must not wait for a
 * grace period (unregister, synchronize) and may run at any time in any thread or signal handler
 * that passes the site. All are thread-safe, block, and are not async-signal-safe.
 *
 * tracepoint_probe_register(): from its return on every event reaches @probe. 0, or -EEXIST (this
 * probe with this data is there already), -ENOMEM, -EINVAL (no probe), -EPERM (the text of the
 * sites may not be patched here: see RAWTP_NO_PATCH), -EBUSY (a debugger's breakpoint stands on a
 * site), or what TRACE_EVENT_FN's reg() returned.
 * tracepoint_probe_register_prio(): probes of higher @prio run first, equal ones in the order of
 * registration; the plain call has priority 10.
 * tracepoint_probe_unregister(): 0, or -ENOENT. The probe may still run when it returns;
 * tracepoint_synchronize_unregister() returns after all that were running have ended.
 */
#define TRACEPOINT_DEFAULT_PRIO 10
int tracepoint_probe_register(struct tracepoint *tp, void *probe, void *data);
int tracepoint_probe_register_prio(struct tracepoint *tp, void *probe, void *data, int prio);
int tracepoint_probe_unregister(struct tracepoint *tp, void *probe, void *data);
void tracepoint_synchronize_unregister(void);

/*
 * Calls @fn for each tracepoint of every loaded object, in the order of loading, with a lock held
 * that keeps objects from being unloaded; @fn may register and unregister probes.
 */
void for_each_tracepoint (void (*fn)(struct tracepoint *tp, void *priv), void *priv);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#define RAWTP_C_BEGIN extern "C" {
#define RAWTP_C_END   }
#define RAWTP_ASSERT  static_assert
#else
#define RAWTP_C_BEGIN
#define RAWTP_C_END
#define RAWTP_ASSERT _Static_assert
#endif

#include <rawtp/stages/args.h>

#ifndef PARAMS
#define PARAMS(args...) args
#endif
#define TP_PROTO(args...)     args
#define TP_ARGS(args...)      args
#define TP_CONDITION(args...) args

#define RAWTP_HIDDEN        __attribute__((visibility("hidden")))
#define RAWTP_STRING(x...)  RAWTP_STRING_(x)
#define RAWTP_STRING_(x...) #x

/*
 * The site: true where the tracepoint is on. The symbol's name is written into the text, not passed
 * as an operand: "i" takes no address in position-independent code.
 */
#if RAWTP_SITE_IS_BRANCH
#define RAWTP_SITE(name)                                                                     \
	static inline __attribute__((always_inline, unused)) int rawtp_site_##name(void)     \
	{                                                                                    \
		__asm__ volatile("1:\n"                                                      \
				 "\t.pushsection rawtp_sites,\"" RAWTP_SITE_SECTION_FLAGS    \
				 "\",%%progbits\n"                                           \
				 "\t.balign 4\n"                                             \
				 "\t.4byte 1b - .\n"                                         \
				 "\t.4byte 0\n"                                              \
				 "\t.4byte __tracepoint_" #name " - .\n"                     \
				 "\t.popsection\n"                                           \
				 :                                                           \
				 :);                                                         \
		return __builtin_expect(                                                     \
			__atomic_load_n(&__tracepoint_##name.enabled, __ATOMIC_RELAXED), 0); \
	}
#else
/* What stands behind it goes out of the hot text, where the compiler can do that. */
#ifdef __clang__
#define RAWTP_COLD_LABEL
#else
#define RAWTP_COLD_LABEL __attribute__((cold))
#endif
#define RAWTP_SITE(name)                                                                 \
	static inline __attribute__((always_inline, unused)) int rawtp_site_##name(void) \
	{                                                                                \
		__asm__ goto(RAWTP_SITE_CODE                                             \
			     "\t.pushsection rawtp_sites,\"" RAWTP_SITE_SECTION_FLAGS    \
			     "\",%%progbits\n"                                           \
			     "\t.balign 4\n"                                             \
			     "\t.4byte 1b - .\n"                                         \
			     "\t.4byte %l[rawtp_on] - .\n"                               \
			     "\t.4byte __tracepoint_" #name " - .\n"                     \
			     "\t.popsection\n"                                           \
			     :                                                           \
			     :                                                           \
			     : RAWTP_SITE_CLOBBER                                        \
			     : rawtp_on);                                                \
		return 0;                                                                \
	rawtp_on:                                                                        \
		RAWTP_COLD_LABEL;                                                        \
		return 1;                                                                \
	}
#endif

/* The way of an event, chosen by who listens. */
#define RAWTP_ENTER(name, proto, args)                                            \
	((int (*)(RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args))))__atomic_load_n( \
		&__tracepoint_##name.entry, __ATOMIC_RELAXED))(                   \
		RAWTP_DATA_ARGS((void *)&__tracepoint_##name, PARAMS(args)))

/* What every source that includes an event header sees of one event. */
#define RAWTP_DECLARE(name, proto, args, cond)                                                    \
	RAWTP_ASSERT(RAWTP_COUNT(args) <= RAWTP_MAX_ARGS, RAWTP_TOO_MANY);                        \
	RAWTP_C_BEGIN                                                                             \
	extern struct tracepoint __tracepoint_##name RAWTP_HIDDEN;                                \
	extern int __traceiter_##name(RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args))) RAWTP_HIDDEN \
		__attribute__((cold));                                                            \
	RAWTP_C_END                                                                               \
	RAWTP_SITE(name)                                                                          \
	static inline __attribute__((always_inline, unused)) void trace_##name(proto)             \
	{                                                                                         \
		if (__builtin_expect(rawtp_site_##name(), 0)) {                                   \
			if (!(cond))                                                              \
				return;                                                           \
			RAWTP_ENTER(name, PARAMS(proto), PARAMS(args));                           \
		}                                                                                 \
	}                                                                                         \
	static inline __attribute__((always_inline, unused)) void trace_##name##_rcuidle(proto)   \
	{                                                                                         \
		if (__builtin_expect(rawtp_site_##name(), 0)) {                                   \
			if (!(cond))                                                              \
				return;                                                           \
			RAWTP_ENTER(name, PARAMS(proto), PARAMS(args));                           \
		}                                                                                 \
	}                                                                                         \
	static inline __attribute__((always_inline, unused)) int trace_##name##_enabled(void)     \
	{                                                                                         \
		return rawtp_site_##name();                                                       \
	}                                                                                         \
	static inline __attribute__((unused)) int register_trace_##name(                          \
		void (*probe)(RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args))), void *data)         \
	{                                                                                         \
		return tracepoint_probe_register(&__tracepoint_##name, (void *)probe, data);      \
	}                                                                                         \
	static inline __attribute__((unused)) int register_trace_prio_##name(                     \
		void (*probe)(RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args))), void *data,         \
		int prio)                                                                         \
	{                                                                                         \
		return tracepoint_probe_register_prio(&__tracepoint_##name, (void *)probe, data,  \
						      prio);                                      \
	}                                                                                         \
	static inline __attribute__((unused)) int unregister_trace_##name(                        \
		void (*probe)(RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args))), void *data)         \
	{                                                                                         \
		return tracepoint_probe_unregister(&__tracepoint_##name, (void *)probe, data);    \
	}                                                                                         \
	static inline __attribute__((unused)) void check_trace_callback_type_##name(              \
		void (*probe)(RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args))))                     \
	{                                                                                         \
		(void)probe;                                                                      \
	}                                                                                         \
	struct rawtp_needs_a_semicolon

/*
 * What one source defines of one event. The record stands inside the function that has the
 * arguments' names and types in scope: the walk, which calls every probe.
 */
#define RAWTP_DEFINE(event_name, class_str, proto, args, reg, unreg, record_fn, print_fn,         \
		     fields_fn, fixed_size, thunk_fn)                                             \
	RAWTP_C_BEGIN                                                                             \
	__attribute__((used)) struct tracepoint __tracepoint_##event_name RAWTP_HIDDEN = {        \
		#event_name,                                                                      \
		0,                                                                                \
		0,                                                                                \
		reg,                                                                              \
		unreg,                                                                            \
		(struct tracepoint_func *)0,                                                      \
		(struct rawtp_object *)0,                                                         \
		(void *)__traceiter_##event_name,                                                 \
		(void *)0};                                                                       \
	__attribute__((used, noinline, cold)) int __traceiter_##event_name(                       \
		RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args)))                                    \
	{                                                                                         \
		static const struct rawtp_arg rawtp_args[] = {RAWTP_FOR_EACH_ARG(                 \
			RAWTP_ARG_RECORD, args){(const char *)0, 0, 0, {0, 0, 0, 0, 0, 0}}};      \
		static const struct rawtp_event rawtp_record = {                                  \
			RAWTP_RECORD_VERSION,                                                     \
			(uint32_t)sizeof(struct rawtp_event),                                     \
			RAWTP_SITE_IS_BRANCH ? RAWTP_EVENT_BRANCH : 0,                            \
			RAWTP_COUNT(args),                                                        \
			#event_name,                                                              \
			RAWTP_SYSTEM_STRING,                                                      \
			class_str,                                                                \
			RAWTP_STRING(proto),                                                      \
			&__tracepoint_##event_name,                                               \
			rawtp_args,                                                               \
			(void *)thunk_fn,                                                         \
			(void *)record_fn,                                                        \
			print_fn,                                                                 \
			fields_fn,                                                                \
			(uint32_t)(fixed_size),                                                   \
			0};                                                                       \
		static const struct rawtp_event *rawtp_entry                                      \
			__attribute__((section("rawtp_events"), used)) RAWTP_RETAIN =             \
				&rawtp_record;                                                    \
		struct rawtp_thread *rawtp_reader = rawtp_read_lock();                            \
		const struct tracepoint_func *rawtp_func;                                         \
		(void)__data;                                                                     \
		(void)rawtp_entry;                                                                \
		if (__builtin_expect(!rawtp_reader, 0))                                           \
			return 0;                                                                 \
		rawtp_func = __atomic_load_n(&__tracepoint_##event_name.funcs, __ATOMIC_ACQUIRE); \
		if (__builtin_expect(!!rawtp_func, 1)) {                                          \
			do {                                                                      \
				((void (*)(RAWTP_DATA_PROTO(PARAMS(proto),                        \
							    PARAMS(args))))rawtp_func->func)(     \
					RAWTP_DATA_ARGS(rawtp_func->data, PARAMS(args)));         \
			} while (__builtin_expect(!!(++rawtp_func)->func, 0));                    \
		}                                                                                 \
		rawtp_read_unlock(rawtp_reader);                                                  \
		return 0;                                                                         \
	}                                                                                         \
	RAWTP_C_END                                                                               \
	struct rawtp_needs_a_semicolon

/*
 * The thunk: each argument as u64, then bpf_trace_run<n>(). Small on purpose: with the arguments in
 * registers already, most are a zero-extension and a jump.
 */
#define RAWTP_THUNK(name, proto, args)                              \
	static __attribute__((used, cold)) void __bpf_trace_##name( \
		RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args)))      \
	{                                                           \
		RAWTP_RUN(args);                                    \
	}                                                           \
	struct rawtp_needs_a_semicolon

/* A tracepoint without an entry to record. */
#define RAWTP_DEFINE_BARE(name, reg, unreg, proto, args)                               \
	RAWTP_THUNK(name, PARAMS(proto), PARAMS(args));                                \
	RAWTP_DEFINE(name, #name, PARAMS(proto), PARAMS(args), reg, unreg, 0, 0, 0, 0, \
		     __bpf_trace_##name)

#define DEFINE_TRACE_FN(name, reg, unreg, proto, args) \
	RAWTP_DEFINE_BARE(name, reg, unreg, PARAMS(proto), PARAMS(args))
#define DEFINE_TRACE(name, proto, args) RAWTP_DEFINE_BARE(name, 0, 0, PARAMS(proto), PARAMS(args))

/* Events are hidden symbols of each object: see the top. */
#define EXPORT_TRACEPOINT_SYMBOL(name)     struct rawtp_needs_a_semicolon
#define EXPORT_TRACEPOINT_SYMBOL_GPL(name) struct rawtp_needs_a_semicolon
#define DECLARE_TRACEPOINT(name)           extern struct tracepoint __tracepoint_##name RAWTP_HIDDEN
#define tracepoint_enabled(name) \
	__builtin_expect(__atomic_load_n(&__tracepoint_##name.enabled, __ATOMIC_RELAXED), 0)

/* TRACE_SYSTEM as a string, "" where it is not defined (sources that use DEFINE_TRACE alone). */
#define RAWTP_SYSTEM_STRING \
	RAWTP_SYSTEM_PICK(RAWTP_CAT(RAWTP_SYSTEM_IS_, TRACE_SYSTEM), RAWTP_STRING(TRACE_SYSTEM))
#define RAWTP_SYSTEM_IS_TRACE_SYSTEM            ~, ""
#define RAWTP_SYSTEM_PICK(args...)              RAWTP_SYSTEM_SECOND(args, ~)
#define RAWTP_SYSTEM_SECOND(a, second, rest...) second

/* Where the compiler can, keeps records from linkers that collect garbage. */
#ifdef __has_attribute
#if __has_attribute(retain)
#define RAWTP_RETAIN __attribute__((retain))
#endif
#endif
#ifndef RAWTP_RETAIN
#define RAWTP_RETAIN
#endif

#endif

/* Outside the guard: define_trace.h takes the macros away, the next event header brings them back. */
#ifndef TRACE_EVENT
#include <rawtp/stages/declare.h>
#endif
