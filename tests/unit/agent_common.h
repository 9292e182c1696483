/* SPDX-License-Identifier: MIT */
/*
 * For tests of link, agent and client: two tracepoints, programs that count in a map, and a second
 * process (the same test program, executed again) that fires events when it is told to.
 */
#ifndef RAWTP_TESTS_AGENT_COMMON_H
#define RAWTP_TESTS_AGENT_COMMON_H

#include "asm.h"
#include "harness.h"
#include "rawtp/agent.h"
#include "rawtp/bpf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <rawtp/tracepoint.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

DECLARE_TRACE(agent_one, TP_PROTO(uint64_t value), TP_ARGS(value));
DEFINE_TRACE(agent_one, TP_PROTO(uint64_t value), TP_ARGS(value));
DECLARE_TRACE(agent_three, TP_PROTO(const char *name, uint64_t value, int sign),
	      TP_ARGS(name, value, sign));
DEFINE_TRACE(agent_three, TP_PROTO(const char *name, uint64_t value, int sign),
	     TP_ARGS(name, value, sign));

/* In a static program it must be asked for. */
__attribute__((used)) static int (*const keep_agent)(void) = rawtp_agent_start;

/* Threads after a fork are what is tested here. */
const char *__tsan_default_options(void);
__attribute__((used, visibility("default"))) const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}

#define COUNT                                                                           \
	"*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call map_lookup_elem;" \
	"if r0 == 0 goto out; r1 = 1; lock *(u64 *)(r0 + 0) += r1; out: r0 = 0; exit"
/* Adds the first argument. */
#define SUM                                                                                     \
	"r6 = *(u64 *)(r1 + 0); *(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map[0];"        \
	"call map_lookup_elem; if r0 == 0 goto out; lock *(u64 *)(r0 + 0) += r6; out: r0 = 0; " \
	"exit"
/* For per-CPU maps: no atomic, the slot is the run's own. */
#define COUNT_PERCPU                                                                               \
	"*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call map_lookup_elem;"            \
	"if r0 == 0 goto out; r1 = *(u64 *)(r0 + 0); r1 += 1; *(u64 *)(r0 + 0) = r1; out: r0 = 0;" \
	"exit"
#define THIRD_ARGUMENT "r0 = *(u64 *)(r1 + 16); r0 = 0; exit"
#define NOTHING        "r0 = 0; exit"

