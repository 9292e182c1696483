/* SPDX-License-Identifier: MIT */
/* Helpers for time, task, memory and print: called as programs call them. */
#include "harness.h"
#include "oracle.h"

#include "base/nofault.h"
#include "base/task_id.h"
#include "bpf/helpers/format.h"
#include "bpf/helpers/helper.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static uint64_t call(uint32_t id, uint64_t r1, uint64_t r2, uint64_t r3)
{
	const struct rawtp_helper *helper = rawtp_helper(id);

	if (!helper) {
		test_fail(__FILE__, __LINE__, "no helper %u", id);
		return 0;
	}
	return helper->fn(r1, r2, r3, 0, 0);
}

/* Two pages, of which the second cannot be read. */
static char *page_and_hole(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(pages, 'x', 4096);
	mprotect(pages + 4096, 4096, PROT_NONE);
	return pages;
}

static bool all_are(const char *data, char c, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (data[i] != c)
			return false;
	return true;
}

TEST(helpers_probe_read)
{
	static const uint32_t ids[] = {BPF_FUNC_probe_read, BPF_FUNC_probe_read_user,
				       BPF_FUNC_probe_read_kernel};
	char *pages = page_and_hole(), dst[128];
	const uint64_t bad[] = {0,
				8,
				(uintptr_t)pages + 4096,
				(uintptr_t)pages + 4096 - 63,
				0x7ffffffff000,
				0x8000000000000000,
				0xffff888000000000,
				UINT64_MAX,
				UINT64_MAX - 30};
	unsigned int i, j;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		test_case("%u good", ids[i]);
		memset(dst, 'd', sizeof(dst));
		CHECK_EQ(call(ids[i], oracle_ptr(dst), 64, oracle_ptr(pages + 4096 - 64)), 0);
		CHECK(all_are(dst, 'x', 64) && all_are(dst + 64, 'd', 64));
		CHECK_EQ(call(ids[i], oracle_ptr(dst), 0, 8), 0);
		CHECK_EQ(call(ids[i], oracle_ptr(dst), 0, 0xffff888000000000),
			 ids[i] == BPF_FUNC_probe_read_user ? -EFAULT : 0);
		for (j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
			test_case("%u at %#llx", ids[i], (unsigned long long)bad[j]);
			memset(dst, 'd', sizeof(dst));
			errno = 55;
			CHECK_EQ(call(ids[i], oracle_ptr(dst), 64, bad[j]), -EFAULT);
			CHECK_EQ(errno, 55);
			CHECK(all_are(dst, '\0', 64) && all_are(dst + 64, 'd', 64));
		}
	}
	munmap(pages, 8192);
}

TEST(helpers_probe_read_str)
{
	static const uint32_t ids[] = {BPF_FUNC_probe_read_str, BPF_FUNC_probe_read_user_str,
				       BPF_FUNC_probe_read_kernel_str};
	char *pages = page_and_hole(), *end = pages + 4096, dst[1024];
	unsigned int i, len;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		test_case("%u", ids[i]);
		/* The NUL is the last byte that can be read. */
		memcpy(end - 6, "hello", 6);
		memset(dst, 'd', sizeof(dst));
		CHECK_EQ(call(ids[i], oracle_ptr(dst), 64, oracle_ptr(end - 6)), 6);
		CHECK_STR(dst, "hello");
		CHECK(dst[8 + 8] == 'd');
		/* Just room enough, one too few, none. */
		CHECK_EQ(call(ids[i], oracle_ptr(dst), 6, oracle_ptr(end - 6)), 6);
		CHECK_EQ(call(ids[i], oracle_ptr(dst), 5, oracle_ptr(end - 6)), 5);
		CHECK_STR(dst, "hell");
		CHECK_EQ(call(ids[i], oracle_ptr(dst), 1, oracle_ptr(end - 6)), 1);
		CHECK_EQ(dst[0], '\0');
		CHECK_EQ(call(ids[i], oracle_ptr(dst), 0, oracle_ptr(end - 6)), 0);
		/* No NUL before the hole. */
		end[-1] = 'x';
		memset(dst, 'd', sizeof(dst));
		CHECK_EQ(call(ids[i], oracle_ptr(dst), 64, oracle_ptr(end - 6)), -EFAULT);
		CHECK(all_are(dst, '\0', 64) && dst[64] == 'd');
		/* It is enough that what is asked for can be read. */
		CHECK_EQ(call(ids[i], oracle_ptr(dst), 6, oracle_ptr(end - 6)), 6);
		CHECK_EQ(call(ids[i], oracle_ptr(dst), 64, 0), -EFAULT);
		CHECK_EQ(call(ids[i], oracle_ptr(dst), 64, UINT64_MAX), -EFAULT);
		/* Every length around a page's end. */
		for (len = 0; len < 600; len++) {
			memset(pages, 'x', 4096);
			end[-1] = '\0';
			CHECK_EQ(call(ids[i], oracle_ptr(dst), sizeof(dst),
				      oracle_ptr(end - 1 - len)),
				 len + 1);
			CHECK_EQ(strlen(dst), len);
		}
	}
	munmap(pages, 8192);
}

