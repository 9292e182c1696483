/* SPDX-License-Identifier: MIT */
/* Descriptors and what stands behind them: identity, lifetime, forks, and hostile program files. */
#include "harness.h"
#include "oracle.h"

#include "base/err.h"
#include "bpf/run.h"
#include "bpf/syscall/prog_file.h"
#include "bpf/syscall/syscall.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int map_create(uint32_t type, uint32_t n)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = n;
	return oracle_rawtp(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int elem(int cmd, int fd, uint32_t key, uint64_t *value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)fd;
	attr.key = oracle_ptr(&key);
	attr.value = oracle_ptr(value);
	return oracle_rawtp(cmd, &attr, sizeof(attr));
}

/* r0 = ++map[0] */
static int load_counter(int map_fd)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = 10, .off = -4},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4},
		{.code = BPF_LD | BPF_IMM | BPF_DW,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map_fd},
		{.code = 0},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 4},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 0},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = 1},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 0, .src_reg = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 0, .src_reg = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	static char log[4096];
	union bpf_attr attr;
	int fd;

	insns[6].off = 4; /* to exit, with R0 = NULL */
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = oracle_ptr(insns);
	attr.insn_cnt = sizeof(insns) / sizeof(insns[0]);
	attr.license = oracle_ptr("MIT");
	attr.log_buf = oracle_ptr(log);
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	memcpy(attr.prog_name, "counter", 8);
	fd = oracle_rawtp(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		test_fail(__FILE__, __LINE__, "load: %d %s", fd, log);
	return fd;
}

static int test_run(int prog_fd)
{
	union bpf_attr attr;
	int ret;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)prog_fd;
	ret = oracle_rawtp(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	return ret ? ret : (int)attr.test.retval;
}

static unsigned int n_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static unsigned int n_mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	unsigned int n = 0;
	char line[512];

	while (fgets(line, sizeof(line), file))
		n += strstr(line, "memfd:bpf-map") != NULL;
	fclose(file);
	return n;
}

TEST(objects_identity)
{
	int map = map_create(BPF_MAP_TYPE_ARRAY, 4), other = map_create(BPF_MAP_TYPE_ARRAY, 4);
	uint64_t value = 5, got = 0;
	int copy;

	CHECK_EQ(elem(BPF_MAP_UPDATE_ELEM, map, 1, &value), 0);
	/* libbpf's way to reuse a map: another number for the same object. */
	copy = fcntl(other, F_DUPFD_CLOEXEC, 100);
	CHECK_EQ(dup3(map, copy, O_CLOEXEC), copy);
	close(map);
	map_create(BPF_MAP_TYPE_HASH, 4); /* sweeps */
	CHECK_EQ(elem(BPF_MAP_LOOKUP_ELEM, copy, 1, &got), 0);
	CHECK_EQ(got, 5);
	/* The old number may come to mean something else. */
	CHECK_EQ(dup3(other, map, O_CLOEXEC), map);
	CHECK_EQ(elem(BPF_MAP_LOOKUP_ELEM, map, 1, &got), 0);
	CHECK_EQ(got, 0);
	close(copy);
	close(other);
	close(map);
}

TEST(objects_do_not_leak)
{
	unsigned int fds = 0, mappings = 0, i;

	for (i = 0; i < 300; i++) {
		int map = map_create(i % 2 ? BPF_MAP_TYPE_ARRAY : BPF_MAP_TYPE_HASH, 16);
		int prog = load_counter(map);

		if (i == 10) {
			fds = n_fds();
			mappings = n_mappings();
		}
		CHECK(map >= 3 && prog >= 3);
		close(i % 3 ? map : prog);
		close(i % 3 ? prog : map);
	}
	rawtp_handle_sweep();
	rawtp_handle_sweep(); /* maps, once programs have let go of them */
	CHECK(n_fds() <= fds);
	CHECK(n_mappings() <= mappings);
}

/* A program keeps its maps, though everybody else has closed them. */
TEST(objects_program_keeps_maps)
{
	int map = map_create(BPF_MAP_TYPE_ARRAY, 1), prog = load_counter(map), fds[4], n;
	uint64_t value = 0;

	CHECK_EQ(test_run(prog), 1);
	close(map);
	rawtp_handle_sweep();
	CHECK_EQ(test_run(prog), 2);
	n = rawtp_prog_map_fds(prog, fds, 4);
	CHECK_EQ(n, 1);
	CHECK_EQ(elem(BPF_MAP_LOOKUP_ELEM, fds[0], 0, &value), 0);
	CHECK_EQ(value, 2);
	CHECK_EQ(rawtp_prog_map_fds(prog, fds, 0), -E2BIG);
	close(fds[0]);
	close(prog);
}

TEST(objects_low_descriptors)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		close(0);
		close(1);
		close(2);
		_exit(map_create(BPF_MAP_TYPE_ARRAY, 1) >= 3 && fcntl(0, F_GETFD) < 0 &&
				      fcntl(2, F_GETFD) < 0
			      ? 0
			      : 1);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
}

