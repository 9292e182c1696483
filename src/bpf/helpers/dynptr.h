/* SPDX-License-Identifier: MIT */
/* What struct bpf_dynptr is here: 16 bytes that the verifier lets helpers alone write and read. */
#ifndef RAWTP_BPF_HELPERS_DYNPTR_H
#define RAWTP_BPF_HELPERS_DYNPTR_H

#include <stdint.h>

#define RAWTP_DYNPTR_MAX ((1U << 24) - 1) /* DYNPTR_MAX_SIZE */

struct rawtp_dynptr {
	uint64_t data; /* 0: none: every use fails */
	uint32_t size;
	uint32_t pad;
};

_Static_assert(sizeof(struct rawtp_dynptr) == 16, "struct bpf_dynptr");

#endif
