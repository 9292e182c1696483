/* SPDX-License-Identifier: MIT */
/*
 * Brief programs (src/bpf/jit/effect.h): run without a guard and without a slot, thrown out and begun
 * again by the kernel. Whatever comes between, each event is counted once and has its effect once.
 */
#include "agent_common.h"
#include "base/err.h"
#include "bpf/syscall/syscall.h"
#include "link/raw_tracepoint.h"

#include <sched.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#ifdef RAWTP_SANITIZED
#define SCALE 20
#else
#define SCALE 1
#endif

#define N_KEYS 8

DECLARE_TRACE(brief, TP_PROTO(uint64_t key, uint32_t n, uint16_t other), TP_ARGS(key, n, other));
DEFINE_TRACE(brief, TP_PROTO(uint64_t key, uint32_t n, uint16_t other), TP_ARGS(key, n, other));

#define KEY_AT_4 "*(u32 *)(r10 - 4) = r2; "
#define LOOKUP   "r2 = r10; r2 += -4; r1 = map[0]; call map_lookup_elem; "
#define ADD(n)   "r1 = *(u64 *)(r0 + 0); r1 += " #n "; *(u64 *)(r0 + 0) = r1; "

/* Each adds to a counter by key (mod N_KEYS), as much as add() says. */
static const struct program {
	const char *name, *text;
	enum { ARRAY, PER_CPU, HASH, EMPTY_HASH } keys;
	bool shared; /* exact with several threads, too */
	uint64_t (*add)(uint64_t key, uint32_t n);
} programs[];

static uint64_t one(uint64_t key, uint32_t n)
{
	return 1;
}

static uint64_t argument(uint64_t key, uint32_t n)
{
	return n;
}

static uint64_t odd(uint64_t key, uint32_t n)
{
	return key & 1 ? 3 : 5;
}

static uint64_t some(uint64_t key, uint32_t n)
{
	return n < 10 ? 0 : key & 1 ? 2 : 7;
}

