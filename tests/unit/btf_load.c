/* SPDX-License-Identifier: MIT */
/* BPF_BTF_LOAD: the same bytes, the same verdict as the kernel's. */
#include "harness.h"
#include "oracle.h"

#include <linux/btf.h>
#include <stdlib.h>

/* Strings of all cases: offsets are written as names. */
static const char strings[] = "\0a\0b\0int\0.sec\0bad-name\0\x01";
enum { NO = 0, NAME_A = 1, NAME_B = 3, NAME_INT = 5, NAME_SEC = 9, NAME_BAD = 14, NAME_CTRL = 24 };

#define INFO(kind, vlen)  ((uint32_t)BTF_KIND_##kind << 24 | (vlen))
#define KFLAG             0x80000000U
#define INT(size)         NAME_INT, INFO(INT, 0), (size), BTF_INT_SIGNED << 24 | (size)*8
#define INT_BITS(size, n) NAME_INT, INFO(INT, 0), (size), (n)
#define REF(kind, to)     NO, INFO(kind, 0), (to)
#define STRUCT(size, n)   NAME_A, INFO(STRUCT, n), (size)
#define MEMBER(type, off) NAME_B, (type), (off)
#define WORDS(...)          \
	{                   \
		__VA_ARGS__ \
	}
#define MAX_WORDS 64

struct row {
	const char *name;
	int err;
	uint32_t types[MAX_WORDS];
	unsigned int n_words;
};

#define ROW(id, error, ...)                                                               \
	{                                                                                 \
		id, error, WORDS(__VA_ARGS__), sizeof((uint32_t[])WORDS(__VA_ARGS__)) / 4 \
	}

