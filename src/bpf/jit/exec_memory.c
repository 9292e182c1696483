/* SPDX-License-Identifier: MIT */
/* A mapping of its own for each image: pages that run are never written, so they are not shared. */
#include "bpf/jit/exec_memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* A free place this far below the library is likely, and leaves room for its neighbours' heaps. */
#define NEAR_DISTANCE (64UL << 20)

static size_t whole_pages(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (size + page - 1) & ~(page - 1);
}

void *rawtp_exec_alloc(size_t size, const void *near)
{
	uintptr_t hint = (uintptr_t)near;
	void *memory;

	hint = hint > NEAR_DISTANCE ? (hint - NEAR_DISTANCE) & ~0xffffUL : 0;
	memory = mmap((void *)hint, whole_pages(size), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

int rawtp_exec_publish(void *memory, size_t size)
{
	size = whole_pages(size);
	__builtin___clear_cache(memory, (char *)memory + size);
	return mprotect(memory, size, PROT_READ | PROT_EXEC) ? -errno : 0;
}

void rawtp_exec_free(void *memory, size_t size)
{
	munmap(memory, whole_pages(size));
}
