/* SPDX-License-Identifier: MIT */
#include "bpf/helpers/format.h"
#include "base/nofault.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define MAX_WIDTH  1024 /* nothing wider fits into a line */
#define MAX_STRING 512  /* of one %s */
#define MAX_DIGITS 24

struct sink {
	char *out;
	size_t size, at; /* at: may be larger than size */
};

struct spec {
	bool zero, plus, minus, space;
	unsigned int width;
	unsigned int longs; /* 'l' before the conversion */
	char conversion;    /* 'd' 'u' 'x' 'X' 'c' 's' 'p', or 'I' for an address of the internet */
	bool dotted;        /* %pI4, %pI6 as opposed to %pi4, %pi6 */
	unsigned int ip_size; /* 4 or 16 bytes */
};

static void put(struct sink *sink, char c)
{
	if (sink->at + 1 < sink->size)
		sink->out[sink->at] = c;
	sink->at++;
}

/* ASCII, whatever the application's locale is. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_punct(char c)
{
	return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
	       (c >= '{' && c <= '~');
}

static bool is_end(char c)
{
	return c == '\0' || is_space(c) || is_punct(c);
}

static bool is_printable(char c)
{
	return (c >= ' ' && c <= '~') || is_space(c);
}

/* "+12", "  12", "0012", "12  ": the sign or nothing, then the digits. */
static void put_padded(struct sink *sink, const struct spec *spec, char sign, const char *text,
		       size_t len, bool number)
{
	size_t all = len + (sign ? 1 : 0), i, pad = spec->width > all ? spec->width - all : 0;
	bool zeros = number && spec->zero && !spec->minus;

	for (i = 0; i < pad && !zeros && !spec->minus; i++)
		put(sink, ' ');
	if (sign)
		put(sink, sign);
	for (i = 0; i < pad && zeros; i++)
		put(sink, '0');
	for (i = 0; i < len; i++)
		put(sink, text[i]);
	for (i = 0; i < pad && spec->minus; i++)
		put(sink, ' ');
}

static void put_number(struct sink *sink, const struct spec *spec, uint64_t value)
{
	const char *digits = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned int base = spec->conversion == 'd' || spec->conversion == 'u' ? 10 : 16;
	char text[MAX_DIGITS], sign = '\0';
	size_t at = sizeof(text);

	if (!spec->longs)
		value = spec->conversion == 'd' ? (uint64_t)(int64_t)(int32_t)value
						: (uint32_t)value;
	if (spec->conversion == 'd') {
		sign = spec->plus ? '+' : spec->space ? ' ' : '\0';
		if ((int64_t)value < 0) {
			sign = '-';
			value = 0 - value;
		}
	}
	do {
		text[--at] = digits[value % base];
		value /= base;
	} while (value);
	put_padded(sink, spec, sign, text + at, sizeof(text) - at, true);
}

static void put_pointer(struct sink *sink, const struct spec *spec, uint64_t value)
{
	char text[16];
	int i;

	for (i = 15; i >= 0; i--, value >>= 4)
		text[i] = "0123456789abcdef"[value & 15];
	put_padded(sink, spec, '\0', text, sizeof(text), false);
}

static void put_string(struct sink *sink, const struct spec *spec, uint64_t address)
{
	char text[MAX_STRING];
	long len = rawtp_probe_string(text, (const char *)(uintptr_t)address, sizeof(text));

	put_padded(sink, spec, '\0', text, len > 0 ? (size_t)len - 1 : 0, false);
}

/* 127.0.0.1 or 127.000.000.001; 0000:...:0001 or 0000...0001. */
static void put_ip(struct sink *sink, const struct spec *spec, uint64_t address)
{
	char text[40];
	unsigned char bytes[16];
	unsigned int i;
	size_t at = 0;

	if (rawtp_probe_read(bytes, (const void *)(uintptr_t)address, spec->ip_size) != 0)
		memset(bytes, 0, sizeof(bytes));
	for (i = 0; i < spec->ip_size; i++) {
		if (spec->ip_size == 4) {
			if (i)
				text[at++] = '.';
			if (bytes[i] >= 100 || !spec->dotted)
				text[at++] = (char)('0' + bytes[i] / 100);
			if (bytes[i] >= 10 || !spec->dotted)
				text[at++] = (char)('0' + bytes[i] / 10 % 10);
			text[at++] = (char)('0' + bytes[i] % 10);
			continue;
		}
		if (i && i % 2 == 0 && spec->dotted)
			text[at++] = ':';
		text[at++] = "0123456789abcdef"[bytes[i] >> 4];
		text[at++] = "0123456789abcdef"[bytes[i] & 15];
	}
	put_padded(sink, spec, '\0', text, at, false);
}

