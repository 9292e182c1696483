/* SPDX-License-Identifier: MIT */
/*
 * Random programs here and in the kernel, as root. What is taken here the kernel must take too; of
 * what it takes, 99 of 100 must be taken here; what both take must give the same result and leave
 * the same in the maps, from the kernel, the interpreter and the machine code.
 *
 * RAWTP_RANDOM=1000000 runs so many, RAWTP_RANDOM_SEED=N from the Nth on. RAWTP_RANDOM_SHOW=N prints
 * program N and what both sides say; RAWTP_RANDOM_MISSED=1, each that the kernel alone takes.
 */
#include "harness.h"

#include "bpf/disasm.h"
#include "bpf/interp.h"
#include "bpf/jit/jit.h"
#include "bpf/maps/map.h"
#include "bpf/verifier/verifier.h"
#include "func_info.h"
#include "random_insns.h"
#include "random_prog.h"
#include "rawtp/thread.h"
#include "world.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#ifdef RAWTP_SANITIZED
#define COUNT 6000
#else
#define COUNT 100000
#endif
#define N_WORKERS 2
#define MAX_BAD   3 /* a worker gives up */
#define N_ARGS    12
#define ENGINES   2

/*
 * THE list of programs that are taken here and refused by the kernel: what its log has in it (for
 * fnmatch()), what must be in such a program (RANDOM_HAS_ bits; 0: anything), and why it is right.
 * The first is for programs that are refused here, too, once quotients, remainders and shifts by a
 * register are replaced by numbers of which nothing is known: it has no text.
 */
static const struct {
	const char *says;
	uint32_t has;
	const char *why;
} differences[] = {
	{NULL, 0, "bounds of quotients, remainders and shifts by a register are followed here"},
	{"*", RANDOM_HAS_JSET_REG, "common bits of two registers are followed here"},
	{"*BPF program is too large. Processed*", 0,
	 "a limit: the kernel gave up after a million instructions, here more was pruned"},
	{"*variable offset stack pointer cannot be passed into helper function*", RANDOM_HAS_ATOMIC,
	 "an atomic operation at a variable place inside the stack: bounded here like a store"},
	{"*R[0-9] !read_ok*", RANDOM_HAS_SIGN_EXTENSION,
	 "known bits survive a sign-extending move: a branch that is never taken is known"},
	{"*misaligned access off (0x0; 0xffffffffffffffff)*", RANDOM_HAS_ATOMIC,
	 "an atomic operation whose result replaces its own address: the kernel looks too late"},
	{"*REG INVARIANTS VIOLATION*", 0,
	 "the kernel's bounds contradict each other on a branch that is never taken"},
	{"*verifier bug: backtracking misuse*", 0, "the kernel lost its way, and gives no verdict"},
	{"*verifier bug: No program to jit*", 0,
	 "a callback that only dead code names: the kernel took it out, and then looks for it"},
	{"*same insn cannot be used with different pointers*", 0,
	 "the kernel rewrites loads from the context, for one kind of pointer; here they stay"},
	{"*unbounded memory access*", RANDOM_HAS_SUBTRACTION,
	 "a number was subtracted from a pointer: here both ends of the sum are checked"},
	{"*math between * pointer and [0-9-]* is not allowed*", 0,
	 "a pointer is moved far, and not used there: judged where it is used"},
	{"* pointer offset [0-9-]* is not allowed*", 0,
	 "a number that was computed as another plus a large constant is added to a pointer"},
};
#define N_DIFFERENCES (sizeof(differences) / sizeof(*differences))

static struct counts {
	uint64_t programs, here, there, both, missed, bad, ran, exact;
	uint64_t known[N_DIFFERENCES];
} * counts; /* of each worker; shared */

static struct world ours, theirs;
static struct rawtp_map *our_maps[RANDOM_N_MAPS];
static char our_log[1 << 16], kernel_log[1 << 20];
static int functions_btf; /* of as many functions as a program can have */