static inline int make_map(uint32_t type)
{
	union bpf_attr attr = {.map_type = type, .key_size = 4, .value_size = 8, .max_entries = 1};

	return rawtp_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

/* Sum over the CPUs for a per-CPU map. */
static inline uint64_t read_map(int map_fd, bool percpu)
{
	uint64_t values[1024] = {0}, sum = 0;
	uint32_t key = 0, i;
	union bpf_attr attr = {
		.map_fd = (uint32_t)map_fd, .key = (uintptr_t)&key, .value = (uintptr_t)values};

	CHECK_EQ(rawtp_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
	for (i = 0; i < (percpu ? 1024 : 1); i++)
		sum += values[i];
	return sum;
}

/* -1 with errno, and the log on stderr. */
static inline int load_prog(const char *text, int map_fd)
{
	struct bpf_insn insns[64];
	char err[128] = "", log[4096] = "";
	int n = asm_program(text, insns, 64, err, sizeof(err)), fd;
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
			       .insns = (uintptr_t)insns,
			       .insn_cnt = (uint32_t)n,
			       .license = (uintptr_t) "GPL",
			       .log_buf = (uintptr_t)log,
			       .log_size = sizeof(log),
			       .log_level = 1,
			       .prog_name = "test_prog",
			       .fd_array = (uintptr_t)&map_fd};

	if (n < 0)
		test_fail(__FILE__, __LINE__, "assembler: %s", err);
	fd = rawtp_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		fprintf(stderr, "%s", log);
	return fd;
}

static inline unsigned int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static inline unsigned int count_of(pid_t pid, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	return count_entries(path);
}

static inline void sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

/* Waits for what another process does; a test that waits in vain fails by what it checks next. */
#define WAIT_UNTIL(cond)                       \
	do {                                   \
		int wait_left = 2000;          \
		while (!(cond) && wait_left--) \
			sleep_ms(5);           \
		CHECK(cond);                   \
	} while (0)

/* The other process. Each command is one byte and a number; each answer is one number. */
struct target {
	pid_t pid;
	int to, from;
};

enum {
	TARGET_FIRE = 'f',  /* agent_one(1) so many times; answers how many */
	TARGET_FORK = 'k',  /* fork a child that fires so many, and wait for it; its status */
	TARGET_LEAVE = 'l', /* fork a child that stays until it is killed; its pid */
	TARGET_CLOSE =
		'c', /* close every descriptor but its own two, and take the numbers: how many */
	TARGET_CHECK = 'C', /* how many of these are still what they were */
	TARGET_START = 's', /* so many threads that fire until TARGET_STOP */
	TARGET_FORKS = 'F', /* one more, that forks children which fire 100 each */
	TARGET_STOP = 't',  /* answers how many they fired */
};

#define EVENT_COUNT 3

static uint64_t target_fired[64];
static pthread_t target_threads[64];
static int target_stop;

static void *target_fire(void *data)
{
	uint64_t *fired = data;

	while (!__atomic_load_n(&target_stop, __ATOMIC_RELAXED)) {
		trace_agent_one(1);
		/* All but one give way between two events, lest a grace period last many slices. */
		if (++*fired % 64 == 0 && fired != target_fired)
			sched_yield();
	}
	return NULL;
}

static void *target_forks(void *data)
{
	uint64_t *fired = data;
	int status, i;

	while (!__atomic_load_n(&target_stop, __ATOMIC_RELAXED)) {
		pid_t pid = fork();

		if (!pid) {
			for (i = 0; i < 100; i++)
				trace_agent_one(1);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			abort();
		*fired += 100;
		sleep_ms(1);
	}
	return NULL;
}

/* Closes all but its own, and puts others in their place: @n and how many these are. */
static uint64_t target_close(uint64_t n)
{
	int i;

	for (i = 2; i < 2048; i++)
		close(i);
	/* All eventfds have one inode. Where the agent had its numbers, none may be read. */
	for (i = 2; i < 600; i++)
		n += (i < 500 ? open("/dev/zero", O_RDONLY) : eventfd(EVENT_COUNT, EFD_NONBLOCK)) >=
		     0;
	return n;
}

/* @n and how many of them are as they were made. */
static uint64_t target_check(uint64_t n)
{
	uint64_t count = 0;
	struct stat st;
	int i;

	for (i = 2; i < 2048; i++)
		n += !fstat(i, &st) &&
		     (S_ISCHR(st.st_mode) ? st.st_rdev == makedev(1, 5)
					  : !S_ISSOCK(st.st_mode) && read(i, &count, 8) == 8 &&
						    count == EVENT_COUNT);
	return n;
}

static uint64_t target_do(int command, uint64_t n)
{
	static unsigned int n_threads;
	uint64_t i, sum = 0;
	int status;
	pid_t pid;

	switch (command) {
	case TARGET_FIRE:
		for (i = 0; i < n; i++)
			trace_agent_one(1);
		return n;
	case TARGET_FORK:
		pid = fork();
		if (!pid) {
			for (i = 0; i < n; i++)
				trace_agent_one(1);
			_exit(0);
		}
		return waitpid(pid, &status, 0) == pid ? (uint64_t)status : 1;
	case TARGET_LEAVE:
		pid = fork();
		while (!pid) {
			trace_agent_one(1);
			sleep_ms(1);
		}
		return (uint64_t)pid;
	case TARGET_CLOSE:
		return target_close(n);
	case TARGET_CHECK:
		return target_check(n);
	case TARGET_START:
		__atomic_store_n(&target_stop, 0, __ATOMIC_RELAXED);
		for (n_threads = 0; n_threads < n; n_threads++)
			pthread_create(&target_threads[n_threads], NULL, target_fire,
				       &target_fired[n_threads]);
		return n_threads;
	case TARGET_FORKS:
		pthread_create(&target_threads[n_threads], NULL, target_forks,
			       &target_fired[n_threads]);
		return ++n_threads;
	case TARGET_STOP:
		__atomic_store_n(&target_stop, 1, __ATOMIC_RELAXED);
		for (i = 0; i < n_threads; i++) {
			pthread_join(target_threads[i], NULL);
			sum += target_fired[i];
			target_fired[i] = 0;
		}
		return sum;
	}
	return 0;
}

__attribute__((constructor)) static void target_main(void)
{
	struct {
		int command;
		uint64_t n;
	} message;

	if (!getenv("AGENT_TEST_TARGET"))
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(0, &message, sizeof(message)) == sizeof(message)) {
		uint64_t answer = target_do(message.command, message.n);

		if (write(1, &answer, sizeof(answer)) != sizeof(answer))
			break;
	}
	exit(0);
}

static inline void target_begin(struct target *target)
{
	int to[2], from[2];

	CHECK(!pipe2(to, O_CLOEXEC) && !pipe2(from, O_CLOEXEC));
	target->pid = fork();
	if (!target->pid) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		setenv("AGENT_TEST_TARGET", "1", 1);
		execl("/proc/self/exe", "agent-target", (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	target->to = to[1];
	target->from = from[0];
}

static inline void target_send(struct target *target, int command, uint64_t n)
{
	struct {
		int command;
		uint64_t n;
	} message = {command, n};

	CHECK(write(target->to, &message, sizeof(message)) == sizeof(message));
}

static inline uint64_t target_answer(struct target *target)
{
	uint64_t answer = ~0ULL;

	CHECK(read(target->from, &answer, sizeof(answer)) == sizeof(answer));
	return answer;
}

static inline uint64_t target_call(struct target *target, int command, uint64_t n)
{
	target_send(target, command, n);
	return target_answer(target);
}

/* Returns its exit status as waitpid() gives it. */
static inline int target_end(struct target *target)
{
	int status = -1;

	close(target->to);
	close(target->from);
	waitpid(target->pid, &status, 0);
	return status;
}

#endif
