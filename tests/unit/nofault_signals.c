/* SPDX-License-Identifier: MIT */
/*
 * Copies that fault, beside what a program does with its own signals. Linked with signals_libc.c, as
 * librawtp.so is, so that the functions of libc that the tests call are the library's. Each case runs
 * in a child of its own, whose exit status is the line that failed, or 0.
 */
#include "harness.h"

#include "base/nofault.h"
#include "base/signals.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* The old functions are tested as well. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define DIED 0x1000 /* | signal: how a child is to end */
#define NEED(x)                                     \
	do {                                        \
		if (!(x))                           \
			_exit(failed_at(__LINE__)); \
	} while (0)

static int failed_at(int line)
{
	dprintf(2, "line %d\n", line);
	return 1;
}

static volatile int *bad_address; /* of nothing */
static const uint64_t good = 0x1122334455667788;

/* A read of good memory, and that it needed no system call once it is known that none is needed. */
static bool reads_fast(void)
{
	uint64_t value = 0;
	int i;

	/* After a fault some reads take the other way. */
	for (i = 0; i < 100; i++)
		if (rawtp_probe_read(&value, &good, sizeof(value)) || value != good)
			return false;
	return rawtp_fault_is_survived();
}

static bool reads_slowly(void)
{
	uint64_t value = 0;
	int i;

	for (i = 0; i < 100; i++)
		if (rawtp_probe_read(&value, &good, sizeof(value)) || value != good ||
		    rawtp_fault_is_survived())
			return false;
	return true;
}

static bool survives(void)
{
	uint64_t value = 0;
	char text[8];

	return rawtp_probe_read(&value, (const void *)bad_address, 8) == -EFAULT &&
	       rawtp_probe_string(text, (const char *)bad_address, 8) == -EFAULT &&
	       rawtp_probe_read(&value, (const void *)((uintptr_t)bad_address - 4), 8) == -EFAULT &&
	       rawtp_probe_read(&value, NULL, 8) == -EFAULT &&
	       rawtp_probe_read(&value, (const void *)0xdead000000000000, 8) == -EFAULT &&
	       rawtp_probe_read(&value, &good, 8) == 0 && value == good;
}

static bool survives_by_signal(void)
{
	return reads_fast() && survives() && reads_fast();
}

static void set_up(void)
{
	/* Where nothing is, and nothing comes to lie by itself. */
	bad_address = (volatile int *)(uintptr_t)0x1000000000;
}

static volatile int seen, seen_code;
static void *seen_address, *seen_stack;
static sigjmp_buf jump;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	seen = sig;
	seen_code = info->si_code;
	seen_address = info->si_addr;
	seen_stack = &sig;
	NEED(survives()); /* SIGSEGV is blocked here, as a rule */
	siglongjmp(jump, 1);
}

static bool fault_is_seen(int code)
{
	seen = 0;
	if (sigsetjmp(jump, 1) == 0)
		(void)*bad_address;
	return seen == SIGSEGV && seen_code == code && seen_address == (void *)bad_address;
}

static struct sigaction fault_action(int flags)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO | flags};

	action.sa_sigaction = on_fault;
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGUSR2);
	return action;
}

/* @when: whether the program's handler was there before ours. */
static void own_handler(int flags, bool before)
{
	struct sigaction action = fault_action(flags), old;

	if (!before)
		NEED(survives_by_signal());
	NEED(sigaction(SIGSEGV, &action, &old) == 0 && old.sa_handler == SIG_DFL);
	NEED(survives_by_signal());
	NEED(sigaction(SIGSEGV, NULL, &old) == 0);
	NEED(old.sa_sigaction == on_fault && sigismember(&old.sa_mask, SIGUSR2) &&
	     !sigismember(&old.sa_mask, SIGUSR1));
	NEED((old.sa_flags & (SA_SIGINFO | SA_ONSTACK | SA_NODEFER)) ==
	     (action.sa_flags & (SA_SIGINFO | SA_ONSTACK | SA_NODEFER)));
	NEED(fault_is_seen(SEGV_MAPERR));
	NEED(survives_by_signal());
	NEED(fault_is_seen(SEGV_MAPERR));
	NEED(survives_by_signal());
}

static void handler_before(void)
{
	own_handler(0, true);
}

static void handler_after(void)
{
	own_handler(0, false);
}

static void handler_nodefer(void)
{
	own_handler(SA_NODEFER, false);
}

static void handler_on_alternate_stack(void)
{
	static char stack[65536];
	const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};

	sigaltstack(&alternate, NULL);
	own_handler(SA_ONSTACK, false);
	NEED((char *)seen_stack > stack && (char *)seen_stack < stack + sizeof(stack));
}

