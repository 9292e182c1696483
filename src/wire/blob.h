/* SPDX-License-Identifier: MIT */
/*
 * Lists on the wire: numbers and strings, written in order and read in the same order. Errors
 * stick: neither side has to look before the end. A reader stays inside its buffer whatever is in
 * it; its strings lie in the buffer and end with a NUL. Not thread-safe.
 */
#ifndef RAWTP_WIRE_BLOB_H
#define RAWTP_WIRE_BLOB_H

#include <stddef.h>
#include <stdint.h>

struct rawtp_writer {
	char *buf;
	size_t size, capacity;
	int error; /* -ENOMEM, -E2BIG (more than RAWTP_WIRE_BLOB) */
};

void rawtp_write_u32(struct rawtp_writer *writer, uint32_t value);
void rawtp_write_u64(struct rawtp_writer *writer, uint64_t value);
/* NULL is written as "". Longer than 64 kB is cut. */
void rawtp_write_string(struct rawtp_writer *writer, const char *text);
/* Puts it all into a new memfd (O_CLOEXEC) and empties the writer. A descriptor or -errno. */
int rawtp_write_memfd(struct rawtp_writer *writer);
void rawtp_writer_free(struct rawtp_writer *writer);

struct rawtp_reader {
	char *buf; /* own copy, freed by rawtp_reader_free() */
	size_t size, at;
	int error; /* -EPROTO: read past the end, or a string without its NUL */
};

/* Copies @size bytes of @fd. 0; -EPROTO where it holds another number of bytes, or too many. */
int rawtp_reader_open(struct rawtp_reader *reader, int fd, uint64_t size);
uint32_t rawtp_read_u32(struct rawtp_reader *reader);
uint64_t rawtp_read_u64(struct rawtp_reader *reader);
/* "" after an error. */
const char *rawtp_read_string(struct rawtp_reader *reader);
void rawtp_reader_free(struct rawtp_reader *reader);

#endif
