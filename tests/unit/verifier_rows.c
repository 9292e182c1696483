/* SPDX-License-Identifier: MIT */
/* Every row of tests/verifier against this verifier: the verdict, and the first line of the report. */
#include "verifier_rows.h"
#include "typed_btf.h"

#include "bpf/btf.h"
#include "bpf/maps/map.h"
#include "bpf/verifier/verifier.h"
#include "bpf/verifier/messages.h"
#include "bpf/jit/jit.h"
#include "bpf/run.h"
#include "base/err.h"
#include "base/rcu.h"

#include <unistd.h>

static char log_text[1 << 20];
static bool is_seen[RAWTP_N_MESSAGES];

/* What follows the last argument of a format. */
static const char *last_words(const char *format)
{
	const char *percent = strrchr(format, '%');

	return percent ? percent + strcspn(percent, " ,:;()\"") : format;
}

/* Which message a report was made of, by the constant start of its problem. */
static void mark_seen(const char *message)
{
	char text[300];
	size_t i, n;

	for (i = 0; i < RAWTP_N_MESSAGES; i++) {
		n = snprintf(text, sizeof(text), "%s: %s", rawtp_messages[i].category,
			     rawtp_messages[i].problem);
		if (strchr(rawtp_messages[i].problem, '%'))
			n = strcspn(text, "%");
		/* Up to the first argument, and from the last one on. */
		if (!strncmp(message, text, n) && strlen(message) >= n &&
		    strstr(message, last_words(rawtp_messages[i].problem)))
			is_seen[i] = true;
	}
}

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

static struct rawtp_prog *make_prog(const struct row *row)
{
	struct rawtp_prog *prog = rawtp_prog_new(row->n_insns);
	uint32_t i;

	prog->type = row->type;
	memcpy(prog->insns, row->insns, row->n_insns * sizeof(*row->insns));
	if (row->type == BPF_PROG_TYPE_TRACING) {
		const void *btf = typed_btf(&i);

		prog->attach_btf = rawtp_btf_new(btf, i);
		prog->attach_btf_id = TYPED_BTF_TRACEPOINT;
		if (rawtp_is_err(prog->attach_btf)) {
			test_fail(__FILE__, __LINE__, "the types are refused");
			prog->attach_btf = NULL;
		}
	}
	prog->maps = calloc(ROW_MAX_MAPS, sizeof(*prog->maps));
	for (i = 0; i < row->n_maps; i++)
		prog->maps[prog->n_maps++] = make_map(&row->maps[i]);
	for (i = 0; i < prog->n_maps; i++)
		if (!prog->maps[i]) { /* reported */
			prog->n_maps = 0;
			rawtp_prog_put(prog);
			return NULL;
		}
	return prog;
}

/* Whatever was on the stack before: no program may see it. */
static void __attribute__((noinline)) soil_stack(void)
{
	char junk[4096];

	memset(junk, 0xa5, sizeof(junk));
	__asm__ volatile("" : : "r"(junk) : "memory");
}

/* Each engine has maps of its own. */
static void run_row(const struct row *row, bool is_compiled)
{
	struct rawtp_prog *prog = make_prog(row);
	static const uint64_t args[RAWTP_MAX_ARGS];
	struct rawtp_thread *self;
	uint64_t ret = 0;

	if (!prog)
		return;
	CHECK_EQ(rawtp_verify(prog, NULL), 0);
	if (!is_compiled || !rawtp_jit_compile(prog)) {
		self = rawtp_read_lock();
		soil_stack();
		CHECK(rawtp_prog_run(self, prog, args, &ret));
		rawtp_read_unlock(self);
		if (ret != row->result)
			test_fail(__FILE__, __LINE__, "%s gives %#llx, not %#llx",
				  is_compiled ? "machine code" : "the interpreter",
				  (unsigned long long)ret, (unsigned long long)row->result);
	}
	rawtp_prog_put(prog);
}

static void check_row(const struct row *row)
{
	struct rawtp_verifier_log log = {log_text, sizeof(log_text), 1};
	struct rawtp_prog *prog = make_prog(row);
	char first[400];
	int err;

	if (!prog)
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
		mark_seen(row->message);
	}
	rawtp_prog_put(prog);
	if (row->has_result && !err) {
		run_row(row, false);
		run_row(row, true);
	}
}

TEST(verifier_rows)
{
	CHECK(row_each(check_row) > 50);
}

/* These need more than a row can say; verifier_door.c and typed.c have them. */
static bool is_elsewhere(enum rawtp_message message)
{
	return message == RAWTP_MSG_BAD_LENGTH || message == RAWTP_MSG_TOO_MANY_SUBPROGS ||
	       message == RAWTP_MSG_TOO_MANY_PERCPU_MAPS || message == RAWTP_MSG_NO_TARGET_BTF ||
	       message == RAWTP_MSG_NO_TRACEPOINT_TYPE || message == RAWTP_MSG_CALLBACK_IS_GLOBAL;
}

TEST(verifier_rows_show_every_message)
{
	size_t i;

	memset(is_seen, 0, sizeof(is_seen));
	row_each(check_row);
	for (i = 0; i < RAWTP_N_MESSAGES; i++)
		if (!is_seen[i] && !is_elsewhere(i))
			test_fail(__FILE__, __LINE__, "no row for \"%s\"",
				  rawtp_messages[i].problem);
}
