/* SPDX-License-Identifier: MIT */
/* Programs at tracepoints of their own process: rawtp_prog_attach() and the figures of links. */
#include "agent_common.h"
#include "base/err.h"
#include "bpf/syscall/syscall.h"
#include "link/raw_tracepoint.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

static int count_one(const struct rawtp_link_view *view, void *data)
{
	++*(int *)data;
	return 0;
}

static int n_links(void)
{
	int n = 0;

	rawtp_link_for_each(count_one, &n);
	return n;
}

TEST(link_runs_until_its_fd_is_closed)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(SUM, map), link, i;

	CHECK(prog >= 0);
	trace_agent_one(100);
	link = rawtp_prog_attach(prog, "agent_one");
	CHECK(link > 2 && fcntl(link, F_GETFD) & FD_CLOEXEC);
	close(prog); /* the link holds the program */
	for (i = 1; i <= 10; i++)
		trace_agent_one((uint64_t)i);
	CHECK_EQ(read_map(map, false), 55);
	CHECK_EQ(n_links(), 1);
	close(link);
	WAIT_UNTIL(n_links() == 0);
	trace_agent_one(1);
	CHECK_EQ(read_map(map, false), 55);
	CHECK(!trace_agent_one_enabled());
	close(map);
}

static struct rawtp_link *attach_with(int prog_fd, uint64_t cookie)
{
	struct rawtp_prog *prog = rawtp_prog_from_fd(prog_fd);
	struct rawtp_link *link;
	int n_args;

	CHECK(!rawtp_is_err(prog));
	link = rawtp_link_attach(prog, "agent_one", -1, cookie, &n_args);
	CHECK(!rawtp_is_err(link));
	rawtp_prog_put(prog);
	return link;
}

/* One program, attached twice: each link has a cookie of its own; alone it is called directly. */
TEST(link_cookies)
{
	static const char text[] =
		"call get_attach_cookie; r6 = r0; *(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4;"
		"r1 = map[0]; call map_lookup_elem; if r0 == 0 goto out;"
		"lock *(u64 *)(r0 + 0) += r6; out: r0 = 0; exit";
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(text, map);
	struct rawtp_link *one = attach_with(prog, 1ULL << 40), *two;

	trace_agent_one(1);
	CHECK_EQ(read_map(map, false), 1ULL << 40);
	two = attach_with(prog, 5);
	trace_agent_one(1);
	CHECK_EQ(read_map(map, false), (2ULL << 40) + 5);
	rawtp_link_detach(one);
	trace_agent_one(1);
	CHECK_EQ(read_map(map, false), (2ULL << 40) + 10);
	rawtp_link_detach(two);
	two = attach_with(prog, 0);
	trace_agent_one(1);
	CHECK_EQ(read_map(map, false), (2ULL << 40) + 10);
	rawtp_link_detach(two);
	close(prog);
	close(map);
}

TEST(link_many_programs_and_one_twice)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(COUNT, map), links[10], i;

	for (i = 0; i < 10; i++) {
		links[i] = rawtp_prog_attach(i & 1 ? prog : load_prog(COUNT, map), "agent_one");
		CHECK(links[i] >= 0);
	}
	trace_agent_one(0);
	CHECK_EQ(read_map(map, false), 10);
	for (i = 0; i < 10; i += 2)
		close(links[i]);
	WAIT_UNTIL(n_links() == 5);
	trace_agent_one(0);
	CHECK_EQ(read_map(map, false), 15);
	for (i = 1; i < 10; i += 2)
		close(links[i]);
	WAIT_UNTIL(n_links() == 0);
}

