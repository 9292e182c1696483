/* SPDX-License-Identifier: MIT */
/* The agent against peers that do not keep to the protocol, and against its surroundings. */
#include "agent_common.h"
#include "client/client.h"
#include "link/raw_tracepoint.h"
#include "wire/socket.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

static char run_dir[] = "/tmp/rawtp-agent-XXXXXX";

static void remove_run_dir(void)
{
	if (getenv("AGENT_TEST_TARGET"))
		return;
	rawtp_agent_stop();
	rmdir(run_dir);
}

/* The agent of this process starts again, in a directory of the test's own. */
static void begin(void)
{
	if (!strstr(run_dir, "XXXXXX"))
		return;
	CHECK(mkdtemp(run_dir));
	setenv("RAWTP_RUN_DIR", run_dir, 1);
	atexit(remove_run_dir);
	rawtp_agent_stop();
	CHECK_EQ(rawtp_agent_error(), ECANCELED);
	CHECK_EQ(rawtp_agent_start(), 0);
	CHECK_EQ(rawtp_agent_error(), 0);
}

static int connect_agent(void)
{
	char path[100];
	int sock;

	snprintf(path, sizeof(path), "%s/%d", run_dir, (int)getpid());
	/* Its queue may be full for a while. */
	while ((sock = rawtp_unix_connect(path)) == -EAGAIN)
		sched_yield();
	CHECK(sock >= 0);
	return sock;
}

/* What sessions have is closed by the agent's thread, some time after. */
static void wait_for_fds(unsigned int n)
{
	WAIT_UNTIL(count_of(getpid(), "fd") == n);
}

union message {
	struct rawtp_message head;
	struct rawtp_request_attach attach;
	char buf[70000];
};

/* Sends @n_fds copies of /dev/null beside it; answers the error, 1 for an end without an answer. */
static int ask(int sock, const union message *message, size_t size, unsigned int n_fds)
{
	static union message answer;
	struct rawtp_fds fds;
	int i, null = open("/dev/null", O_RDWR | O_CLOEXEC), copies[RAWTP_WIRE_FDS];
	ssize_t n;

	for (i = 0; i < RAWTP_WIRE_FDS; i++)
		copies[i] = null;
	i = rawtp_send(sock, message, size, copies, n_fds);
	close(null);
	if (i)
		return i;
	CHECK_EQ(rawtp_wait_readable(sock, rawtp_now_ms() + 10000), 0);
	n = rawtp_recv(sock, &answer, sizeof(answer), &fds);
	rawtp_fds_close(&fds);
	if (n <= 0)
		return 1;
	CHECK_EQ(answer.head.id, message->head.id);
	return answer.head.error;
}

static bool is_ended(int sock)
{
	char byte;

	rawtp_wait_readable(sock, rawtp_now_ms() + 10000);
	return recv(sock, &byte, 1, MSG_DONTWAIT) == 0;
}

#define ATTACH_SIZE sizeof(struct rawtp_request_attach)