TEST(objects_after_fork)
{
	int map = map_create(BPF_MAP_TYPE_ARRAY, 1), prog = load_counter(map), status, i;
	uint64_t value = 0;

	for (i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(test_run(prog) == i + 1 && map_create(BPF_MAP_TYPE_HASH, 2) > 0 ? 0
											      : 1);
		waitpid(pid, &status, 0);
		CHECK_EQ(status, 0);
	}
	CHECK_EQ(elem(BPF_MAP_LOOKUP_ELEM, map, 0, &value), 0);
	CHECK_EQ(value, 5);
	close(map);
	close(prog);
}

static void *churn(void *data)
{
	uintptr_t bad = 0;
	int i;

	for (i = 0; i < 200; i++) {
		int map = map_create(BPF_MAP_TYPE_ARRAY, 1), prog = load_counter(map);

		bad += test_run(prog) != 1 || test_run(prog) != 2;
		close(map);
		close(prog);
	}
	return (void *)bad;
}

TEST(objects_threads)
{
	pthread_t threads[4];
	void *bad;
	int i;

	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, churn, NULL);
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], &bad);
		CHECK(!bad);
	}
}

/* The target's side: the file and descriptors of its maps are all it gets. */
static bool came_back;

static void *create_cancelled(void *data)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096};
	int fd, old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	pthread_cancel(pthread_self());
	pthread_setcancelstate(old, NULL);
	fd = (int)oracle_rawtp(BPF_MAP_CREATE, &attr, sizeof(attr));
	came_back = fd >= 0;
	close(fd);
	return NULL;
}

/* bpf(2) is no cancellation point: who is cancelled in here would keep the locks. */
TEST(objects_cancelled_thread)
{
	pthread_t thread;
	void *end;

	CHECK(!pthread_create(&thread, NULL, create_cancelled, NULL));
	pthread_join(thread, &end);
	CHECK(came_back);
	CHECK(end == PTHREAD_CANCELED); /* in close() */
}

TEST(prog_file_loads_elsewhere)
{
	int map = map_create(BPF_MAP_TYPE_ARRAY, 1), other = map_create(BPF_MAP_TYPE_ARRAY, 1);
	int prog_fd = load_counter(map);
	struct rawtp_thread *self;
	struct rawtp_prog *prog;
	uint64_t ctx[12] = {0}, ret = 0;

	prog = rawtp_prog_load_file(prog_fd, &map, 1, NULL);
	CHECK(!rawtp_is_err(prog));
	if (rawtp_is_err(prog))
		return;
	CHECK_STR(prog->name, "counter");
	self = rawtp_read_lock();
	CHECK(rawtp_prog_run(self, prog, ctx, &ret));
	rawtp_read_unlock(self);
	CHECK_EQ(ret, 1);
	rawtp_prog_put(prog);
	test_case("another map");
	CHECK_EQ(rawtp_ptr_err(rawtp_prog_load_file(prog_fd, &other, 1, NULL)), -EINVAL);
	test_case("no map");
	CHECK_EQ(rawtp_ptr_err(rawtp_prog_load_file(prog_fd, NULL, 0, NULL)), -EINVAL);
	test_case("not a program");
	CHECK_EQ(rawtp_ptr_err(rawtp_prog_load_file(map, &map, 1, NULL)), -EBADF);
	test_case("not open");
	CHECK(rawtp_is_err(rawtp_prog_load_file(9999, &map, 1, NULL)));
	close(map);
	close(other);
	close(prog_fd);
}

/* A program's file in memory that can be changed, and made a file again. */
static int refile(const char *data, size_t size, int seals)
{
	int fd = memfd_create("bpf-prog", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (write(fd, data, size) != (ssize_t)size)
		test_fail(__FILE__, __LINE__, "write");
	if (seals)
		fcntl(fd, F_ADD_SEALS, seals);
	return fd;
}

static bool file_loads(int fd, int map)
{
	struct rawtp_prog *prog = rawtp_prog_load_file(fd, &map, 1, NULL);
	bool loads = !rawtp_is_err(prog);

	if (loads)
		rawtp_prog_put(prog);
	return loads;
}

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Every byte of a file changed, every length: refused, or a program that was verified. */
TEST(prog_file_hostile)
{
	int map = map_create(BPF_MAP_TYPE_ARRAY, 1), prog_fd = load_counter(map), fd;
	static const int some[] = {0, F_SEAL_WRITE, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW};
	struct stat st;
	unsigned int i, taken = 0;
	size_t size, at;
	char *data;

	fstat(prog_fd, &st);
	size = (size_t)st.st_size;
	data = malloc(size + 4096);
	memset(data, 0, size + 4096);
	CHECK_EQ(pread(prog_fd, data, size, 0), (ssize_t)size);
	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		test_case("seals %#x", some[i]);
		fd = refile(data, size, some[i]);
		CHECK(!file_loads(fd, map));
		close(fd);
	}
	for (at = 0; at < size + 64; at++) {
		if (at == size)
			continue;
		test_case("length %zu", at);
		fd = refile(data, at, ALL_SEALS);
		CHECK(!file_loads(fd, map));
		close(fd);
	}
	for (at = 0; at < size; at++) {
		static const unsigned char changes[] = {0x01, 0x80, 0xff};

		for (i = 0; i < sizeof(changes); i++) {
			data[at] ^= (char)changes[i];
			fd = refile(data, size, ALL_SEALS);
			taken += file_loads(fd, map);
			close(fd);
			data[at] ^= (char)changes[i];
		}
	}
	/* Names, times, immediates: some changes do no harm. */
	CHECK(taken > 10 && taken < 3 * size);
	free(data);
	close(map);
	close(prog_fd);
}

