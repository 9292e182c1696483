/* SPDX-License-Identifier: MIT */
/* What the code of entries calls: sizes, copies that stay inside their field, texts. */
#ifndef RAWTP_STAGES_ENTRY_H
#define RAWTP_STAGES_ENTRY_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Offsets and lengths of dynamic fields have 16 bits each. */
#define RAWTP_ENTRY_SIZE_MAX ((size_t)0xffff)

#define RAWTP_OFFSETS_PROTO(name, proto, args) \
	RAWTP_CAT(RAWTP_OFFSETS_PROTO_, RAWTP_ANY(args))(name, PARAMS(proto))
#define RAWTP_OFFSETS_PROTO_0(name, proto) struct trace_event_data_offsets_##name *__data_offsets
#define RAWTP_OFFSETS_PROTO_N(name, proto...) \
	struct trace_event_data_offsets_##name *__data_offsets, proto

#ifndef nr_cpumask_bits
#define nr_cpumask_bits 1024
#endif
#define RAWTP_BITMASK_SIZE(nr_bits) \
	(((size_t)(nr_bits) + 8 * sizeof(long) - 1) / (8 * sizeof(long)) * sizeof(long))

RAWTP_C_BEGIN
#pragma GCC visibility push(default)

/* Scratch space of one TP_printk. */
struct trace_seq {
	size_t used;
	char text[2040];
};
struct trace_print_flags {
	unsigned long mask;
	const char *name;
};
struct trace_print_flags_u64 {
	unsigned long long mask;
	const char *name;
};

/*
 * Each returns a text in the scratch space, cut short where that is full. Async-signal-safe but
 * for rawtp_print_array(), ..._hex_dump() and unknown values, which use snprintf().
 */
const char *rawtp_print_flags(struct trace_seq *p, unsigned long value, const char *delimiter,
			      const struct trace_print_flags *names, size_t n);
const char *rawtp_print_flags_u64(struct trace_seq *p, unsigned long long value,
				  const char *delimiter, const struct trace_print_flags_u64 *names,
				  size_t n);
const char *rawtp_print_symbolic(struct trace_seq *p, unsigned long value,
				 const struct trace_print_flags *names, size_t n);
const char *rawtp_print_symbolic_u64(struct trace_seq *p, unsigned long long value,
				     const struct trace_print_flags_u64 *names, size_t n);
const char *rawtp_print_hex(struct trace_seq *p, const void *bytes, size_t n,
			    const char *separator);
const char *rawtp_print_array(struct trace_seq *p, const void *array, size_t n, size_t size);
const char *rawtp_print_hex_dump(struct trace_seq *p, const char *prefix, size_t row_size,
				 const void *bytes, size_t n);
const char *rawtp_print_bitmask(struct trace_seq *p, const void *words, size_t size);

#pragma GCC visibility pop
RAWTP_C_END

/* The kernel's: a string that is NULL is recorded as "(null)". */
static inline __attribute__((unused)) size_t rawtp_string_size(const char *src)
{
	return strlen(src ? src : "(null)") + 1;
}

static inline __attribute__((unused)) void rawtp_assign_bytes(void *to, size_t room,
							      const void *src, size_t size)
{
	memcpy(to, src, size < room ? size : room);
}

/* The entry is zeroed, and the last byte of the field stays so. */
static inline __attribute__((unused)) void rawtp_assign_string(char *to, size_t room,
							       const char *src)
{
	if (room)
		rawtp_assign_bytes(to, room - 1, src ? src : "(null)",
				   strlen(src ? src : "(null)"));
}

static inline __attribute__((unused)) size_t rawtp_vformat_size(const char *format, va_list *ap)
{
	va_list copy;
	int n;

	va_copy(copy, *ap);
	n = vsnprintf((char *)0, 0, format, copy);
	va_end(copy);
	return n < 0 ? 1 : (size_t)n + 1;
}

static inline __attribute__((unused)) void rawtp_assign_vformat(char *to, size_t room,
								const char *format, va_list *ap)
{
	va_list copy;

	va_copy(copy, *ap);
	vsnprintf(to, room, format, copy);
	va_end(copy);
}

#endif