static const struct {
	const char *name;
	size_t sent;
	struct rawtp_message head;
	uint32_t flags, n_maps;
	unsigned int n_fds;
	int error; /* 1: no answer */
	bool goes_on;
	char tracepoint[12];
} requests[] = {
	{"hello", 16, {16, 0, 1, 7, 0}, .error = 0, .goes_on = true},
	{"hello, longer", 24, {24, 0, 1, 7, 0}, .error = -EINVAL},
	{"hello with a descriptor", 16, {16, 0, 1, 7, 0}, .n_fds = 1, .error = -EINVAL},
	{"hello with an error", 16, {16, 0, 1, 7, -1}, .error = -EINVAL},
	{"half a head", 8, {8, 0, 1, 0, 0}, .error = -EMSGSIZE},
	{"one byte", 1, {0}, .error = -EMSGSIZE},
	{"wrong size", 16, {4096, 0, 1, 7, 0}, .error = -EMSGSIZE},
	{"too long", 70000, {70000, 0, 1, 7, 0}, .error = -EMSGSIZE},
	{"old version", 16, {16, 0, 0, 7, 0}, .error = -EPROTO},
	{"new version", 16, {16, 0, 99, 7, 0}, .error = -EPROTO},
	{"unknown command", 16, {16, 6, 1, 7, 0}, .error = -EINVAL},
	{"a reply", 16, {16, 0x8000, 1, 7, 0}, .error = -EINVAL},
	{"too many descriptors", 16, {16, 1, 1, 7, 0}, .n_fds = 67, .error = -EINVAL},
	{"list", 16, {16, 1, 1, 7, 0}, .error = 0, .goes_on = true},
	{"links", 16, {16, 2, 1, 7, 0}, .error = 0, .goes_on = true},
	{"detach nothing", 24, {24, 4, 1, 7, 0}, .error = -ENOENT, .goes_on = true},
	{"detach, too short", 16, {16, 4, 1, 7, 0}, .error = -EINVAL},
	{"go without a start", 16, {16, 5, 1, 7, 0}, .error = -EINVAL, .goes_on = true},
	{"attach without descriptors",
	 ATTACH_SIZE,
	 {ATTACH_SIZE, 3, 1, 7, 0},
	 0,
	 0,
	 0,
	 -EINVAL,
	 false,
	 ""},
	{"attach, one descriptor",
	 ATTACH_SIZE,
	 {ATTACH_SIZE, 3, 1, 7, 0},
	 0,
	 0,
	 1,
	 -EINVAL,
	 false,
	 ""},
	{"attach without a name",
	 ATTACH_SIZE,
	 {ATTACH_SIZE, 3, 1, 7, 0},
	 0,
	 0,
	 2,
	 -EINVAL,
	 false,
	 ""},
	{"attach, fewer maps than said",
	 ATTACH_SIZE,
	 {ATTACH_SIZE, 3, 1, 7, 0},
	 0,
	 5,
	 6,
	 -EINVAL,
	 false,
	 "agent_one"},
	{"attach, more than said",
	 ATTACH_SIZE,
	 {ATTACH_SIZE, 3, 1, 7, 0},
	 0,
	 5,
	 8,
	 -EINVAL,
	 false,
	 "agent_one"},
	{"attach, 4 billion maps",
	 ATTACH_SIZE,
	 {ATTACH_SIZE, 3, 1, 7, 0},
	 0,
	 0xfffffffe,
	 2,
	 -EINVAL,
	 false,
	 "agent_one"},
	{"attach, unknown flags",
	 ATTACH_SIZE,
	 {ATTACH_SIZE, 3, 1, 7, 0},
	 2,
	 0,
	 2,
	 -EINVAL,
	 false,
	 "agent_one"},
	{"attach, no figures",
	 ATTACH_SIZE,
	 {ATTACH_SIZE, 3, 1, 7, 0},
	 1,
	 0,
	 2,
	 -EINVAL,
	 false,
	 "agent_one"},
	{"attach, none of it what it should be",
	 ATTACH_SIZE,
	 {ATTACH_SIZE, 3, 1, 7, 0},
	 1,
	 0,
	 3,
	 -EINVAL,
	 true,
	 "agent_one"},
	{"attach, as many maps as can be",
	 ATTACH_SIZE,
	 {ATTACH_SIZE, 3, 1, 7, 0},
	 1,
	 64,
	 67,
	 -EINVAL,
	 true,
	 "agent_one"},
};

TEST(agent_refuses_what_is_not_the_protocol)
{
	static union message message;
	unsigned int i, before;
	int sock;

	begin();
	/* After a first session everything is there that stays. */
	sock = connect_agent();
	memset(&message, 0, sizeof(message));
	message.head = requests[0].head;
	CHECK_EQ(ask(sock, &message, 16, 0), 0);
	before = count_of(getpid(), "fd") - 2;
	close(sock);
	wait_for_fds(before);
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		test_case("%s", requests[i].name);
		memset(&message, 0, sizeof(message));
		message.head = requests[i].head;
		if (message.head.type == 3) {
			message.attach.flags = requests[i].flags;
			message.attach.n_maps = requests[i].n_maps;
			strcpy(message.attach.tracepoint, requests[i].tracepoint);
		}
		sock = connect_agent();
		CHECK_EQ(ask(sock, &message, requests[i].sent, requests[i].n_fds),
			 requests[i].error);
		if (requests[i].goes_on) {
			message.head = requests[0].head;
			CHECK_EQ(ask(sock, &message, 16, 0), 0);
		} else {
			CHECK(is_ended(sock));
		}
		close(sock);
		wait_for_fds(before);
	}
}

