/* SPDX-License-Identifier: MIT */
/*
 * Helpers: memory that may not be there.
 *
 * r1: destination, proved by the verifier; r2: its size; r3: any number taken for an address. As in
 * the kernel a failed read leaves the destination zeroed. The _user and _kernel forms are one: a
 * program here has one address space, that of its process. But nothing, read by the _user form from
 * where no user memory can be, is -EFAULT in the kernel.
 */
#include "base/nofault.h"
#include "bpf/helpers/helper.h"

#include <errno.h>
#include <string.h>

static uint64_t probe_read(uint64_t dst, uint64_t size, uint64_t src)
{
	if (rawtp_probe_read((void *)(uintptr_t)dst, (const void *)(uintptr_t)src, size) == 0)
		return 0;
	memset((void *)(uintptr_t)dst, 0, size);
	return (uint64_t)-EFAULT;
}

static uint64_t probe_read_any(uint64_t dst, uint64_t size, uint64_t src)
{
	return size ? probe_read(dst, size, src) : 0;
}

static uint64_t probe_read_str(uint64_t dst, uint64_t size, uint64_t src)
{
	long len = rawtp_probe_string((char *)(uintptr_t)dst, (const char *)(uintptr_t)src, size);

	if (len < 0)
		memset((void *)(uintptr_t)dst, 0, size);
	return (uint64_t)len;
}

#define PROBE(name, body)                                                                \
	uint64_t rawtp_helper_##name(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, \
				     uint64_t r5)                                        \
	{                                                                                \
		return body(r1, r2, r3);                                                 \
	}

PROBE(probe_read, probe_read_any)
PROBE(probe_read_user, probe_read)
PROBE(probe_read_kernel, probe_read_any)
PROBE(copy_from_user, probe_read)
PROBE(probe_read_str, probe_read_str)
PROBE(probe_read_user_str, probe_read_str)
PROBE(probe_read_kernel_str, probe_read_str)
