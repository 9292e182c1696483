/* SPDX-License-Identifier: MIT */
/*
 * The direct probe (src/link/direct.c) does what the thunk does: the same arguments, the same
 * figures, exactly, while it comes and goes.
 */
#include "agent_common.h"
#include "base/err.h"
#include "bpf/syscall/syscall.h"
#include "link/raw_tracepoint.h"

#include <sys/mman.h>
#include <sys/time.h>
#include <sys/utsname.h>

#ifdef RAWTP_SANITIZED
#define SCALE 10
#define HAVE  0
#else
#define SCALE 1
#define HAVE  1
#endif

DECLARE_TRACE(direct_unsigned, TP_PROTO(uint64_t a, uint32_t b, uint16_t c, uint8_t d, bool e),
	      TP_ARGS(a, b, c, d, e));
DEFINE_TRACE(direct_unsigned, TP_PROTO(uint64_t a, uint32_t b, uint16_t c, uint8_t d, bool e),
	     TP_ARGS(a, b, c, d, e));
DECLARE_TRACE(direct_signed, TP_PROTO(int a, int8_t b, int16_t c, int64_t d, const char *e),
	      TP_ARGS(a, b, c, d, e));
DEFINE_TRACE(direct_signed, TP_PROTO(int a, int8_t b, int16_t c, int64_t d, const char *e),
	     TP_ARGS(a, b, c, d, e));
DECLARE_TRACE(direct_six, TP_PROTO(int a, int b, int c, int d, int e, int f),
	      TP_ARGS(a, b, c, d, e, f));
DEFINE_TRACE(direct_six, TP_PROTO(int a, int b, int c, int d, int e, int f),
	     TP_ARGS(a, b, c, d, e, f));
DECLARE_TRACE(direct_double, TP_PROTO(int a, double b), TP_ARGS(a, b));
DEFINE_TRACE(direct_double, TP_PROTO(int a, double b), TP_ARGS(a, b));
struct direct_pair {
	float a, b;
};
DECLARE_TRACE(direct_struct, TP_PROTO(int a, struct direct_pair b), TP_ARGS(a, b));
DEFINE_TRACE(direct_struct, TP_PROTO(int a, struct direct_pair b), TP_ARGS(a, b));
DECLARE_TRACE(direct_complex, TP_PROTO(int a, float _Complex b), TP_ARGS(a, b));
DEFINE_TRACE(direct_complex, TP_PROTO(int a, float _Complex b), TP_ARGS(a, b));

/* A map value of five words; the arguments, into it. */
#define LOOKUP                                                                                   \
	"r6 = r1; *(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call map_lookup_elem;" \
	"if r0 == 0 goto out; "
#define ARG(at, to) "r1 = *(u64 *)(r6 + " #at "); *(u64 *)(r0 + " #to ") = r1; "
#define ALL         ARG(0, 0) ARG(8, 8) ARG(16, 16) ARG(24, 24) ARG(32, 32)
#define OUT         "out: r0 = 0; exit"

static const char *const readers[] = {
	LOOKUP ALL OUT,
	"r6 = r1; call ktime_get_ns; r1 = r6; " LOOKUP ALL OUT,
	"r6 = r1; r7 = *(u64 *)(r6 + 8); r8 = *(u64 *)(r6 + 32); r9 = *(u64 *)(r6 + 24);"
	"call get_smp_processor_id; r1 = r6; " LOOKUP
	"*(u64 *)(r0 + 8) = r7; *(u64 *)(r0 + 32) = r8; *(u64 *)(r0 + 24) = r9; " ARG(0, 0)
		ARG(16, 16) OUT,
	NULL,
};

static bool wanted(void)
{
	struct utsname name;
	const char *jit = getenv("RAWTP_JIT");

	uname(&name);
	return HAVE && !strcmp(name.machine, "x86_64") && !(jit && !strcmp(jit, "0"));
}

static bool is_direct(const struct tracepoint *tp)
{
	return tp->entry != tp->walk;
}

static struct rawtp_link *attach(const char *text, int map, const char *name, int stats_fd)
{
	int fd = load_prog(text, map), n_args;
	struct rawtp_prog *prog = rawtp_prog_from_fd(fd);
	struct rawtp_link *link;