/* A sandbox that knows no process_vm_readv(): the bytes go through a pipe. */
static int in_sandbox(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof(filter) / sizeof(filter[0]), filter};
	char *pages = page_and_hole(), dst[4200];

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return 77;
	memcpy(pages + 4090, "hello", 6);
	if (rawtp_nofault_read(dst, pages, 4096) || memcmp(dst, pages, 4096))
		return 1;
	if (rawtp_nofault_read(dst, pages + 1, 4096) != -EFAULT ||
	    rawtp_nofault_read(dst, NULL, 1) != -EFAULT)
		return 2;
	if (rawtp_nofault_string(dst, pages + 4090, 64) != 6 || strcmp(dst, "hello") != 0)
		return 3;
	if (rawtp_nofault_write(pages + 4096, "x", 1) != -EFAULT ||
	    rawtp_nofault_write(pages, "abc", 4) || strcmp(pages, "abc") != 0)
		return 4;
	return 0;
}

TEST(nofault_in_a_sandbox)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(in_sandbox());
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 77)
		test_skip("seccomp is not permitted");
	CHECK_EQ(status, 0);
}

TEST(nofault_write)
{
	char *pages = page_and_hole(), *ro;

	ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(rawtp_nofault_write(pages, "abc", 4), 0);
	CHECK_STR(pages, "abc");
	CHECK_EQ(rawtp_nofault_write(pages + 4094, "abc", 4), -EFAULT);
	CHECK_EQ(rawtp_nofault_write(ro, "abc", 4), -EFAULT);
	CHECK_EQ(rawtp_nofault_write(NULL, "abc", 4), -EFAULT);
	CHECK_EQ(rawtp_nofault_write(NULL, "abc", 0), 0);
	munmap(pages, 8192);
	munmap(ro, 4096);
}

static void *other_thread(void *data)
{
	uint64_t id = call(BPF_FUNC_get_current_pid_tgid, 0, 0, 0);

	CHECK_EQ(id >> 32, getpid());
	CHECK_EQ((uint32_t)id, gettid());
	CHECK((uint32_t)id != (uint32_t)getpid());
	return NULL;
}

static bool ids_are_true(void)
{
	uint64_t id = call(BPF_FUNC_get_current_pid_tgid, 0, 0, 0);

	return id >> 32 == (uint64_t)getpid() && (uint32_t)id == (uint32_t)gettid();
}

/* fork() runs handlers, a raw clone does not: both give new ids, at any depth. */
TEST(helpers_pid)
{
	pthread_t thread;
	int status, raw;

	CHECK(ids_are_true());
	pthread_create(&thread, NULL, other_thread, NULL);
	pthread_join(thread, NULL);
	for (raw = 0; raw < 2; raw++) {
		pid_t pid = raw ? (pid_t)syscall(SYS_clone, 17 /* SIGCHLD */, 0, 0, 0, 0) : fork();

		test_case(raw ? "clone" : "fork");
		if (pid == 0) {
			bool good = ids_are_true() && ids_are_true();
			pid_t grandchild = fork();

			if (grandchild == 0)
				_exit(ids_are_true() ? 0 : 1);
			waitpid(grandchild, &status, 0);
			_exit(good && ids_are_true() && !status ? 0 : 1);
		}
		waitpid(pid, &status, 0);
		CHECK_EQ(status, 0);
		CHECK(ids_are_true());
	}
}