static struct rawtp_prog *load_here(const struct random_prog *random, uint32_t log_level)
{
	struct rawtp_verifier_log log = {our_log, sizeof(our_log), log_level};
	struct rawtp_prog *prog = rawtp_prog_new(random->n);
	uint32_t i;

	prog->type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	memcpy(prog->insns, random->insns, random->n * sizeof(*random->insns));
	prog->maps = calloc(RANDOM_N_MAPS, sizeof(struct rawtp_map *));
	for (i = 0; i < RANDOM_N_MAPS; i++) {
		rawtp_map_get(our_maps[i]);
		prog->maps[prog->n_maps++] = our_maps[i];
	}
	if (rawtp_verify(prog, &log) == 0)
		return prog;
	rawtp_prog_put(prog);
	return NULL;
}

/* The kernel wants every function described where the address of one is taken. */
static void describe_functions(const struct random_prog *random, union bpf_attr *attr)
{
	static struct func_info info;
	uint32_t i;

	if (!func_info_find(&info, random->insns, random->n))
		return;
	for (i = 0; i < info.n; i++)
		info.records[i].type_id = 3 + i;
	attr->prog_btf_fd = (uint32_t)functions_btf;
	attr->func_info = oracle_ptr(info.records);
	attr->func_info_cnt = info.n;
	attr->func_info_rec_size = sizeof(info.records[0]);
}

static int load_btf(void)
{
	struct func_info info = {.n = FUNC_INFO_MAX};
	union bpf_attr attr;

	func_info_make_btf(&info);
	memset(&attr, 0, sizeof(attr));
	attr.btf = oracle_ptr(info.btf);
	attr.btf_size = info.btf_size;
	return oracle_kernel(BPF_BTF_LOAD, &attr, sizeof(attr));
}

static int load_there(const struct random_prog *random, uint32_t log_level)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = oracle_ptr(random->insns);
	attr.insn_cnt = random->n;
	attr.license = oracle_ptr("GPL");
	attr.fd_array = oracle_ptr(theirs.fds);
	describe_functions(random, &attr);
	if (log_level) {
		kernel_log[0] = '\0';
		attr.log_level = log_level;
		attr.log_buf = oracle_ptr(kernel_log);
		attr.log_size = sizeof(kernel_log);
	}
	return oracle_kernel(BPF_PROG_LOAD, &attr, sizeof(attr));
}

static void print_program(const struct random_prog *random)
{
	char text[200];
	uint32_t i;

	for (i = 0; i < random->n;) {
		int n = rawtp_disasm(&random->insns[i], random->n - i, text, sizeof(text));

		fprintf(stderr, "%u: %s\n", i, text);
		i += n;
	}
}

/* Instead of what the kernel does not follow, numbers that nobody knows. */
static bool forget_bounds(struct random_prog *random)
{
	bool changed = false;
	uint32_t i;

	for (i = 0; i < random->n; i++) {
		struct bpf_insn *insn = &random->insns[i];

		if (!(random_prog_features(insn, 1) & (RANDOM_HAS_DIVISION | RANDOM_HAS_SHIFT_REG)))
			continue;
		/* All 64 bits: kernels do not know that the upper half of a 32-bit one is zero. */
		*insn = (struct bpf_insn){
			.code = BPF_ALU64 | BPF_END, .dst_reg = insn->dst_reg, .imm = 64};
		changed = true;
	}
	return changed;
}

static bool is_taken_here_only(const struct random_prog *random)
{
	struct rawtp_prog *prog = load_here(random, 0);
	int fd = load_there(random, 1);
	bool differs = prog && fd < 0;

	if (prog)
		rawtp_prog_put(prog);
	if (fd >= 0)
		close(fd);
	return differs;
}