/* Once, and then the default. */
static void handler_once(void)
{
	struct sigaction action = fault_action((int)SA_RESETHAND), old;

	NEED(reads_fast());
	sigaction(SIGSEGV, &action, NULL);
	NEED(survives_by_signal());
	NEED(sigaction(SIGSEGV, NULL, &old) == 0 && old.sa_sigaction == on_fault);
	NEED(fault_is_seen(SEGV_MAPERR));
	NEED(sigaction(SIGSEGV, NULL, &old) == 0 && old.sa_handler == SIG_DFL);
	NEED(survives_by_signal());
	(void)*bad_address;
	NEED(false);
}

static void plain_handler(int sig)
{
	seen = sig;
	NEED(survives());
}

static void by_signal(void)
{
	NEED(signal(SIGSEGV, plain_handler) == SIG_DFL);
	NEED(survives_by_signal());
	NEED(signal(SIGSEGV, SIG_IGN) == plain_handler);
	NEED(survives_by_signal());
	raise(SIGSEGV);
	NEED(signal(SIGSEGV, plain_handler) == SIG_IGN);
	raise(SIGSEGV);
	NEED(seen == SIGSEGV);
	NEED(signal(SIGSEGV, SIG_DFL) == plain_handler);
	NEED(survives_by_signal());
	NEED(signal(SIGUSR1, plain_handler) == SIG_DFL);
	raise(SIGUSR1);
	NEED(seen == SIGUSR1);
	NEED(signal(SIGUSR1, SIG_DFL) == plain_handler);
	NEED(sigset(SIGUSR1, SIG_HOLD) == SIG_DFL && sigset(SIGUSR1, plain_handler) == SIG_HOLD);
	NEED(sysv_signal(SIGUSR1, plain_handler) == plain_handler);
	seen = 0;
	raise(SIGUSR1);
	NEED(seen == SIGUSR1 && signal(SIGUSR1, SIG_IGN) == SIG_DFL);
	NEED(signal(0, SIG_IGN) == SIG_ERR && errno == EINVAL);
	NEED(signal(SIGKILL, SIG_IGN) == SIG_ERR && errno == EINVAL);
}

static void ignored_fault(void)
{
	signal(SIGSEGV, SIG_IGN);
	NEED(survives_by_signal());
	(void)*bad_address;
	NEED(false);
}

static void default_fault(void)
{
	NEED(survives_by_signal());
	(void)*bad_address;
}

static void default_sent(void)
{
	NEED(survives_by_signal());
	kill(getpid(), SIGSEGV);
	sleep(10);
}

static void default_bus_sent(void)
{
	NEED(survives_by_signal());
	raise(SIGBUS);
}

static void block(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	if (sig)
		sigaddset(&set, sig);
	else
		sigfillset(&set);
	NEED(pthread_sigmask(how, &set, NULL) == 0);
}

static void blocked(void)
{
	NEED(survives_by_signal());
	block(SIG_BLOCK, SIGSEGV);
	NEED(reads_slowly() && survives());
	block(SIG_UNBLOCK, SIGSEGV);
	NEED(survives_by_signal());
	block(SIG_BLOCK, SIGBUS);
	NEED(reads_slowly() && survives());
	block(SIG_UNBLOCK, 0);
	NEED(survives_by_signal());
	sighold(SIGSEGV);
	NEED(reads_slowly() && survives());
	sigrelse(SIGSEGV);
	NEED(survives_by_signal());
}

/* What a jump restores. */
static void blocked_by_jump(void)
{
	static volatile int round;

	block(SIG_BLOCK, 0);
	if (sigsetjmp(jump, 1) == 0) {
		block(SIG_UNBLOCK, 0);
		NEED(survives_by_signal());
		round = 1;
		siglongjmp(jump, 1);
	}
	NEED(round == 1 && reads_slowly() && survives());
}

static ucontext_t main_context, other_context;

static void other_stack(void)
{
	NEED(survives());
	swapcontext(&other_context, &main_context);
	NEED(survives());
	setcontext(&main_context);
}

static void blocked_by_context(void)
{
	static char stack[32768];

	NEED(survives_by_signal());
	getcontext(&other_context);
	sigfillset(&other_context.uc_sigmask);
	other_context.uc_stack = (stack_t){.ss_sp = stack, .ss_size = sizeof(stack)};
	makecontext(&other_context, other_stack, 0);
	swapcontext(&main_context, &other_context);
	NEED(survives_by_signal());
	swapcontext(&main_context, &other_context);
	NEED(survives_by_signal());
}

static void reading_handler(int sig, siginfo_t *info, void *context)
{
	seen++;
	NEED(survives() && reads_slowly());
}

static void editing_handler(int sig, siginfo_t *info, void *context)
{
	sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGSEGV);
}