	CHECK(!rawtp_is_err(prog));
	link = rawtp_link_attach(prog, name, stats_fd, 0, &n_args);
	CHECK(!rawtp_is_err(link));
	rawtp_prog_put(prog);
	close(fd);
	return link;
}

static struct rawtp_link_stats *stats_of(struct rawtp_link *link)
{
	struct rawtp_link_view view;

	rawtp_link_view(link, &view);
	return view.stats;
}

static int make_wide_map(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 40, .max_entries = 1};

	return rawtp_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static void read_words(int map_fd, uint64_t *words)
{
	uint32_t key = 0;
	union bpf_attr attr = {
		.map_fd = (uint32_t)map_fd, .key = (uintptr_t)&key, .value = (uintptr_t)words};

	CHECK_EQ(rawtp_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
}

static void other_signed(void *data, int a, int8_t b, int16_t c, int64_t d, const char *e)
{
}

static void other_unsigned(void *data, uint64_t a, uint32_t b, uint16_t c, uint8_t d, bool e)
{
}

/* As a caller may that leaves anything above an argument's own bytes. */
typedef int (*raw_call)(void *data, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);

static const struct arguments {
	bool is_signed;
	uint64_t in[5], out[5];
} arguments[] = {
	{false, {1, 2, 3, 4, 1}, {1, 2, 3, 4, 1}},
	{false, {~0ULL, ~0ULL, ~0ULL, ~0ULL, 1}, {~0ULL, 0xffffffff, 0xffff, 0xff, 1}},
	{false, {1ULL << 63, 1ULL << 32, 1ULL << 16, 1ULL << 8, 0xab00}, {1ULL << 63, 0, 0, 0, 0}},
	{true, {1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}},
	{true,
	 {(uint64_t)-1, (uint64_t)-2, (uint64_t)-3, (uint64_t)-4, (uint64_t)-5},
	 {0xffffffff, 0xfe, 0xfffd, (uint64_t)-4, (uint64_t)-5}},
	{true,
	 {0xdeadbeef00000080, 0xdeadbeef00000080, 0xdeadbeef00008000, 7, 8},
	 {0x80, 0x80, 0x8000, 7, 8}},
};

static void check_arguments(const struct arguments *row, int map, bool again)
{
	struct tracepoint *tp =
		row->is_signed ? &__tracepoint_direct_signed : &__tracepoint_direct_unsigned;
	raw_call call = (raw_call)tp->entry;
	const uint64_t *in = row->in;
	uint64_t out[5] = {0};
	unsigned int i;

	call(tp, in[0], in[1], in[2], in[3], in[4]);
	read_words(map, out);
	for (i = 0; i < 5; i++) {
		test_case("row %d, argument %u%s", (int)(row - arguments), i,
			  again ? ", by the thunk" : "");
		CHECK_EQ(out[i], row->out[i]);
	}
	test_case(NULL);
}

TEST(direct_arguments)
{
	const struct arguments *row;
	unsigned int reader;

	for (reader = 0; readers[reader]; reader++) {
		for (row = arguments; row < arguments + sizeof(arguments) / sizeof(*row); row++) {
			struct tracepoint *tp = row->is_signed ? &__tracepoint_direct_signed
							       : &__tracepoint_direct_unsigned;
			void *other =
				row->is_signed ? (void *)other_signed : (void *)other_unsigned;
			int map = make_wide_map();
			struct rawtp_link *link =
				attach(readers[reader], map,
				       row->is_signed ? "direct_signed" : "direct_unsigned", -1);

			CHECK_EQ(is_direct(tp), wanted());
			check_arguments(row, map, false);
			CHECK_EQ(tracepoint_probe_register(tp, other, NULL), 0);
			CHECK(!is_direct(tp));
			check_arguments(row, map, true);
			CHECK_EQ(tracepoint_probe_unregister(tp, other, NULL), 0);
			CHECK_EQ(is_direct(tp), wanted());
			check_arguments(row, map, false);
			CHECK_EQ(rawtp_link_stats_sum(stats_of(link)).hits, 3);
			rawtp_link_detach(link);
			CHECK(!tp->funcs);
			close(map);
		}
	}
}

/* Natural calls, with the compiler's own conversions. */
TEST(direct_arguments_from_c)
{
	int map = make_wide_map();
	struct rawtp_link *link = attach(readers[0], map, "direct_signed", -1);
	uint64_t out[5] = {0};

	trace_direct_signed(-1, -128, -2, INT64_MIN, "x");
	read_words(map, out);
	CHECK_EQ(out[0], 0xffffffff);
	CHECK_EQ(out[1], 0x80);
	CHECK_EQ(out[2], 0xfffe);
	CHECK_EQ(out[3], INT64_MIN);
	CHECK(!strcmp((const char *)(uintptr_t)out[4], "x"));
	rawtp_link_detach(link);
	close(map);
}

/* What does not come in integer registers goes through the thunk. */
TEST(direct_not_for_all)
{
	static const struct {
		const char *name;
		const struct tracepoint *tp;
	} rows[] = {
		{"direct_six", &__tracepoint_direct_six},
		{"direct_double", &__tracepoint_direct_double},
		{"direct_struct", &__tracepoint_direct_struct},
		{"direct_complex", &__tracepoint_direct_complex},
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rawtp_link *link = attach(NOTHING, -1, rows[i].name, -1);

		test_case("%s", rows[i].name);
		CHECK(rows[i].tp->funcs);
		CHECK(!is_direct(rows[i].tp));
		rawtp_link_detach(link);
	}
	test_case(NULL);
}

static struct fired {
	pthread_t id;
	uint64_t calls;
} fired[8];
static bool stop;

static void *fire_until_stop(void *data)
{
	struct fired *self = data;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		trace_agent_one(1);
		self->calls++;
	}
	return NULL;
}

