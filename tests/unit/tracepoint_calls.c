/* SPDX-License-Identifier: MIT */
/* Tracepoints in one thread: macros, records, thunks, registration, entries. */
#include "harness.h"
#define CREATE_TRACE_POINTS
#include "unit/tracepoint_events.h"
#include "tracepoint/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int unit_reg_calls, unit_unreg_calls, unit_reg_result;

int unit_reg(void)
{
	unit_reg_calls++;
	return unit_reg_result;
}

void unit_unreg(void)
{
	unit_unreg_calls++;
}

/* The thunks end here instead of in a program. */
static uint64_t run_args[12];
static int run_n;
static void *run_data;

static void keep(void *data, int n, const uint64_t *args)
{
	run_data = data;
	run_n = n;
	memcpy(run_args, args, (size_t)n * sizeof(*args));
}

#define U64 uint64_t
void bpf_trace_run1(void *data, U64 a)
{
	keep(data, 1, (U64[]){a});
}
void bpf_trace_run2(void *data, U64 a, U64 b)
{
	keep(data, 2, (U64[]){a, b});
}
void bpf_trace_run3(void *data, U64 a, U64 b, U64 c)
{
	keep(data, 3, (U64[]){a, b, c});
}
void bpf_trace_run4(void *data, U64 a, U64 b, U64 c, U64 d)
{
	keep(data, 4, (U64[]){a, b, c, d});
}
void bpf_trace_run10(void *data, U64 a, U64 b, U64 c, U64 d, U64 e, U64 f, U64 g, U64 h, U64 i,
		     U64 j)
{
	keep(data, 10, (U64[]){a, b, c, d, e, f, g, h, i, j});
}
void bpf_trace_run12(void *data, U64 a, U64 b, U64 c, U64 d, U64 e, U64 f, U64 g, U64 h, U64 i,
		     U64 j, U64 k, U64 l)
{
	keep(data, 12, (U64[]){a, b, c, d, e, f, g, h, i, j, k, l});
}

static char order[64];
static int last_value;

static void probe_a(void *data, int value)
{
	strcat(order, data ? data : "a");
	last_value = value;
}

static void probe_b(void *data, int value)
{
	strcat(order, data ? data : "b");
	last_value = value;
}

/* A site in each place that asks: an emulator may keep what it has translated once. */
static inline __attribute__((always_inline)) const char *fire(int value)
{
	order[0] = '\0';
	trace_unit_bare(value);
	return order;
}

TEST(tracepoint_register)
{
	CHECK_STR(fire(1), "");
	CHECK(!trace_unit_bare_enabled());
	CHECK_EQ(register_trace_unit_bare(probe_a, NULL), 0);
	CHECK(trace_unit_bare_enabled());
	CHECK(tracepoint_enabled(unit_bare));
	CHECK_STR(fire(-7), "a");
	CHECK_EQ(last_value, -7);
	CHECK_EQ(register_trace_unit_bare(probe_a, NULL), -EEXIST);
	CHECK_EQ(register_trace_unit_bare(probe_a, "x"), 0);
	CHECK_EQ(register_trace_prio_unit_bare(probe_b, NULL, 20), 0);
	CHECK_EQ(register_trace_prio_unit_bare(probe_b, "low", 1), 0);
	CHECK_STR(fire(1), "baxlow");
	CHECK_EQ(unregister_trace_unit_bare(probe_b, "none"), -ENOENT);
	CHECK_EQ(unregister_trace_unit_bare(probe_a, NULL), 0);
	CHECK_STR(fire(1), "bxlow");
	CHECK_EQ(unregister_trace_unit_bare(probe_a, NULL), -ENOENT);
	CHECK_EQ(unregister_trace_unit_bare(probe_b, "low"), 0);
	CHECK_EQ(unregister_trace_unit_bare(probe_a, "x"), 0);
	CHECK_STR(fire(1), "b");
	CHECK_EQ(unregister_trace_unit_bare(probe_b, NULL), 0);
	CHECK_STR(fire(1), "");
	CHECK(!trace_unit_bare_enabled());
	CHECK_EQ(tracepoint_probe_register(NULL, (void *)probe_a, NULL), -EINVAL);
	CHECK_EQ(tracepoint_probe_register(&__tracepoint_unit_bare, NULL, NULL), -EINVAL);
	trace_unit_nop(1);
	CHECK(!trace_unit_nop_enabled());
}

TEST(tracepoint_condition)
{
	CHECK_EQ(register_trace_unit_condition(probe_a, NULL), 0);
	order[0] = '\0';
	trace_unit_condition(2);
	CHECK_STR(order, "");
	trace_unit_condition(3);
	CHECK_STR(order, "a");
	CHECK_EQ(unregister_trace_unit_condition(probe_a, NULL), 0);
}

