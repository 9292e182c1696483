/* SPDX-License-Identifier: MIT */
/*
 * The pass that describes the entries. Of each class it makes
 *
 *	static const struct rawtp_field *trace_event_fields_<class>(void)
 *
 * whose result ends with a field without a name.
 */
#include <rawtp/stages/reset.h>
#include <rawtp/stages/entry_reset.h>

#define RAWTP_FIELD(type_string, item, member, sign, dynamic) \
	{type_string,                                         \
	 #item,                                               \
	 (uint32_t)offsetof(rawtp_type, member),              \
	 (uint32_t)sizeof(((rawtp_type *)0)->member),         \
	 sign,                                                \
	 dynamic,                                             \
	 {0, 0, 0, 0, 0, 0}},
#define RAWTP_FIELD_SIGN(item)                 (RAWTP_ARG_FLAGS(((rawtp_type *)0)->item) & RAWTP_ARG_SIGNED)
#define __field_ext(type, item, filter)        RAWTP_FIELD(#type, item, item, RAWTP_FIELD_SIGN(item), 0)
#define __field_struct_ext(type, item, filter) RAWTP_FIELD(#type, item, item, 0, 0)
#define __array(type, item, len) \
	RAWTP_FIELD(#type "[" #len "]", item, item, RAWTP_FIELD_SIGN(item[0]), 0)
#define __dynamic_array(type, item, len)     RAWTP_FIELD(#type "[]", item, __data_loc_##item, 0, 1)
#define __rel_dynamic_array(type, item, len) RAWTP_FIELD(#type "[]", item, __rel_loc_##item, 0, 2)

#define DECLARE_EVENT_CLASS(name, proto, args, tstruct, assign, print)                      \
	static __attribute__((used, cold))                                                  \
	const struct rawtp_field *trace_event_fields_##name(void)                           \
	{                                                                                   \
		typedef struct trace_event_raw_##name rawtp_type __attribute__((unused));   \
		static const struct rawtp_field rawtp_fields[] = {tstruct{                  \
			(const char *)0, (const char *)0, 0, 0, 0, 0, {0, 0, 0, 0, 0, 0}}}; \
                                                                                            \
		return rawtp_fields;                                                        \
	}                                                                                   \
	struct rawtp_needs_a_semicolon

#include <rawtp/stages/events.h>