/* clang-format off */
static const struct row rows[] = {
	ROW("int", 0, INT(4)),
	ROW("int with vlen", -EINVAL, NAME_INT, INFO(INT, 1), 4, 32),
	ROW("int with kflag", -EINVAL, NAME_INT, INFO(INT, 0) | KFLAG, 4, 32),
	ROW("int of 129 bits", -EINVAL, INT_BITS(32, 129)),
	ROW("int larger than its size", -EINVAL, INT_BITS(1, 9)),
	ROW("int of unknown bits", -EINVAL, INT_BITS(4, 1U << 28 | 32)),
	ROW("int signed and bool", -EOPNOTSUPP, INT_BITS(4, 5U << 24 | 32)),
	ROW("int of unknown encoding", -EOPNOTSUPP, INT_BITS(4, 8U << 24 | 32)),
	ROW("kind 0", -EINVAL, NO, INFO(UNKN, 0), 0),
	ROW("kind 20", -EINVAL, NO, 20U << 24, 0),
	ROW("unknown info bits", -EINVAL, NAME_INT, INFO(INT, 0) | 1U << 20, 4, 32),
	ROW("name outside", -EINVAL, 1000, INFO(INT, 0), 4, 32),
	ROW("cut record", -EINVAL, INT(4), NO, INFO(PTR, 0)),
	ROW("cut members", -EINVAL, STRUCT(4, 2), MEMBER(1, 0)),
	ROW("ptr to void", 0, REF(PTR, 0)),
	ROW("ptr to nothing", -EINVAL, REF(PTR, 9)),
	ROW("ptr with a name", -EINVAL, NAME_A, INFO(PTR, 0), 0),
	ROW("ptr to itself", -EEXIST, REF(PTR, 1)),
	ROW("ptr const ptr loop", -EEXIST, REF(PTR, 2), REF(CONST, 1)),
	ROW("ptr to its own struct", 0, STRUCT(8, 1), MEMBER(2, 0), REF(PTR, 1)),
	ROW("const of itself", -EEXIST, REF(CONST, 1)),
	ROW("typedef loop", -EEXIST, NAME_A, INFO(TYPEDEF, 0), 2, NAME_B, INFO(TYPEDEF, 0), 1),
	ROW("typedef without a name", -EINVAL, INT(4), REF(TYPEDEF, 1)),
	ROW("typedef with a bad name", -EINVAL, INT(4), NAME_BAD, INFO(TYPEDEF, 0), 1),
	ROW("typedef", 0, INT(4), NAME_A, INFO(TYPEDEF, 0), 1),
	ROW("array", 0, INT(4), NO, INFO(ARRAY, 0), 0, 1, 1, 4),
	ROW("array of void", -EINVAL, INT(4), NO, INFO(ARRAY, 0), 0, 0, 1, 4),
	ROW("array of itself", -EEXIST, INT(4), NO, INFO(ARRAY, 0), 0, 2, 1, 4),
	ROW("array by pointer", -EINVAL, INT(4), REF(PTR, 0), NO, INFO(ARRAY, 0), 0, 1, 2, 4),
	ROW("array too large", -EINVAL, INT(4), NO, INFO(ARRAY, 0), 0, 1, 1, 0xffffffff),
	ROW("array with a size", -EINVAL, INT(4), NO, INFO(ARRAY, 0), 16, 1, 1, 4),
	ROW("struct", 0, INT(4), STRUCT(8, 2), MEMBER(1, 0), MEMBER(1, 32)),
	ROW("empty struct", 0, STRUCT(0, 0)),
	ROW("struct of itself", -EEXIST, STRUCT(4, 1), MEMBER(1, 0)),
	ROW("structs of each other", -EEXIST, STRUCT(4, 1), MEMBER(2, 0), STRUCT(4, 1), MEMBER(1, 0)),
	ROW("struct in wrong order", -EINVAL, INT(4), STRUCT(8, 2), MEMBER(1, 32), MEMBER(1, 0)),
	ROW("member behind", -EINVAL, INT(4), STRUCT(4, 1), MEMBER(1, 32)),
	ROW("member ends behind", -EINVAL, INT(4), STRUCT(6, 1), MEMBER(1, 24)),
	ROW("member of type void", -EINVAL, STRUCT(4, 1), MEMBER(0, 0)),
	ROW("member without a type", -EINVAL, STRUCT(4, 1), MEMBER(7, 0)),
	ROW("ptr not on a byte", -EINVAL, REF(PTR, 0), STRUCT(16, 1), MEMBER(1, 3)),
	ROW("bit field", 0, INT(4), NAME_A, INFO(STRUCT, 1) | KFLAG, 4, MEMBER(1, 3U << 24 | 5)),
	ROW("bit field too wide", -EINVAL, INT(4), NAME_A, INFO(STRUCT, 1) | KFLAG, 8, MEMBER(1, 33U << 24)),
	ROW("bit field of pointers", -EINVAL, REF(PTR, 0), NAME_A, INFO(STRUCT, 1) | KFLAG, 8, MEMBER(1, 3U << 24)),
	ROW("union", 0, INT(4), NAME_A, INFO(UNION, 2), 4, MEMBER(1, 0), MEMBER(1, 0)),
	ROW("union with offset", -EINVAL, INT(4), NAME_A, INFO(UNION, 1), 8, MEMBER(1, 32)),
	ROW("enum", 0, NAME_A, INFO(ENUM, 1), 4, NAME_B, 7),
	ROW("enum of 3 bytes", -EINVAL, NAME_A, INFO(ENUM, 1), 3, NAME_B, 7),
	ROW("enum of 0 bytes", -EINVAL, NAME_A, INFO(ENUM, 1), 0, NAME_B, 7),
	ROW("enumerator without a name", -EINVAL, NAME_A, INFO(ENUM, 1), 4, NO, 7),
	ROW("enum64", 0, NAME_A, INFO(ENUM64, 1), 8, NAME_B, 7, 1),
	ROW("fwd", 0, NAME_A, INFO(FWD, 0), 0),
	ROW("fwd without a name", -EINVAL, NO, INFO(FWD, 0), 0),
	ROW("fwd by value", -EINVAL, NAME_A, INFO(FWD, 0), 0, STRUCT(4, 1), MEMBER(1, 0)),
	ROW("func", 0, NO, INFO(FUNC_PROTO, 0), 0, NAME_A, INFO(FUNC, 1), 1),
	ROW("func of linkage 3", -EINVAL, NO, INFO(FUNC_PROTO, 0), 0, NAME_A, INFO(FUNC, 3), 1),
	ROW("func of an int", -EINVAL, INT(4), NAME_A, INFO(FUNC, 1), 1),
	ROW("func with a nameless parameter", -EINVAL, INT(4), NO, INFO(FUNC_PROTO, 1), 1, NO, 1,
	    NAME_A, INFO(FUNC, 1), 2),
	ROW("pointer to func", -EINVAL, REF(PTR, 3), NO, INFO(FUNC_PROTO, 0), 0, NAME_A, INFO(FUNC, 1), 2),
	ROW("prototype", 0, INT(4), NO, INFO(FUNC_PROTO, 2), 1, NAME_A, 1, NO, 0),
	ROW("named varargs", -EINVAL, INT(4), NO, INFO(FUNC_PROTO, 2), 1, NAME_A, 1, NAME_B, 0),
	ROW("varargs in the middle", -EINVAL, INT(4), NO, INFO(FUNC_PROTO, 2), 1, NO, 0, NAME_A, 1),
	ROW("bad parameter name", -EINVAL, INT(4), NO, INFO(FUNC_PROTO, 1), 0, NAME_BAD, 1),
	ROW("returns a function", -EINVAL, NO, INFO(FUNC_PROTO, 0), 0, NO, INFO(FUNC_PROTO, 0), 1),
	ROW("var", 0, INT(4), NAME_A, INFO(VAR, 0), 1, BTF_VAR_STATIC),
	ROW("var of linkage 2", -EINVAL, INT(4), NAME_A, INFO(VAR, 0), 1, BTF_VAR_GLOBAL_EXTERN),
	ROW("var without a name", -EINVAL, INT(4), NO, INFO(VAR, 0), 1, 0),
	ROW("var of type void", -EINVAL, NAME_A, INFO(VAR, 0), 0, 0),
	ROW("ptr to var", -EINVAL, INT(4), NAME_A, INFO(VAR, 0), 1, 0, REF(PTR, 2)),
	ROW("datasec", 0, INT(4), NAME_A, INFO(VAR, 0), 1, 1, NAME_SEC, INFO(DATASEC, 1), 4, 2, 0, 4),
	ROW("datasec of size 0", -EINVAL, NAME_SEC, INFO(DATASEC, 0), 0),
	ROW("datasec of an int", -EINVAL, INT(4), NAME_SEC, INFO(DATASEC, 1), 4, 1, 0, 4),
	ROW("datasec overlap", -EINVAL, INT(4), NAME_A, INFO(VAR, 0), 1, 1,
	    NAME_SEC, INFO(DATASEC, 2), 8, 2, 0, 4, 2, 3, 4),
	ROW("datasec var too large", -EINVAL, INT(4), NAME_A, INFO(VAR, 0), 1, 1,
	    NAME_SEC, INFO(DATASEC, 1), 4, 2, 0, 3),
	ROW("datasec var behind", -EINVAL, INT(4), NAME_A, INFO(VAR, 0), 1, 1,
	    NAME_SEC, INFO(DATASEC, 1), 4, 2, 4, 4),
	ROW("float", 0, NAME_A, INFO(FLOAT, 0), 8),
	ROW("float of 5 bytes", -EINVAL, NAME_A, INFO(FLOAT, 0), 5),
	ROW("decl tag", 0, INT(4), STRUCT(4, 1), MEMBER(1, 0), NAME_A, INFO(DECL_TAG, 0), 2, 0),
	ROW("decl tag of component 1", -EINVAL, INT(4), STRUCT(4, 1), MEMBER(1, 0),
	    NAME_A, INFO(DECL_TAG, 0), 2, 1),
	ROW("decl tag of component -2", -EINVAL, INT(4), STRUCT(4, 1), MEMBER(1, 0),
	    NAME_A, INFO(DECL_TAG, 0), 2, 0xfffffffe),
	ROW("decl tag of an int", -EINVAL, INT(4), NAME_A, INFO(DECL_TAG, 0), 1, 0xffffffff),
	ROW("type tag", 0, INT(4), NAME_A, INFO(TYPE_TAG, 0), 1, REF(PTR, 2)),
	ROW("type tag without a name", -EINVAL, INT(4), NO, INFO(TYPE_TAG, 0), 1, REF(PTR, 2)),
};
/* clang-format on */

