/* SPDX-License-Identifier: MIT */
/* Machine code as memory: rights, fork, refusal, reach of calls, size. */
#include "harness.h"

#include "asm.h"
#include "bpf/interp.h"
#include "bpf/jit/jit.h"
#include "vm.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE              65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

static struct rawtp_prog *program(const char *text)
{
	struct bpf_insn insns[VM_MAX_INSNS];
	char err[200];
	int n = asm_program(text, insns, VM_MAX_INSNS, err, sizeof(err));

	if (n < 0) {
		test_fail(__FILE__, __LINE__, "%s", err);
		exit(1);
	}
	return vm_prog(insns, n);
}

static struct rawtp_prog *compiled(const char *text)
{
	struct rawtp_prog *prog = program(text);

	if (rawtp_jit_compile(prog)) {
		rawtp_prog_put(prog);
		test_skip("no JIT for this CPU, or executable memory is refused");
	}
	return prog;
}

/* "rwxp" of the mapping that holds @address, "" where there is none. */
static void rights_of(const void *address, char rights[5], bool *any_wx)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], r[5];
	unsigned long from, to;

	rights[0] = '\0';
	*any_wx = false;
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &from, &to, r) != 3)
			continue;
		*any_wx |= r[1] == 'w' && r[2] == 'x';
		if ((uintptr_t)address >= from && (uintptr_t)address < to)
			memcpy(rights, r, 5);
	}
	fclose(maps);
}

TEST(engine_jit_is_never_writable_and_executable)
{
	struct rawtp_prog *prog = compiled("r0 = 5; exit");
	const void *image = prog->jit_image;
	char rights[5];
	bool any_wx;

	rights_of(image, rights, &any_wx);
	CHECK_STR(rights, "r-xp");
	CHECK(!any_wx);
	CHECK_EQ(prog->run(NULL, prog), 5);
	CHECK((uintptr_t)prog->run == (uintptr_t)image);
	rawtp_jit_free(prog);
	CHECK(prog->run == rawtp_interpret);
	CHECK_EQ(prog->run(NULL, prog), 5);
	rights_of(image, rights, &any_wx);
	CHECK(strcmp(rights, "r-xp") != 0);
	rawtp_prog_put(prog);
}

static int child_status(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(engine_jit_fork_each_has_its_own)
{
	struct rawtp_prog *prog = compiled("r0 = 6; exit");
	int to_child[2];
	pid_t pid;
	char byte;

	CHECK_EQ(pipe(to_child), 0);
	/* The child frees, the parent goes on. */
	pid = fork();
	if (!pid) {
		rawtp_jit_free(prog);
		_exit(0);
	}
	CHECK_EQ(child_status(pid), 0);
	CHECK_EQ(prog->run(NULL, prog), 6);
	/* The parent frees, the child goes on. */
	pid = fork();
	if (!pid)
		_exit(read(to_child[0], &byte, 1) == 1 ? prog->run(NULL, prog) : 100);
	rawtp_jit_free(prog);
	CHECK_EQ(write(to_child[1], "", 1), 1);
	CHECK_EQ(child_status(pid), 6);
	close(to_child[0]);
	close(to_child[1]);
	rawtp_prog_put(prog);
}

/* 0 all right, 1 not, 2 cannot be tried. */
static int compile_without_exec_memory(void)
{
	struct rawtp_prog *prog = program("r0 = 7; exit");

	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0))
		return 2;
	return rawtp_jit_compile(prog) != -ENOTSUP || prog->jit_image ||
	       prog->run != rawtp_interpret || prog->run(NULL, prog) != 7;
}

TEST(engine_jit_refused_memory_means_interpreter)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(compile_without_exec_memory());
	status = child_status(pid);
	if (status == 2)
		test_skip("this kernel cannot refuse executable memory (PR_SET_MDWE)");
	CHECK_EQ(status, 0);
}