static void blocked_in_handler(void)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO};
	sigset_t set;

	action.sa_sigaction = reading_handler;
	sigfillset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	NEED(survives_by_signal());
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR1);
	NEED(rawtp_fault_is_survived());
	raise(SIGUSR2);
	NEED(seen == 2 && rawtp_fault_is_survived() && survives_by_signal());
	/* Blocked by what waits, not by the handler. */
	sigemptyset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	block(SIG_BLOCK, SIGUSR1);
	NEED(survives_by_signal());
	raise(SIGUSR1);
	sigfillset(&set);
	sigdelset(&set, SIGUSR1);
	sigsuspend(&set);
	NEED(seen == 3 && survives_by_signal());
	action.sa_sigaction = editing_handler;
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR2);
	NEED(reads_slowly() && survives());
}

static void bus_error(void)
{
	int fd = memfd_create("short", 0);
	volatile char *page;
	char byte;

	NEED(ftruncate(fd, 8192) == 0);
	page = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	NEED(reads_fast() && ftruncate(fd, 4096) == 0);
	NEED(rawtp_probe_read(&byte, (const void *)(page + 4096), 1) == -EFAULT);
	NEED(survives_by_signal());
	(void)page[4096];
}

static void in_vfork_child(void)
{
	pid_t pid;
	int status;

	NEED(survives_by_signal());
	pid = vfork();
	if (pid == 0) {
		signal(SIGUSR1, SIG_DFL);
		block(SIG_BLOCK, 0);
		_exit(survives() ? 0 : 1);
	}
	NEED(waitpid(pid, &status, 0) == pid && status == 0);
	NEED(survives_by_signal());
	pid = vfork();
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(survives() ? 0 : 1);
	}
	NEED(waitpid(pid, &status, 0) == pid && status == 0);
	NEED(survives_by_signal());
	pid = fork();
	if (pid == 0) {
		NEED(survives());
		_exit(0);
	}
	NEED(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Nothing but the end is permitted: copies of good memory make no system call. */
static void no_system_call(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof(filter) / sizeof(filter[0]), filter};
	uint64_t value;
	char text[300];
	int i;

	NEED(reads_fast() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(77);
	for (i = 0; i < 1000; i++) {
		if (rawtp_probe_read(&value, &good, 8) || value != good ||
		    rawtp_probe_string(text, "some text", sizeof(text)) != 10)
			_exit(1);
	}
	_exit(0);
}

static volatile bool is_over;
static long wrong;

static void busy_handler(int sig, siginfo_t *info, void *context)
{
	if (!survives())
		__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
}

static void *read_all_the_time(void *data)
{
	if (data)
		block(SIG_BLOCK, 0);
	while (!is_over)
		if (!survives())
			__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* Threads that read, some with everything blocked, while signals come and actions change. */
static void threads(void)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO};
	pthread_attr_t small;
	pthread_t thread[4];
	int i;

	action.sa_sigaction = busy_handler;
	sigfillset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	for (i = 0; i < 4; i++)
		NEED(pthread_create(&thread[i], i & 2 ? &small : NULL, read_all_the_time,
				    i & 1 ? &thread[i] : NULL) == 0);
	for (i = 0; i < 2000; i++) {
		pthread_kill(thread[i & 2], SIGUSR1);
		if (i % 16 == 0) {
			signal(SIGSEGV, i & 16 ? SIG_DFL : plain_handler);
			usleep(100);
		}
	}
	is_over = true;
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	NEED(!wrong);
}

static void *set_all_the_time(void *data)
{
	while (!is_over)
		signal(SIGUSR2, plain_handler);
	return NULL;
}

/* A child without its parent's threads, which may have been in the middle of sigaction(). */
static void in_clone(void)
{
	pthread_t thread;
	int i, status;
	pid_t pid;

	NEED(survives_by_signal());
	NEED(pthread_create(&thread, NULL, set_all_the_time, NULL) == 0);
	for (i = 0; i < 300; i++) {
		pid = (pid_t)syscall(SYS_clone, 17 /* SIGCHLD */, 0, 0, 0, 0);
		if (pid == 0) {
			signal(SIGUSR1, SIG_DFL);
			_exit(survives() ? 0 : 1);
		}
		NEED(waitpid(pid, &status, 0) == pid && status == 0);
	}
	is_over = true;
	pthread_join(thread, NULL);
}