struct blob {
	struct btf_header header;
	char rest[MAX_WORDS * 4 + sizeof(strings) + 64];
};

static unsigned int build(struct blob *blob, const uint32_t *types, unsigned int n_words)
{
	memset(blob, 0, sizeof(*blob));
	blob->header.magic = BTF_MAGIC;
	blob->header.version = BTF_VERSION;
	blob->header.hdr_len = sizeof(blob->header);
	blob->header.type_len = n_words * 4;
	blob->header.str_off = n_words * 4;
	blob->header.str_len = sizeof(strings);
	memcpy(blob->rest, types, n_words * 4);
	memcpy(blob->rest + n_words * 4, strings, sizeof(strings));
	return sizeof(blob->header) + n_words * 4 + sizeof(strings);
}

static int load(oracle_bpf_fn bpf, const void *data, unsigned int size)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.btf = oracle_ptr(data);
	attr.btf_size = size;
	fd = bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return fd == -524 ? -EOPNOTSUPP : fd;
	close(fd);
	return 0;
}

TEST(btf_types)
{
	int kernel = oracle_has_kernel();
	struct blob blob;
	unsigned int i, size;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_case("%s", rows[i].name);
		size = build(&blob, rows[i].types, rows[i].n_words);
		CHECK_EQ(load(oracle_rawtp, &blob, size), rows[i].err);
		if (kernel)
			CHECK_EQ(load(oracle_kernel, &blob, size), rows[i].err);
	}
}

