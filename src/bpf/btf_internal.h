/* SPDX-License-Identifier: MIT */
/* What the reader (btf.c) and the two checking passes (btf_check.c, btf_resolve.c) share. */
#ifndef RAWTP_BPF_BTF_INTERNAL_H
#define RAWTP_BPF_BTF_INTERNAL_H

#include "bpf/btf.h"
#include <stdbool.h>

#define RAWTP_BTF_NO_SIZE UINT32_MAX

struct rawtp_btf {
	uint32_t refcount; /* atomic */
	uint32_t size;     /* bytes of data */
	uint32_t n_types;  /* void included */
	uint32_t types_len, strings_len;
	const char *types, *strings; /* sections, inside data */
	uint32_t *offsets;           /* of each type in the section of types; [0] is not used */
	uint32_t *sizes;             /* in bytes; RAWTP_BTF_NO_SIZE: has none */
	uint32_t *bases; /* the type behind typedefs and qualifiers; itself where it is neither */
	char data[] __attribute__((aligned(8)));
};

struct rawtp_btf_check {
	struct rawtp_btf *btf;
	const char *why; /* first complaint */
	uint32_t where;
};

/* Notes the complaint and returns -EINVAL. */
int rawtp_btf_refuse(struct rawtp_btf_check *check, uint32_t id, const char *why);

/*
 * First pass, one type after the other, what can be seen from the record alone: sets offsets and
 * n_types. @limit types fit into offsets. Second pass: what ids refer to; sets sizes.
 */
int rawtp_btf_check_records(struct rawtp_btf_check *check, uint32_t limit);
int rawtp_btf_check_references(struct rawtp_btf_check *check);

/* A name in C, at a place inside the strings. */
bool rawtp_btf_valid_identifier(const struct rawtp_btf *btf, uint32_t off);

static inline uint32_t rawtp_btf_vlen(const struct btf_type *type)
{
	return BTF_INFO_VLEN(type->info);
}

static inline uint32_t rawtp_btf_kind(const struct btf_type *type)
{
	return BTF_INFO_KIND(type->info);
}

static inline bool rawtp_btf_kflag(const struct btf_type *type)
{
	return BTF_INFO_KFLAG(type->info);
}

#endif