static const struct program programs[] = {
	{"key from an argument",
	 "r2 = *(u64 *)(r1 + 0); r2 &= 7; " KEY_AT_4 LOOKUP
	 "if r0 == 0 goto out; " ADD(1) "out: r0 = 0; exit",
	 PER_CPU, true, one},
	{"value from an argument, kept in a register",
	 "r6 = *(u64 *)(r1 + 8); r2 = *(u64 *)(r1 + 0); r2 &= 7; " KEY_AT_4 LOOKUP
	 "if r0 == 0 goto out; r1 = *(u64 *)(r0 + 0); r1 += r6; *(u64 *)(r0 + 0) = r1;"
	 "out: r0 = 0; exit",
	 PER_CPU, true, argument},
	{"many registers",
	 "r6 = *(u64 *)(r1 + 8); r7 = *(u64 *)(r1 + 16); r2 = *(u64 *)(r1 + 0);"
	 "r2 &= 7; " KEY_AT_4 LOOKUP "if r0 == 0 goto out; r1 = *(u64 *)(r0 + 0); r7 -= r7;"
	 "r1 += r6; r1 += r7; *(u64 *)(r0 + 0) = r1; out: r0 = 0; exit",
	 PER_CPU, true, argument},
	{"two effects",
	 "r3 = *(u64 *)(r1 + 0); r2 = r3; r2 &= 7; *(u64 *)(r10 - 16) = r3; " KEY_AT_4 LOOKUP
	 "if r0 == 0 goto out; r3 = *(u64 *)(r10 - 16); r3 &= 1; if r3 == 0 goto even; " ADD(
		 3) "r0 = 0; exit; even: " ADD(5) "out: r0 = 0; exit",
	 PER_CPU, true, odd},
	{"two effects and an end between",
	 "r3 = *(u64 *)(r1 + 0); r2 = r3; r2 &= 7;"
	 "*(u64 *)(r10 - 16) = r3; r4 = *(u64 *)(r1 + 8); if r4 > 9 goto on; r0 = 0; exit; "
	 "on:" KEY_AT_4 LOOKUP
	 "if r0 == 0 goto out; r3 = *(u64 *)(r10 - 16); r3 &= 1; if r3 == 0 goto even; " ADD(
		 2) "goto out; even: " ADD(7) "out: r0 = 0; exit",
	 PER_CPU, true, some},
	{"plain store to what all CPUs share",
	 "r2 = *(u64 *)(r1 + 0); r2 &= 7; " KEY_AT_4 LOOKUP
	 "if r0 == 0 goto out; " ADD(1) "out: r0 = 0; exit",
	 ARRAY, false, one},
	{"atomic",
	 "r6 = *(u64 *)(r1 + 8); r2 = *(u64 *)(r1 + 0); r2 &= 7; " KEY_AT_4 LOOKUP
	 "if r0 == 0 goto out; lock *(u64 *)(r0 + 0) += r6; out: r0 = 0; exit",
	 ARRAY, true, argument},
	{"atomic, per CPU",
	 "r6 = *(u64 *)(r1 + 8); r2 = *(u64 *)(r1 + 0); r2 &= 7; " KEY_AT_4 LOOKUP
	 "if r0 == 0 goto out; lock *(u64 *)(r0 + 0) += r6; out: r0 = 0; exit",
	 PER_CPU, true, argument},
	{"ids and the CPU's number",
	 "r6 = r1; call get_current_pid_tgid; if r0 == 0 goto out; call get_smp_processor_id;"
	 "if r0 > 4095 goto out; r2 = *(u64 *)(r6 + 0); r2 &= 7; " KEY_AT_4 LOOKUP
	 "if r0 == 0 goto out; " ADD(1) "out: r0 = 0; exit",
	 PER_CPU, true, one},
	{"atomic, hash",
	 "r2 = *(u64 *)(r1 + 0); r2 &= 7; r3 = *(u64 *)(r1 + 8); *(u64 *)(r10 - 16) = r3; " KEY_AT_4
		 LOOKUP "if r0 == 0 goto out; r1 = *(u64 *)(r10 - 16);"
	 "lock *(u64 *)(r0 + 0) += r1; out: r0 = 0; exit",
	 HASH, true, argument},
	{"plain store, hash",
	 "r2 = *(u64 *)(r1 + 0); r2 &= 7; " KEY_AT_4 LOOKUP
	 "if r0 == 0 goto out; " ADD(1) "out: r0 = 0; exit",
	 HASH, false, one},
	{"hash, and the first event of a key",
	 "r2 = *(u64 *)(r1 + 0); r2 &= 7; *(u64 *)(r10 - 16) = 0; " KEY_AT_4 LOOKUP
	 "if r0 != 0 goto add; r3 = r10; r3 += -16; r2 = r10; r2 += -4; r4 = 1; r1 = map[0];"
	 "call map_update_elem; " LOOKUP
	 "if r0 == 0 goto out; add: r1 = 1; lock *(u64 *)(r0 + 0) += r1; out: r0 = 0; exit",
	 EMPTY_HASH, true, one},
	/* Not brief, beside the others: two effects on one way. */
	{"effect behind an effect",
	 "r2 = *(u64 *)(r1 + 0); r2 &= 7; " KEY_AT_4 LOOKUP "if r0 == 0 goto out; " ADD(1)
		 ADD(1) "out: r0 = 0; exit",
	 PER_CPU, true, NULL},
};

#define N_PROGRAMS (sizeof(programs) / sizeof(programs[0]))

static int make_hash(const struct program *program)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_HASH,
			       .key_size = 4,
			       .value_size = 8,
			       .max_entries = N_KEYS};
	int fd = rawtp_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	uint64_t zero = 0;
	uint32_t key;

	for (key = 0; program->keys == HASH && key < N_KEYS; key++) {
		attr = (union bpf_attr){
			.map_fd = (uint32_t)fd, .key = (uintptr_t)&key, .value = (uintptr_t)&zero};
		CHECK_EQ(rawtp_bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)), 0);
	}
	return fd;
}

