/* SPDX-License-Identifier: MIT */
/*
 * Helpers on dynptrs: memory whose size is not known to the verifier, but to the dynptr. All offsets
 * and lengths are checked here, when the program runs.
 */
#include "bpf/helpers/dynptr.h"
#include "bpf/helpers/helper.h"
#include "bpf/maps/ringbuf.h"

#include <errno.h>
#include <string.h>

static inline void *pointer(uint64_t reg)
{
	return (void *)(uintptr_t)reg;
}

/* 0, -E2BIG: not all of it is inside, -EINVAL: there is nothing. */
static int check(const struct rawtp_dynptr *ptr, uint32_t offset, uint32_t size, uint64_t flags)
{
	if (!ptr->data || flags)
		return -EINVAL;
	return size > ptr->size || offset > ptr->size - size ? -E2BIG : 0;
}

/* r1: memory of r2 bytes, r3: flags, r4: where the dynptr goes. */
uint64_t rawtp_helper_dynptr_from_mem(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
				      uint64_t r5)
{
	struct rawtp_dynptr *ptr = pointer(r4);
	int err = (uint32_t)r2 > RAWTP_DYNPTR_MAX ? -E2BIG : r3 ? -EINVAL : 0;

	*ptr = (struct rawtp_dynptr){0};
	if (!err) {
		ptr->data = r1;
		ptr->size = (uint32_t)r2;
	}
	return (uint64_t)(int64_t)err;
}

/* r1: ring buffer, r2: size, r3: flags, r4: where the dynptr goes. */
uint64_t rawtp_helper_ringbuf_reserve_dynptr(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
					     uint64_t r5)
{
	struct rawtp_dynptr *ptr = pointer(r4);
	uint32_t size = (uint32_t)r2;

	*ptr = (struct rawtp_dynptr){0};
	if (r3)
		return (uint64_t)-EINVAL;
	if (size > RAWTP_DYNPTR_MAX)
		return (uint64_t)-E2BIG;
	ptr->data = (uintptr_t)rawtp_ringbuf_reserve(pointer(r1), size);
	if (!ptr->data)
		return (uint64_t)-EINVAL;
	ptr->size = size;
	return 0;
}

static void commit(uint64_t at, uint64_t flags, bool discard)
{
	struct rawtp_dynptr *ptr = pointer(at);

	if (ptr->data)
		rawtp_ringbuf_commit(pointer(ptr->data), flags, discard);
	*ptr = (struct rawtp_dynptr){0};
}

uint64_t rawtp_helper_ringbuf_submit_dynptr(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
					    uint64_t r5)
{
	commit(r1, r2, false);
	return 0;
}

uint64_t rawtp_helper_ringbuf_discard_dynptr(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
					     uint64_t r5)
{
	commit(r1, r2, true);
	return 0;
}

/* r1: buffer of r2 bytes, r3: dynptr, r4: offset in it, r5: flags. */
uint64_t rawtp_helper_dynptr_read(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	const struct rawtp_dynptr *ptr = pointer(r3);
	int err = check(ptr, (uint32_t)r4, (uint32_t)r2, r5);

	/* The verifier takes the buffer to be written now, whatever happens. */
	if (err)
		memset(pointer(r1), 0, (uint32_t)r2);
	else
		memmove(pointer(r1), pointer(ptr->data + (uint32_t)r4), (uint32_t)r2);
	return (uint64_t)(int64_t)err;
}

/* r1: dynptr, r2: offset in it, r3: r4 bytes, r5: flags. */
uint64_t rawtp_helper_dynptr_write(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	const struct rawtp_dynptr *ptr = pointer(r1);
	int err = check(ptr, (uint32_t)r2, (uint32_t)r4, r5);

	if (!err)
		memmove(pointer(ptr->data + (uint32_t)r2), pointer(r3), (uint32_t)r4);
	return (uint64_t)(int64_t)err;
}

/* r1: dynptr, r2: offset in it, r3: bytes that the program will use. */
uint64_t rawtp_helper_dynptr_data(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	const struct rawtp_dynptr *ptr = pointer(r1);

	return check(ptr, (uint32_t)r2, (uint32_t)r3, 0) ? 0 : ptr->data + (uint32_t)r2;
}