TEST(helpers_task)
{
	char comm[20], before[16];
	uint64_t id;

	id = call(BPF_FUNC_get_current_uid_gid, 0, 0, 0);
	CHECK_EQ((uint32_t)id, getuid());
	CHECK_EQ(id >> 32, getgid());
	prctl(PR_GET_NAME, before);
	prctl(PR_SET_NAME, "fifteen-letters");
	memset(comm, 'd', sizeof(comm));
	CHECK_EQ(call(BPF_FUNC_get_current_comm, oracle_ptr(comm), 16, 0), 0);
	CHECK_STR(comm, "fifteen-letters");
	CHECK(all_are(comm + 16, 'd', 4));
	CHECK_EQ(call(BPF_FUNC_get_current_comm, oracle_ptr(comm), 4, 0), 0);
	CHECK_STR(comm, "fif");
	CHECK_EQ(call(BPF_FUNC_get_current_comm, oracle_ptr(comm), 1, 0), 0);
	CHECK_STR(comm, "");
	prctl(PR_SET_NAME, "ab");
	memset(comm, 'd', sizeof(comm));
	CHECK_EQ(call(BPF_FUNC_get_current_comm, oracle_ptr(comm), 20, 0), 0);
	CHECK(comm[1] == 'b' && all_are(comm + 2, '\0', 18));
	prctl(PR_SET_NAME, before);
}

TEST(helpers_cpu)
{
	cpu_set_t before, one;
	int cpu;

	sched_getaffinity(0, sizeof(before), &before);
	for (cpu = 0; cpu < 64; cpu++) {
		if (!CPU_ISSET(cpu, &before))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		CHECK_EQ(call(BPF_FUNC_get_smp_processor_id, 0, 0, 0), cpu);
	}
	sched_setaffinity(0, sizeof(before), &before);
}

TEST(helpers_time)
{
	struct timespec ts;
	uint64_t before, now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	before = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	now = call(BPF_FUNC_ktime_get_ns, 0, 0, 0);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	CHECK(before <= now);
	CHECK(now <= (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec);
}

static uint32_t random_number(void)
{
	return (uint32_t)call(BPF_FUNC_get_prandom_u32, 0, 0, 0);
}

static void *random_thread(void *data)
{
	*(uint32_t *)data = random_number();
	return NULL;
}

TEST(helpers_random)
{
	uint32_t mine, others[2], bits[32] = {0};
	pthread_t thread;
	int i, j, status;
	pid_t pid;

	for (i = 0; i < 10000; i++) {
		mine = random_number();
		for (j = 0; j < 32; j++)
			bits[j] += mine >> j & 1;
	}
	/* 5000 with a deviation of 50: twenty of them. */
	for (j = 0; j < 32; j++)
		CHECK(bits[j] > 4000 && bits[j] < 6000);
	for (i = 0; i < 2; i++) {
		pthread_create(&thread, NULL, random_thread, &others[i]);
		pthread_join(thread, NULL);
	}
	CHECK(others[0] != others[1]);
	/* A child goes on another way than its parent. */
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < 100; i++)
			mine = random_number() & 0xff;
		_exit((int)mine);
	}
	for (i = 0, j = 0; i < 100; i++)
		j = (int)(random_number() & 0xff);
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == j) /* one in 256 */
		test_skip("the child's number is its parent's, by chance");
}

static const unsigned char ip4[] = {127, 0, 0, 1};
static const unsigned char ip6[] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34};

/* NULL: refused. */
static const struct {
	const char *format;
	uint64_t values[3];
	const char *text;
} formats[] = {
	{"", {0}, ""},
	{"plain", {0}, "plain"},
	{"100%%", {0}, "100%"},
	{"%d %d", {(uint64_t)-1, 0x1ffffffff}, "-1 -1"},
	{"%ld %lld", {(uint64_t)-5, 1ULL << 40}, "-5 1099511627776"},
	{"%i %u %lu", {7, (uint64_t)-1, (uint64_t)-1}, "7 4294967295 18446744073709551615"},
	{"%x %X %llx", {0xbeef, 0xbeef, 0x123456789abcULL}, "beef BEEF 123456789abc"},
	{"%5d|%-5d|%05d", {42, 42, 42}, "   42|42   |00042"},
	{"%+d % d %+d", {42, 42, (uint64_t)-42}, "+42  42 -42"},
	{"%06d", {(uint64_t)-42}, "-00042"},
	{"%c%c%c", {'a', 'b', 'c'}, "abc"},
	{"%s|%8s|%-8s|",
	 {(uintptr_t) "abc", (uintptr_t) "abc", (uintptr_t) "abc"},
	 "abc|     abc|abc     |"},
	{"%s", {8}, ""},
	{"%pks %pus", {(uintptr_t) "abc", (uintptr_t) "def"}, "abc def"},
	{"%p", {0x1234}, "0000000000001234"},
	{"%px %pK", {0x1234, 0x5678}, "0000000000001234 0000000000005678"},
	{"%pI4 %pi4", {(uintptr_t)ip4, (uintptr_t)ip4}, "127.0.0.1 127.000.000.001"},
	{"%pI6", {(uintptr_t)ip6}, "fe80:0000:0000:0000:0000:0000:0000:1234"},
	{"%pi6", {(uintptr_t)ip6}, "fe800000000000000000000000001234"},
	{"%pI4", {8}, "0.0.0.0"},
	{"%d%d%d%d", {1, 2, 3}, NULL},
	{"%", {0}, NULL},
	{"%l", {0}, NULL},
	{"%llld", {0}, NULL},
	{"%hd", {0}, NULL},
	{"%n", {0}, NULL},
	{"%f", {0}, NULL},
	{"%.3d", {0}, NULL},
	{"%*d", {0}, NULL},
	{"%#x", {0}, NULL},
	{"%sa", {(uintptr_t) "abc"}, NULL},
	{"%pz", {0}, NULL},
	{"\x01", {0}, NULL},
	{"\xc3\xa4", {0}, NULL},
};

