/* SPDX-License-Identifier: MIT */
/*
 * The pass that lays out the entries. Of each class it makes
 *
 *	struct trace_event_raw_<class> {
 *		struct trace_entry ent;
 *		int status;			__field
 *		char comm[16];			__array
 *		uint32_t __data_loc_path;	__string and other dynamic ones: (bytes << 16) | offset
 *		uint32_t __rel_loc_path;	the __rel_ forms: offset from the word's end
 *		char __data[];			what they point to
 *	};
 */
#include <rawtp/stages/reset.h>
#include <rawtp/stages/entry_reset.h>

#define __field_ext(type, item, filter)        type item;
#define __field_struct_ext(type, item, filter) type item;
#define __array(type, item, len)               type item[len];
#define __dynamic_array(type, item, len)       uint32_t __data_loc_##item;
#define __rel_dynamic_array(type, item, len)   uint32_t __rel_loc_##item;

#define DECLARE_EVENT_CLASS(name, proto, args, tstruct, assign, print) \
	struct trace_event_raw_##name {                                \
		struct trace_entry ent;                                \
		tstruct char __data[] __attribute__((aligned(1)));     \
	}

#include <rawtp/stages/events.h>