TEST(agent_name_without_end)
{
	static union message message;
	int sock;

	begin();
	sock = connect_agent();
	message.head = (struct rawtp_message){ATTACH_SIZE, RAWTP_COMMAND_ATTACH, 1, 7, 0};
	memset(message.attach.tracepoint, 'x', sizeof(message.attach.tracepoint));
	CHECK_EQ(ask(sock, &message, ATTACH_SIZE, 2), -EINVAL);
	CHECK(is_ended(sock));
	close(sock);
}

TEST(agent_random_packets)
{
	static union message message;
	unsigned int i, k, before, threads;
	unsigned int seed = 1;

	begin();
	before = count_of(getpid(), "fd");
	threads = count_of(getpid(), "task");
	for (i = 0; i < 3000; i++) {
		int sock = connect_agent();
		size_t size = (size_t)rand_r(&seed) % 400 + 1;

		for (k = 0; k < size; k++)
			message.buf[k] = (char)rand_r(&seed);
		/* Half of them with a head that is right, to come further. */
		if (i & 1)
			message.head = (struct rawtp_message){
				(uint32_t)size, (uint16_t)(rand_r(&seed) % 6), 1, 7, 0};
		rawtp_send(sock, &message, size, &sock, i % 3 ? 0 : 1);
		close(sock);
	}
	wait_for_fds(before);
	CHECK_EQ(count_of(getpid(), "task"), threads);
}

/* A peer that asks and never reads, peers that say nothing, and more of them than there is room. */
TEST(agent_slow_and_silent_peers)
{
	struct rawtp_message list = {16, RAWTP_COMMAND_LIST, 1, 7, 0};
	int silent[40], deaf, i, err = 0;
	struct rawtp_client *client;
	unsigned int before;

	begin();
	before = count_of(getpid(), "fd");
	for (i = 0; i < 40; i++)
		silent[i] = connect_agent();
	CHECK_EQ(rawtp_client_open(getpid(), &client), 0);
	rawtp_client_close(client);
	deaf = connect_agent();
	for (i = 0; i < 100000 && !err; i++) {
		err = rawtp_send(deaf, &list, sizeof(list), NULL, 0);
		if (err == -EAGAIN) {
			sched_yield();
			err = 0;
		}
	}
	/* Its session ended, since its answers could not be sent. */
	CHECK(err == -EPIPE || err == -ECONNRESET);
	CHECK_EQ(rawtp_client_open(getpid(), &client), 0);
	rawtp_client_close(client);
	for (i = 0; i < 40; i++)
		close(silent[i]);
	close(deaf);
	wait_for_fds(before);
}

