/* SPDX-License-Identifier: MIT */
/*
 * The pass that makes room for what is known of the dynamic fields of one entry while it is filled:
 *
 *	struct trace_event_data_offsets_<class> {
 *		uint32_t path;			the word that will be stored in the entry
 *		const void *path_ptr_;		where a string comes from
 *	};
 */
#include <rawtp/stages/reset.h>
#include <rawtp/stages/entry_reset.h>

#define __field_ext(type, item, filter)
#define __field_struct_ext(type, item, filter)
#define __array(type, item, len)
#define __dynamic_array(type, item, len) \
	uint32_t item;                   \
	const void *item##_ptr_;
#define __rel_dynamic_array(type, item, len) __dynamic_array(type, item, len)

#define DECLARE_EVENT_CLASS(name, proto, args, tstruct, assign, print) \
	struct trace_event_data_offsets_##name {                       \
		uint32_t rawtp_none;                                   \
		tstruct                                                \
	}

#include <rawtp/stages/events.h>