static void put_value(struct sink *sink, const struct spec *spec, uint64_t value)
{
	char c = (char)value;

	switch (spec->conversion) {
	case 'c':
		put_padded(sink, spec, '\0', &c, 1, false);
		break;
	case 's':
		put_string(sink, spec, value);
		break;
	case 'p':
		put_pointer(sink, spec, value);
		break;
	case 'I':
		put_ip(sink, spec, value);
		break;
	default:
		put_number(sink, spec, value);
	}
}

/* @at stands behind "%p". Returns what follows, or NULL. */
static const char *parse_pointer(const char *at, struct spec *spec)
{
	if ((at[0] == 'k' || at[0] == 'u') && at[1] == 's') {
		spec->conversion = 's';
		return is_end(at[2]) ? at + 2 : NULL;
	}
	if ((at[0] == 'i' || at[0] == 'I') && (at[1] == '4' || at[1] == '6')) {
		spec->conversion = 'I';
		spec->dotted = at[0] == 'I';
		spec->ip_size = at[1] == '4' ? 4 : 16;
		return at + 2;
	}
	if (at[0] == 'K' || at[0] == 'x' || at[0] == 's' || at[0] == 'S' || at[0] == 'B')
		return at + 1;
	return is_end(at[0]) ? at : NULL;
}

/* @at stands behind the '%'. Returns what follows the conversion, or NULL. */
static const char *parse(const char *at, struct spec *spec)
{
	memset(spec, 0, sizeof(*spec));
	for (; *at == '0' || *at == '+' || *at == '-' || *at == ' '; at++) {
		spec->zero |= *at == '0';
		spec->plus |= *at == '+';
		spec->minus |= *at == '-';
		spec->space |= *at == ' ';
	}
	for (; *at >= '0' && *at <= '9'; at++) {
		spec->width = spec->width * 10 + (unsigned int)(*at - '0');
		if (spec->width > MAX_WIDTH)
			spec->width = MAX_WIDTH;
	}
	spec->conversion = *at;
	if (*at == 'p')
		return parse_pointer(at + 1, spec);
	if (*at == 's')
		return is_end(at[1]) ? at + 1 : NULL;
	if (*at == 'c')
		return at + 1;
	for (; *at == 'l' && spec->longs < 2; at++)
		spec->longs++;
	spec->conversion = *at == 'i' ? 'd' : *at;
	return *at && strchr("diuxX", *at) ? at + 1 : NULL;
}

/* @values is NULL where the format is only looked at. */
static int walk(struct sink *sink, const char *format, size_t format_size, const uint64_t *values,
		unsigned int n_values)
{
	const char *at = format;
	unsigned int used = 0;
	struct spec spec;

	if (!memchr(format, '\0', format_size))
		return -EINVAL;
	while (*at) {
		if (!is_printable(*at))
			return -EINVAL;
		if (at[0] != '%' || at[1] == '%') {
			put(sink, *at);
			at += at[0] == '%' ? 2 : 1;
			continue;
		}
		if (used == n_values)
			return -EINVAL;
		at = parse(at + 1, &spec);
		if (!at)
			return -EINVAL;
		if (values)
			put_value(sink, &spec, values[used]);
		used++;
	}
	return 0;
}

int rawtp_format(char *out, size_t size, const char *format, size_t format_size,
		 const uint64_t *values, unsigned int n_values)
{
	struct sink sink = {out, size, 0};
	int err = walk(&sink, format, format_size, values, n_values);

	if (err)
		return err;
	out[sink.at < size ? sink.at : size - 1] = '\0';
	return (int)sink.at;
}

int rawtp_format_check(const char *format, size_t format_size, unsigned int n_values)
{
	struct sink nowhere = {NULL, 0, 0};

	return walk(&nowhere, format, format_size, NULL, n_values);
}