/* One word of the header changed at a time. */
static const struct {
	const char *name;
	unsigned int at;
	uint32_t value;
	int err;
} headers[] = {
	{"magic", 0, 0x0001eb9e, -EINVAL},
	{"version", 0, 0x0002eb9f, -EOPNOTSUPP},
	{"flags", 0, 0x0101eb9f, -EOPNOTSUPP},
	{"short header", 4, 20, -EINVAL},
	{"header of 0", 4, 0, -EINVAL},
	{"header of everything", 4, 0xffffffff, -EINVAL},
	{"types not aligned", 8, 2, -EINVAL},
	{"types behind the end", 8, 0x1000, -EINVAL},
	{"no types", 12, 0, -EINVAL},
	{"types overlap the strings", 12, 20, -EINVAL},
	{"types as long as can be", 12, 0xfffffff0, -EINVAL},
	{"strings elsewhere", 16, 0, -EINVAL},
	{"strings overflow", 16, 0xffffffff, -EINVAL},
	{"no strings", 20, 0, -EINVAL},
	{"strings too long", 20, 0x1000, -EINVAL},
	{"strings cut", 20, 4, -EINVAL},
};

TEST(btf_headers)
{
	static const uint32_t types[] = {INT(4)};
	int kernel = oracle_has_kernel();
	struct blob blob;
	unsigned int i, size;

	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		test_case("%s", headers[i].name);
		size = build(&blob, types, sizeof(types) / 4);
		memcpy((char *)&blob + headers[i].at, &headers[i].value, 4);
		CHECK_EQ(load(oracle_rawtp, &blob, size), headers[i].err);
		if (kernel)
			CHECK_EQ(load(oracle_kernel, &blob, size), headers[i].err);
	}
}

