/* SPDX-License-Identifier: MIT */
/* The way of one event, piece by piece, each against the same work in plain C. */
#include "bench.h"
#include "hand.h"
#include "programs.h"
#include "percpu_add.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rawtp/bpf.h>
#define CREATE_TRACE_POINTS
#include "events.h"

#define DRAIN_EVERY 4096 /* records; a fourth of the ring for each of two threads */

/* Three arguments that the compiler cannot see through. */
#define LOOP(call)                                                               \
	do {                                                                     \
		const void *dev = row, *prog = row->data;                        \
		uint64_t i;                                                      \
                                                                                 \
		for (i = 0; i < events; i++) {                                   \
			uint32_t act = i;                                        \
                                                                                 \
			__asm__ volatile("" : "+r"(dev), "+r"(prog), "+r"(act)); \
			call;                                                    \
		}                                                                \
	} while (0)

#define WORK(name, call)                                                                          \
	static __attribute__((noinline)) void name(const struct bench_case *row, uint64_t events, \
						   unsigned int thread)                           \
	{                                                                                         \
		LOOP(call);                                                                       \
	}                                                                                         \
	struct rawtp_bench_needs_a_semicolon

struct hook {
	bench_hook volatile call;
};
static struct hook hand_empty = {bench_hand_empty}, hand_percpu = {bench_hand_percpu},
		   hand_shared = {bench_hand_shared}, hand_hash = {bench_hand_hash},
		   hand_own_ring = {bench_hand_own_ring}, hand_ring = {bench_hand_ring},
		   hand_cpu_ring = {bench_hand_cpu_ring}, hand_clock = {bench_hand_clock};

/* The same functions again, where most hooks lead to: in a library that was loaded. */
struct library_hook {
	struct hook hook;
	const char *symbol;
};
static struct library_hook library_empty = {.symbol = "bench_hand_empty"},
			   library_percpu = {.symbol = "bench_hand_percpu"};

static int setup_library(const struct bench_case *row)
{
	struct library_hook *hook = (struct library_hook *)row->data;
	char path[PATH_MAX];
	int err = bench_beside(path, "hand.so");
	void *library;

	if (err)
		return err;
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return bench_why(-ENOENT, "%s", dlerror());
	hook->hook.call = (bench_hook)dlsym(library, hook->symbol);
	return hook->hook.call ? 0 : bench_why(-ENOENT, "%s", dlerror());
}

static volatile int flag;

WORK(work_loop, (void)dev; (void)prog);
WORK(work_flag, if (__builtin_expect(flag, 0)) bench_hand_empty(dev, prog, act));
WORK(work_off, trace_bench_off(dev, prog, act));
WORK(work_hook, ((const struct hook *)row->data)->call(dev, prog, act));
WORK(work_c_probe, trace_bench_c_probe(dev, prog, act));
WORK(work_empty, trace_bench_empty(dev, prog, act));
WORK(work_percpu, trace_bench_percpu(dev, prog, act));
WORK(work_shared, trace_bench_shared(dev, prog, act));
WORK(work_hash, trace_bench_hash(dev, prog, act));
WORK(work_ring_events, trace_bench_ring(dev, prog, act));
WORK(work_perf_events, trace_bench_perf(dev, prog, act));
WORK(work_clock, trace_bench_clock(dev, prog, act));

static void work_hand_ring(const struct bench_case *row, uint64_t events, unsigned int thread)
{
	uint64_t n;

	for (; events; events -= n) {
		n = events < DRAIN_EVERY ? events : DRAIN_EVERY;
		work_hook(row, n, thread);
		bench_hand_ring_drain();
	}
}

static void work_hand_cpu_ring(const struct bench_case *row, uint64_t events, unsigned int thread)
{
	uint64_t n;

	for (; events; events -= n) {
		n = events < DRAIN_EVERY ? events : DRAIN_EVERY;
		work_hook(row, n, thread);
		bench_hand_cpu_ring_drain();
	}
}

