/* SPDX-License-Identifier: MIT */
/*
 * The same event through peers, in one run with ours: uprobes with the same programs, a probe of
 * <sys/sdt.h>, LTTng-UST. Peers that are not there are left out by name; nothing else of the project
 * needs them.
 */
#include "bench.h"
#include "events.h"
#include "nop5.h"
#include "peers/peers.h"
#include "perf.h"
#include "programs.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rawtp/bpf.h>

#define DRAIN_EVERY 4096 /* records; a third of the ring for each of two threads */

struct own {
	const char *tracepoint;
	enum bench_program program;
	int done;
	uint64_t *consumer, *producer; /* of a ring buffer; or NULL */
};

/* Three arguments that the compiler cannot see through. */
#define WORK(name, call)                                                                          \
	static __attribute__((noinline)) void name(const struct bench_case *row, uint64_t events, \
						   unsigned int thread)                           \
	{                                                                                         \
		const void *dev = row, *prog = row->data;                                         \
		uint64_t i;                                                                       \
                                                                                                  \
		for (i = 0; i < events; i++) {                                                    \
			uint32_t act = i;                                                         \
                                                                                                  \
			__asm__ volatile("" : "+r"(dev), "+r"(prog), "+r"(act));                  \
			call;                                                                     \
		}                                                                                 \
	}                                                                                         \
	struct rawtp_bench_needs_a_semicolon

WORK(work_loop, (void)dev; (void)prog);
WORK(work_percpu, trace_bench_peer_percpu(dev, prog, act));
WORK(work_filter, trace_bench_peer_filter(dev, prog, act & 0xffff));
WORK(work_ring_events, trace_bench_peer_ring(dev, prog, act));
WORK(work_stamp_events, trace_bench_peer_stamp(dev, prog, act));
WORK(work_nop5, bench_nop5(dev, prog, act));

static void drained(const struct bench_case *row, uint64_t events, unsigned int thread,
		    void (*work)(const struct bench_case *row, uint64_t events,
				 unsigned int thread))
{
	const struct own *own = row->data;
	uint64_t n;

	for (; events; events -= n) {
		n = events < DRAIN_EVERY ? events : DRAIN_EVERY;
		work(row, n, thread);
		__atomic_store_n(own->consumer, __atomic_load_n(own->producer, __ATOMIC_ACQUIRE),
				 __ATOMIC_RELEASE);
	}
}

static void work_ring(const struct bench_case *row, uint64_t events, unsigned int thread)
{
	drained(row, events, thread, work_ring_events);
}

static void work_stamp(const struct bench_case *row, uint64_t events, unsigned int thread)
{
	drained(row, events, thread, work_stamp_events);
}

/* Attached once, for all numbers of threads. */
static int setup_own(const struct bench_case *row)
{
	struct own *own = (struct own *)(uintptr_t)row->data;
	long page = sysconf(_SC_PAGESIZE);
	int prog_fd, map_fd, err;

	if (own->done)
		return 0;
	err = bench_program_load(rawtp_bpf, own->program, 3, &prog_fd, &map_fd);
	if (err)
		return bench_why(err, "load: %s", strerror(-err));
	if (rawtp_prog_attach(prog_fd, own->tracepoint) < 0)
		return bench_why(-errno, "attach: %s", strerror(errno));
	close(prog_fd);
	if (own->program == BENCH_RING || own->program == BENCH_STAMP) {
		own->consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
		own->producer = mmap(NULL, page, PROT_READ, MAP_SHARED, map_fd, page);
		if (own->consumer == MAP_FAILED || own->producer == MAP_FAILED)
			return bench_why(-errno, "mmap: %s", strerror(errno));
	}
	own->done = 1;
	return 0;
}

/* A per-CPU counter of the kernel at a byte of a file. Once. */
static int attach_uprobe(const char *path, uint64_t offset, int *done)
{
	int prog_fd, map_fd, fd, err;

	err = bench_program_load_as(BPF_PROG_TYPE_KPROBE, BENCH_PERCPU, &prog_fd, &map_fd);
	if (err == -EPERM)
		return bench_why(err, "bpf(2) is not permitted here (root may)");
	if (err)
		return bench_why(err, "load: %s", strerror(-err));
	fd = bench_perf_attach_uprobe(path, offset, prog_fd);
	if (fd < 0)
		return bench_why(fd, "uprobe: %s", strerror(-fd));
	*done = 1;
	return 0;
}

static int setup_nop5(const struct bench_case *row)
{
	char path[PATH_MAX];
	static int done;
	uint64_t offset;
	int err;

	if (done)
		return 0;
	err = bench_perf_file_offset((const void *)(uintptr_t)bench_nop5, path, sizeof(path),
				     &offset);
	return err ? bench_why(err, "/proc/self/maps does not have it")
		   : attach_uprobe(path, offset, &done);
}

