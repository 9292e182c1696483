/* SPDX-License-Identifier: MIT */
/*
 * The pass that makes the printers. Of each class, and of each DEFINE_EVENT_PRINT, it makes
 *
 *	static int trace_raw_output_<name>(char *buf, size_t size, const void *entry)
 *
 * which is snprintf() of TP_printk. The kernel's own conversions (%pS, %pI4, %*pbl) print what libc
 * makes of them: the pointer and the letters.
 */
#include <rawtp/stages/reset.h>
#include <rawtp/stages/entry_reset.h>
#include <rawtp/stages/entry.h>

#define __entry rawtp_field
#include <rawtp/stages/entry_get.h>

/* Texts that the arguments of TP_printk need stand in the scratch buffer p while it prints. */
#define RAWTP_NAMES(name_type, call, names...)                                       \
	__extension__({                                                              \
		static const struct name_type rawtp_names[] = {names};               \
		const size_t rawtp_n = sizeof(rawtp_names) / sizeof(rawtp_names[0]); \
		call;                                                                \
	})
#define __print_flags(value, delimiter, names...) \
	RAWTP_NAMES(trace_print_flags,            \
		    rawtp_print_flags(p, value, delimiter, rawtp_names, rawtp_n), names)
#define __print_symbolic(value, names...) \
	RAWTP_NAMES(trace_print_flags, rawtp_print_symbolic(p, value, rawtp_names, rawtp_n), names)
#define __print_flags_u64(value, delimiter, names...) \
	RAWTP_NAMES(trace_print_flags_u64,            \
		    rawtp_print_flags_u64(p, value, delimiter, rawtp_names, rawtp_n), names)
#define __print_symbolic_u64(value, names...) \
	RAWTP_NAMES(trace_print_flags_u64,    \
		    rawtp_print_symbolic_u64(p, value, rawtp_names, rawtp_n), names)
#define __print_hex(buf, len)     rawtp_print_hex(p, (const void *)(buf), (size_t)(len), " ")
#define __print_hex_str(buf, len) rawtp_print_hex(p, (const void *)(buf), (size_t)(len), "")
#define __print_array(array, count, size) \
	rawtp_print_array(p, (const void *)(array), (size_t)(count), (size_t)(size))
#define __print_dynamic_array(item, size)                                                       \
	rawtp_print_array(p, __get_dynamic_array(item), __get_dynamic_array_len(item) / (size), \
			  (size_t)(size))
#define __print_hex_dump(prefix, prefix_type, row_size, group_size, buf, len, ascii) \
	rawtp_print_hex_dump(p, prefix, (size_t)(row_size), (const void *)(buf), (size_t)(len))
#define __get_bitmask(item) \
	rawtp_print_bitmask(p, __get_dynamic_array(item), __get_dynamic_array_len(item))
#define __get_rel_bitmask(item) \
	rawtp_print_bitmask(p, __get_rel_dynamic_array(item), __get_rel_dynamic_array_len(item))
#define __get_cpumask(item)            __get_bitmask(item)
#define __get_rel_cpumask(item)        __get_rel_bitmask(item)
#define __print_ns_to_secs(value)      ((unsigned long long)(value) / 1000000000ULL)
#define __print_ns_without_secs(value) ((unsigned int)((unsigned long long)(value) % 1000000000ULL))

#define RAWTP_PRINTER(name, template, print)                                   \
	static __attribute__((used, cold)) int trace_raw_output_##name(        \
		char *rawtp_buf, size_t rawtp_buf_size, const void *rawtp_raw) \
	{                                                                      \
		struct trace_event_raw_##template *rawtp_field =               \
			(struct trace_event_raw_##template *)rawtp_raw;        \
		struct trace_seq rawtp_seq, *p = &rawtp_seq;                   \
                                                                               \
		RAWTP_FORMAT_PUSH(void) rawtp_field;                           \
		p->used = 0;                                                   \
		return snprintf(rawtp_buf, rawtp_buf_size, print);             \
		RAWTP_FORMAT_POP                                               \
	}                                                                      \
	struct rawtp_needs_a_semicolon

/* The kernel's conversions are none of libc's. */
#define RAWTP_FORMAT_PUSH                                                             \
	_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wformat\"") \
		_Pragma("GCC diagnostic ignored \"-Wformat-extra-args\"")             \
			_Pragma("GCC diagnostic ignored \"-Wformat-zero-length\"")
#define RAWTP_FORMAT_POP _Pragma("GCC diagnostic pop")

#define DECLARE_EVENT_CLASS(name, proto, args, tstruct, assign, print) \
	RAWTP_PRINTER(name, name, PARAMS(print))
#define DEFINE_EVENT_PRINT(template, name, proto, args, print) \
	RAWTP_PRINTER(name, template, PARAMS(print))

#include <rawtp/stages/events.h>
