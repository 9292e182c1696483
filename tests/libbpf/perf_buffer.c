/* SPDX-License-Identifier: MIT */
/*
 * libbpf's perf_buffer on programs here and in the kernel: the same calls, records and losses. With
 * the routes linked in it compares the two; preloaded, it only runs here.
 */
#include "harness.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define CREATE_TRACE_POINTS
#include "perf_events.h"

#include "rawtp/bpf.h"

#ifdef WITH_ROUTES
#include "preload/route.h"
#else
static void rawtp_target_kernel(bool kernel)
{
}
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#define ROUNDS 4
#else
#define ROUNDS 20
#endif

#define MAX_SEEN   4096
#define THREADS    4
#define PER_THREAD 20000

/* What a run of calls gave: numbers, one after the other. */
struct seen {
	uint64_t number[MAX_SEEN];
	unsigned int n;
};

struct reader {
	struct bpf_object *object;
	struct perf_buffer *buffer;
	struct seen *seen;
	uint64_t samples, lost, next;
	bool damaged;
};

static void note(struct seen *seen, uint64_t number)
{
	if (seen && seen->n < MAX_SEEN)
		seen->number[seen->n++] = number;
}

/* Behind the bytes there may be padding, which may be anything. */
static void on_sample(void *context, int cpu, void *data, __u32 size)
{
	struct reader *reader = context;
	uint32_t i, sum = 0;

	reader->samples++;
	for (i = 0; i + 8 <= size; i++)
		sum = sum * 31 + ((unsigned char *)data)[i];
	note(reader->seen, (uint64_t)(uint32_t)cpu << 32 | size);
	note(reader->seen, sum);
}

static void on_lost(void *context, int cpu, __u64 lost)
{
	struct reader *reader = context;

	reader->lost += lost;
	note(reader->seen, 1ULL << 63 | (uint64_t)(uint32_t)cpu << 32 | lost);
}

static struct bpf_program *find(struct reader *reader, const char *name)
{
	return bpf_object__find_program_by_name(reader->object, name);
}

/* False where it may not be: not as root. */
static bool reader_open(struct reader *reader, const char *only, int pages,
			perf_buffer_sample_fn sample)
{
	struct bpf_program *program;
	struct bpf_map *map;
	uint32_t zero = 0;
	char bytes[8192];
	unsigned int i;

	reader->object = bpf_object__open_file(PERF_OBJECT, NULL);
	CHECK(reader->object != NULL);
	bpf_object__for_each_program(program, reader->object)
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), only));
	if (bpf_object__load(reader->object)) {
		bpf_object__close(reader->object);
		return false;
	}
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + 1);
	map = bpf_object__find_map_by_name(reader->object, "bytes");
	CHECK_EQ(bpf_map_update_elem(bpf_map__fd(map), &zero, bytes, 0), 0);
	map = bpf_object__find_map_by_name(reader->object, "events");
	if (!pages)
		return true;
	reader->buffer =
		perf_buffer__new(bpf_map__fd(map), (size_t)pages, sample, on_lost, reader, NULL);
	CHECK(reader->buffer != NULL);
	return reader->buffer != NULL;
}

static void reader_close(struct reader *reader)
{
	perf_buffer__free(reader->buffer);
	bpf_object__close(reader->object);
}

/* On CPU 0: what the helper returns. */
static int64_t output(struct reader *reader, uint64_t flags, uint64_t size)
{
	uint64_t args[2] = {flags, size};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args),
		    .flags = BPF_F_TEST_RUN_ON_CPU);
	int err = bpf_prog_test_run_opts(bpf_program__fd(find(reader, "output")), &opts);

	return err ? -10000 + err : (int32_t)opts.retval;
}

static void case_without_reader(struct reader *reader)
{
	note(reader->seen, output(reader, BPF_F_CURRENT_CPU, 8));
	note(reader->seen, output(reader, 0, 8));
	note(reader->seen, output(reader, 9999, 8));
	note(reader->seen, output(reader, 1ULL << 32, 8));
}

static void case_flags(struct reader *reader)
{
	static const uint64_t flags[] = {BPF_F_CURRENT_CPU, 0, 1, 9999, 1ULL << 32, UINT64_MAX};
	unsigned int i;

	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		note(reader->seen, output(reader, flags[i], 8));
	perf_buffer__consume(reader->buffer);
}

/* Each size in turn, round and round the ring. */
static void case_sizes(struct reader *reader)
{
	uint64_t size;

	for (size = 0; size < 3000; size += size < 70 ? 1 : 97) {
		note(reader->seen, output(reader, BPF_F_CURRENT_CPU, size));
		CHECK(perf_buffer__poll(reader->buffer, 1000) >= 0);
	}
}

