/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void rawtp_output_init(struct rawtp_output *out, FILE *file, bool json)
{
	memset(out, 0, sizeof(*out));
	out->file = file;
	out->json = json;
}

/* Length of the UTF-8 sequence at @s, 0 where there is none: no overlong form, no surrogate. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t code;
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n > left)
		return 0;
	code = s[0] & (0xff >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return n;
}

static void put_escaped(struct rawtp_output *out, unsigned char c)
{
	if (out->json)
		fprintf(out->file, "\\u%04x", c);
	else
		fprintf(out->file, "\\x%02x", c);
}

static void put_string(struct rawtp_output *out, const char *value, size_t size)
{
	static const char from[] = "\"\\\n\t\r", to[] = "\"\\ntr";
	const unsigned char *s = (const unsigned char *)value;
	const char *special;
	size_t i, n;

	fputc('"', out->file);
	for (i = 0; i < size && s[i]; i += n ? n : 1) {
		n = utf8_length(s + i, size - i);
		special = strchr(from, s[i]);
		if (special)
			fprintf(out->file, "\\%c", to[special - from]);
		else if (!n || s[i] < 0x20 || s[i] == 0x7f)
			put_escaped(out, s[i]);
		else
			fwrite(s + i, 1, n, out->file);
	}
	fputc('"', out->file);
}

/* What stands before a value: comma, indentation, key. */
static void begin_item(struct rawtp_output *out, const char *key)
{
	if (out->depth) {
		unsigned int level = out->depth - 1;

		if (out->has_items[level])
			fputs(out->json ? "," : ", ", out->file);
		else if (!out->json && !out->is_array[level])
			fputc(' ', out->file);
		out->has_items[level] = true;
		if (out->json)
			fprintf(out->file, "\n%*s", (int)out->depth, "");
	}
	if (!key)
		return;
	if (out->json)
		put_string(out, key, strlen(key));
	else
		fputs(key, out->file);
	fputs(out->json ? ": " : " = ", out->file);
}

static bool begin_group(struct rawtp_output *out, const char *key, bool is_array)
{
	if (out->depth == RAWTP_OUTPUT_DEPTH)
		return false;
	begin_item(out, key);
	fputc(is_array ? '[' : '{', out->file);
	out->is_array[out->depth] = is_array;
	out->has_items[out->depth] = false;
	out->depth++;
	return true;
}

bool rawtp_output_object(struct rawtp_output *out, const char *key)
{
	return begin_group(out, key, false);
}

bool rawtp_output_array(struct rawtp_output *out, const char *key)
{
	return begin_group(out, key, true);
}

void rawtp_output_end(struct rawtp_output *out)
{
	bool is_array, has_items;

	if (!out->depth)
		return;
	out->depth--;
	is_array = out->is_array[out->depth];
	has_items = out->has_items[out->depth];
	if (out->json && has_items)
		fprintf(out->file, "\n%*s", (int)out->depth, "");
	else if (!out->json && has_items && !is_array)
		fputc(' ', out->file);
	fputc(is_array ? ']' : '}', out->file);
	if (!out->depth && out->json)
		fputc('\n', out->file);
}

void rawtp_output_u64(struct rawtp_output *out, const char *key, uint64_t value)
{
	begin_item(out, key);
	fprintf(out->file, "%" PRIu64, value);
}

void rawtp_output_i64(struct rawtp_output *out, const char *key, int64_t value)
{
	begin_item(out, key);
	fprintf(out->file, "%" PRId64, value);
}

void rawtp_output_hex(struct rawtp_output *out, const char *key, uint64_t value)
{
	begin_item(out, key);
	fprintf(out->file, out->json ? "\"0x%" PRIx64 "\"" : "0x%" PRIx64, value);
}

void rawtp_output_double(struct rawtp_output *out, const char *key, double value, int digits)
{
	begin_item(out, key);
	if (out->json && !isfinite(value))
		fputs("null", out->file);
	else
		fprintf(out->file, "%.*f", digits, value);
}

void rawtp_output_bool(struct rawtp_output *out, const char *key, bool value)
{
	begin_item(out, key);
	fputs(value ? "true" : "false", out->file);
}

void rawtp_output_null(struct rawtp_output *out, const char *key)
{
	begin_item(out, key);
	fputs(out->json ? "null" : "-", out->file);
}

void rawtp_output_word(struct rawtp_output *out, const char *key, const char *value)
{
	begin_item(out, key);
	if (out->json)
		put_string(out, value, strlen(value));
	else
		fputs(value, out->file);
}

void rawtp_output_chars(struct rawtp_output *out, const char *key, const char *value, size_t size)
{
	begin_item(out, key);
	put_string(out, value, size);
}

void rawtp_output_string(struct rawtp_output *out, const char *key, const char *value)
{
	rawtp_output_chars(out, key, value, strlen(value));
}

void rawtp_output_bytes(struct rawtp_output *out, const char *key, const void *data, size_t size)
{
	const unsigned char *byte = data;
	size_t i;

	begin_item(out, key);
	if (out->json)
		fputc('"', out->file);
	for (i = 0; i < size; i++)
		fprintf(out->file, "%s%02x", i && !out->json ? " " : "", byte[i]);
	if (out->json)
		fputc('"', out->file);
}

const char *rawtp_output_thousands(uint64_t value)
{
	static char buffers[8][32];
	static unsigned int turn;
	char *end = buffers[turn++ % 8] + 31, *p = end;
	unsigned int n = 0;

	*p = '\0';
	do {
		if (n && n % 3 == 0)
			*--p = ',';
		*--p = (char)('0' + value % 10);
		value /= 10;
		n++;
	} while (value);
	return p;
}
