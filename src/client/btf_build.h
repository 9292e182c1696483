/* SPDX-License-Identifier: MIT */
/*
 * The types of a target: BTF as compilers and pahole leave it in ELF files, made into one, with the
 * types of its tracepoints.
 *
 * gcc writes one BTF for each source, and the linker puts them behind each other. All are taken, as
 * they are: the same structure may come twice. What describes functions and variables is left out.
 * Data is hostile: every offset is checked; the result is checked again by rawtp_btf_parse().
 */
#ifndef RAWTP_CLIENT_BTF_BUILD_H
#define RAWTP_CLIENT_BTF_BUILD_H

#include "client/client.h"

struct rawtp_btf_bytes {
	char *data;
	size_t size, room;
};

struct rawtp_btf_build {
	struct rawtp_btf_bytes types, strings;
	uint32_t n_types;  /* void included */
	uint32_t *offsets; /* of each type; [0] is not used */
	uint32_t max_offsets;
	int err; /* sticks: -EINVAL, -ENOMEM, -E2BIG */
};

int rawtp_btf_build_open(struct rawtp_btf_build *build);
/* Adds what lies in a .BTF section. 0, or -errno: nothing of it has been added then. */
int rawtp_btf_build_add(struct rawtp_btf_build *build, const void *section, size_t size);
/* Adds typedef btf_trace_NAME. Types that are not found become void * or a number. */
void rawtp_btf_build_event(struct rawtp_btf_build *build, const struct rawtp_client_event *event);
/* The whole, the caller's to free; NULL where something failed. */
void *rawtp_btf_build_finish(const struct rawtp_btf_build *build, uint32_t *size);
void rawtp_btf_build_close(struct rawtp_btf_build *build);

#endif