/* Libraries of peers, which lie beside the bench. */
struct peer {
	const char *file, *missing;
	int loaded, done;
	char path[PATH_MAX];
	__typeof__(bench_peer_run) *run;
	__typeof__(bench_peer_ready) *ready;
};
static struct peer sdt = {.file = "peer_sdt.so",
			  .missing = "sys/sdt.h is not installed (systemtap-sdt-dev)"},
		   lttng = {.file = "peer_lttng.so",
			    .missing = "LTTng-UST is not installed (liblttng-ust-dev)"};

static int load_peer(struct peer *peer)
{
	void *library;
	int err;

	if (peer->loaded)
		return 0;
	err = bench_beside(peer->path, peer->file);
	if (err)
		return err;
	if (access(peer->path, R_OK))
		return bench_why(-ENOENT, "%s, or make bench has not built it", peer->missing);
	library = dlopen(peer->path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return bench_why(-ENOENT, "%s", dlerror());
	peer->run = dlsym(library, "bench_peer_run");
	peer->ready = dlsym(library, "bench_peer_ready");
	peer->loaded = 1;
	return 0;
}

static int setup_sdt(const struct bench_case *row)
{
	uint64_t offset;
	int err = load_peer(&sdt);

	if (err || sdt.done)
		return err;
	err = bench_perf_sdt_offset(sdt.path, "rawtp_bench", "three", &offset);
	return err ? bench_why(err, "%s has no such probe", sdt.file)
		   : attach_uprobe(sdt.path, offset, &sdt.done);
}

static void work_sdt(const struct bench_case *row, uint64_t events, unsigned int thread)
{
	sdt.run(0, events, row, row);
}

static int setup_lttng(const struct bench_case *row)
{
	int err = load_peer(&lttng), i;
	static int waited;

	/* It hears of its session in a thread of its own. */
	for (i = 0; !err && !waited && i < 100 && !lttng.ready((uintptr_t)row->data); i++)
		usleep(20000);
	waited = i == 100;
	if (!err && !lttng.ready((uintptr_t)row->data))
		err = bench_why(-ENOENT, "no session of LTTng (lttng-tools is missing, or "
					 "bench/peers/lttng.sh was not used)");
	return err;
}

static void work_lttng(const struct bench_case *row, uint64_t events, unsigned int thread)
{
	lttng.run((uintptr_t)row->data, events, row, row);
}

static struct own percpu = {.tracepoint = "bench_peer_percpu", .program = BENCH_PERCPU},
		  filter = {.tracepoint = "bench_peer_filter", .program = BENCH_FILTER},
		  ring = {.tracepoint = "bench_peer_ring", .program = BENCH_RING},
		  stamp = {.tracepoint = "bench_peer_stamp", .program = BENCH_STAMP};

#define LOOP_NAME "empty loop"
#define PERCPU    "tracepoint, program: per-CPU array"
#define FILTER    "tracepoint, program: filter that rejects"
#define RING      "tracepoint, program: 24-byte record to a ring buffer"
#define STAMP     "tracepoint, program: 24-byte record and the time to a ring buffer"

static const struct bench_case rows[] = {
	{LOOP_NAME, .work = work_loop},
	{PERCPU, NULL, setup_own, .work = work_percpu, .data = &percpu},
	{"uprobe on a " BENCH_NOP5_KIND ", kernel program: per-CPU array", PERCPU, setup_nop5,
	 .work = work_nop5},
	{"SDT probe with a uprobe, kernel program: per-CPU array", PERCPU, setup_sdt,
	 .work = work_sdt},
	{"LTTng-UST, off", LOOP_NAME, setup_lttng, .work = work_lttng,
	 .data = (void *)BENCH_LTTNG_OFF},
	{FILTER, NULL, setup_own, .work = work_filter, .data = &filter},
	{"LTTng-UST, filter that rejects", FILTER, setup_lttng, .work = work_lttng,
	 .data = (void *)BENCH_LTTNG_REJECTED},
	{RING, NULL, setup_own, .work = work_ring, .data = &ring},
	{STAMP, NULL, setup_own, .work = work_stamp, .data = &stamp},
	{"LTTng-UST, event recorded (it has the time)", STAMP, setup_lttng, .work = work_lttng,
	 .data = (void *)BENCH_LTTNG_RECORDED},
};

const struct bench_table bench_peers = {
	.title = "The same event through peers",
	.rows = rows,
	.n_rows = sizeof(rows) / sizeof(*rows),
	.loop = LOOP_NAME,
};