static struct perf_event_mmap_page *perf_pages[256]; /* of the CPUs */

static void work_perf(const struct bench_case *row, uint64_t events, unsigned int thread)
{
	struct perf_event_mmap_page *page = perf_pages[sched_getcpu()];
	uint64_t n;

	for (; events; events -= n) {
		n = events < DRAIN_EVERY ? events : DRAIN_EVERY;
		work_perf_events(row, n, thread);
		__atomic_store_n(&page->data_tail,
				 __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE),
				 __ATOMIC_RELEASE);
	}
}

static struct {
	uint64_t *consumer, *producer; /* pages of the ring buffer, as the kernel lays them out */
} ring;

static void work_ring(const struct bench_case *row, uint64_t events, unsigned int thread)
{
	uint64_t n;

	for (; events; events -= n) {
		n = events < DRAIN_EVERY ? events : DRAIN_EVERY;
		work_ring_events(row, n, thread);
		__atomic_store_n(ring.consumer, __atomic_load_n(ring.producer, __ATOMIC_ACQUIRE),
				 __ATOMIC_RELEASE);
	}
}

static int setup_hand(const struct bench_case *row)
{
	bench_hand_init();
	return 0;
}

static void c_probe(void *data, const void *dev, const void *prog, uint32_t act)
{
	__asm__ volatile("" ::"r"(dev), "r"(prog), "r"(act));
}

static int setup_c_probe(const struct bench_case *row)
{
	int err = register_trace_bench_c_probe(c_probe, NULL);

	if (err && err != -EEXIST)
		return bench_why(err, "probe: %s", strerror(-err));
	return 0;
}

static int map_ring(int map_fd)
{
	long page = sysconf(_SC_PAGESIZE);

	ring.consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	ring.producer = mmap(NULL, page, PROT_READ, MAP_SHARED, map_fd, page);
	if (ring.consumer == MAP_FAILED || ring.producer == MAP_FAILED)
		return bench_why(-errno, "mmap of the ring buffer: %s", strerror(errno));
	return 0;
}

/* A reader for each CPU, which does not look at what comes. */
static int map_perf(int map_fd)
{
	struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE,
					.size = sizeof(event),
					.config = PERF_COUNT_SW_BPF_OUTPUT,
					.sample_type = PERF_SAMPLE_RAW};
	size_t size = (size_t)sysconf(_SC_PAGESIZE) + BENCH_RING_BYTES;
	int fd, n = (int)sysconf(_SC_NPROCESSORS_CONF);
	union bpf_attr attr;

	for (int cpu = 0; cpu < n && cpu < 256; cpu++) {
		fd = rawtp_perf_event_open(&event, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
		if (fd < 0)
			return bench_why(-errno, "perf event: %s", strerror(errno));
		perf_pages[cpu] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		memset(&attr, 0, sizeof(attr));
		attr.map_fd = map_fd;
		attr.key = (uintptr_t)&cpu;
		attr.value = (uintptr_t)&fd;
		if (perf_pages[cpu] == MAP_FAILED ||
		    rawtp_bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)))
			return bench_why(-errno, "perf ring: %s", strerror(errno));
	}
	return 0;
}

/* What a row attaches and where. Attached once, for all numbers of threads. */
struct attach {
	const char *tracepoint;
	enum bench_program program;
	int *done;
};

static int setup_attach(const struct bench_case *row)
{
	const struct attach *attach = row->data;
	int prog_fd, map_fd, link_fd, err;

	if (*attach->done)
		return 0;
	err = bench_program_load(rawtp_bpf, attach->program, 3, &prog_fd, &map_fd);
	if (err)
		return bench_why(err, "load: %s", strerror(-err));
	link_fd = rawtp_prog_attach(prog_fd, attach->tracepoint);
	if (link_fd < 0)
		return bench_why(-errno, "attach: %s", strerror(errno));
	close(prog_fd);
	if (attach->program == BENCH_RING && (err = map_ring(map_fd)))
		return err;
	if (attach->program == BENCH_PERF && (err = map_perf(map_fd)))
		return err;
	*attach->done = 1;
	return 0;
}