TEST(agent_other_users_are_refused)
{
	int status;
	pid_t pid;

	begin();
	if (geteuid())
		test_skip("only root can be somebody else");
	/* The directory alone would keep others out; here it does not. */
	CHECK(!chmod(run_dir, 0777));
	pid = fork();
	if (!pid) {
		char path[100];
		int sock;

		snprintf(path, sizeof(path), "%s/%d", run_dir, (int)getppid());
		if (chmod(path, 0777) || setuid(65534))
			_exit(2);
		sock = rawtp_unix_connect(path);
		_exit(sock >= 0 && is_ended(sock) ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
	CHECK(!chmod(run_dir, 0700));
}

TEST(agent_start_and_stop)
{
	unsigned int threads, i, before;

	begin();
	rawtp_agent_stop();
	before = count_of(getpid(), "fd");
	threads = count_of(getpid(), "task");
	for (i = 0; i < 100; i++) {
		CHECK_EQ(rawtp_agent_start(), 0);
		CHECK_EQ(rawtp_agent_start(), 0);
		CHECK_EQ(count_of(getpid(), "task"), threads + 1);
		rawtp_agent_stop();
		rawtp_agent_stop();
		CHECK_EQ(count_of(getpid(), "task"), threads);
		CHECK_EQ(count_of(getpid(), "fd"), before);
		CHECK_EQ(count_entries(run_dir), 2);
	}
	CHECK_EQ(rawtp_agent_start(), 0);
}

static void *stop_agent(void *data)
{
	rawtp_agent_stop();
	return NULL;
}

/* Who stops it while another does waits for that one's end. */
TEST(agent_stopped_by_several)
{
	pthread_t threads[4];
	unsigned int i, j, before;

	begin();
	rawtp_agent_stop();
	before = count_of(getpid(), "task");
	for (i = 0; i < 50; i++) {
		CHECK_EQ(rawtp_agent_start(), 0);
		for (j = 0; j < 4; j++)
			CHECK(!pthread_create(&threads[j], NULL, stop_agent, NULL));
		for (j = 0; j < 4; j++)
			pthread_join(threads[j], NULL);
		WAIT_UNTIL(count_of(getpid(), "task") == before);
	}
	CHECK_EQ(rawtp_agent_start(), 0);
}

TEST(agent_without_a_place_for_its_socket)
{
	begin();
	rawtp_agent_stop();
	CHECK(!chmod(run_dir, 0755));
	CHECK(rawtp_agent_start() == -1 && errno == EPERM);
	CHECK_EQ(rawtp_agent_error(), EPERM);
	setenv("RAWTP_RUN_DIR", "/proc/nowhere", 1);
	CHECK(rawtp_agent_start() == -1 && errno == ENOENT);
	/* The process can still trace itself. */
	{
		int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(COUNT, map);
		int link = rawtp_prog_attach(prog, "agent_one");

		CHECK(link >= 0);
		trace_agent_one(1);
		CHECK_EQ(read_map(map, false), 1);
		close(link);
		WAIT_UNTIL(!trace_agent_one_enabled());
		close(prog);
		close(map);
	}
	rawtp_agent_stop();
	setenv("RAWTP_RUN_DIR", run_dir, 1);
	CHECK(!chmod(run_dir, 0700));
	CHECK_EQ(rawtp_agent_start(), 0);
}

/* What a dead process has left is replaced; what lives is not touched. */
TEST(agent_stale_socket)
{
	struct rawtp_client *client;
	char path[100];
	int sock;

	begin();
	rawtp_agent_stop();
	snprintf(path, sizeof(path), "%s/%d", run_dir, (int)getpid());
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	{
		struct sockaddr_un addr = {.sun_family = AF_UNIX};

		strcpy(addr.sun_path, path);
		CHECK(!bind(sock, (struct sockaddr *)&addr, sizeof(addr)) && !listen(sock, 1));
	}
	CHECK(rawtp_agent_start() == -1 && errno == EADDRINUSE);
	close(sock);
	CHECK_EQ(rawtp_agent_start(), 0);
	CHECK_EQ(rawtp_client_open(getpid(), &client), 0);
	rawtp_client_close(client);
}

static int see_any_link(const struct rawtp_link_view *view, void *data)
{
	return 1;
}

/* The process is out of descriptors for a while: no client can be let in, and nothing spins. */
TEST(agent_without_descriptors)
{
	struct rawtp_client *client;
	struct rlimit limit, low;
	struct timespec before, after;
	clockid_t clock;
	int sock, map, prog, link, i;

	begin();
	CHECK(!getrlimit(RLIMIT_NOFILE, &limit));
	sock = connect_agent();
	close(sock);
	sleep_ms(20);
	low = limit;
	low.rlim_cur = 0;
	sock = connect_agent();
	/* From here on no descriptor can be had; the connection waits in the queue. */
	CHECK(!setrlimit(RLIMIT_NOFILE, &low));
	CHECK_EQ(clock_getcpuclockid(0, &clock), 0);
	clock_gettime(clock, &before);
	sleep_ms(300);
	clock_gettime(clock, &after);
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
	/* A thread that spins would have used all of it. */
	CHECK((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 <
	      150);
	close(sock);
	/* What is attached is detached even then: sandboxes set that limit for good. */
	map = make_map(BPF_MAP_TYPE_ARRAY);
	prog = load_prog(COUNT, map);
	link = rawtp_prog_attach(prog, "agent_one");
	CHECK(link >= 0);
	CHECK(!setrlimit(RLIMIT_NOFILE, &low));
	trace_agent_one(1);
	CHECK_EQ(read_map(map, false), 1);
	close(link);
	WAIT_UNTIL(!rawtp_link_for_each(see_any_link, NULL));
	trace_agent_one(1);
	CHECK_EQ(read_map(map, false), 1);
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
	close(prog);
	close(map);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(rawtp_client_open(getpid(), &client), 0);
		rawtp_client_close(client);
	}
}