/* Runs itself with RAWTP_JIT=0, which is read at start. */
TEST(engine_jit_off_by_environment)
{
	const char *value = getenv("RAWTP_JIT");
	struct rawtp_prog *prog;
	pid_t pid;
	int status;

	if (!value) {
		pid = fork();
		if (!pid) {
			setenv("RAWTP_JIT", "0", 1);
			close(STDOUT_FILENO);
			execl("/proc/self/exe", "self", "engine_jit_off_by_environment", NULL);
			_exit(errno == ENOEXEC ? 77 : 100);
		}
		status = child_status(pid);
		if (status == 77)
			test_skip("emulated: it cannot start itself");
		CHECK_EQ(status, 0);
		return;
	}
	prog = program("r0 = 8; exit");
	CHECK_EQ(rawtp_jit_compile(prog), -ENOTSUP);
	CHECK_EQ(prog->run(NULL, prog), 8);
	rawtp_prog_put(prog);
}

/* Bytes that a call by distance reaches. */
static intptr_t reach_of_calls(void)
{
	struct utsname uts;

	return !uname(&uts) && !strcmp(uts.machine, "aarch64") ? 1L << 27 : 1L << 31;
}

/* Not only the first program finds a place from which relative calls reach the helpers. */
TEST(engine_jit_programs_stay_near)
{
	struct rawtp_prog *progs[20];
	unsigned int i;

	for (i = 0; i < 20; i++) {
		intptr_t distance;

		progs[i] = compiled("call get_current_pid_tgid; exit");
		distance = (intptr_t)((uintptr_t)progs[i]->jit_image - (uintptr_t)rawtp_interpret);
		test_case("program %u", i);
		CHECK(distance < reach_of_calls() && distance > -reach_of_calls());
		CHECK_EQ(progs[i]->jit_size, progs[0]->jit_size);
	}
	for (i = 0; i < 20; i++)
		rawtp_prog_put(progs[i]);
}

#define CHUNK (1UL << 20)

