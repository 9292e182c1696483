/* SPDX-License-Identifier: MIT */
/*
 * The pass that makes the recording probes. Of each class it makes
 *
 *	static void trace_event_raw_event_<class>(void *__data, proto)
 *
 * whose data is a struct rawtp_sink: it asks for room, fills in the entry, and hands it back. An
 * entry that is too large is asked for all the same, so that the sink can count it as lost.
 */
#include <rawtp/stages/reset.h>
#include <rawtp/stages/entry_reset.h>
#include <rawtp/stages/entry.h>

#define __field_ext(type, item, filter)
#define __field_struct_ext(type, item, filter)
#define __array(type, item, len)
#define __dynamic_array(type, item, len)     entry->__data_loc_##item = __data_offsets.item;
#define __rel_dynamic_array(type, item, len) entry->__rel_loc_##item = __data_offsets.item;

#define __entry entry
#include <rawtp/stages/entry_get.h>

/* __assign_str(item) takes the source from __string(); the older __assign_str(item, src) repeats it. */
#define RAWTP_ASSIGN_STR(get, item, ...)                                                        \
	rawtp_assign_string(                                                                    \
		(char *)__get_##get##dynamic_array(item), __get_##get##dynamic_array_len(item), \
		RAWTP_CAT(RAWTP_SRC_, RAWTP_ANY(__VA_ARGS__))(item __VA_OPT__(, ) __VA_ARGS__));
#define RAWTP_SRC_0(item)                    (const char *)__data_offsets.item##_ptr_
#define RAWTP_SRC_N(item, src)               (const char *)(src)
#define __assign_str(item, ...)              RAWTP_ASSIGN_STR(, item __VA_OPT__(, ) __VA_ARGS__)
#define __assign_rel_str(item, ...)          RAWTP_ASSIGN_STR(rel_, item __VA_OPT__(, ) __VA_ARGS__)
#define __assign_str_len(item, src, len)     RAWTP_ASSIGN_STR(, item, src)
#define __assign_rel_str_len(item, src, len) RAWTP_ASSIGN_STR(rel_, item, src)
#define __assign_vstr(item, fmt, ap)                                                           \
	rawtp_assign_vformat((char *)__get_dynamic_array(item), __get_dynamic_array_len(item), \
			     fmt, ap);
#define __assign_rel_vstr(item, fmt, ap)                            \
	rawtp_assign_vformat((char *)__get_rel_dynamic_array(item), \
			     __get_rel_dynamic_array_len(item), fmt, ap);
#define RAWTP_ASSIGN_BYTES(get, item, src, bytes)                                                  \
	rawtp_assign_bytes(__get_##get##dynamic_array(item), __get_##get##dynamic_array_len(item), \
			   (const void *)(src), bytes);
#define __assign_bitmask(item, src, nr_bits) \
	RAWTP_ASSIGN_BYTES(, item, src, RAWTP_BITMASK_SIZE(nr_bits))
#define __assign_rel_bitmask(item, src, nr_bits) \
	RAWTP_ASSIGN_BYTES(rel_, item, src, RAWTP_BITMASK_SIZE(nr_bits))
#define __assign_cpumask(item, src)           __assign_bitmask(item, src, nr_cpumask_bits)
#define __assign_rel_cpumask(item, src)       __assign_rel_bitmask(item, src, nr_cpumask_bits)
#define __assign_sockaddr(item, src, len)     RAWTP_ASSIGN_BYTES(, item, src, len)
#define __assign_rel_sockaddr(item, src, len) RAWTP_ASSIGN_BYTES(rel_, item, src, len)

#define DECLARE_EVENT_CLASS(name, proto, args, tstruct, assign, print)                    \
	static __attribute__((used, cold)) void trace_event_raw_event_##name(             \
		RAWTP_DATA_PROTO(PARAMS(proto), PARAMS(args)))                            \
	{                                                                                 \
		struct rawtp_sink *rawtp_sink = (struct rawtp_sink *)__data;              \
		struct trace_event_data_offsets_##name __data_offsets;                    \
		struct trace_event_raw_##name *entry;                                     \
		size_t rawtp_size;                                                        \
                                                                                          \
		memset(&__data_offsets, 0, sizeof(__data_offsets));                       \
		rawtp_size = trace_event_get_offsets_##name(                              \
			RAWTP_DATA_ARGS(&__data_offsets, PARAMS(args)));                  \
		entry = (struct trace_event_raw_##name *)rawtp_sink->reserve(rawtp_sink,  \
									     rawtp_size); \
		if (!entry || rawtp_size > RAWTP_ENTRY_SIZE_MAX)                          \
			return;                                                           \
		memset(entry, 0, rawtp_size);                                             \
		tstruct{assign} rawtp_sink->commit(rawtp_sink, entry, rawtp_size);        \
	}                                                                                 \
	struct rawtp_needs_a_semicolon

#include <rawtp/stages/events.h>
