/* SPDX-License-Identifier: MIT */
/*
 * The pass that measures the dynamic fields. Of each class it makes
 *
 *	static size_t trace_event_get_offsets_<class>(offsets, proto);
 *
 * which returns the size of the whole entry, dynamic fields included: more than
 * RAWTP_ENTRY_SIZE_MAX where it does not fit into the words that say where they are.
 */
#include <rawtp/stages/reset.h>
#include <rawtp/stages/entry_reset.h>
#include <rawtp/stages/entry.h>

#define __field_ext(type, item, filter)
#define __field_struct_ext(type, item, filter)
#define __array(type, item, len)

/* @bytes at the next place that suits @type. Lengths that do not fit make the whole too large. */
#define RAWTP_PLACE(type, item, bytes, origin)                                           \
	rawtp_item_size = (size_t)(bytes);                                               \
	rawtp_size = (rawtp_size + __alignof__(type) - 1) & ~(__alignof__(type) - 1);    \
	if (rawtp_item_size > RAWTP_ENTRY_SIZE_MAX || rawtp_size > RAWTP_ENTRY_SIZE_MAX) \
		return RAWTP_ENTRY_SIZE_MAX + 1;                                         \
	__data_offsets->item =                                                           \
		(uint32_t)rawtp_item_size << 16 | (uint32_t)(rawtp_size - (origin));     \
	rawtp_size += rawtp_item_size;
#define RAWTP_PLACE_DATA(type, item, bytes) RAWTP_PLACE(type, item, bytes, 0)
#define RAWTP_PLACE_REL(type, item, bytes) \
	RAWTP_PLACE(type, item, bytes,     \
		    offsetof(__typeof__(*entry), __rel_loc_##item) + sizeof(uint32_t))

#define __dynamic_array(type, item, len)     RAWTP_PLACE_DATA(type, item, (len) * sizeof(type))
#define __rel_dynamic_array(type, item, len) RAWTP_PLACE_REL(type, item, (len) * sizeof(type))

#undef __string
#undef __string_len
#undef __vstring
#undef __bitmask
#undef __cpumask
#undef __rel_string
#undef __rel_string_len
#undef __rel_vstring
#undef __rel_bitmask
#undef __rel_cpumask
#define RAWTP_SOURCE(item, src) __data_offsets->item##_ptr_ = (const void *)(src);
#define __string(item, src)     \
	RAWTP_SOURCE(item, src) \
	RAWTP_PLACE_DATA(char, item, rawtp_string_size((const char *)__data_offsets->item##_ptr_))
#define __string_len(item, src, len) \
	RAWTP_SOURCE(item, src) RAWTP_PLACE_DATA(char, item, (size_t)(len) + 1)
#define __vstring(item, fmt, ap) RAWTP_PLACE_DATA(char, item, rawtp_vformat_size(fmt, ap))
#define __bitmask(item, nr_bits) RAWTP_PLACE_DATA(unsigned long, item, RAWTP_BITMASK_SIZE(nr_bits))
#define __cpumask(item)          __bitmask(item, nr_cpumask_bits)
#define __rel_string(item, src) \
	RAWTP_SOURCE(item, src) \
	RAWTP_PLACE_REL(char, item, rawtp_string_size((const char *)__data_offsets->item##_ptr_))
#define __rel_string_len(item, src, len) \
	RAWTP_SOURCE(item, src) RAWTP_PLACE_REL(char, item, (size_t)(len) + 1)
#define __rel_vstring(item, fmt, ap) RAWTP_PLACE_REL(char, item, rawtp_vformat_size(fmt, ap))
#define __rel_bitmask(item, nr_bits) \
	RAWTP_PLACE_REL(unsigned long, item, RAWTP_BITMASK_SIZE(nr_bits))
#define __rel_cpumask(item) __rel_bitmask(item, nr_cpumask_bits)

#define DECLARE_EVENT_CLASS(name, proto, args, tstruct, assign, print)               \
	static inline __attribute__((unused)) size_t trace_event_get_offsets_##name( \
		RAWTP_OFFSETS_PROTO(name, PARAMS(proto), PARAMS(args)))              \
	{                                                                            \
		struct trace_event_raw_##name *entry __attribute__((unused)) =       \
			(struct trace_event_raw_##name *)0;                          \
		size_t rawtp_size = offsetof(struct trace_event_raw_##name, __data); \
		size_t rawtp_item_size __attribute__((unused)) = 0;                  \
                                                                                     \
		(void)__data_offsets;                                                \
		tstruct return rawtp_size;                                           \
	}                                                                            \
	struct rawtp_needs_a_semicolon

#include <rawtp/stages/events.h>
