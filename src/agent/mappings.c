/* SPDX-License-Identifier: MIT */
/*
 * Which file an address comes from. Not dladdr(): it takes the loader's lock, which a thread in
 * dlopen() holds while it waits for the registry's.
 */
#include "agent/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mapping {
	uintptr_t start, end;
	char *path;
};

struct rawtp_mappings {
	size_t n, capacity;
	struct mapping *mapping;
};

static void add(struct rawtp_mappings *mappings, const char *line)
{
	unsigned long start, end;
	int at = 0;
	char *path;

	if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &start, &end, &at) < 2 || !at ||
	    line[at] != '/')
		return;
	if (mappings->n == mappings->capacity) {
		size_t capacity = mappings->capacity ? 2 * mappings->capacity : 64;
		struct mapping *grown = realloc(mappings->mapping, capacity * sizeof(*grown));

		if (!grown)
			return;
		mappings->mapping = grown;
		mappings->capacity = capacity;
	}
	path = strdup(line + at);
	if (!path)
		return;
	path[strcspn(path, "\n")] = '\0';
	mappings->mapping[mappings->n++] = (struct mapping){start, end, path};
}

struct rawtp_mappings *rawtp_mappings_read(void)
{
	struct rawtp_mappings *mappings = calloc(1, sizeof(*mappings));
	FILE *file = fopen("/proc/self/maps", "re");
	size_t size = 0;
	char *line = NULL;

	while (mappings && file && getline(&line, &size, file) > 0)
		add(mappings, line);
	free(line);
	if (file)
		fclose(file);
	return mappings;
}

const char *rawtp_mappings_find(struct rawtp_mappings *mappings, const void *addr)
{
	size_t i;

	for (i = 0; mappings && i < mappings->n; i++)
		if ((uintptr_t)addr >= mappings->mapping[i].start &&
		    (uintptr_t)addr < mappings->mapping[i].end)
			return mappings->mapping[i].path;
	return "";
}

void rawtp_mappings_free(struct rawtp_mappings *mappings)
{
	size_t i;

	if (!mappings)
		return;
	for (i = 0; i < mappings->n; i++)
		free(mappings->mapping[i].path);
	free(mappings->mapping);
	free(mappings);
}