TEST(tracepoint_reg_unreg)
{
	unit_reg_result = -EAGAIN;
	CHECK_EQ(register_trace_unit_fn(probe_a, NULL), -EAGAIN);
	CHECK(!trace_unit_fn_enabled());
	unit_reg_result = 0;
	unit_reg_calls = unit_unreg_calls = 0;
	CHECK_EQ(register_trace_unit_fn(probe_a, NULL), 0);
	CHECK_EQ(register_trace_unit_fn(probe_b, NULL), 0);
	CHECK_EQ(unit_reg_calls, 1);
	CHECK_EQ(unregister_trace_unit_fn(probe_a, NULL), 0);
	CHECK_EQ(unit_unreg_calls, 0);
	CHECK_EQ(unregister_trace_unit_fn(probe_b, NULL), 0);
	CHECK_EQ(unit_unreg_calls, 1);
}

static int find_event(const struct rawtp_event *event, void *data)
{
	const struct rawtp_event **found = data;

	if (strcmp(event->name, (const char *)*found) != 0)
		return 0;
	*found = event;
	return 1;
}

static const struct rawtp_event *event_of(const char *name)
{
	const struct rawtp_event *event = (const void *)name;

	return rawtp_event_for_each(find_event, &event) ? event : NULL;
}

TEST(tracepoint_record)
{
	static const struct {
		const char *name;
		unsigned int size, flags;
	} args[] = {
		{"i", 4, RAWTP_ARG_SIGNED},    {"b", 1, 0},
		{"c", 1, RAWTP_ARG_SIGNED},    {"e", 4, 0},
		{"f", 4, RAWTP_ARG_FLOAT},     {"d", 8, RAWTP_ARG_FLOAT},
		{"pair", 4, RAWTP_ARG_STRUCT}, {"sp", 8, RAWTP_ARG_STRUCT},
		{"s", 8, RAWTP_ARG_POINTER},   {"u", 8, 0},
	};
	const struct rawtp_event *event = event_of("unit_kinds");
	unsigned int i;
	const char *kind;

	CHECK(event != NULL);
	if (!event)
		return;
	CHECK_EQ(event->version, RAWTP_RECORD_VERSION);
	CHECK_EQ(event->size, sizeof(*event));
	CHECK_STR(event->system, "unit-test");
	CHECK_STR(event->class_name, "unit_kinds");
	CHECK_EQ(event->n_args, 10);
	CHECK(event->tracepoint == &__tracepoint_unit_kinds);
	CHECK(!event->record && !event->print);
	for (i = 0; i < event->n_args; i++) {
		test_case("%s", args[i].name);
		CHECK_STR(event->args[i].name, args[i].name);
		CHECK_EQ(event->args[i].size, args[i].size);
		CHECK_EQ(event->args[i].flags, args[i].flags);
	}
	test_case(NULL);
	CHECK_STR(event_of("unit_bare")->proto, "int value");
	CHECK_STR(event_of("unit_none")->proto, "void");
	CHECK_EQ(event_of("unit_none")->n_args, 0);
	CHECK_STR(event_of("unit_member_print")->class_name, "unit_class");
	CHECK(event_of("unit_member_print")->thunk == event_of("unit_member")->thunk);
	CHECK_EQ(event_of("unit_twelve")->args[11].flags, RAWTP_ARG_SIGNED);
	CHECK(event_of("unit_nop") == NULL);
	CHECK(rawtp_event_sites(event_of("unit_bare"), &kind) >= 2);
	CHECK_STR(kind, RAWTP_SITE_IS_BRANCH ? "branch" : "nop");
}

static void register_thunk(const char *name, bool on)
{
	const struct rawtp_event *event = event_of(name);

	if (on)
		CHECK_EQ(tracepoint_probe_register(event->tracepoint, event->thunk, &run_n), 0);
	else
		CHECK_EQ(tracepoint_probe_unregister(event->tracepoint, event->thunk, &run_n), 0);
}

TEST(tracepoint_thunk)
{
	static const uint64_t kinds[] = {0xffffffff,         1,          0x80,   7, 0x3f800000,
					 0xc000000000000000, 0xfffe0001, 0x1234, 0, UINT64_MAX};
	unsigned int i;

	register_thunk("unit_kinds", true);
	trace_unit_kinds(-1, true, INT8_MIN, UNIT_GREEN, 1.0f, -2.0, (struct unit_pair){1, -2},
			 (struct unit_pointer){(void *)0x1234}, NULL, UINT64_MAX);
	register_thunk("unit_kinds", false);
	CHECK_EQ(run_n, 10);
	CHECK(run_data == &run_n);
	for (i = 0; i < 10; i++) {
		test_case("argument %u", i);
		CHECK_EQ(run_args[i], kinds[i]);
	}
	test_case(NULL);
	register_thunk("unit_twelve", true);
	trace_unit_twelve(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -11, UNIT_MINUS);
	register_thunk("unit_twelve", false);
	CHECK_EQ(run_n, 12);
	CHECK_EQ(run_args[0], 1);
	CHECK_EQ(run_args[9], 10);
	CHECK_EQ(run_args[10], 0xfffffff5);
	CHECK_EQ(run_args[11], 0xfffffffb);
	register_thunk("unit_none", true);
	trace_unit_none();
	register_thunk("unit_none", false);
	CHECK_EQ(run_n, 1);
	CHECK_EQ(run_args[0], 0);
}

