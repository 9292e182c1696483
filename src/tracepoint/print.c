/* SPDX-License-Identifier: MIT */
/* The texts of TP_printk: __print_flags() and its kin (rawtp/stages/entry.h). */
#include "rawtp/tracepoint.h"
#include "rawtp/stages/entry.h"

#include <stdint.h>

/* A text in the scratch space: from @start to the end, ended by finish(). */
static void put(struct trace_seq *p, const char *text)
{
	while (*text && p->used < sizeof(p->text) - 1)
		p->text[p->used++] = *text++;
}

static __attribute__((format(printf, 2, 3))) void put_format(struct trace_seq *p,
							     const char *format, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	put(p, text);
}

static char *begin(struct trace_seq *p)
{
	return &p->text[p->used < sizeof(p->text) ? p->used : sizeof(p->text) - 1];
}

/* Always has room: put() leaves the last byte. */
static const char *finish(struct trace_seq *p, char *start)
{
	p->text[p->used] = '\0';
	if (p->used < sizeof(p->text) - 1)
		p->used++;
	return start;
}

/* One list of {mask, name}, of either width. */
struct names {
	const struct trace_print_flags *narrow;
	const struct trace_print_flags_u64 *wide;
	size_t n;
};

static uint64_t mask_at(const struct names *names, size_t i)
{
	return names->wide ? names->wide[i].mask : names->narrow[i].mask;
}

static const char *name_at(const struct names *names, size_t i)
{
	return names->wide ? names->wide[i].name : names->narrow[i].name;
}

static const char *flags(struct trace_seq *p, uint64_t value, const char *delimiter,
			 const struct names *names)
{
	char *start = begin(p);
	const char *between = "";
	size_t i;

	for (i = 0; i < names->n && name_at(names, i); i++) {
		uint64_t mask = mask_at(names, i);

		if ((value & mask) != mask || (!mask && (value || *between)))
			continue;
		put(p, between);
		put(p, name_at(names, i));
		value &= ~mask;
		between = delimiter ? delimiter : "";
		if (!mask)
			break;
	}
	if (value) {
		put(p, begin(p) == start ? "" : between);
		put_format(p, "0x%llx", (unsigned long long)value);
	}
	return finish(p, start);
}

static const char *symbolic(struct trace_seq *p, uint64_t value, const struct names *names)
{
	char *start = begin(p);
	size_t i;

	for (i = 0; i < names->n && name_at(names, i); i++)
		if (mask_at(names, i) == value) {
			put(p, name_at(names, i));
			return finish(p, start);
		}
	put_format(p, "0x%llx", (unsigned long long)value);
	return finish(p, start);
}

const char *rawtp_print_flags(struct trace_seq *p, unsigned long value, const char *delimiter,
			      const struct trace_print_flags *list, size_t n)
{
	return flags(p, value, delimiter, &(struct names){list, NULL, n});
}

const char *rawtp_print_flags_u64(struct trace_seq *p, unsigned long long value,
				  const char *delimiter, const struct trace_print_flags_u64 *list,
				  size_t n)
{
	return flags(p, value, delimiter, &(struct names){NULL, list, n});
}

const char *rawtp_print_symbolic(struct trace_seq *p, unsigned long value,
				 const struct trace_print_flags *list, size_t n)
{
	return symbolic(p, value, &(struct names){list, NULL, n});
}

const char *rawtp_print_symbolic_u64(struct trace_seq *p, unsigned long long value,
				     const struct trace_print_flags_u64 *list, size_t n)
{
	return symbolic(p, value, &(struct names){NULL, list, n});
}

const char *rawtp_print_hex(struct trace_seq *p, const void *bytes, size_t n, const char *separator)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *byte = bytes;
	char *start = begin(p);
	size_t i;

	for (i = 0; i < n; i++) {
		char text[3] = {digits[byte[i] >> 4], digits[byte[i] & 15], '\0'};

		put(p, i ? separator : "");
		put(p, text);
	}
	return finish(p, start);
}

/* @size bytes of host order; 0 where that is no width of an integer. */
static uint64_t element(const uint8_t *at, size_t size)
{
	return rawtp_bytes_u64(at, size);
}

const char *rawtp_print_array(struct trace_seq *p, const void *array, size_t n, size_t size)
{
	const uint8_t *at = array;
	char *start = begin(p);
	size_t i;

	put(p, "{");
	for (i = 0; i < n && p->used < sizeof(p->text) - 1; i++)
		put_format(p, "%s0x%llx", i ? "," : "",
			   (unsigned long long)element(at + i * size, size));
	put(p, "}");
	return finish(p, start);
}

const char *rawtp_print_hex_dump(struct trace_seq *p, const char *prefix, size_t row_size,
				 const void *bytes, size_t n)
{
	const uint8_t *byte = bytes;
	char *start = begin(p);
	size_t i;

	if (!row_size)
		row_size = 16;
	for (i = 0; i < n && p->used < sizeof(p->text) - 1; i++) {
		if (i % row_size == 0) {
			put(p, i ? "\n" : "");
			put(p, prefix ? prefix : "");
			put_format(p, "%08zx:", i);
		}
		put_format(p, " %02x", byte[i]);
	}
	return finish(p, start);
}

/* 32 bits a group, most significant first, as the kernel prints masks. */
const char *rawtp_print_bitmask(struct trace_seq *p, const void *words, size_t size)
{
	const uint8_t *at = words;
	size_t i = size / sizeof(uint32_t);
	char *start = begin(p);

	while (i-- > 0) {
		/* Words are longs: the halves of a 64-bit one follow its byte order. */
		const size_t half = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? i : i ^ 1;

		put_format(p, "%08llx%s", (unsigned long long)element(at + 4 * half, 4),
			   i ? "," : "");
	}
	return finish(p, start);
}