static bool take(uintptr_t at, size_t size)
{
	void *got = mmap((void *)at, size, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (got == MAP_FAILED || got == (void *)at)
		return got != MAP_FAILED;
	/* Emulated, where the place was only a hint. */
	munmap(got, size);
	return false;
}

static int call_from_far(void)
{
	static const char text[] = "r6 = 1\n"
				   "call get_current_pid_tgid\n"
				   "r0 >>= 32\n"
				   "if r6 == 1 goto out\n"
				   "r0 = 0\n"
				   "out: exit\n";
	static const uint64_t seven = 7;
	struct rawtp_prog *near = program(text), *far = program(text);
	struct rawtp_prog *load = program("r0 = probe *(u64 *)(r1 + 0); exit");
	uintptr_t at, page, around = (uintptr_t)rawtp_interpret & ~(CHUNK - 1);
	intptr_t distance;

	if (rawtp_jit_compile(near) || near->run(NULL, near) != (uint64_t)getpid())
		return 1;
	for (at = around - (3UL << 30); at < around + (3UL << 30); at += CHUNK)
		if (!take(at, CHUNK))
			for (page = at; page < at + CHUNK; page += 4096)
				take(page, 4096);
	if (rawtp_jit_compile(far))
		return 2;
	distance = (intptr_t)((uintptr_t)far->jit_image - (uintptr_t)rawtp_interpret);
	if (distance < reach_of_calls() && distance >= -reach_of_calls())
		return 3;
	if (far->jit_size <= near->jit_size)
		return 4;
	if (far->run(NULL, far) != (uint64_t)getpid())
		return 5;
	/* What it calls is no helper. */
	return rawtp_jit_compile(load) || load->run(&seven, load) != 7 ? 6 : 0;
}

/* With the memory around the library taken, helpers are out of reach of a relative call. */
TEST(engine_jit_far_calls)
{
	pid_t pid;

	rawtp_prog_put(compiled("r0 = 0; exit")); /* or skip */
	pid = fork();
	if (!pid)
		_exit(call_from_far());
	CHECK_EQ(child_status(pid), 0);
}

/* Sizes are what can be told of the code's quality without a clock. */
TEST(engine_jit_code_is_small)
{
	static const struct {
		const char *what, *text;
		unsigned int x86_64, arm64; /* bytes; of arm64 the instructions */
	} rows[] = {
		{"empty: endbr64, xor, ret; move twice, ret", "r0 = 0; exit", 4 + 2 + 1, 3},
		{"argument: no frame", "r0 = *(u64 *)(r1 + 8); exit", 4 + 4 + 1, 3},
		{"short branch", "r0 = 0; if r1 == 0 goto +1; r0 = 1; exit", 4 + 2 + 3 + 2 + 5 + 1,
		 1 + 1 + 1 + 2},
		{"short branch by a bit", "r0 = 0; if r1 & 64 goto +1; r0 = 1; exit",
		 4 + 2 + 7 + 2 + 5 + 1, 1 + 1 + 1 + 2},
		{"frame", "call 5; exit", 4 + 1 + 3 + 5 + 2, 2 + 2 + 3},
		/* All the stack there is: sub rsp takes 3 bytes more than for a little. */
		{"stack", "*(u64 *)(r10 - 8) = 1; r0 = 0; exit", 4 + 1 + 3 + 7 + 8 + 2 + 2,
		 3 + 2 + 1 + 4},
		{"deep in the stack", "*(u64 *)(r10 - 512) = r1; r0 = 0; exit",
		 4 + 1 + 3 + 7 + 7 + 2 + 2, 3 + 1 + 1 + 4},
		{"saved register", "r6 = 1; call 5; r0 += r6; exit",
		 4 + 1 + 3 + 4 + 1 + 5 + 5 + 3 + 1 + 2, 4 + 1 + 2 + 1 + 5},
		{"constants",
		 "r0 = 0x7fff0000ffff0000 ll; r1 = -2; r2 = 0xff00ff00ff00ff00 ll; exit",
		 4 + 10 + 7 + 10 + 1, 2 + 1 + 1 + 2},
	};
	struct utsname uts;
	bool arm64;
	unsigned int i;

	uname(&uts);
	arm64 = !strcmp(uts.machine, "aarch64");
	if (!arm64 && strcmp(uts.machine, "x86_64"))
		test_skip("sizes are those of x86-64 and arm64");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rawtp_prog *prog = compiled(rows[i].text);

		test_case("%s", rows[i].what);
		CHECK_EQ(prog->jit_size, arm64 ? 4 * rows[i].arm64 : rows[i].x86_64);
		rawtp_prog_put(prog);
	}
}

/* Sanitizers deliver signals when they please, and never in a loop that they do not know. */
#if defined(REG_RBP) && !defined(RAWTP_SANITIZED)
#define FIRST_PROLOGUE 8 /* bytes until rbp is the program's */

static const struct rawtp_prog *spinning;
static sigjmp_buf spun;
static uintptr_t seen[3]; /* where it was, and two frames' return addresses */

static bool in_image(uintptr_t address)
{
	return address - (uintptr_t)spinning->jit_image < spinning->jit_size;
}

static void on_alarm(int signal, siginfo_t *info, void *context)
{
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uintptr_t *frame = (const uintptr_t *)regs[REG_RBP];

	/* Not yet in the program, then not yet in the subprogram. */
	if (!in_image(regs[REG_RIP] - FIRST_PROLOGUE) || !in_image(frame[1]))
		return;
	seen[0] = regs[REG_RIP];
	seen[1] = frame[1];
	frame = (const uintptr_t *)frame[0];
	seen[2] = frame[1];
	siglongjmp(spun, 1);
}

/* What a profiler does at any instruction of a subprogram: from rbp to rbp. */
TEST(engine_jit_frames_can_be_walked)
{
	static const struct itimerval often = {{0, 1000}, {0, 1000}}, never;
	struct sigaction action = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO}, old;

	spinning = compiled("r1 = 0x7fffffffffffffff ll\n"
			    "call spin\n"
			    "exit\n"
			    "spin: *(u64 *)(r10 - 8) = r1\n"
			    "again: r1 -= 1\n"
			    "if r1 != 0 goto again\n"
			    "r0 = 0\n"
			    "exit\n");
	sigaction(SIGALRM, &action, &old);
	if (!sigsetjmp(spun, 1)) {
		setitimer(ITIMER_REAL, &often, NULL);
		spinning->run(NULL, spinning);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	CHECK(in_image(seen[0]));
	CHECK(in_image(seen[1]));
	CHECK(seen[1] < seen[0]); /* the main program stands first */
	CHECK(seen[2] && !in_image(seen[2]));
	rawtp_prog_put((struct rawtp_prog *)spinning);
}
#endif