/* What the functions do beside it. */
static void of_libc(void)
{
	struct sigaction action;
	sigset_t set, old;

	NEED(sigaction(0, NULL, &action) == -1 && errno == EINVAL);
	NEED(sigaction(65, NULL, &action) == -1 && errno == EINVAL);
	NEED(sigaction(32, NULL, &action) == -1 && errno == EINVAL);
	NEED(sigaction(SIGKILL, NULL, &action) == 0);
	sigfillset(&set);
	NEED(pthread_sigmask(99, &set, NULL) == EINVAL);
	NEED(sigprocmask(99, &set, NULL) == -1 && errno == EINVAL);
	NEED(sigprocmask(99, NULL, &old) == 0 && !sigismember(&old, SIGUSR1));
	NEED(sigprocmask(SIG_SETMASK, &set, &old) == 0 && !sigismember(&old, SIGUSR1));
	NEED(sigprocmask(SIG_SETMASK, &old, &set) == 0 && sigismember(&set, SIGUSR1));
	NEED(!sigismember(&set, SIGKILL));
	signal(SIGUSR1, plain_handler);
	NEED(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_flags & SA_RESTART);
	NEED(siginterrupt(SIGUSR1, 1) == 0);
	NEED(sigaction(SIGUSR1, NULL, &action) == 0 && !(action.sa_flags & SA_RESTART));
	signal(SIGUSR1, plain_handler);
	NEED(sigaction(SIGUSR1, NULL, &action) == 0 && !(action.sa_flags & SA_RESTART));
	NEED(siginterrupt(SIGUSR1, 0) == 0);
	NEED(survives_by_signal());
	NEED(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == plain_handler &&
	     action.sa_flags & SA_RESTART && !(action.sa_flags & SA_SIGINFO));
	sigignore(SIGUSR1);
	NEED(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
}

static const struct {
	const char *name;
	void (*fn)(void);
	int status;
} cases[] = {
	{"survives", set_up, 0}, /* replaced below: nothing but the reads */
	{"handler before ours", handler_before, 0},
	{"handler after ours", handler_after, 0},
	{"SA_NODEFER", handler_nodefer, 0},
	{"SA_ONSTACK", handler_on_alternate_stack, 0},
	{"SA_RESETHAND", handler_once, DIED | SIGSEGV},
	{"signal()", by_signal, 0},
	{"ignored fault", ignored_fault, DIED | SIGSEGV},
	{"default", default_fault, DIED | SIGSEGV},
	{"default, sent", default_sent, DIED | SIGSEGV},
	{"default, SIGBUS sent", default_bus_sent, DIED | SIGBUS},
	{"blocked", blocked, 0},
	{"blocked by siglongjmp()", blocked_by_jump, 0},
	{"blocked by swapcontext()", blocked_by_context, 0},
	{"blocked in a handler", blocked_in_handler, 0},
	{"SIGBUS", bus_error, DIED | SIGBUS},
	{"vfork()", in_vfork_child, 0},
	{"clone()", in_clone, 0},
	{"no system call", no_system_call, 0},
	{"threads", threads, 0},
	{"what libc promises", of_libc, 0},
};

static void run_case(void (*fn)(void))
{
	struct sigaction action;

	alarm(30);
	set_up();
	if (fn == set_up)
		NEED(survives_by_signal() && sigaction(SIGSEGV, NULL, &action) == 0 &&
		     action.sa_handler == SIG_DFL);
	fn();
	_exit(0);
}

static bool is_usable(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(reads_fast() ? 0 : 1);
	waitpid(pid, &status, 0);
	return status == 0;
}

TEST(nofault_signals)
{
	unsigned int i;
	int status;

#ifdef RAWTP_SANITIZED
	test_skip("a sanitizer has the handlers of faults");
#endif
	CHECK(is_usable());
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid_t pid = fork();

		test_case("%s", cases[i].name);
		if (pid == 0)
			run_case(cases[i].fn);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			continue; /* not permitted here */
		if (cases[i].status)
			CHECK_EQ(WIFSIGNALED(status) ? DIED | WTERMSIG(status) : status,
				 cases[i].status);
		else
			CHECK_EQ(status, 0);
	}
}

/* The signal that ends the program says where it faulted: a tracer sees it twice, the same. */
TEST(nofault_si_addr)
{
	siginfo_t info[3];
	int status, n = 0;
	pid_t pid;

#ifdef RAWTP_SANITIZED
	test_skip("a sanitizer has the handlers of faults");
#endif
	set_up();
	pid = fork();
	if (pid == 0) {
		NEED(reads_fast());
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(77);
		(void)*bad_address;
		_exit(1);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (n < 3)
			ptrace(PTRACE_GETSIGINFO, pid, 0, &info[n++]);
		ptrace(PTRACE_CONT, pid, 0, WSTOPSIG(status));
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		test_skip("ptrace is not permitted");
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	CHECK_EQ(n, 2);
	CHECK(info[n - 1].si_addr == (void *)bad_address);
	CHECK_EQ(info[n - 1].si_code, SEGV_MAPERR);
}
