/* SPDX-License-Identifier: MIT */
/*
 * What programs count is what was called, to the event: with 1, 2 and 8 threads (more than CPUs, so
 * that they are preempted in the middle of programs), for each kind of map, while other programs
 * come and go at the same tracepoint 10,000 times in all, while children fork and pass the
 * tracepoint too. And a program counts from the return of its attach to the call of its detach.
 */
#include "harness.h"
#include "asm.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rawtp/agent.h>
#include <rawtp/bpf.h>
#include <rawtp/tracepoint.h>

DECLARE_TRACE(e2e_exact, TP_PROTO(uint32_t index, uint64_t value), TP_ARGS(index, value));
DECLARE_TRACE(e2e_window, TP_PROTO(uint32_t index, uint64_t value), TP_ARGS(index, value));
DEFINE_TRACE(e2e_exact, TP_PROTO(uint32_t index, uint64_t value), TP_ARGS(index, value));
DEFINE_TRACE(e2e_window, TP_PROTO(uint32_t index, uint64_t value), TP_ARGS(index, value));

#ifdef RAWTP_SANITIZED
#define SCALE 10
#else
#define SCALE 1
#endif

#define N_INDEXES   16
#define CHILD_INDEX 15
#define MAX_THREADS 8
#define CHILDREN    4
#define CHILD_CALLS 1000

/* Finds or makes the counter of args[0], then adds one. */
#define COUNT(add)                          \
	"r6 = *(u64 *)(r1 + 0)\n"           \
	"*(u32 *)(r10 - 4) = r6\n"          \
	"r2 = r10; r2 += -4\n"              \
	"r1 = map_fd[%d]\n"                 \
	"call map_lookup_elem\n"            \
	"if r0 != 0 goto found\n"           \
	"r0 = 0; *(u64 *)(r10 - 16) = r0\n" \
	"r2 = r10; r2 += -4\n"              \
	"r3 = r10; r3 += -16\n"             \
	"r4 = 1\n"                          \
	"r1 = map_fd[%d]\n"                 \
	"call map_update_elem\n"            \
	"r2 = r10; r2 += -4\n"              \
	"r1 = map_fd[%d]\n"                 \
	"call map_lookup_elem\n"            \
	"if r0 == 0 goto out\n"             \
	"found:\n" add "out: r0 = 0; exit\n"

#define PLAIN  "r1 = *(u64 *)(r0 + 0); r1 += 1; *(u64 *)(r0 + 0) = r1\n"
#define ATOMIC "r1 = 1; lock *(u64 *)(r0 + 0) += r1\n"

static const struct kind {
	const char *name;
	uint32_t type;
	const char *program;
} kinds[] = {
	{"array", BPF_MAP_TYPE_ARRAY, COUNT(ATOMIC)},
	{"hash", BPF_MAP_TYPE_HASH, COUNT(ATOMIC)},
	{"per-CPU array", BPF_MAP_TYPE_PERCPU_ARRAY, COUNT(PLAIN)},
	{"per-CPU hash", BPF_MAP_TYPE_PERCPU_HASH, COUNT(PLAIN)},
};

static int load(const char *text, int map_fd)
{
	static char source[4096], log[16384], err[256];
	struct bpf_insn insns[64];
	union bpf_attr attr;
	int n, fd;

	snprintf(source, sizeof(source), text, map_fd, map_fd, map_fd);
	n = asm_program(source, insns, 64, err, sizeof(err));
	if (n < 0) {
		test_fail(__FILE__, __LINE__, "assembler: %s", err);
		return -1;
	}
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = n;
	attr.license = (uintptr_t) "GPL";
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	fd = rawtp_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		test_fail(__FILE__, __LINE__, "load: %s: %s", strerror(errno), log);
	return fd;
}

static int create_map(uint32_t type)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = N_INDEXES;
	return rawtp_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

/* Sum over CPUs of what stands at @index; 0 where there is nothing. */
static uint64_t count_of(const struct kind *kind, int map_fd, uint32_t index)
{
	static uint64_t values[65536];
	bool percpu =
		kind->type == BPF_MAP_TYPE_PERCPU_ARRAY || kind->type == BPF_MAP_TYPE_PERCPU_HASH;
	union bpf_attr attr;
	uint64_t sum = 0;
	long cpu;

	memset(values, 0, sizeof(values));
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = map_fd;
	attr.key = (uintptr_t)&index;
	attr.value = (uintptr_t)values;
	if (rawtp_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) < 0)
		return 0;
	for (cpu = 0; cpu < (percpu ? 65536 : 1); cpu++)
		sum += values[cpu];
	return sum;
}

static atomic_bool stop;

struct caller {
	pthread_t id;
	uint32_t index;
	uint64_t calls;
};

static void *call_exact(void *arg)
{
	struct caller *caller = arg;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		trace_e2e_exact(caller->index, caller->calls);
		caller->calls++;
	}
	return NULL;
}