static void fire_begin(unsigned int n)
{
	unsigned int i;

	__atomic_store_n(&stop, false, __ATOMIC_RELAXED);
	for (i = 0; i < n; i++) {
		fired[i].calls = 0;
		CHECK(!pthread_create(&fired[i].id, NULL, fire_until_stop, &fired[i]));
	}
}

static uint64_t fire_end(unsigned int n)
{
	uint64_t sum = 0;
	unsigned int i;

	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < n; i++) {
		pthread_join(fired[i].id, NULL);
		sum += fired[i].calls;
	}
	return sum;
}

static void other_one(void *data, uint64_t value)
{
	__atomic_fetch_add((uint64_t *)data, 1, __ATOMIC_RELAXED);
}

/* Another probe, the timing of runs, and children come and go: each event is counted once. */
static void check_company(bool percpu, unsigned int n_threads, unsigned int rounds)
{
	int map = make_map(percpu ? BPF_MAP_TYPE_PERCPU_ARRAY : BPF_MAP_TYPE_ARRAY), status;
	struct rawtp_link *link = attach(percpu ? COUNT_PERCPU : COUNT, map, "agent_one", -1);
	uint64_t others = 0, calls, children = 0;
	struct rawtp_stats_block sum;
	unsigned int i, k;

	test_case("%u threads%s", n_threads, percpu ? ", per CPU" : "");
	CHECK_EQ(is_direct(&__tracepoint_agent_one), wanted());
	fire_begin(n_threads);
	for (i = 0; i < rounds; i++) {
		CHECK_EQ(register_trace_agent_one(other_one, &others), 0);
		__atomic_store_n(&stats_of(link)->sample, i % 4, __ATOMIC_RELAXED);
		/* The threads may not run just now. */
		trace_agent_one(1);
		CHECK_EQ(unregister_trace_agent_one(other_one, &others), 0);
		trace_agent_one(1);
		CHECK_EQ(is_direct(&__tracepoint_agent_one), wanted());
		if (i % (rounds / 4) == 0) {
			pid_t pid = fork();

			for (k = 0; !pid && k < 1000; k++)
				trace_agent_one(1);
			if (!pid)
				_exit(0);
			CHECK(waitpid(pid, &status, 0) == pid && !status);
			children += 1000;
		}
	}
	calls = fire_end(n_threads) + children + 2 * rounds;
	sum = rawtp_link_stats_sum(stats_of(link));
	CHECK_EQ(sum.hits, calls);
	CHECK_EQ(sum.misses, 0);
	CHECK(sum.timed > 0 && sum.timed < sum.hits);
	CHECK_EQ(read_map(map, percpu), calls);
	CHECK(others >= rounds);
	rawtp_link_detach(link);
	close(map);
	test_case(NULL);
}

TEST(direct_in_company)
{
	check_company(false, 1, 800 / SCALE);
	check_company(true, 2, 200 / SCALE);
	check_company(true, 8, 40);
}

