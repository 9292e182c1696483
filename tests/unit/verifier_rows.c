/* SPDX-License-Identifier: MIT */
/* Every row of tests/verifier against this verifier: the verdict, and the first line of the report. */
#include "verifier_rows.h"

#include "bpf/maps/map.h"
#include "bpf/verifier/verifier.h"
#include "base/err.h"

#include <unistd.h>

static char log_text[1 << 20];

static struct rawtp_map *make_map(const struct row_map *from)
{
	union bpf_attr attr = {
		.map_type = from->type,
		.key_size = from->key_size,
		.value_size = from->value_size,
		.max_entries = from->max_entries,
		.map_flags = from->flags,
	};
	struct rawtp_map *map;
	uint64_t addr = 0;
	size_t i;
	int fd;

	snprintf(attr.map_name, sizeof(attr.map_name), "%s", from->name);
	fd = rawtp_map_create(&attr);
	CHECK(fd >= 0);
	map = rawtp_map_open(fd);
	close(fd);
	if (rawtp_is_err(map)) {
		test_fail(__FILE__, __LINE__, "no map: %ld", rawtp_ptr_err(map));
		return NULL;
	}
	if (!*from->frozen)
		return map;
	CHECK_EQ(map->ops->value_addr(map, 0, &addr), 0);
	for (i = 0; from->frozen[2 * i]; i++) {
		unsigned int byte = 0;

		sscanf(&from->frozen[2 * i], "%2x", &byte);
		((uint8_t *)(uintptr_t)addr)[i] = byte;
	}
	map->header->frozen = 1;
	return map;
}

static void check_row(const struct row *row)
{
	struct rawtp_verifier_log log = {log_text, sizeof(log_text), 1};
	struct rawtp_prog *prog = rawtp_prog_new(row->n_insns);
	char first[400];
	uint32_t i;
	int err = 0;

	prog->type = row->type;
	memcpy(prog->insns, row->insns, row->n_insns * sizeof(*row->insns));
	prog->maps = calloc(ROW_MAX_MAPS, sizeof(*prog->maps));
	for (i = 0; i < row->n_maps; i++)
		prog->maps[prog->n_maps++] = make_map(&row->maps[i]);
	for (i = 0; i < prog->n_maps; i++)
		if (!prog->maps[i]) /* reported */
			return;
	err = rawtp_verify(prog, &log);
	CHECK_EQ(err, -row->error);
	CHECK(strstr(log_text, "processed ") != NULL);
	if (row->is_accepted) {
		if (err)
			fputs(log_text, stderr);
	} else {
		snprintf(first, sizeof(first), "Verification failed: %s\nReason: ", row->message);
		if (strncmp(log_text, first, strlen(first)) != 0)
			test_fail(__FILE__, __LINE__, "the report is\n%s", log_text);
		CHECK(strstr(log_text, "\nSuggestion: ") != NULL);
	}
	rawtp_prog_put(prog);
}

TEST(verifier_rows)
{
	CHECK(row_each(check_row) > 50);
}