TEST(link_errors)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(THIRD_ARGUMENT, map), fds;
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)(struct bpf_insn[]){{.code = 0xb7}, {.code = 0x95}},
		.insn_cnt = 2,
		.license = (uintptr_t) "GPL"};
	int filter = rawtp_bpf(BPF_PROG_LOAD, &attr, sizeof(attr)), link;

	/* What the process keeps open for good is open after the first link. */
	close(rawtp_prog_attach(prog, "agent_three"));
	WAIT_UNTIL(n_links() == 0);
	fds = (int)count_of(getpid(), "fd");
	CHECK(rawtp_prog_attach(prog, "agent_none") == -1 && errno == ENOENT);
	CHECK(rawtp_prog_attach(prog, "") == -1 && errno == ENOENT);
	CHECK(rawtp_prog_attach(prog, "agent_one") == -1 && errno == EINVAL);
	CHECK(rawtp_prog_attach(-1, "agent_one") == -1 && errno == EBADF);
	CHECK(rawtp_prog_attach(0, "agent_one") == -1 && errno == EINVAL);
	if (filter >= 0) /* as far as such programs are taken at all */
		CHECK(rawtp_prog_attach(filter, "agent_one") == -1 && errno == EINVAL);
	CHECK_EQ(n_links(), 0);
	CHECK(!trace_agent_one_enabled());
	CHECK_EQ(count_of(getpid(), "fd"), fds);
	link = rawtp_prog_attach(prog, "agent_three");
	CHECK(link >= 0);
	trace_agent_three("x", 1, -1);
	close(link);
	WAIT_UNTIL(n_links() == 0);
	CHECK_EQ(count_of(getpid(), "fd"), fds);
}

TEST(link_figures_are_checked_memory)
{
	struct rawtp_prog *prog = rawtp_prog_from_fd(load_prog(NOTHING, -1));
	int n_args, fd, i;
	struct rawtp_link *link;
	static const struct {
		const char *name;
		off_t size;
		int seals;
	} bad[] = {
		{"can shrink", sizeof(struct rawtp_link_stats), F_SEAL_GROW},
		{"too short", sizeof(struct rawtp_link_stats) - 1, F_SEAL_SHRINK},
		{"empty", 0, F_SEAL_SHRINK},
		{"cannot be written", sizeof(struct rawtp_link_stats),
		 F_SEAL_SHRINK | F_SEAL_WRITE},
		{"has no magic", sizeof(struct rawtp_link_stats), F_SEAL_SHRINK},
	};

	CHECK(!rawtp_is_err(prog));
	for (i = 0; i < (int)(sizeof(bad) / sizeof(bad[0])); i++) {
		test_case("%s", bad[i].name);
		fd = memfd_create("bad", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		CHECK(!ftruncate(fd, bad[i].size) && !fcntl(fd, F_ADD_SEALS, bad[i].seals));
		CHECK_EQ(rawtp_ptr_err(rawtp_link_attach(prog, "agent_one", fd, 0, &n_args)),
			 -EINVAL);
		CHECK_EQ(n_args, -1);
		close(fd);
	}
	test_case("not a memfd");
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	CHECK_EQ(rawtp_ptr_err(rawtp_link_attach(prog, "agent_one", fd, 0, &n_args)), -EINVAL);
	close(fd);
	test_case("good");
	fd = rawtp_link_stats_create();
	link = rawtp_link_attach(prog, "agent_one", fd, 0, &n_args);
	CHECK(!rawtp_is_err(link));
	rawtp_link_detach(link);
	close(fd);
	rawtp_prog_put(prog);
}

static struct rawtp_stats_block figures(struct rawtp_link *link)
{
	struct rawtp_link_view view;

	rawtp_link_view(link, &view);
	return rawtp_link_stats_sum(view.stats);
}

static void *fire_many(void *n)
{
	uintptr_t i;

	for (i = 0; i < (uintptr_t)n; i++)
		trace_agent_one(1);
	return NULL;
}

/* hits == calls, and the program's own count == runs; also with more threads than blocks. */
static void check_threads(unsigned int n_threads, uintptr_t n, bool percpu, unsigned int sample)
{
	int map = make_map(percpu ? BPF_MAP_TYPE_PERCPU_ARRAY : BPF_MAP_TYPE_ARRAY), n_args;
	int prog_fd = load_prog(percpu ? COUNT_PERCPU : COUNT, map);
	struct rawtp_prog *prog = rawtp_prog_from_fd(prog_fd);
	struct rawtp_link *link = rawtp_link_attach(prog, "agent_one", -1, 0, &n_args);
	struct rawtp_stats_block sum;
	struct rawtp_link_view view;
	pthread_t threads[100];
	unsigned int i;

	test_case("%u threads%s, sample %u", n_threads, percpu ? ", per-CPU" : "", sample);
	CHECK(!rawtp_is_err(link));
	rawtp_link_view(link, &view);
	view.stats->sample = sample;
	for (i = 0; i < n_threads; i++)
		CHECK(!pthread_create(&threads[i], NULL, fire_many, (void *)n));
	for (i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	sum = figures(link);
	CHECK_EQ(sum.hits, n_threads * n);
	CHECK_EQ(sum.recursion_misses, 0);
	CHECK_EQ(read_map(map, percpu), sum.hits - sum.misses);
	CHECK_EQ(sum.misses, 0);
	CHECK_EQ(sum.timed > 0, sample > 0);
	if (sample == 1)
		CHECK_EQ(sum.timed, sum.hits);
	CHECK_EQ(sum.nsecs > 0, sample > 0);
	rawtp_link_detach(link);
	rawtp_prog_put(prog);
	close(prog_fd);
	close(map);
}

TEST(link_counts_exactly)
{
	check_threads(1, 100000, false, 0);
	check_threads(2, 100000, true, 0);
	check_threads(8, 50000, true, 100);
	check_threads(8, 50000, false, 1);
	check_threads(90, 2000, false, 0);
}

TEST(link_info_by_fd)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(COUNT, map);
	int link = rawtp_prog_attach(prog, "agent_three"), copy = dup(link);
	struct bpf_link_info info;
	char name[32] = "";
	union bpf_attr attr;

	memset(&info, 0, sizeof(info));
	info.raw_tracepoint.tp_name = (uintptr_t)name;
	info.raw_tracepoint.tp_name_len = sizeof(name);
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)copy;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	CHECK_EQ(rawtp_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), 0);
	CHECK_EQ(info.type, BPF_LINK_TYPE_RAW_TRACEPOINT);
	CHECK_STR(name, "agent_three");
	close(link);
	sleep_ms(20);
	CHECK_EQ(n_links(), 1); /* the copy is the link too */
	close(copy);
	WAIT_UNTIL(n_links() == 0);
}

