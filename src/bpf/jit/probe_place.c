/* SPDX-License-Identifier: MIT */
/*
 * Regions of address space: a page of tenants, then the places, handed out in order and by size; what
 * comes back is kept in a list for its size, so that what was the start of a place always is one.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bpf/jit/probe_place.h"

#include "bpf/jit/exec_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Pages of a place. */
static const unsigned int sizes[] = {1, 4, 16};

#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static struct rawtp_probe_place *free_places[RAWTP_N_NEAR][N_SIZES];

static struct region {
	char *at; /* NULL: none yet, or the last one is full */
	size_t next, pages;
} regions[RAWTP_N_NEAR];

static int new_region(struct region *region, size_t page, const void *near, size_t reach)
{
	size_t pages = page / sizeof(void *); /* as many tenants as a page holds */
	char *at = rawtp_exec_reserve(pages * page, near, reach);

	if (!at)
		return -ENOMEM;
	if (mprotect(at, page, PROT_READ | PROT_WRITE)) {
		munmap(at, pages * page);
		return -ENOMEM;
	}
	region->at = at;
	region->next = 1;
	region->pages = pages;
	return 0;
}

static struct rawtp_probe_place *new_place(struct region *region, unsigned int n, size_t page,
					   const void *near, size_t reach)
{
	struct rawtp_probe_place *place;

	if ((!region->at || region->next + n > region->pages) &&
	    new_region(region, page, near, reach))
		return NULL;
	place = calloc(1, sizeof(*place));
	if (!place)
		return NULL;
	place->at = region->at + region->next * page;
	place->tenant = (const void **)(void *)region->at + region->next;
	place->size = n * page;
	place->is_fresh = 1;
	region->next += n;
	return place;
}

struct rawtp_probe_place *rawtp_probe_place_get(size_t size, enum rawtp_probe_near whom,
						const void *near, size_t reach)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct rawtp_probe_place *place;
	unsigned int i;

	for (i = 0; i < N_SIZES && size > sizes[i] * page; i++)
		;
	if (i == N_SIZES)
		return NULL;
	place = free_places[whom][i];
	if (place) {
		free_places[whom][i] = place->next;
		return place;
	}
	place = new_place(&regions[whom], sizes[i], page, near, reach);
	if (place)
		place->whom = whom;
	return place;
}

int rawtp_probe_place_fill(struct rawtp_probe_place *place, const void *code, size_t size,
			   unsigned char fill)
{
	/* Pages that nobody has seen are written in place, and become one mapping with the next. */
	char *pages = place->at;

	if (place->is_fresh) {
		if (mprotect(pages, place->size, PROT_READ | PROT_WRITE))
			return -errno;
	} else {
		pages = mmap(NULL, place->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
		if (pages == MAP_FAILED)
			return -ENOMEM;
	}
	memset(pages, fill, place->size);
	memcpy(pages, code, size);
	if (rawtp_exec_publish(pages, place->size) ||
	    (!place->is_fresh && mremap(pages, place->size, place->size,
					MREMAP_MAYMOVE | MREMAP_FIXED, place->at) == MAP_FAILED)) {
		int err = -errno;

		if (!place->is_fresh)
			munmap(pages, place->size);
		return err;
	}
	place->is_fresh = 0;
	return 0;
}

void rawtp_probe_place_put(struct rawtp_probe_place *place)
{
	unsigned int i;

	if (!place)
		return;
	for (i = 0; place->size != sizes[i] * (size_t)sysconf(_SC_PAGESIZE); i++)
		;
	place->next = free_places[place->whom][i];
	free_places[place->whom][i] = place;
}
