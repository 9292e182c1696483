/* SPDX-License-Identifier: MIT */
/* Prototypes by id, from list.h, and the kernel's names of all helpers. */
#include "bpf/helpers/helper.h"

#include <stddef.h>

#define RAWTP_HELPER(number, fn_name, returns, a1, a2, a3, a4, a5, doc)                     \
	uint64_t rawtp_helper_##fn_name(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, \
					uint64_t r5);
#include "bpf/helpers/list.h"

static const struct rawtp_helper helpers[] = {
#define RAWTP_HELPER(number, fn_name, returns, a1, a2, a3, a4, a5, doc)     \
	{                                                                   \
		.name = #fn_name,                                           \
		.fn = rawtp_helper_##fn_name,                               \
		.id = number,                                               \
		.ret = RET_##returns,                                       \
		.args = {ARG_##a1, ARG_##a2, ARG_##a3, ARG_##a4, ARG_##a5}, \
	},
#include "bpf/helpers/list.h"
};

/* Rows of helpers[]: ids are sparse, and a row is large. */
enum row {
#define RAWTP_HELPER(number, fn_name, returns, a1, a2, a3, a4, a5, doc) ROW_##fn_name,
#include "bpf/helpers/list.h"
	N_ROWS
};
_Static_assert(N_ROWS < UINT8_MAX, "a row's number is a byte");

static const uint8_t rows[] = {
#define RAWTP_HELPER(number, fn_name, returns, a1, a2, a3, a4, a5, doc) \
	[number] = ROW_##fn_name + 1,
#include "bpf/helpers/list.h"
};

#define RAWTP_HELPER(number, fn_name, returns, a1, a2, a3, a4, a5, doc) \
	_Static_assert(number == BPF_FUNC_##fn_name, "id of " #fn_name);
#include "bpf/helpers/list.h"

static const struct {
	uint32_t id;
	const char *instead;
} absent[] = {
#define RAWTP_ABSENT_HELPER(fn_name, why) {BPF_FUNC_##fn_name, why},
#include "bpf/helpers/absent.h"
};

static const char *const names[] = {
#define NAME(fn_name) [BPF_FUNC_##fn_name] = #fn_name
	__BPF_FUNC_MAPPER(NAME)
#undef NAME
};

const struct rawtp_helper *rawtp_helper(uint32_t id)
{
	return id < sizeof(rows) && rows[id] ? &helpers[rows[id] - 1] : NULL;
}

const char *rawtp_helper_instead(uint32_t id)
{
	size_t i;

	for (i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		if (absent[i].id == id)
			return absent[i].instead;
	return NULL;
}

bool rawtp_helper_calls_back(uint32_t id)
{
	const struct rawtp_helper *helper = rawtp_helper(id);

	return helper && helper->args[1] == ARG_PTR_TO_FUNC;
}

const char *rawtp_helper_name(uint32_t id)
{
	return id < sizeof(names) / sizeof(names[0]) ? names[id] : NULL;
}