TEST(helpers_format)
{
	char out[128];
	unsigned int i;
	int len;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const char *format = formats[i].format;

		test_case("\"%s\"", format);
		len = rawtp_format(out, sizeof(out), format, strlen(format) + 1, formats[i].values,
				   3);
		if (!formats[i].text) {
			CHECK_EQ(len, -EINVAL);
			continue;
		}
		CHECK_STR(out, formats[i].text);
		CHECK_EQ(len, strlen(formats[i].text));
		/* Cut at any size. */
		for (len = 1; len < 8; len++) {
			memset(out, 'd', sizeof(out));
			rawtp_format(out, (size_t)len, format, strlen(format) + 1,
				     formats[i].values, 3);
			CHECK(memchr(out, '\0', (size_t)len) != NULL && out[len] == 'd');
			CHECK(strncmp(out, formats[i].text, strlen(out)) == 0);
		}
	}
	test_case("no NUL");
	CHECK_EQ(rawtp_format(out, sizeof(out), "abc", 3, NULL, 0), -EINVAL);
	test_case("wide");
	len = rawtp_format(out, sizeof(out), "%999999999999d", 15, formats[1].values, 3);
	CHECK(len > 100 && len <= 1024);
}

/* What is parsed is a copy, and a copy has an end. */
TEST(helpers_printk_long_format)
{
	rawtp_helper_fn print = rawtp_helper(BPF_FUNC_trace_printk)->fn;
	char format[1100];

	memset(format, 'a', sizeof(format));
	format[sizeof(format) - 1] = '\0';
	CHECK_EQ(print(oracle_ptr(format), sizeof(format), 0, 0, 0), (uint64_t)-EINVAL);
	format[1023] = '\0';
	CHECK_EQ(print(oracle_ptr(format), sizeof(format), 0, 0, 0), 1023);
	CHECK_EQ(print(oracle_ptr(format), 1023, 0, 0, 0), (uint64_t)-EINVAL);
}

/* bpf_printk("x=%d", args[0]) */
static int load_printer(void)
{
	static char log[4096];
	struct bpf_insn insns[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 3, .src_reg = 1},
		{.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1, .imm = 0x64253d78 /* "x=%d" */},
		{.code = 0},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 10, .src_reg = 1, .off = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 5},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_trace_printk},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = oracle_ptr(insns);
	attr.insn_cnt = sizeof(insns) / sizeof(insns[0]);
	attr.license = oracle_ptr("GPL");
	attr.log_buf = oracle_ptr(log);
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	memcpy(attr.prog_name, "printer", 8);
	fd = oracle_rawtp(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		test_fail(__FILE__, __LINE__, "load: %d %s", fd, log);
	return fd;
}

static int run_printer(int fd, uint64_t value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)fd;
	attr.test.ctx_in = oracle_ptr(&value);
	attr.test.ctx_size_in = sizeof(value);
	if (oracle_rawtp(BPF_PROG_TEST_RUN, &attr, sizeof(attr)))
		return -1;
	return (int)attr.test.retval;
}

static int n_signals;

static void count_signal(int number)
{
	n_signals++;
}