static int done[8];
static const struct attach attach_empty = {"bench_empty", BENCH_EMPTY, &done[0]},
			   attach_percpu = {"bench_percpu", BENCH_PERCPU, &done[1]},
			   attach_shared = {"bench_shared", BENCH_SHARED, &done[2]},
			   attach_hash = {"bench_hash", BENCH_HASH, &done[3]},
			   attach_ring = {"bench_ring", BENCH_RING, &done[4]},
			   attach_perf = {"bench_perf", BENCH_PERF, &done[5]},
			   attach_clock = {"bench_clock", BENCH_CLOCK, &done[6]};

#define LOOP_NAME  "empty loop"
#define C_EMPTY    "C: call of an empty function through a pointer"
#define C_PERCPU   "C: counter for each CPU (" BENCH_PERCPU_KIND ")"
#define C_SHARED   "C: counter for all, atomic add"
#define C_HASH     "C: hash table of 1,024 atomic counters"
#define C_OWN_RING "C: 24-byte record to the thread's own ring"
#define C_CPU_RING "C: 24-byte record to a ring for each CPU (" BENCH_PERCPU_KIND ")"
#define C_CLOCK    "C: clock_gettime(CLOCK_MONOTONIC)"
#define C_RING     "C: 24-byte record to a ring of all threads"

static const struct bench_case rows[] = {
	{LOOP_NAME, .work = work_loop},
	{"C: load and test of a flag", .work = work_flag},
	{"tracepoint, off", LOOP_NAME, .work = work_off},
	{C_EMPTY, .work = work_hook, .data = &hand_empty},
	{"C: the same, the function in a shared library", C_EMPTY, setup_library, .work = work_hook,
	 .data = &library_empty},
	{"tracepoint, empty C probe", C_EMPTY, setup_c_probe, .work = work_c_probe},
	{"tracepoint, empty program", C_EMPTY, setup_attach, .work = work_empty,
	 .data = &attach_empty},
	{C_PERCPU, .work = work_hook, .data = &hand_percpu},
	{"C: the same counter, in a shared library", C_PERCPU, setup_library, .work = work_hook,
	 .data = &library_percpu},
	{"tracepoint, program: per-CPU array", C_PERCPU, setup_attach, .work = work_percpu,
	 .data = &attach_percpu},
	{C_SHARED, .work = work_hook, .data = &hand_shared},
	{"tracepoint, program: array, atomic add", C_SHARED, setup_attach, .work = work_shared,
	 .data = &attach_shared},
	{C_HASH, NULL, setup_hand, .work = work_hook, .data = &hand_hash},
	{"tracepoint, program: hash, atomic add", C_HASH, setup_attach, .work = work_hash,
	 .data = &attach_hash},
	{C_OWN_RING, .work = work_hook, .data = &hand_own_ring},
	{C_CPU_RING, .work = work_hand_cpu_ring, .data = &hand_cpu_ring},
	{"tracepoint, program: 24-byte record to a perf event array", C_CPU_RING, setup_attach,
	 .work = work_perf, .data = &attach_perf},
	{C_CLOCK, .work = work_hook, .data = &hand_clock},
	{"tracepoint, program: the clock", C_CLOCK, setup_attach, .work = work_clock,
	 .data = &attach_clock},
	{C_RING, .work = work_hand_ring, .data = &hand_ring},
	{"tracepoint, program: 24-byte record to a ring buffer", C_RING, setup_attach,
	 .work = work_ring, .data = &attach_ring},
};

const struct bench_table bench_path = {
	.title = "An event with three arguments",
	.rows = rows,
	.n_rows = sizeof(rows) / sizeof(*rows),
	.loop = LOOP_NAME,
};