static void case_full(struct reader *reader)
{
	static const uint64_t sizes[] = {4, 12, 20, 100, 1000};
	unsigned int i, j;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (j = 0; j < 300; j++)
			note(reader->seen, output(reader, BPF_F_CURRENT_CPU, sizes[i]));
		perf_buffer__consume(reader->buffer);
	}
	note(reader->seen, output(reader, BPF_F_CURRENT_CPU, 4));
	perf_buffer__consume(reader->buffer);
}

static const struct {
	const char *name;
	void (*fn)(struct reader *reader);
	int pages;
} cases[] = {
	{"without a reader", case_without_reader, 0},
	{"flags", case_flags, 1},
	{"sizes", case_sizes, 1},
	{"full", case_full, 1},
	{"full, four pages", case_full, 4},
};

static bool run_case(unsigned int i, bool kernel, struct seen *seen)
{
	struct reader reader = {.seen = seen};

	rawtp_target_kernel(kernel);
	memset(seen, 0, sizeof(*seen));
	if (!reader_open(&reader, "output", cases[i].pages, on_sample))
		return false;
	cases[i].fn(&reader);
	reader_close(&reader);
	rawtp_target_kernel(false);
	return true;
}

#ifdef WITH_ROUTES

TEST(perf_buffer_as_kernel)
{
	static struct seen here, there;
	unsigned int i, j;

	test_need_kernel(6, 11);
	libbpf_set_print(NULL);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		test_case("%s", cases[i].name);
		CHECK(run_case(i, false, &here));
		if (!run_case(i, true, &there))
			test_skip("bpf(2) is not permitted here (root may)");
		CHECK_EQ(here.n, there.n);
		CHECK(here.n > 3);
		for (j = 0; j < here.n && j < there.n; j++)
			if (here.number[j] != there.number[j]) {
				test_fail(__FILE__, __LINE__,
					  "number %u is %llx, in the kernel %llx", j,
					  (unsigned long long)here.number[j],
					  (unsigned long long)there.number[j]);
				break;
			}
	}
}

#else

TEST(perf_buffer_alone)
{
	static struct seen here;
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		test_case("%s", cases[i].name);
		CHECK(run_case(i, false, &here));
		CHECK(here.n > 3);
	}
}

#endif

struct record {
	uint64_t text;
	uint32_t size, pid;
	uint64_t number;
};

static uint64_t seen_from[THREADS + 1];

/* What the program counted itself. */
struct totals {
	uint64_t made, refused;
};

static struct totals totals(const struct reader *reader)
{
	struct totals totals = {0};
	uint32_t zero = 0;
	struct bpf_map *map;

	bpf_object__for_each_map(map, reader->object) if (strstr(bpf_map__name(map), ".bss"))
		CHECK_EQ(bpf_map_lookup_elem(bpf_map__fd(map), &zero, &totals), 0);
	return totals;
}

static const char text[] = "text";

static void on_record(void *context, int cpu, void *data, __u32 size)
{
	struct reader *reader = context;
	struct record record;

	reader->samples++;
	memcpy(&record, data, sizeof(record));
	if (size < sizeof(record) || record.size > THREADS || record.text != (uintptr_t)text)
		reader->damaged = true;
	else
		seen_from[record.size]++;
}

static void *make_events(void *arg)
{
	unsigned int number = (unsigned int)(uintptr_t)arg, i;

	for (i = 0; i < PER_THREAD; i++) {
		trace_perf_event_made(text, number);
		if (i % 64 == 0) /* so that the reader takes some */
			usleep(number * 50);
	}
	return NULL;
}

static _Atomic uint64_t from_signals;

static void on_signal(int number)
{
	from_signals++;
	trace_perf_event_made(text, THREADS);
}

static int attach(struct reader *reader, const char *program)
{
	int link = rawtp_prog_attach(bpf_program__fd(find(reader, program)), "perf_event_made");

	CHECK(link >= 0);
	return link;
}

