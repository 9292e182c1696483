/* SPDX-License-Identifier: MIT */
#include "wire/blob.h"
#include "wire/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char *writer_space(struct rawtp_writer *writer, size_t size)
{
	char *buf;
	size_t capacity = writer->capacity ? writer->capacity : 4096;

	if (writer->error)
		return NULL;
	if (writer->size + size > RAWTP_WIRE_BLOB) {
		writer->error = -E2BIG;
		return NULL;
	}
	while (capacity < writer->size + size)
		capacity *= 2;
	if (capacity != writer->capacity) {
		buf = realloc(writer->buf, capacity);
		if (!buf) {
			writer->error = -ENOMEM;
			return NULL;
		}
		writer->buf = buf;
		writer->capacity = capacity;
	}
	buf = writer->buf + writer->size;
	writer->size += size;
	return buf;
}

static void write_bytes(struct rawtp_writer *writer, const void *data, size_t size)
{
	char *space = writer_space(writer, size);

	if (space)
		memcpy(space, data, size);
}

void rawtp_write_u32(struct rawtp_writer *writer, uint32_t value)
{
	write_bytes(writer, &value, sizeof(value));
}

void rawtp_write_u64(struct rawtp_writer *writer, uint64_t value)
{
	write_bytes(writer, &value, sizeof(value));
}

void rawtp_write_string(struct rawtp_writer *writer, const char *text)
{
	size_t len = text ? strnlen(text, 0xffff) : 0;

	rawtp_write_u32(writer, (uint32_t)len);
	write_bytes(writer, text ? text : "", len);
	write_bytes(writer, "", 1);
}

int rawtp_write_memfd(struct rawtp_writer *writer)
{
	int fd = writer->error;
	size_t done = 0;

	if (!fd) {
		fd = memfd_create("rawtp-list", MFD_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	while (fd >= 0 && done < writer->size) {
		ssize_t n = write(fd, writer->buf + done, writer->size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int err = n < 0 ? -errno : -EIO;

			close(fd);
			fd = err;
			break;
		}
		done += (size_t)n;
	}
	rawtp_writer_free(writer);
	return fd;
}

void rawtp_writer_free(struct rawtp_writer *writer)
{
	free(writer->buf);
	memset(writer, 0, sizeof(*writer));
}

int rawtp_reader_open(struct rawtp_reader *reader, int fd, uint64_t size)
{
	struct stat st;

	memset(reader, 0, sizeof(*reader));
	if (size > RAWTP_WIRE_BLOB || fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size != size)
		return -EPROTO;
	reader->buf = malloc(size + 1);
	if (!reader->buf)
		return -ENOMEM;
	while (reader->size < size) {
		ssize_t n = pread(fd, reader->buf + reader->size, size - reader->size,
				  (off_t)reader->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			rawtp_reader_free(reader);
			return -EPROTO;
		}
		reader->size += (size_t)n;
	}
	return 0;
}

static const char *read_bytes(struct rawtp_reader *reader, size_t size)
{
	const char *data = reader->buf + reader->at;

	if (reader->error || size > reader->size - reader->at) {
		reader->error = -EPROTO;
		return NULL;
	}
	reader->at += size;
	return data;
}

uint32_t rawtp_read_u32(struct rawtp_reader *reader)
{
	const char *data = read_bytes(reader, sizeof(uint32_t));
	uint32_t value = 0;

	if (data)
		memcpy(&value, data, sizeof(value));
	return value;
}

uint64_t rawtp_read_u64(struct rawtp_reader *reader)
{
	const char *data = read_bytes(reader, sizeof(uint64_t));
	uint64_t value = 0;

	if (data)
		memcpy(&value, data, sizeof(value));
	return value;
}

const char *rawtp_read_string(struct rawtp_reader *reader)
{
	size_t len = rawtp_read_u32(reader);
	const char *text = read_bytes(reader, len + 1);

	if (text && text[len] == '\0' && strlen(text) == len)
		return text;
	reader->error = -EPROTO;
	return "";
}

void rawtp_reader_free(struct rawtp_reader *reader)
{
	free(reader->buf);
	memset(reader, 0, sizeof(*reader));
}