struct test_sink {
	struct rawtp_sink sink;
	uint64_t buffer[64];
	size_t asked, committed;
};

static void *sink_reserve(struct rawtp_sink *sink, size_t size)
{
	struct test_sink *test = (struct test_sink *)sink;

	test->asked = size;
	memset(test->buffer, 0xee, sizeof(test->buffer));
	return size <= sizeof(test->buffer) ? test->buffer : NULL;
}

static void sink_commit(struct rawtp_sink *sink, void *entry, size_t size)
{
	((struct test_sink *)sink)->committed = size;
}

TEST(tracepoint_entry)
{
	static const uint8_t bytes[] = {1, 0xab, 3};
	struct test_sink sink = {.sink = {sink_reserve, sink_commit}};
	const struct rawtp_event *member = event_of("unit_member");
	const struct rawtp_event *printed = event_of("unit_member_print");
	const struct rawtp_field *field;
	char *large = malloc(70000);
	char text[128];
	int n;

	CHECK_EQ(tracepoint_probe_register(member->tracepoint, member->record, &sink), 0);
	trace_unit_member("name", 3, bytes, 3);
	CHECK_EQ(sink.committed, sink.asked);
	n = member->print(text, sizeof(text), sink.buffer);
	CHECK_STR(text, "name name abc ONE|TWO three 01 ab 03 3,-4");
	CHECK_EQ(n, strlen(text));
	printed->print(text, sizeof(text), sink.buffer);
	CHECK_STR(text, "other name {0x1,0xab,0x3}");
	CHECK_EQ(member->print(text, 5, sink.buffer), n);
	CHECK_STR(text, "name");

	trace_unit_member(NULL, 12, bytes, 0);
	member->print(text, sizeof(text), sink.buffer);
	CHECK_STR(text, "(null) (null) abc 0xc 0xc  3,-4");

	/* Lengths have 16 bits: one that has more is asked for, refused, and written nowhere. */
	memset(large, 'x', 69999);
	large[69999] = '\0';
	sink.committed = 0;
	trace_unit_member(large, 1, bytes, 3);
	CHECK_EQ(sink.committed, 0);
	CHECK(sink.asked > 0xffff);
	free(large);
	CHECK_EQ(tracepoint_probe_unregister(member->tracepoint, member->record, &sink), 0);

	field = member->fields();
	CHECK_STR(field[0].name, "name");
	CHECK_EQ(field[0].dynamic, 1);
	CHECK_STR(field[1].type, "int");
	CHECK_EQ(field[1].is_signed, 1);
	CHECK_EQ(field[1].size, 4);
	CHECK_EQ(field[4].dynamic, 2);
	CHECK(field[6].name == NULL);
}

static void count_tracepoint(struct tracepoint *tp, void *priv)
{
	*(int *)priv += !strncmp(tp->name, "unit_", 5);
}

TEST(tracepoint_for_each)
{
	int n = 0;

	for_each_tracepoint (count_tracepoint, &n)
		;
	CHECK_EQ(n, 8);
}

struct test_watch {
	struct rawtp_watch watch;
	int adds, removes, error;
};

static int watch_add(struct rawtp_watch *watch, const struct rawtp_event *event)
{
	struct test_watch *test = (struct test_watch *)watch;

	test->adds++;
	return test->error;
}

static void watch_remove(struct rawtp_watch *watch, const struct rawtp_event *event)
{
	((struct test_watch *)watch)->removes++;
}

TEST(tracepoint_watch)
{
	struct test_watch watch = {.watch = {"unit_bare", watch_add, watch_remove, NULL}};

	CHECK_EQ(rawtp_watch_add(&watch.watch), 0);
	CHECK_EQ(watch.adds, 1);
	rawtp_watch_del(&watch.watch);
	CHECK_EQ(watch.removes, 1);
	rawtp_watch_del(&watch.watch);
	CHECK_EQ(watch.removes, 1);
	watch.error = -EINVAL;
	CHECK_EQ(rawtp_watch_add(&watch.watch), -EINVAL);
	CHECK_EQ(watch.removes, 1);
	watch.watch.name = "unit_bar";
	CHECK_EQ(rawtp_watch_add(&watch.watch), -ENOENT);
	rawtp_registry_scan();
	watch.error = 0;
	watch.watch.name = "unit_bare";
	CHECK_EQ(rawtp_watch_add(&watch.watch), 0);
	CHECK_EQ(watch.adds, 3);
	rawtp_watch_del(&watch.watch);
}
