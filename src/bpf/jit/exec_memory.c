/* SPDX-License-Identifier: MIT */
/*
 * A mapping of its own for each image: pages that run are never written, so they are not shared. The
 * mappings are asked for side by side, where the kernel makes one of them, in reach of the library's
 * code by a relative call.
 */
#include "bpf/jit/exec_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * A third of the way below the library a place is likely to be free, and leaves room to the
 * library's neighbours; a program that is linked to low addresses has its heap above it, and room
 * above that.
 */
#define ABOVE (512UL << 20)

static size_t whole_pages(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (size + page - 1) & ~(page - 1);
}

/* A hint, no more: where the place is taken the kernel chooses another. */
static uintptr_t next_place(uintptr_t near, size_t reach, size_t size)
{
	static uintptr_t handed_out;
	uintptr_t page = sysconf(_SC_PAGESIZE), third = reach / 3 & ~(page - 1);
	uintptr_t at = __atomic_fetch_add(&handed_out, size, __ATOMIC_RELAXED) % third;

	near &= ~(page - 1);
	return near > 2 * third + size ? near - third - at - size : near + ABOVE + at;
}

void *rawtp_exec_alloc(size_t size, const void *near, size_t reach, unsigned char fill)
{
	void *memory;

	size = whole_pages(size);
	memory = mmap((void *)next_place((uintptr_t)near, reach, size), size,
		      PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memset(memory, fill, size);
}

void *rawtp_exec_reserve(size_t size, const void *near, size_t reach)
{
	void *memory;

	size = whole_pages(size);
	memory = mmap((void *)next_place((uintptr_t)near, reach, size), size, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
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
