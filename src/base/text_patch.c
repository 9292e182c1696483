/* SPDX-License-Identifier: MIT */
/*
 * The CPU-neutral half of text_patch.h: how bytes get into text.
 *
 * First way: pwrite() on /proc/self/mem. The kernel writes through its own mapping, breaks the
 * copy-on-write of the file's page, and keeps instruction caches coherent. The page stays
 * executable and unwritable throughout. A kernel or container may forbid it (proc_mem.force_override,
 * no /proc, a process that is not dumpable).
 *
 * Second way: a copy of the page, changed, in a memfd, mapped over it with MAP_FIXED. Threads that
 * fault in between wait for the same lock that mmap() holds, so they see the old page or the new one.
 * The names of such pages in /proc/PID/maps are lost to profilers, so it is the second choice.
 */
#include "base/text_patch.h"
#include "base/err.h"
#include "base/cpu/patch.h"
#include "base/membarrier.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How far a batch got, and how it writes. */
struct writer {
	int mem; /* /proc/self/mem, or -1 */
	size_t page_size;
};

#if !RAWTP_CPU_PATCHES_TEXT
int rawtp_site_encode(const struct rawtp_text_patch *site, bool on, struct rawtp_text_bytes *out)
{
	return -ENOTSUP;
}
#endif

static int write_mem(struct writer *writer, const struct rawtp_text_bytes *bytes)
{
	ssize_t n;

	if (writer->mem < 0)
		return -EPERM;
	n = pwrite(writer->mem, bytes->bytes, bytes->size, (off_t)(uintptr_t)bytes->at);
	return n == bytes->size ? 0 : -EPERM;
}

static int replace_page(struct writer *writer, const struct rawtp_text_bytes *bytes)
{
	uintptr_t page = (uintptr_t)bytes->at & ~(writer->page_size - 1);
	size_t offset = (uintptr_t)bytes->at - page;
	size_t size = offset + bytes->size > writer->page_size ? 2 * writer->page_size
							       : writer->page_size;
	int fd = (int)syscall(SYS_memfd_create, "rawtp-text", MFD_CLOEXEC);
	int err = -EPERM;

	if (fd < 0)
		return -EPERM;
	if (pwrite(fd, (void *)page, size, 0) == (ssize_t)size &&
	    pwrite(fd, bytes->bytes, bytes->size, (off_t)offset) == bytes->size &&
	    mmap((void *)page, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) !=
		    MAP_FAILED)
		err = 0;
	close(fd);
	return err;
}

static int write_bytes(struct writer *writer, const struct rawtp_text_bytes *bytes)
{
	if (!bytes->size)
		return 0;
	if (!write_mem(writer, bytes))
		return 0;
	return replace_page(writer, bytes);
}

static int write_all(struct writer *writer, const struct rawtp_text_patch *sites, size_t n, bool on)
{
	struct rawtp_text_bytes bytes;
	size_t i;
	int err;

	for (i = 0; i < n; i++) {
		err = rawtp_site_encode(&sites[i], on, &bytes);
		if (!err)
			err = write_bytes(writer, &bytes);
		if (!err)
			continue;
		/* Back, as far as it came; those at the end never changed and cannot fail. */
		if (on)
			write_all(writer, sites, i, false);
		return err;
	}
	return 0;
}

int rawtp_text_patch(const struct rawtp_text_patch *sites, size_t n, bool on)
{
	struct writer writer = {-1, (size_t)sysconf(_SC_PAGESIZE)};
	int saved = errno;
	int err;

	if (!n)
		return 0;
	writer.mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	err = write_all(&writer, sites, n, on);
	if (writer.mem >= 0)
		close(writer.mem);
	rawtp_membarrier_sync_core();
	errno = saved;
	return err;
}
