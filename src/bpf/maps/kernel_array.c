/* SPDX-License-Identifier: MIT */
#include "bpf/maps/kernel_array.h"
#include "bpf/maps/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KERNEL_MAP_NAME "anon_inode:bpf-map"

/* No file's link begins so: those are absolute paths. */
static bool is_kernel_map(int fd)
{
	char path[32], name[sizeof(KERNEL_MAP_NAME)];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name));
	return n == sizeof(KERNEL_MAP_NAME) - 1 && !memcmp(name, KERNEL_MAP_NAME, (size_t)n);
}

/* The lines "KEY:<tab>NUMBER" that the kernel has for @fd. False: they cannot be read. */
static bool read_lines(int fd, char *text, size_t size)
{
	ssize_t n = -1;
	char path[40];
	int lines;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	lines = open(path, O_RDONLY | O_CLOEXEC);
	if (lines >= 0) {
		n = read(lines, text, size - 1);
		close(lines);
	}
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* -1: there is no such line. */
static int64_t find_line(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!strncmp(text, key, n) && text[n] == ':')
			return strtoll(text + n + 1, NULL, 0);
	}
	return -1;
}

int rawtp_map_stat(int fd, struct stat *st)
{
	char text[1024];
	int64_t id;

	/* fstat(), but not what ThreadSanitizer takes for a use of a number that others may close. */
	if (fstatat(fd, "", st, AT_EMPTY_PATH))
		return -1;
	if (st->st_mode & S_IFMT || !is_kernel_map(fd) || !read_lines(fd, text, sizeof(text)))
		return 0;
	id = find_line(text, "map_id");
	if (id > 0) {
		st->st_dev = RAWTP_KERNEL_MAP_DEV;
		st->st_ino = (ino_t)id;
	}
	return 0;
}

int rawtp_kernel_array_header(int fd, struct rawtp_map_header *header)
{
	char text[1024];
	int64_t flags;

	if (!read_lines(fd, text, sizeof(text)))
		return -EINVAL;
	flags = find_line(text, "map_flags");
	/* What neither side may change, or one side alone, is nothing to share. */
	if (find_line(text, "map_type") != BPF_MAP_TYPE_ARRAY || find_line(text, "frozen") > 0 ||
	    (flags & ~(int64_t)BPF_F_NUMA_NODE) != BPF_F_MMAPABLE)
		return -EINVAL;
	*header = (struct rawtp_map_header){
		.magic = RAWTP_MAP_MAGIC,
		.version = RAWTP_MAP_VERSION,
		.header_size = sizeof(*header),
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = (uint32_t)find_line(text, "key_size"),
		.value_size = (uint32_t)find_line(text, "value_size"),
		.max_entries = (uint32_t)find_line(text, "max_entries"),
		.map_flags = (uint32_t)flags,
		.n_cpus = rawtp_possible_cpus(),
	};
	return 0;
}