static int make_keys(bool percpu)
{
	union bpf_attr attr = {.map_type = percpu ? BPF_MAP_TYPE_PERCPU_ARRAY : BPF_MAP_TYPE_ARRAY,
			       .key_size = 4,
			       .value_size = 8,
			       .max_entries = N_KEYS};

	return rawtp_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static uint64_t read_key(int map_fd, uint32_t key, bool percpu)
{
	uint64_t values[1024] = {0}, sum = 0;
	union bpf_attr attr = {
		.map_fd = (uint32_t)map_fd, .key = (uintptr_t)&key, .value = (uintptr_t)values};
	unsigned int i;

	CHECK_EQ(rawtp_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
	for (i = 0; i < (percpu ? 1024 : 1); i++)
		sum += values[i];
	return sum;
}

static struct rawtp_link *attach(const struct program *program, int map)
{
	int fd = load_prog(program->text, map), n_args;
	struct rawtp_prog *prog = rawtp_prog_from_fd(fd);
	struct rawtp_link *link;

	CHECK(!rawtp_is_err(prog));
	link = rawtp_link_attach(prog, "brief", -1, 0, &n_args);
	CHECK(!rawtp_is_err(link));
	rawtp_prog_put(prog);
	close(fd);
	return link;
}

static struct rawtp_stats_block figures(struct rawtp_link *link)
{
	struct rawtp_link_view view;

	rawtp_link_view(link, &view);
	return rawtp_link_stats_sum(view.stats);
}

/* What events should have added, summed by those who fired them. */
static uint64_t expected[N_KEYS], fired;

static void fire(const struct program *program, uint64_t i)
{
	uint64_t key = i * 7, add = program->add ? program->add(key, (uint32_t)(i % 20)) : 2;

	trace_brief(key, (uint32_t)(i % 20), 9);
	__atomic_fetch_add(&expected[key % N_KEYS], add, __ATOMIC_RELAXED);
	__atomic_fetch_add(&fired, 1, __ATOMIC_RELAXED);
}

static const struct program *current;
static uint64_t handled;

static void on_signal(int signal)
{
	fire(current, __atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED));
}

struct thread {
	pthread_t id;
	unsigned int index;
	uint64_t n;
};

/* Moves from CPU to CPU meanwhile. */
static void *work(void *data)
{
	struct thread *self = data;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;
	uint64_t i;

	for (i = 0; i < self->n; i++) {
		if (i % 4096 == 0) {
			CPU_ZERO(&set);
			CPU_SET((i / 4096 + self->index) % (unsigned long)cpus, &set);
			sched_setaffinity(0, sizeof(set), &set);
		}
		fire(current, i);
	}
	return NULL;
}

/*
 * A run that was disturbed is begun again the long way, where a handler that strikes is a recursion: it
 * is counted as a miss and adds nothing.
 */
static void check_map(const struct program *program, int map, struct rawtp_link *link)
{
	struct rawtp_stats_block sum = figures(link);
	uint64_t missing = 0;
	uint32_t key;

	CHECK_EQ(sum.hits, fired);
	CHECK_EQ(sum.misses, sum.recursion_misses);
	CHECK(sum.misses * 1000 <= sum.hits);
	for (key = 0; key < N_KEYS; key++) {
		uint64_t value = read_key(map, key, program->keys == PER_CPU);

		test_case("%s, key %u", program->name, key);
		CHECK(value <= expected[key]);
		missing += expected[key] - value;
	}
	test_case("%s", program->name);
	CHECK(missing <= sum.misses * 20);
	test_case(NULL);
}

static void check(const struct program *program, unsigned int n_threads, uint64_t n)
{
	struct itimerval often = {{0, 120}, {0, 120}}, never = {{0, 0}, {0, 0}};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, old;
	sigset_t alarm;
	struct thread threads[8];
	int map = program->keys >= HASH ? make_hash(program) : make_keys(program->keys == PER_CPU);
	struct rawtp_link *link = attach(program, map);
	unsigned int i;

	test_case("%s, %u threads", program->name, n_threads);
	current = program;
	memset(expected, 0, sizeof(expected));
	fired = 0;
	sigaction(SIGALRM, &action, &old);
	for (i = 0; i < n_threads; i++) {
		threads[i] = (struct thread){.index = i, .n = n / n_threads};
		CHECK(!pthread_create(&threads[i].id, NULL, work, &threads[i]));
	}
	/* Not this thread, which would be one more. */
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (i = 0; i < n_threads; i++)
		pthread_join(threads[i].id, NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL); /* one may be waiting */
	sigaction(SIGALRM, &old, NULL);
	check_map(program, map, link);
	rawtp_link_detach(link);
	close(map);
}

TEST(brief_one_thread)
{
	unsigned int i;

	for (i = 0; i < N_PROGRAMS; i++)
		if (programs[i].add)
			check(&programs[i], 1, 1000000 / SCALE);
}

TEST(brief_many_threads)
{
	unsigned int i;

	for (i = 0; i < N_PROGRAMS; i++) {
		if (!programs[i].shared || !programs[i].add)
			continue;
		check(&programs[i], 2, 1000000 / SCALE);
		check(&programs[i], 8, 1000000 / SCALE);
	}
}

TEST(brief_beside_others)
{
	/* One that holds a slot may be interrupted while it does: a miss is a recursion, and counted. */
	const struct program *program = &programs[N_PROGRAMS - 1];
	int map = make_keys(true);
	struct rawtp_link *link = attach(program, map);
	uint64_t i;

	current = program;
	memset(expected, 0, sizeof(expected));
	fired = 0;
	for (i = 0; i < 1000; i++)
		fire(program, i);
	check_map(program, map, link);
	rawtp_link_detach(link);
	close(map);
}

/* Forked children count on; a vfork() child counts in its parent's place. */
TEST(brief_children)
{
	const struct program *program = &programs[0];
	int map = make_keys(true), status;
	struct rawtp_link *link = attach(program, map);
	unsigned int i, k;

	current = program;
	memset(expected, 0, sizeof(expected));
	fired = 0;
	/* A thread's first event gives it its record, which a vfork() child cannot take. */
	fire(program, 0);
	for (i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (!pid) {
			for (k = 0; k < 500; k++)
				trace_brief(0, 1, 2);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid && !status);
		expected[0] += 500;
		fired += 500;
		pid = vfork();
		if (!pid) {
			trace_brief(1, 1, 2);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid && !status);
		expected[1]++;
		fired++;
		fire(program, i);
	}
	check_map(program, map, link);
	rawtp_link_detach(link);
	close(map);
}

/* Places of code change hands while threads stand in front of them: between two links, and none. */
TEST(brief_places_change_hands)
{
	const struct program *program = &programs[0], *other = &programs[3];
	struct thread threads[4];
	int map = make_keys(true), other_map = make_keys(true);
	uint64_t hits = 0, sum = 0;
	unsigned int i, k;

	current = program;
	fired = 0;
	for (i = 0; i < 4; i++) {
		threads[i] = (struct thread){.index = i, .n = 1000000 / SCALE};
		CHECK(!pthread_create(&threads[i].id, NULL, work, &threads[i]));
	}
	for (k = 0; k < 150; k++) {
		struct rawtp_link *link = attach(k % 2 ? other : program, k % 2 ? other_map : map);
		struct rawtp_stats_block figure;

		sched_yield();
		figure = figures(link);
		CHECK_EQ(figure.misses, 0);
		/* Detached, its figures are gone: so as many events as fit between two looks. */
		while (k % 8 == 0 && figures(link).hits < 100 &&
		       __atomic_load_n(&fired, __ATOMIC_RELAXED) < 4000000 / SCALE)
			sched_yield();
		hits += figure.hits;
		rawtp_link_detach(link);
	}
	for (i = 0; i < 4; i++)
		pthread_join(threads[i].id, NULL);
	for (i = 0; i < N_KEYS; i++)
		sum += read_key(map, i, true) + read_key(other_map, i, true);
	CHECK(sum >= hits);
	close(map);
	close(other_map);
}
