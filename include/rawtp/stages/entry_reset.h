/* SPDX-License-Identifier: MIT */
/*
 * Between passes over entries: takes the macros of TP_STRUCT__entry, TP_fast_assign and TP_printk
 * away, and defines the kinds of fields that are another kind under another name, by those that the
 * pass defines after it: __field_ext, __field_struct_ext, __array, __dynamic_array and
 * __rel_dynamic_array.
 */
#undef __field
#undef __field_ext
#undef __field_struct
#undef __field_struct_ext
#undef __array
#undef __dynamic_array
#undef __string
#undef __string_len
#undef __vstring
#undef __bitmask
#undef __cpumask
#undef __sockaddr
#undef __rel_dynamic_array
#undef __rel_string
#undef __rel_string_len
#undef __rel_vstring
#undef __rel_bitmask
#undef __rel_cpumask
#undef __rel_sockaddr
#undef __entry
#undef __get_dynamic_array
#undef __get_dynamic_array_len
#undef __get_str
#undef __get_bitmask
#undef __get_cpumask
#undef __get_sockaddr
#undef __get_rel_dynamic_array
#undef __get_rel_dynamic_array_len
#undef __get_rel_str
#undef __get_rel_bitmask
#undef __get_rel_cpumask
#undef __get_rel_sockaddr
#undef __assign_str
#undef __assign_str_len
#undef __assign_vstr
#undef __assign_bitmask
#undef __assign_cpumask
#undef __assign_sockaddr
#undef __assign_rel_str
#undef __assign_rel_str_len
#undef __assign_rel_vstr
#undef __assign_rel_bitmask
#undef __assign_rel_cpumask
#undef __assign_rel_sockaddr
#undef TP_STRUCT__entry
#undef TP_fast_assign
#undef TP_printk
#undef __print_flags
#undef __print_symbolic
#undef __print_flags_u64
#undef __print_symbolic_u64
#undef __print_hex
#undef __print_hex_str
#undef __print_array
#undef __print_dynamic_array
#undef __print_hex_dump
#undef __print_ns_to_secs
#undef __print_ns_without_secs

#define TP_STRUCT__entry(args...) args
#define TP_fast_assign(args...)   args
#define TP_printk(args...)        args

#define __field(type, item)        __field_ext(type, item, 0)
#define __field_struct(type, item) __field_struct_ext(type, item, 0)

#define __string(item, src)              __dynamic_array(char, item, 0)
#define __string_len(item, src, len)     __dynamic_array(char, item, 0)
#define __vstring(item, fmt, ap)         __dynamic_array(char, item, 0)
#define __bitmask(item, nr_bits)         __dynamic_array(unsigned long, item, 0)
#define __cpumask(item)                  __dynamic_array(unsigned long, item, 0)
#define __sockaddr(item, len)            __dynamic_array(unsigned char, item, len)
#define __rel_string(item, src)          __rel_dynamic_array(char, item, 0)
#define __rel_string_len(item, src, len) __rel_dynamic_array(char, item, 0)
#define __rel_vstring(item, fmt, ap)     __rel_dynamic_array(char, item, 0)
#define __rel_bitmask(item, nr_bits)     __rel_dynamic_array(unsigned long, item, 0)
#define __rel_cpumask(item)              __rel_dynamic_array(unsigned long, item, 0)
#define __rel_sockaddr(item, len)        __rel_dynamic_array(unsigned char, item, len)