/*
 * Each branch is short only after the one that it leaps has become so: as many passes as there are
 * branches, which is more than the driver makes. Then some stay long.
 */
TEST(engine_jit_chain_of_branches)
{
	enum { N = 150, FILL = 20 };
	static char text[N * (FILL + 2) * 20];
	struct rawtp_prog *prog;
	unsigned int i, j, n = 0;

	n += snprintf(text + n, sizeof(text) - n, "r0 = 0\nr3 = 1\n");
	for (i = 0; i < N; i++) {
		n += snprintf(text + n, sizeof(text) - n, "if r0 == 77 goto over%u\n", i);
		for (j = 0; j < FILL; j++)
			n += snprintf(text + n, sizeof(text) - n, "r0 += r3\n");
		if (i)
			n += snprintf(text + n, sizeof(text) - n, "over%u:\n", i - 1);
	}
	snprintf(text + n, sizeof(text) - n, "over%u: exit\n", N - 1);
	prog = compiled(text);
	CHECK_EQ(rawtp_interpret(NULL, prog), N * FILL);
	CHECK_EQ(prog->run(NULL, prog), N * FILL);
	rawtp_prog_put(prog);
}

/* Each adds one to each word, again and again. Without its atomics of one instruction a CPU retries. */
static const char add_to_all[] = "r6 = 100000\n"
				 "again: r2 = 1\n"
				 "lock *(u64 *)(r1 + 0) += r2\n"
				 "r2 = atomic64_fetch_add((u64 *)(r1 + 8), r2)\n"
				 "r2 = 1\n"
				 "lock *(u32 *)(r1 + 16) += r2\n"
				 "r2 = atomic_fetch_add((u32 *)(r1 + 24), r2)\n"
				 "r0 = *(u64 *)(r1 + 32)\n"
				 "wide: r2 = r0; r2 += 1; r3 = r0\n"
				 "r0 = atomic64_cmpxchg((u64 *)(r1 + 32), r0, r2)\n"
				 "if r0 != r3 goto wide\n"
				 "r0 = *(u32 *)(r1 + 40)\n"
				 "half: r2 = r0; r2 += 1; r3 = r0\n"
				 "r0 = atomic_cmpxchg((u32 *)(r1 + 40), r0, r2)\n"
				 "if r0 != r3 goto half\n"
				 "r2 = 0\n"
				 "r2 = atomic64_xchg((u64 *)(r1 + 48), r2)\n"
				 "r2 += 1\n"
				 "lock *(u64 *)(r1 + 48) += r2\n"
				 "r2 = 0\n"
				 "r2 = atomic_xchg((u32 *)(r1 + 56), r2)\n"
				 "r2 += 1\n"
				 "r2 = atomic_fetch_add((u32 *)(r1 + 56), r2)\n"
				 "r6 -= 1\n"
				 "if r6 != 0 goto again\n"
				 "r0 = 0\n"
				 "exit\n";

struct adder {
	const struct rawtp_prog *prog;
	uint64_t *words;
	pthread_barrier_t *start;
	pthread_t thread;
};

static void *add(void *arg)
{
	const struct adder *adder = arg;

	pthread_barrier_wait(adder->start);
	adder->prog->run(adder->words, adder->prog);
	return NULL;
}