/* At once; but a sanitizer may keep a signal back until the next call of libc. */
static void wait_for_signals(int n)
{
	int tries;

	for (tries = 0; tries < 1000 && __atomic_load_n(&n_signals, __ATOMIC_RELAXED) < n; tries++)
		usleep(1000);
	CHECK_EQ(n_signals, n);
}

/* Only a process that was started so lets programs signal it: this one, or itself, executed again. */
TEST(helpers_send_signal)
{
	struct sigaction action = {.sa_handler = count_signal}, before;
	int status;
	pid_t pid;

	if (getenv("RAWTP_SEND_SIGNAL")) {
		sigaction(SIGUSR1, &action, &before);
		CHECK_EQ(call(BPF_FUNC_send_signal, SIGUSR1, 0, 0), 0);
		wait_for_signals(1);
		CHECK_EQ(call(BPF_FUNC_send_signal_thread, SIGUSR1, 0, 0), 0);
		wait_for_signals(2);
		CHECK_EQ(call(BPF_FUNC_send_signal, 4711, 0, 0), -EINVAL);
		return;
	}
	CHECK_EQ(call(BPF_FUNC_send_signal, SIGKILL, 0, 0), -EPERM);
	CHECK_EQ(call(BPF_FUNC_send_signal_thread, SIGKILL, 0, 0), -EPERM);
	pid = fork();
	if (!pid) {
		setenv("RAWTP_SEND_SIGNAL", "1", 1);
		execl("/proc/self/exe", "syscall_helpers", "helpers_send_signal", NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
}

TEST(helpers_namespace)
{
	struct bpf_pidns_info info = {1, 1};
	const struct rawtp_helper *helper = rawtp_helper(BPF_FUNC_get_ns_current_pid_tgid);
	struct stat st;

	CHECK_EQ(stat("/proc/self/ns/pid", &st), 0);
	CHECK_EQ(helper->fn(st.st_dev, st.st_ino, oracle_ptr(&info), sizeof(info), 0), 0);
	CHECK_EQ(info.tgid, getpid());
	CHECK_EQ(info.pid, gettid());
	CHECK_EQ(helper->fn(st.st_dev, st.st_ino, oracle_ptr(&info), 4, 0), -EINVAL);
	CHECK_EQ(helper->fn(st.st_dev, st.st_ino + 1, oracle_ptr(&info), sizeof(info), 0), -EINVAL);
	CHECK(!info.pid && !info.tgid);
}

TEST(helpers_clocks)
{
	static const struct {
		uint32_t id;
		clockid_t clock;
	} clocks[] = {
		{BPF_FUNC_ktime_get_boot_ns, CLOCK_BOOTTIME},
		{BPF_FUNC_ktime_get_tai_ns, CLOCK_TAI},
	};
	struct timespec before, after;
	uint64_t now;
	size_t i;

	for (i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		clock_gettime(clocks[i].clock, &before);
		now = call(clocks[i].id, 0, 0, 0);
		clock_gettime(clocks[i].clock, &after);
		CHECK(now >= (uint64_t)before.tv_sec * 1000000000 + (uint64_t)before.tv_nsec);
		CHECK(now <= (uint64_t)after.tv_sec * 1000000000 + (uint64_t)after.tv_nsec);
	}
	now = call(BPF_FUNC_jiffies64, 0, 0, 0);
	CHECK(call(BPF_FUNC_jiffies64, 0, 0, 0) >= now);
}

TEST(helpers_printk)
{
	int fd = load_printer(), ring = rawtp_trace_ring(), i;
	struct rawtp_trace_line *line;
	uint64_t *consumer;
	char *data;

	CHECK(ring >= 3);
	consumer = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0);
	data = mmap(NULL, 8192, PROT_READ, MAP_SHARED, ring, 4096);
	CHECK(consumer != MAP_FAILED && data != MAP_FAILED);
	CHECK_EQ(rawtp_ringbuf_poll(ring, 0), 0);
	CHECK_EQ(run_printer(fd, (uint64_t)-42), 5);
	CHECK_EQ(rawtp_ringbuf_poll(ring, 1000), 1);
	line = (void *)(data + 4096 + 8);
	CHECK_STR(line->text, "x=-42");
	CHECK_STR(line->program, "printer");
	CHECK_EQ(line->pid, getpid());
	CHECK_EQ(line->tid, gettid());
	/* Nobody reads: nothing blocks. */
	for (i = 0; i < 10000; i++)
		CHECK_EQ(run_printer(fd, 7), 3);
	munmap(consumer, 4096);
	munmap(data, 8192);
	close(ring);
	close(fd);
}