/* The code itself is made and freed under threads that run it; nothing is lost or counted twice. */
static void check_churn(unsigned int n_threads, unsigned int rounds)
{
	int map = make_map(BPF_MAP_TYPE_PERCPU_ARRAY);
	uint64_t hits = 0, misses = 0, calls;
	unsigned int i, k;

	test_case("%u threads", n_threads);
	fire_begin(n_threads);
	for (i = 0; i < rounds; i++) {
		int fd = rawtp_link_stats_create();
		struct rawtp_link_stats *stats = rawtp_link_stats_map(fd);
		struct rawtp_link *link = attach(COUNT_PERCPU, map, "agent_one", fd);
		struct rawtp_stats_block sum;

		for (k = 0; k < i % 5; k++)
			trace_agent_one(1);
		rawtp_link_detach(link);
		sum = rawtp_link_stats_sum(stats);
		CHECK(sum.hits >= i % 5);
		trace_agent_one(1);
		CHECK_EQ(rawtp_link_stats_sum(stats).hits, sum.hits);
		hits += sum.hits;
		misses += sum.misses;
		rawtp_link_stats_unmap(stats);
		close(fd);
	}
	calls = fire_end(n_threads);
	CHECK(n_threads == 0 || hits > 0);
	CHECK(hits <= calls + 2 * rounds);
	CHECK_EQ(misses, 0);
	CHECK_EQ(read_map(map, true), hits);
	close(map);
	test_case(NULL);
}

TEST(direct_comes_and_goes)
{
	check_churn(1, 2000 / SCALE);
	check_churn(2, 400 / SCALE);
	check_churn(8, 60 / SCALE);
}

/* RAWTP_TEST_CYCLES=100000: under full load on all CPUs. How long events wait meanwhile is not said. */
TEST(direct_comes_and_goes_all_day)
{
	const char *cycles = getenv("RAWTP_TEST_CYCLES");
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	check_churn(cpus < 8 ? (unsigned int)cpus : 8,
		    cycles ? (unsigned int)strtoul(cycles, NULL, 10) : 300 / SCALE);
}

static uint64_t handled;

static void on_alarm(int signal)
{
	trace_agent_one(1);
	handled++;
}

/* Long enough for a timer to strike inside. */
#define SLOWLY "r7 = 0; more: r7 += 1; if r7 < 3000 goto more; "

/* Fires from a handler that strikes anywhere: inside the program it is a recursion, and counted. */
static void check_signals(const char *text, bool percpu, uint64_t recursions)
{
	int map = make_map(percpu ? BPF_MAP_TYPE_PERCPU_ARRAY : BPF_MAP_TYPE_ARRAY);
	struct rawtp_link *link = attach(text, map, "agent_one", -1);
	struct itimerval often = {{0, 150}, {0, 150}}, never = {{0, 0}, {0, 0}};
	struct sigaction action = {.sa_handler = on_alarm}, old;
	struct rawtp_stats_block sum;
	uint64_t calls = 0;

	test_case("%s%s", percpu ? "per CPU" : "shared", recursions ? ", slowly" : "");
	CHECK_EQ(is_direct(&__tracepoint_agent_one), wanted());
	handled = 0;
	sigaction(SIGALRM, &action, &old);
	setitimer(ITIMER_REAL, &often, NULL);
	do {
		trace_agent_one(1);
		calls++;
		sum = rawtp_link_stats_sum(stats_of(link));
	} while (calls < 2000000 && (sum.recursion_misses < recursions || handled < 200));
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	sum = rawtp_link_stats_sum(stats_of(link));
	CHECK(sum.recursion_misses >= recursions);
	CHECK_EQ(sum.misses, sum.recursion_misses);
	CHECK_EQ(sum.hits, calls + handled);
	CHECK_EQ(read_map(map, percpu), sum.hits - sum.misses);
	rawtp_link_detach(link);
	close(map);
	test_case(NULL);
}

TEST(direct_not_inside_itself)
{
	/* Sanitizers may keep signals back until the next system call, which is in no program. */
	check_signals(SLOWLY COUNT, false, HAVE ? 20 : 0);
	check_signals(SLOWLY COUNT_PERCPU, true, HAVE ? 20 : 0);
	check_signals(COUNT_PERCPU, true, 0);
}
