/* SPDX-License-Identifier: MIT */
/*
 * Values of BTF types, as text or JSON.
 *
 * Neither the BTF nor the bytes are trusted: nothing is read outside @size bytes of @data, nesting
 * is bounded, and what makes no sense is printed as its bytes.
 */
#ifndef RAWTP_CLI_BTF_PRINT_H
#define RAWTP_CLI_BTF_PRINT_H

#include "output.h"
#include <bpf/btf.h>

/* @id 0 or @btf NULL: no type is known; 1, 2, 4 and 8 bytes are an unsigned number, else bytes. */
void rawtp_cli_btf_print(struct rawtp_output *out, const char *key, const struct btf *btf,
			 uint32_t id, const void *data, size_t size);

/* The same for a struct, without its member @skip. */
void rawtp_cli_btf_print_without(struct rawtp_output *out, const struct btf *btf, uint32_t id,
				 const void *data, size_t size, const char *skip);

/* Behind typedefs, const, volatile, restrict and tags; NULL where there is nothing. */
const struct btf_type *rawtp_cli_btf_strip(const struct btf *btf, uint32_t id);

/* The text of an offset in the string section; "" where there is none. */
const char *rawtp_cli_btf_name(const struct btf *btf, uint32_t offset);

/* Is it an integer of 4 or 8 bytes, or an array of these? Fills in how many and of which size. */
bool rawtp_cli_btf_counters(const struct btf *btf, uint32_t id, uint32_t *n, uint32_t *size);

#endif