TEST(btf_sizes)
{
	static const uint32_t types[] = {INT(4)};
	int kernel = oracle_has_kernel();
	struct blob blob;
	unsigned int cut, size = build(&blob, types, sizeof(types) / 4);

	for (cut = 0; cut < size; cut++) {
		test_case("cut at %u", cut);
		CHECK(load(oracle_rawtp, &blob, cut) < 0);
		if (kernel)
			CHECK(load(oracle_kernel, &blob, cut) < 0);
	}
	test_case("whole");
	CHECK_EQ(load(oracle_rawtp, &blob, size), 0);
	test_case("too large");
	CHECK_EQ(load(oracle_rawtp, &blob, 17U << 20), -E2BIG);
	test_case("bad address");
	CHECK_EQ(load(oracle_rawtp, (void *)8, 100), -EFAULT);
	if (kernel)
		CHECK_EQ(load(oracle_kernel, (void *)8, 100), -EFAULT);
}

/* Chains of types: depth is bounded, and so is time. */
TEST(btf_depth)
{
	static const struct {
		unsigned int n;
		int err;
	} depths[] = {{31, 0}, {40, -E2BIG}, {50000, -E2BIG}};
	unsigned int d, i;

	for (d = 0; d < sizeof(depths) / sizeof(depths[0]); d++) {
		unsigned int n = depths[d].n, words = n * 3 + 4;
		uint32_t *data = calloc(1, sizeof(struct btf_header) + words * 4 + sizeof(strings));
		struct btf_header *header = (void *)data;
		uint32_t *types = (void *)(header + 1), last[] = {INT(4)};

		test_case("%u", n);
		header->magic = BTF_MAGIC;
		header->version = BTF_VERSION;
		header->hdr_len = sizeof(*header);
		header->type_len = header->str_off = words * 4;
		header->str_len = sizeof(strings);
		for (i = 0; i < n; i++) {
			types[i * 3 + 1] = INFO(CONST, 0);
			types[i * 3 + 2] = i + 2;
		}
		memcpy(types + n * 3, last, sizeof(last));
		memcpy((char *)types + words * 4, strings, sizeof(strings));
		CHECK_EQ(load(oracle_rawtp, data,
			      sizeof(*header) + words * 4 + (unsigned int)sizeof(strings)),
			 depths[d].err);
		if (oracle_has_kernel())
			CHECK_EQ(load(oracle_kernel, data,
				      sizeof(*header) + words * 4 + (unsigned int)sizeof(strings)),
				 depths[d].err);
		free(data);
	}
}

/* Random changes: what is taken here the kernel takes too. Nothing else is asked of the loser. */
TEST(btf_mutations)
{
	static const uint32_t types[] = {INT(4),
					 REF(PTR, 3),
					 STRUCT(16, 2),
					 MEMBER(1, 0),
					 MEMBER(2, 64),
					 NO,
					 INFO(ARRAY, 0),
					 0,
					 3,
					 1,
					 2,
					 NAME_A,
					 INFO(VAR, 0),
					 4,
					 1,
					 NAME_SEC,
					 INFO(DATASEC, 1),
					 32,
					 5,
					 0,
					 32};
	uint64_t seed = 1;
	unsigned int i, taken = 0;

	if (!oracle_has_kernel())
		test_skip("bpf(2) is not permitted");
	test_need_kernel(6, 11);
	for (i = 0; i < 20000; i++) {
		struct blob blob;
		unsigned int size = build(&blob, types, sizeof(types) / 4), at;
		uint32_t word;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		at = (unsigned int)(seed >> 33) % (sizeof(types) / 4);
		memcpy(&word, blob.rest + at * 4, 4);
		switch ((seed >> 24) % 4) {
		case 0:
			word ^= 1U << (seed >> 58) % 32;
			break;
		case 1:
			word++;
			break;
		case 2:
			word = (uint32_t)(seed >> 40) % 8;
			break;
		default:
			word = (word & 0xffffff) | (uint32_t)((seed >> 40) % 20) << 24;
		}
		memcpy(blob.rest + at * 4, &word, 4);
		if (load(oracle_rawtp, &blob, size) != 0)
			continue;
		taken++;
		test_case("change %u, word %u is %#x", i, at, word);
		CHECK_EQ(load(oracle_kernel, &blob, size), 0);
	}
	CHECK(taken > 1000);
}
