/* SPDX-License-Identifier: MIT */
#include "typed_btf.h"

#include <linux/btf.h>
#include <string.h>

static struct {
	uint32_t words[512];
	uint32_t n;
	char strings[512];
	uint32_t n_strings;
} made;

static void word(uint32_t value)
{
	made.words[made.n++] = value;
}

static uint32_t name(const char *text)
{
	uint32_t at = made.n_strings;

	if (!*text)
		return 0;
	strcpy(made.strings + at, text);
	made.n_strings += (uint32_t)strlen(text) + 1;
	return at;
}

static void type(const char *text, uint32_t kind, uint32_t vlen, uint32_t size_or_type)
{
	word(name(text));
	word(kind << 24 | vlen); /* with BIT_FIELDS in @vlen */
	word(size_or_type);
}

#define BIT_FIELDS (1U << 31)

static void number(const char *text, uint32_t size, uint32_t encoding)
{
	type(text, BTF_KIND_INT, 0, size);
	word(encoding << 24 | size * 8);
}

static void array(uint32_t of, uint32_t n)
{
	type("", BTF_KIND_ARRAY, 0, 0);
	word(of);
	word(1);
	word(n);
}

static void member(const char *text, uint32_t id, uint32_t bits, uint32_t width)
{
	word(name(text));
	word(id);
	word(width << 24 | bits);
}

static void make(void)
{
	uint32_t i;
	static const uint32_t params[] = {13, 8, 1, 11, 14};

	made.n_strings = 1;
	number("int", 4, BTF_INT_SIGNED); /* 1 */
	number("u8", 1, 0);
	number("long", 8, BTF_INT_SIGNED);
	number("unsigned", 4, 0);
	array(2, 4);                                        /* 5: u8[4] */
	type("inner", BTF_KIND_STRUCT, BIT_FIELDS | 4, 12); /* 6 */
	member("a", 1, 0, 0);
	member("b", 4, 32, 3);
	member("c", 4, 35, 5);
	member("text", 5, 64, 0);
	array(6, 2);                         /* 7: struct inner[2] */
	type("", BTF_KIND_PTR, 0, 9);        /* 8 */
	type("req", BTF_KIND_STRUCT, 8, 72); /* 9 */
	member("id", 3, 0, 0);
	member("next", 8, 64, 0);
	member("in", 7, 128, 0);
	member("u", 10, 320, 0);
	member("name", 11, 384, 0);
	member("tail", 2, 448, 0);
	member("v", 13, 512, 0);
	member("flex", 12, 576, 0);
	type("", BTF_KIND_UNION, 2, 8); /* 10 */
	member("i", 1, 0, 0);
	member("p", 8, 0, 0);
	type("", BTF_KIND_PTR, 0, 2);        /* 11 */
	array(6, 0);                         /* 12: struct inner[] */
	type("", BTF_KIND_PTR, 0, 0);        /* 13 */
	type("", BTF_KIND_PTR, 0, 8);        /* 14 */
	type("", BTF_KIND_FUNC_PROTO, 5, 0); /* 15 */
	for (i = 0; i < 5; i++) {
		word(0);
		word(params[i]);
	}
	type("", BTF_KIND_PTR, 0, 15); /* 16 */
	type("btf_trace_req", BTF_KIND_TYPEDEF, 0, 16);
}

const void *typed_btf(uint32_t *size)
{
	static char data[4096] __attribute__((aligned(8)));
	struct btf_header header = {
		.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(header)};

	if (!made.n)
		make();
	header.type_len = made.n * sizeof(uint32_t);
	header.str_off = header.type_len;
	header.str_len = made.n_strings;
	memcpy(data, &header, sizeof(header));
	memcpy(data + sizeof(header), made.words, header.type_len);
	memcpy(data + sizeof(header) + header.type_len, made.strings, header.str_len);
	*size = (uint32_t)sizeof(header) + header.type_len + header.str_len;
	return data;
}
