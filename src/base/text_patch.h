/* SPDX-License-Identifier: MIT */
/*
 * Switches sites (rawtp/cpu/) in text that other threads execute.
 *
 * Text is never writable and executable at once. It is written through /proc/self/mem, which needs
 * no change of protection; where that is not to be had, the page is replaced, in one mmap(), by a
 * changed copy of it.
 */
#ifndef RAWTP_BASE_TEXT_PATCH_H
#define RAWTP_BASE_TEXT_PATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rawtp_text_patch {
	uint8_t *code;         /* the site's instruction */
	const uint8_t *target; /* where it jumps to when on */
};

/*
 * Switches @n sites on or off, and returns after every thread of the process sees them so; sites
 * that are so already are left alone. 0; -EPERM the text may not be changed here; -EBUSY something
 * else (a debugger's breakpoint) stands on a site; -ENOTSUP this CPU has no patched sites. On error
 * none is changed. Switching off leaves a breakpoint where it is and goes on: it cannot fail for it.
 * Blocks. Not thread-safe: the caller serializes.
 */
int rawtp_text_patch(const struct rawtp_text_patch *sites, size_t n, bool on);

/* Per CPU: 0 and the bytes of @site as it should be; -EBUSY what is there is no site of ours. */
#define RAWTP_SITE_SIZE_MAX 8
struct rawtp_text_bytes {
	uint8_t *at;
	uint8_t size; /* 0: nothing to do */
	uint8_t bytes[RAWTP_SITE_SIZE_MAX];
};
int rawtp_site_encode(const struct rawtp_text_patch *site, bool on, struct rawtp_text_bytes *out);

#endif