/* What counts in the header, at their limits and beyond: no overflow, no large allocation. */
TEST(prog_file_counts)
{
	static const struct {
		size_t at;
		uint32_t value;
	} rows[] = {
		{offsetof(struct rawtp_prog_file, n_insns), 0},
		{offsetof(struct rawtp_prog_file, n_insns), 0xffffffff},
		{offsetof(struct rawtp_prog_file, n_insns), 1000001},
		{offsetof(struct rawtp_prog_file, n_insns), 0x20000000 + 12},
		{offsetof(struct rawtp_prog_file, n_maps), 0},
		{offsetof(struct rawtp_prog_file, n_maps), 65},
		{offsetof(struct rawtp_prog_file, n_maps), 0x10000001},
		{offsetof(struct rawtp_prog_file, n_func_info), 0x20000000},
		{offsetof(struct rawtp_prog_file, n_line_info), 0x10000000},
		{offsetof(struct rawtp_prog_file, btf_size), 0xfffffff9},
		{offsetof(struct rawtp_prog_file, trace_ring), 1},
		{offsetof(struct rawtp_prog_file, trace_ring), 2},
		{offsetof(struct rawtp_prog_file, version), RAWTP_PROG_FILE_VERSION + 1},
		{offsetof(struct rawtp_prog_file, attach_btf_size), 0xfffffff9},
		{offsetof(struct rawtp_prog_file, attach_btf_size), 8},
		{offsetof(struct rawtp_prog_file, attach_btf_id), 1},
		{offsetof(struct rawtp_prog_file, type), BPF_PROG_TYPE_TRACING},
		{offsetof(struct rawtp_prog_file, type), 99},
	};
	int map = map_create(BPF_MAP_TYPE_ARRAY, 1), prog_fd = load_counter(map), fd;
	char data[4096], changed[4096];
	ssize_t size = pread(prog_fd, data, sizeof(data), 0);
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_case("%zu: %#x", rows[i].at, rows[i].value);
		memcpy(changed, data, (size_t)size);
		memcpy(changed + rows[i].at, &rows[i].value, sizeof(rows[i].value));
		fd = refile(changed, (size_t)size, ALL_SEALS);
		CHECK(!file_loads(fd, map));
		close(fd);
	}
	close(map);
	close(prog_fd);
}

TEST(objects_info)
{
	int map = map_create(BPF_MAP_TYPE_ARRAY, 1), prog = load_counter(map);
	struct bpf_insn insns[32];
	struct bpf_prog_info info;
	uint32_t ids[4] = {0};
	union bpf_attr attr;
	struct stat st;

	memset(&info, 0, sizeof(info));
	memset(&attr, 0, sizeof(attr));
	info.nr_map_ids = 4;
	info.map_ids = oracle_ptr(ids);
	info.xlated_prog_len = sizeof(insns);
	info.xlated_prog_insns = oracle_ptr(insns);
	attr.info.bpf_fd = (uint32_t)prog;
	attr.info.info = oracle_ptr(&info);
	attr.info.info_len = sizeof(info);
	CHECK_EQ(oracle_rawtp(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), 0);
	fstat(map, &st);
	CHECK_EQ(attr.info.info_len, sizeof(info));
	CHECK_EQ(info.nr_map_ids, 1);
	CHECK_EQ(ids[0], (uint32_t)st.st_ino);
	CHECK_EQ(info.xlated_prog_len, 12 * sizeof(insns[0]));
	CHECK_EQ(insns[3].src_reg, BPF_PSEUDO_MAP_FD);
	CHECK_EQ(insns[3].imm, (int32_t)st.st_ino);
	CHECK_EQ(info.type, BPF_PROG_TYPE_RAW_TRACEPOINT);
	CHECK_EQ(info.gpl_compatible, 0);
	CHECK_EQ(info.created_by_uid, getuid());
	CHECK(info.load_time != 0 && info.verified_insns >= 10);
	CHECK_STR(info.name, "counter");
	fstat(prog, &st);
	CHECK_EQ(info.id, (uint32_t)st.st_ino);
	close(map);
	close(prog);
}