static int find_reason(const struct random_prog *random)
{
	uint32_t features = random_prog_features(random->insns, random->n);
	struct random_prog other = *random;
	size_t i;

	if (forget_bounds(&other) && !is_taken_here_only(&other))
		return 0;
	is_taken_here_only(random); /* for the log */
	for (i = 1; i < N_DIFFERENCES; i++)
		if ((differences[i].has & features) == differences[i].has &&
		    fnmatch(differences[i].says, kernel_log, 0) == 0)
			return (int)i;
	return -1;
}

/* Taken here only: for a reason on the list? */
static void judge_extra(const struct random_prog *random, uint64_t seed, struct counts *c)
{
	int reason = find_reason(random);

	if (reason >= 0) {
		c->known[reason]++;
		return;
	}
	c->bad++;
	print_program(random);
	test_fail(__FILE__, __LINE__, "program %llu is taken here only: %s",
		  (unsigned long long)seed, kernel_log);
}

static uint32_t run_there(int fd, const uint64_t *args)
{
	union bpf_attr attr;
	int err;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)fd;
	attr.test.ctx_in = oracle_ptr(args);
	attr.test.ctx_size_in = N_ARGS * sizeof(*args);
	err = oracle_kernel(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	CHECK_EQ(err, 0);
	return attr.test.retval;
}

static uint32_t run_here(const struct rawtp_prog *prog, const uint64_t *args)
{
	struct rawtp_thread *self = rawtp_read_lock();
	uint64_t ret = 0;
	bool done = rawtp_prog_run(self, prog, args, &ret);

	rawtp_read_unlock(self);
	CHECK(done);
	return (uint32_t)ret;
}

/* False where the worlds are not alike. */
static bool compare_run(const struct random_prog *random, const struct rawtp_prog *prog, int fd,
			uint64_t seed, const char *engine)
{
	uint32_t maps = random_prog_maps(random->insns, random->n), mine, i;
	uint64_t state = seed * 2 + 1, args[N_ARGS];
	uint32_t expected;

	for (i = 0; i < N_ARGS; i++)
		args[i] = random_u64(&state) >> (random_u64(&state) & 63);
	world_reset(&ours, maps, seed);
	world_reset(&theirs, maps, seed);
	expected = run_there(fd, args);
	mine = run_here(prog, args);
	if (mine != expected) {
		test_fail(__FILE__, __LINE__, "program %llu, %s: result %#x, the kernel's %#x",
			  (unsigned long long)seed, engine, mine, expected);
		return false;
	}
	for (i = 0; i < RANDOM_N_MAPS; i++) {
		if (!(maps & 1u << i) || world_sum(&ours, i) == world_sum(&theirs, i))
			continue;
		test_fail(__FILE__, __LINE__, "program %llu, %s: map %u differs",
			  (unsigned long long)seed, engine, i);
		return false;
	}
	return true;
}

static void compare_runs(const struct random_prog *random, struct rawtp_prog *prog, int fd,
			 uint64_t seed, struct counts *c)
{
	bool same;

	prog->run = rawtp_interpret;
	same = compare_run(random, prog, fd, seed, "interpreter");
	if (same && !rawtp_jit_compile(prog))
		same = compare_run(random, prog, fd, seed, "machine code");
	c->ran++;
	if (same)
		return;
	c->bad++;
	print_program(random);
}

static void judge(uint64_t seed, struct counts *c)
{
	struct random_prog random;
	struct rawtp_prog *prog;
	int fd;

	random_prog(seed, &random);
	prog = load_here(&random, getenv("RAWTP_RANDOM_MISSED") ? 1 : 0);
	fd = load_there(&random, 0);
	c->programs++;
	c->here += prog != NULL;
	c->there += fd >= 0;
	c->exact += random.is_exact;
	if (prog && fd < 0)
		judge_extra(&random, seed, c);
	if (!prog && fd >= 0) {
		c->missed++;
		if (getenv("RAWTP_RANDOM_MISSED"))
			fprintf(stderr, "program %llu, taken by the kernel only: %s\n",
				(unsigned long long)seed, our_log);
	}
	if (prog && fd >= 0) {
		c->both++;
		if (random.is_exact)
			compare_runs(&random, prog, fd, seed, c);
	}
	if (prog)
		rawtp_prog_put(prog);
	if (fd >= 0)
		close(fd);
}