/* Threads of all CPUs, and a timer's handler in the middle of them: nothing is missing or damaged. */
static void check_exact(const char *program, bool counts)
{
	struct itimerval timer = {.it_interval.tv_usec = 200, .it_value.tv_usec = 200};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct reader reader = {.seen = NULL};
	pthread_t threads[THREADS];
	unsigned int i;
	uint64_t made, fired = THREADS * PER_THREAD;
	int link;

	test_case("%s", program);
	from_signals = 0;
	memset(seen_from, 0, sizeof(seen_from));
	CHECK(reader_open(&reader, program, 64, on_record));
	link = attach(&reader, program);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, make_events, (void *)(uintptr_t)i);
	while (reader.samples + reader.lost < THREADS * PER_THREAD && !reader.damaged)
		CHECK(perf_buffer__poll(reader.buffer, 100) >= 0 || errno == EINTR);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
	signal(SIGALRM, SIG_DFL);
	/* What was lost last is told with the next record: one on each CPU. */
	for (i = 0; i < 2; i++) {
		perf_buffer__consume(reader.buffer);
		for (long cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++) {
			cpu_set_t one;

			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			sched_setaffinity(0, sizeof(one), &one);
			trace_perf_event_made(text, 0);
			fired++;
		}
	}
	perf_buffer__consume(reader.buffer);
	close(link);
	CHECK(!reader.damaged);
	fired += from_signals;
	made = reader.samples + reader.lost;
	if (counts) {
		CHECK_EQ(reader.samples, totals(&reader).made - totals(&reader).refused);
		CHECK_EQ(made, totals(&reader).made);
	}
	/* A handler's event in the middle of the program is a recursion, and counted elsewhere. */
	CHECK(made <= fired);
	CHECK(made + from_signals >= fired);
	CHECK(seen_from[THREADS] > 0 || from_signals < 100);
	reader_close(&reader);
}

TEST(perf_buffer_exact)
{
	check_exact("on_event", true);
	check_exact("on_event_only", false);
}

/* A producer that is killed leaves nothing behind that is in anybody's way. */
static void check_kill(const char *program)
{
	struct reader reader = {.seen = NULL};
	unsigned int round;
	uint64_t before;
	int link;
	pid_t pid;

	CHECK(reader_open(&reader, program, 8, on_record));
	link = attach(&reader, program);
	for (round = 0; round < ROUNDS; round++) {
		before = reader.samples;
		pid = fork();
		if (!pid)
			for (;;)
				trace_perf_event_made(text, 0);
		while (reader.samples < before + 100 && !reader.damaged)
			CHECK(perf_buffer__poll(reader.buffer, 100) >= 0);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
#ifdef SANITIZED
		/* A lock keeps order there: the reader finds out whose it was. */
		for (unsigned int i = 0; i < 4; i++)
			perf_buffer__poll(reader.buffer, 100);
#endif
		perf_buffer__consume(reader.buffer);
		before = reader.samples;
		trace_perf_event_made(text, 1);
		perf_buffer__consume(reader.buffer);
		CHECK_EQ(reader.samples, before + 1);
	}
	CHECK(!reader.damaged);
	close(link);
	reader_close(&reader);
}

TEST(perf_buffer_kill)
{
	check_kill("on_event");
	check_kill("on_event_only");
}

/* An event that is put into its entry again goes on; into another one it cannot go. */
TEST(perf_buffer_put_again)
{
	struct reader reader = {.seen = NULL};
	uint32_t cpu = 0, other = 1;
	struct bpf_map *map;
	cpu_set_t before, one;
	int link, fd;

	rawtp_target_kernel(false);
	CHECK(reader_open(&reader, "on_event_only", 4, on_record));
	link = attach(&reader, "on_event_only");
	map = bpf_object__find_map_by_name(reader.object, "events");
	fd = perf_buffer__buffer_fd(reader.buffer, 0);
	CHECK(fd >= 0);
	CHECK_EQ(bpf_map_update_elem(bpf_map__fd(map), &cpu, &fd, BPF_ANY), 0);
	sched_getaffinity(0, sizeof(before), &before);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	trace_perf_event_made(text, 0);
	perf_buffer__consume(reader.buffer);
	CHECK_EQ(reader.samples, 1);
	if (bpf_map__max_entries(map) > 1)
		CHECK_EQ(bpf_map_update_elem(bpf_map__fd(map), &other, &fd, BPF_ANY), -EBUSY);
	trace_perf_event_made(text, 0);
	perf_buffer__consume(reader.buffer);
	CHECK_EQ(reader.samples, 2);
	sched_setaffinity(0, sizeof(before), &before);
	close(link);
	reader_close(&reader);
}

/* A second reader takes the place of the first, with a ring of another size. */
TEST(perf_buffer_next_reader)
{
	struct reader first = {.seen = NULL}, second = {.seen = NULL};
	struct bpf_map *map;
	int link;

	CHECK(reader_open(&first, "on_event_only", 4, on_record));
	link = attach(&first, "on_event_only");
	trace_perf_event_made(text, 0);
	second.object = first.object;
	map = bpf_object__find_map_by_name(first.object, "events");
	second.buffer = perf_buffer__new(bpf_map__fd(map), 16, on_record, on_lost, &second, NULL);
	CHECK(second.buffer != NULL);
	trace_perf_event_made(text, 0);
	CHECK(perf_buffer__poll(second.buffer, 1000) > 0);
	CHECK_EQ(second.samples, 1);
	perf_buffer__free(second.buffer);
	close(link);
	reader_close(&first);
}