TEST(engine_jit_atomics_of_many_threads)
{
	enum { THREADS = 4, ROUNDS = 100000 };
	struct rawtp_prog *prog = compiled(add_to_all);
	static uint64_t words[8];
	struct adder adders[THREADS];
	pthread_barrier_t start;
	unsigned int i;

	pthread_barrier_init(&start, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		adders[i] = (struct adder){.prog = prog, .words = words, .start = &start};
		CHECK_EQ(pthread_create(&adders[i].thread, NULL, add, &adders[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(adders[i].thread, NULL);
	for (i = 0; i < 8; i++) {
		test_case("word %u", i);
		CHECK_EQ(words[i], THREADS * ROUNDS);
	}
	rawtp_prog_put(prog);
}

/* @text becomes the instructions from @insns on. */
static void put(struct bpf_insn *insns, const char *text)
{
	char err[200];

	if (asm_program(text, insns, 4, err, sizeof(err)) < 0)
		test_fail(__FILE__, __LINE__, "%s: %s", text, err);
}

/*
 * Branches over as much code as an offset of 16 bits can leap: on arm64 more than 14 bits reach, and,
 * on CPUs without atomics of one instruction, more than 19 bits.
 */
TEST(engine_jit_far_branches)
{
	enum { FILL = INT16_MAX };
	static const struct {
		const char *text;
		uint64_t stays, leaps; /* r1 */
	} rows[] = {
		{"if r1 == 0 goto +0x7fff", 1, 0},          {"if r1 != 0 goto +0x7fff", 0, 1},
		{"if w1 s< 0 goto +0x7fff", 1, 0x80000000}, {"if r1 s>= 0 goto +0x7fff", -1ULL, 0},
		{"if r1 & 16 goto +0x7fff", 15, 16},        {"if r1 & 3 goto +0x7fff", 4, 2},
		{"if r1 > 5000 goto +0x7fff", 5000, 5001},
	};
	static struct bpf_insn insns[FILL + 6];
	struct rawtp_prog *prog;
	unsigned int i;

	put(insns, "r0 = 0; *(u64 *)(r10 - 8) = 0; r3 = 1");
	put(insns + 4, "r0 = atomic64_cmpxchg((u64 *)(r10 - 8), r0, r3)");
	for (i = 5; i < 3 + FILL; i++)
		insns[i] = insns[4];
	put(insns + 3 + FILL, "r0 = 76; r0 += 1; exit");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(insns + 3, rows[i].text);
		prog = vm_prog(insns, FILL + 6);
		if (rawtp_jit_compile(prog)) {
			rawtp_prog_put(prog);
			test_skip("no JIT for this CPU, or executable memory is refused");
		}
		test_case("%s", rows[i].text);
		CHECK_EQ(prog->run((const void *)(uintptr_t)rows[i].stays, prog), 77);
		CHECK_EQ(prog->run((const void *)(uintptr_t)rows[i].leaps, prog), 1);
		rawtp_prog_put(prog);
	}
}

/* Helpers see a stack that is aligned as the ABI wants: ones that use SSE would fault. */
TEST(engine_jit_odd_stacks)
{
	unsigned int depth, saved;

	for (depth = 0; depth <= 512; depth += 8) {
		for (saved = 0; saved <= 4; saved++) {
			char text[400] = "r0 = 0\n";
			struct rawtp_prog *prog;
			unsigned int i;

			for (i = 0; i < saved; i++)
				snprintf(text + strlen(text), 40, "r%u = %u\n", 6 + i, i);
			if (depth)
				snprintf(text + strlen(text), 40, "*(u64 *)(r10 - %u) = 3\n",
					 depth);
			strcat(text, "r1 = r10\nr1 += -16\nr2 = 16\n");
			strcat(text, depth >= 16 ? "call get_current_comm\n" : "call 5\n");
			strcat(text, "r0 = 9\nexit\n");
			prog = program(text);
			prog->subprogs[0].stack_depth = depth;
			if (rawtp_jit_compile(prog)) {
				rawtp_prog_put(prog);
				test_skip("no JIT for this CPU, or executable memory is refused");
			}
			test_case("stack %u, %u registers", depth, saved);
			CHECK_EQ(prog->run(NULL, prog), 9);
			rawtp_prog_put(prog);
		}
	}
}