/* Waits until nothing runs any more; close() alone leaves it to the agent's thread. */
static void detach(int link_fd)
{
	char byte;

	CHECK_EQ(shutdown(link_fd, SHUT_WR), 0);
	CHECK_EQ(poll(&(struct pollfd){.fd = link_fd, .events = POLLIN}, 1, 20000), 1);
	CHECK_EQ(read(link_fd, &byte, 1), 0);
	close(link_fd);
}

/* Other programs come and go at the same tracepoint; every eighth holder waits for its end. */
static void churn(int prog_fd, unsigned int times)
{
	while (times--) {
		int link_fd = rawtp_prog_attach(prog_fd, "e2e_exact");

		if (link_fd < 0) {
			test_fail(__FILE__, __LINE__, "attach: %s", strerror(errno));
			return;
		}
		if (times % 8)
			close(link_fd);
		else
			detach(link_fd);
	}
}

static void *fork_children(void *arg)
{
	unsigned int *made = arg, i, call;
	int status;
	pid_t pid;

	for (i = 0; i < CHILDREN; i++) {
		pid = fork();
		if (!pid) {
			for (call = 0; call < CHILD_CALLS; call++)
				trace_e2e_exact(CHILD_INDEX, call);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			test_fail(__FILE__, __LINE__, "a child ended with %#x", status);
		else
			++*made;
	}
	return NULL;
}

static void count_exactly(const struct kind *kind, unsigned int n_threads, unsigned int churns)
{
	int map_fd = create_map(kind->type), empty_fd = load("r0 = 0; exit", 0);
	int prog_fd = load(kind->program, map_fd);
	int link_fd = rawtp_prog_attach(prog_fd, "e2e_exact");
	struct caller callers[MAX_THREADS] = {{0}};
	unsigned int i, children = 0;
	pthread_t forker;

	test_case("%s, %u threads", kind->name, n_threads);
	CHECK(map_fd >= 0);
	CHECK(link_fd >= 0);
	if (map_fd < 0 || prog_fd < 0 || link_fd < 0)
		return;
	atomic_store(&stop, false);
	for (i = 0; i < n_threads; i++) {
		callers[i].index = i;
		pthread_create(&callers[i].id, NULL, call_exact, &callers[i]);
	}
	pthread_create(&forker, NULL, fork_children, &children);
	churn(empty_fd, churns / SCALE);
	pthread_join(forker, NULL);
	atomic_store(&stop, true);
	for (i = 0; i < n_threads; i++) {
		pthread_join(callers[i].id, NULL);
		CHECK(callers[i].calls > 0);
		CHECK_EQ(count_of(kind, map_fd, i), callers[i].calls);
	}
	CHECK_EQ(children, CHILDREN);
	CHECK_EQ(count_of(kind, map_fd, CHILD_INDEX), (uint64_t)children * CHILD_CALLS);
	detach(link_fd);
	trace_e2e_exact(0, 0);
	CHECK_EQ(count_of(kind, map_fd, 0), callers[0].calls);
	close(prog_fd);
	close(map_fd);
	close(empty_fd);
}

/* Keeps links; in a static program somebody must name it. */
__attribute__((constructor)) static void start_agent(void)
{
	rawtp_agent_start();
}

/*
 * 4 kinds * (2,000 + 440 + 60) are 10,000. Most of them where they are cheap: a detach waits for a
 * reader that is preempted, which takes milliseconds where threads are more than CPUs.
 */
static void count_all(unsigned int n_threads, unsigned int churns)
{
	unsigned int i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		count_exactly(&kinds[i], n_threads, churns);
	test_case(NULL);
}

TEST(exact_counts_1_thread)
{
	count_all(1, 2000);
}

TEST(exact_counts_2_threads)
{
	count_all(2, 440);
}

TEST(exact_counts_8_threads)
{
	count_all(8, 60);
}

static void *call_window(void *arg)
{
	struct caller *caller = arg;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		trace_e2e_window(caller->index, caller->calls);
		caller->calls++;
	}
	return NULL;
}

/*
 * The site itself is switched on and off while another thread runs through it: what this thread
 * calls between attach and detach is counted, all of it, and nothing else of it.
 */
TEST(windows)
{
	const struct kind *kind = &kinds[2];
	int map_fd = create_map(kind->type), prog_fd = load(kind->program, map_fd);
	struct caller other = {.index = 1};
	unsigned int i, j, windows = 400 / SCALE;
	uint64_t expected = 0;

	if (prog_fd < 0)
		return;
	atomic_store(&stop, false);
	pthread_create(&other.id, NULL, call_window, &other);
	for (i = 0; i < windows; i++) {
		int link_fd = rawtp_prog_attach(prog_fd, "e2e_window");

		if (link_fd < 0) {
			test_fail(__FILE__, __LINE__, "attach %u: %s", i, strerror(errno));
			break;
		}
		for (j = 0; j < i % 7; j++)
			trace_e2e_window(0, j);
		expected += j;
		detach(link_fd);
		trace_e2e_window(0, 0);
	}
	atomic_store(&stop, true);
	pthread_join(other.id, NULL);
	CHECK_EQ(count_of(kind, map_fd, 0), expected);
	CHECK(count_of(kind, map_fd, 1) <= other.calls);
	close(prog_fd);
	close(map_fd);
}