static int open_worlds(void)
{
	uint32_t i;
	int err = world_open(&theirs, true);

	if (!err)
		err = world_open(&ours, false);
	for (i = 0; !err && i < RANDOM_N_MAPS; i++)
		our_maps[i] = rawtp_map_open(ours.fds[i]);
	functions_btf = load_btf();
	return err ? err : functions_btf < 0 ? functions_btf : 0;
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value ? strtoull(value, NULL, 0) : otherwise;
}

static void show(uint64_t seed)
{
	struct random_prog random;
	int fd;

	random_prog(seed, &random);
	print_program(&random);
	if (!load_here(&random, 1))
		fprintf(stderr, "here: %s\n", our_log);
	fd = load_there(&random, 1);
	fprintf(stderr, "the kernel (%d): %s\n", fd, kernel_log);
}

static pid_t start_worker(uint32_t nr, uint64_t first, uint64_t n)
{
	pid_t pid = fork();
	uint64_t i;

	if (pid)
		return pid;
	if (open_worlds())
		_exit(1);
	for (i = nr; i < n && counts[nr].bad < MAX_BAD; i += N_WORKERS)
		judge(first + i, &counts[nr]);
	_exit(0);
}

static void check_counts(void)
{
	struct counts sum = counts[0];
	uint32_t i, k;

	for (i = 1; i < N_WORKERS; i++)
		for (k = 0; k < sizeof(sum) / sizeof(uint64_t); k++)
			((uint64_t *)&sum)[k] += ((uint64_t *)&counts[i])[k];
	printf("# %llu programs (%llu exact): the kernel takes %llu, we %llu, both %llu\n",
	       (unsigned long long)sum.programs, (unsigned long long)sum.exact,
	       (unsigned long long)sum.there, (unsigned long long)sum.here,
	       (unsigned long long)sum.both);
	printf("# %llu taken by the kernel only; %llu were run on both sides\n",
	       (unsigned long long)sum.missed, (unsigned long long)sum.ran);
	for (i = 0; i < N_DIFFERENCES; i++)
		if (sum.known[i])
			printf("# %llu taken here only: %s\n", (unsigned long long)sum.known[i],
			       differences[i].why);
	CHECK_EQ(sum.bad, 0);
	/* A generator of refused programs would show nothing. */
	CHECK(sum.there > sum.programs / 3);
	CHECK(sum.ran > sum.programs / 10);
	CHECK(sum.missed * 100 <= sum.there);
}

TEST(verifier_random)
{
	uint64_t first = from_environment("RAWTP_RANDOM_SEED", 0);
	uint64_t n = from_environment("RAWTP_RANDOM", COUNT);
	pid_t workers[N_WORKERS];
	uint32_t i;
	int status;

	if (!oracle_has_kernel())
		test_skip("bpf(2) is not permitted here: %s", strerror(errno));
	test_need_kernel(6, 15);
	if (getenv("RAWTP_RANDOM_SHOW")) {
		CHECK_EQ(open_worlds(), 0);
		show(from_environment("RAWTP_RANDOM_SHOW", 0));
		return;
	}
	counts = mmap(NULL, N_WORKERS * sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(stdout);
	for (i = 0; i < N_WORKERS; i++)
		workers[i] = start_worker(i, first, n);
	for (i = 0; i < N_WORKERS; i++) {
		CHECK_EQ(waitpid(workers[i], &status, 0), workers[i]);
		CHECK_EQ(status, 0);
	}
	check_counts();
}
