/* SPDX-License-Identifier: MIT */
/* BTF blobs: checked once, then read. Format: the kernel's Documentation/bpf/btf.rst. */
#ifndef RAWTP_BPF_BTF_H
#define RAWTP_BPF_BTF_H

#include <linux/btf.h>
#include <stddef.h>
#include <stdint.h>

struct rawtp_btf;

#define RAWTP_BTF_MAX_SIZE  (16U * 1024 * 1024) /* BTF_MAX_SIZE */
#define RAWTP_BTF_MAX_DEPTH 32                  /* MAX_RESOLVE_DEPTH */

/*
 * Copies and checks @data. One reference. Err-pointer: EINVAL; EEXIST, a type that contains itself;
 * E2BIG, too large or too deep; EOPNOTSUPP, a version or encoding that is not known; ENOMEM.
 */
struct rawtp_btf *rawtp_btf_new(const void *data, uint32_t size);
/* The same; on refusal *@why says what is wrong, and *@where at which type (0: in the header). */
struct rawtp_btf *rawtp_btf_parse(const void *data, uint32_t size, const char **why,
				  uint32_t *where);
void rawtp_btf_get(struct rawtp_btf *btf);
void rawtp_btf_put(struct rawtp_btf *btf);
const void *rawtp_btf_data(const struct rawtp_btf *btf, uint32_t *size);
/* Types, void included: ids go from 0 to this less 1. */
uint32_t rawtp_btf_n_types(const struct rawtp_btf *btf);
/* NULL: no such type. Type 0 is void. */
const struct btf_type *rawtp_btf_type(const struct rawtp_btf *btf, uint32_t id);
/* A string of the string section; "" where @off is out of range. */
const char *rawtp_btf_string(const struct rawtp_btf *btf, uint32_t off);
uint32_t rawtp_btf_strings_size(const struct rawtp_btf *btf);
/* Bytes of a type, through typedefs and qualifiers; -EINVAL where it has no size. */
int64_t rawtp_btf_size(const struct rawtp_btf *btf, uint32_t id);
/* The type behind typedefs, qualifiers and type tags; 0 (void) where there is none. */
uint32_t rawtp_btf_base(const struct rawtp_btf *btf, uint32_t id);

#endif
