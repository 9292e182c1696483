/* SPDX-License-Identifier: MIT */
/*
 * Values as text or as JSON: one stream of calls, two forms.
 *
 * JSON is always one valid document as long as every object and array that is begun is ended.
 * Bytes that are not UTF-8 are written as the code point of the same number. Text is meant for one
 * line: { pid = 3, comm = "bash" }. Not thread-safe.
 */
#ifndef RAWTP_CLI_OUTPUT_H
#define RAWTP_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define RAWTP_OUTPUT_DEPTH 64

struct rawtp_output {
	FILE *file;
	bool json;
	unsigned int depth;
	bool is_array[RAWTP_OUTPUT_DEPTH];
	bool has_items[RAWTP_OUTPUT_DEPTH];
};

void rawtp_output_init(struct rawtp_output *out, FILE *file, bool json);

/*
 * @key: the member's name; NULL inside an array and at the top. Nesting beyond RAWTP_OUTPUT_DEPTH
 * is refused with false, and must not be ended then.
 */
bool rawtp_output_object(struct rawtp_output *out, const char *key);
bool rawtp_output_array(struct rawtp_output *out, const char *key);
void rawtp_output_end(struct rawtp_output *out);

void rawtp_output_u64(struct rawtp_output *out, const char *key, uint64_t value);
void rawtp_output_i64(struct rawtp_output *out, const char *key, int64_t value);
/* An address: 0x... in text, a string in JSON. */
void rawtp_output_hex(struct rawtp_output *out, const char *key, uint64_t value);
/* @digits behind the point; what is no finite number is null in JSON. */
void rawtp_output_double(struct rawtp_output *out, const char *key, double value, int digits);
void rawtp_output_bool(struct rawtp_output *out, const char *key, bool value);
void rawtp_output_null(struct rawtp_output *out, const char *key);
/* A name: bare in text, a string in JSON. */
void rawtp_output_word(struct rawtp_output *out, const char *key, const char *value);
void rawtp_output_string(struct rawtp_output *out, const char *key, const char *value);
/* At most @size bytes, up to the first NUL. */
void rawtp_output_chars(struct rawtp_output *out, const char *key, const char *value, size_t size);
/* Plain bytes in hexadecimal. */
void rawtp_output_bytes(struct rawtp_output *out, const char *key, const void *data, size_t size);

/* "1,234,567" in a static ring of buffers: valid until the eighth call after this one. */
const char *rawtp_output_thousands(uint64_t value);

#endif
