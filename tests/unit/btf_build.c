/* SPDX-License-Identifier: MIT */
/* The types of a target from what lies in .BTF sections, whatever that is. */
#include "harness.h"
#include "typed_btf.h"

#include "base/err.h"
#include "bpf/btf.h"
#include "bpf/verifier/verifier.h"
#include "client/btf_build.h"

#include <errno.h>
#include <stdlib.h>

static const struct rawtp_client_arg args[] = {
	{"const struct req *", "r", 8, .is_pointer = true},
	{"int", "status", 4, .is_signed = true},
	{"struct req **", "pp", 8, .is_pointer = true},
	{.type = "unsigned char", .name = "c", .size = 1},
	{"struct missing *", "m", 8, .is_pointer = true},
	{"struct", "s", 8, .is_pointer = true},
	{"inner *", "i", 8, .is_pointer = true},
};
static const struct rawtp_client_event event = {.name = "done", .n_args = 7, .args = args};

/* NULL where it cannot be made, or is refused. */
static struct rawtp_btf *finish(struct rawtp_btf_build *build)
{
	struct rawtp_btf *btf;
	uint32_t size;
	void *data;

	rawtp_btf_build_event(build, &event);
	data = rawtp_btf_build_finish(build, &size);
	btf = data ? rawtp_btf_new(data, size) : NULL;
	free(data);
	rawtp_btf_build_close(build);
	return rawtp_is_err(btf) ? NULL : btf;
}

static uint32_t find(const struct rawtp_btf *btf, uint32_t kind, const char *name)
{
	uint32_t id;

	for (id = 1; id < rawtp_btf_n_types(btf); id++) {
		const struct btf_type *type = rawtp_btf_type(btf, id);

		if (BTF_INFO_KIND(type->info) == kind &&
		    !strcmp(rawtp_btf_string(btf, type->name_off), name))
			return id;
	}
	return 0;
}

/* Of argument @i of btf_trace_done: what it points to. */
static uint32_t pointed(const struct rawtp_btf *btf, uint32_t i)
{
	const struct btf_type *type =
		rawtp_btf_type(btf, find(btf, BTF_KIND_TYPEDEF, "btf_trace_done"));
	const struct btf_param *params;

	type = rawtp_btf_type(btf, rawtp_btf_type(btf, type->type)->type);
	params = (const void *)(type + 1);
	CHECK_EQ(BTF_INFO_VLEN(type->info), event.n_args + 1);
	return rawtp_btf_type(btf, params[i + 1].type)->type;
}

TEST(btf_build_types)
{
	struct rawtp_btf_build build;
	struct rawtp_btf *btf;
	uint32_t size, n, copies;
	const char *section = typed_btf(&size);
	char *several = malloc(3 * (size + 8));

	/* As a linker leaves them: one behind the other, perhaps aligned. */
	for (copies = 1; copies <= 3; copies++) {
		test_case("%u", copies);
		for (n = 0; n < copies; n++) {
			memcpy(several + n * (size + 8), section, size);
			memset(several + n * (size + 8) + size, 0, 8);
		}
		CHECK_EQ(rawtp_btf_build_open(&build), 0);
		CHECK_EQ(rawtp_btf_build_add(&build, several, copies * (size + 8)), 0);
		btf = finish(&build);
		CHECK(btf != NULL);
		if (!btf)
			continue;
		CHECK_EQ(pointed(btf, 0), find(btf, BTF_KIND_STRUCT, "req"));
		CHECK_EQ(pointed(btf, 2), 0);
		CHECK_EQ(pointed(btf, 4), 0);
		CHECK_EQ(pointed(btf, 5), 0);
		CHECK_EQ(pointed(btf, 6), find(btf, BTF_KIND_STRUCT, "inner"));
		CHECK_STR(rawtp_btf_tracepoint(btf, find(btf, BTF_KIND_TYPEDEF, "btf_trace_done")),
			  "done");
		rawtp_btf_put(btf);
	}
	free(several);
}

TEST(btf_build_nothing)
{
	struct rawtp_btf_build build;
	struct rawtp_btf *btf;

	CHECK_EQ(rawtp_btf_build_open(&build), 0);
	CHECK(rawtp_btf_build_add(&build, "", 0) < 0 || build.n_types == 1);
	CHECK_EQ(rawtp_btf_build_add(&build, "no BTF", 6), -EINVAL);
	btf = finish(&build);
	CHECK(btf != NULL);
	rawtp_btf_put(btf);
}

/* Each byte changed, each length: nothing is read beyond it, and what comes out is checked. */
TEST(btf_build_damaged)
{
	static const unsigned char changes[] = {0x01, 0x80, 0xff, 0x0f};
	struct rawtp_btf_build build;
	uint32_t size, at, i, taken = 0;
	const void *section = typed_btf(&size);

	for (at = 0; at < 2 * size; at++) {
		uint32_t length = at < size ? size : at - size;

		for (i = 0; i < sizeof(changes); i++) {
			char *copy = malloc(length ? length : 1);
			struct rawtp_btf *btf;

			memcpy(copy, section, length);
			if (at < size)
				copy[at] ^= (char)changes[i];
			rawtp_btf_build_open(&build);
			rawtp_btf_build_add(&build, copy, length);
			free(copy);
			btf = finish(&build);
			taken += btf != NULL;
			rawtp_btf_put(btf);
			if (at >= size)
				break;
		}
	}
	CHECK(taken > size);
}