static bool churn_stop;

static void *churn(void *data)
{
	int n_args;

	while (!__atomic_load_n(&churn_stop, __ATOMIC_RELAXED)) {
		struct rawtp_link *link = rawtp_link_attach(data, "agent_one", -1, 0, &n_args);

		CHECK(!rawtp_is_err(link));
		rawtp_link_detach(link);
	}
	return NULL;
}

/* One link stays; its count is exact whatever comes and goes beside it, and in the children. */
TEST(link_counts_exactly_while_others_come_and_go)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog_fd = load_prog(COUNT, map), n_args, i;
	struct rawtp_prog *prog = rawtp_prog_from_fd(prog_fd);
	struct rawtp_link *link = rawtp_link_attach(prog, "agent_one", -1, 0, &n_args);
	pthread_t threads[4], churner;
	struct rawtp_stats_block sum;
	const uintptr_t n = 100000;
	const int n_children = 20, n_child = 1000;

	CHECK(!rawtp_is_err(link));
	CHECK(!pthread_create(&churner, NULL, churn, prog));
	for (i = 0; i < 4; i++)
		CHECK(!pthread_create(&threads[i], NULL, fire_many, (void *)n));
	for (i = 0; i < n_children; i++) {
		int status;
		pid_t pid = fork();

		if (!pid) {
			fire_many((void *)(uintptr_t)n_child);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	}
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&churn_stop, true, __ATOMIC_RELAXED);
	pthread_join(churner, NULL);
	sum = figures(link);
	CHECK_EQ(sum.hits, 4 * n + (uintptr_t)(n_children * n_child));
	CHECK_EQ(sum.misses, 0);
	/* A child may have been made with a churned link too, which has counted in the map. */
	CHECK(read_map(map, false) >= sum.hits);
	rawtp_link_detach(link);
	rawtp_prog_put(prog);
	CHECK_EQ(n_links(), 0);
}
