/* SPDX-License-Identifier: MIT */
/* The client against real targets: other processes that run, stop, fork, die. */
#include "client_open.h"
#include "link/raw_tracepoint.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct seen {
	const char *name;
	unsigned int n, n_args, n_attached;
	char types[3][32];
	uint64_t id, hits, misses;
	pid_t pid, holder;
};

static int see_event(const struct rawtp_client_event *event, void *data)
{
	struct seen *seen = data;
	unsigned int i;

	if (strcmp(event->name, seen->name))
		return 0;
	seen->n++;
	seen->n_args = event->n_args;
	seen->n_attached = event->n_attached;
	for (i = 0; i < event->n_args && i < 3; i++)
		snprintf(seen->types[i], 32, "%s %s %u%s%s", event->args[i].type,
			 event->args[i].name, event->args[i].size,
			 event->args[i].is_signed ? " signed" : "",
			 event->args[i].is_pointer ? " pointer" : "");
	CHECK(strstr(event->object, "client_attach"));
	CHECK(!strcmp(event->site_kind, "nop") || !strcmp(event->site_kind, "branch"));
	/* Nothing here passes the other one. */
	CHECK_EQ(event->n_sites > 0, !strcmp(event->name, "agent_one"));
	return 0;
}

static int see_link(const struct rawtp_client_link_info *link, void *data)
{
	struct seen *seen = data;

	if (!seen->name || !strcmp(seen->name, link->tracepoint)) {
		seen->n++;
		seen->id = link->id;
		seen->hits = link->hits;
		seen->misses = link->misses;
		seen->holder = link->holder;
		CHECK_STR(link->program, "test_prog");
	}
	return 0;
}

static int see_pid(pid_t pid, void *data)
{
	struct seen *seen = data;

	seen->n += pid == seen->pid;
	return 0;
}

static unsigned int n_links(struct rawtp_client *client)
{
	struct seen seen = {.name = NULL};

	CHECK_EQ(rawtp_client_links(client, see_link, &seen), 0);
	return seen.n;
}

static int raw_tracepoint_open(int prog, const char *name)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.name = (uintptr_t)name;
	attr.raw_tracepoint.prog_fd = (uint32_t)prog;
	return rawtp_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
}

TEST(client_finds_and_lists)
{
	struct seen seen = {.name = "agent_three"};
	struct rawtp_client *client;
	struct target target;

	target_begin(&target);
	client = open_client(target.pid);
	seen.pid = target.pid;
	CHECK_EQ(rawtp_client_find(see_pid, &seen), 0);
	CHECK_EQ(seen.n, 1);
	seen.n = 0;
	CHECK_EQ(rawtp_client_list(client, see_event, &seen), 0);
	CHECK_EQ(seen.n, 1);
	CHECK_EQ(seen.n_args, 3);
	CHECK_EQ(seen.n_attached, 0);
	CHECK_STR(seen.types[0], "const char * name 8 pointer");
	CHECK_STR(seen.types[1], "uint64_t value 8");
	CHECK_STR(seen.types[2], "int sign 4 signed");
	CHECK_EQ(n_links(client), 0);
	CHECK_EQ(rawtp_client_detach(client, 1), -ENOENT);
	rawtp_client_close(client);
	CHECK_EQ(target_end(&target), 0);
	CHECK_EQ(rawtp_client_open(target.pid, &client), -ESRCH);
	CHECK_EQ(rawtp_client_open(1, &client), -ENOENT);
	CHECK_EQ(rawtp_client_open(-1, &client), -ESRCH);
}

TEST(client_one_program_in_many_targets)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(COUNT, map), link, i;
	struct rawtp_client_stats stats;
	struct rawtp_client *clients[3];
	struct seen seen = {.name = NULL};
	struct target targets[3];
	pid_t pids[3];

	for (i = 0; i < 3; i++) {
		target_begin(&targets[i]);
		clients[i] = open_client(targets[i].pid);
		pids[i] = targets[i].pid;
	}
	CHECK_EQ(rawtp_client_set_targets(pids, 3), 0);
	link = raw_tracepoint_open(prog, "agent_one");
	CHECK(link > 2);
	CHECK_EQ(rawtp_client_link_sample(link, 1), 0);
	for (i = 0; i < 3; i++)
		CHECK_EQ(target_call(&targets[i], TARGET_FIRE, 1000), 1000);
	CHECK_EQ(read_map(map, false), 3000);
	CHECK_EQ(rawtp_client_link_stats(link, &stats), 0);
	CHECK_EQ(stats.hits, 3000);
	CHECK_EQ(stats.misses, 0);
	CHECK_EQ(stats.timed, 3000);
	CHECK_EQ(rawtp_client_links(clients[1], see_link, &seen), 0);
	CHECK_EQ(seen.n, 1);
	CHECK_EQ(seen.hits, 1000);
	CHECK_EQ(seen.holder, getpid());
	/* Anybody may detach it: where it is gone the others stay. */
	CHECK_EQ(rawtp_client_detach(clients[1], seen.id), 0);
	CHECK_EQ(n_links(clients[1]), 0);
	for (i = 0; i < 3; i++)
		target_call(&targets[i], TARGET_FIRE, 10);
	CHECK_EQ(read_map(map, false), 3020);
	/* A target that dies takes nobody along. */
	kill(targets[2].pid, SIGKILL);
	CHECK_EQ(WTERMSIG(target_end(&targets[2])), SIGKILL);
	rawtp_client_close(clients[2]);
	target_call(&targets[0], TARGET_FIRE, 10);
	CHECK_EQ(read_map(map, false), 3030);
	CHECK_EQ(rawtp_client_link_stats(link, &stats), 0);
	CHECK_EQ(stats.hits, 3030);
	close(link);
	WAIT_UNTIL(n_links(clients[0]) == 0);
	target_call(&targets[0], TARGET_FIRE, 10);
	CHECK_EQ(read_map(map, false), 3030);
	CHECK_EQ(rawtp_client_link_stats(link, &stats), -ENOENT);
	CHECK(raw_tracepoint_open(prog, "agent_one") == -1 && errno == ECONNRESET);
	CHECK_EQ(n_links(clients[0]), 0);
	CHECK_EQ(rawtp_client_set_targets(NULL, 0), 0);
	for (i = 0; i < 2; i++) {
		rawtp_client_close(clients[i]);
		CHECK_EQ(target_end(&targets[i]), 0);
	}
	/* And now it is this process again. */
	link = raw_tracepoint_open(prog, "agent_one");
	trace_agent_one(1);
	CHECK_EQ(read_map(map, false), 3031);
	close(link);
	WAIT_UNTIL(!trace_agent_one_enabled());
}

TEST(client_refusals)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(THIRD_ARGUMENT, map), ends[2];
	struct rawtp_client *client;
	unsigned int fds, tasks;
	struct target target;
	char log[4096];

	target_begin(&target);
	client = open_client(target.pid);
	fds = count_of(target.pid, "fd");
	tasks = count_of(target.pid, "task");
	CHECK_EQ(rawtp_link_pair(&ends[0], &ends[1]), 0);
	CHECK_EQ(rawtp_client_attach(client, prog, "agent_no", ends[1], -1, 0, log, sizeof(log)),
		 -ENOENT);
	CHECK_EQ(rawtp_client_attach(client, prog, "agent_one", ends[1], -1, 0, log, sizeof(log)),
		 -EINVAL);
	CHECK_STR(log, "program 'test_prog' reads 3 arguments, tracepoint 'agent_one' has 1");
	/* A map is no program, a program no link, nothing no program. */
	CHECK(rawtp_client_attach(client, map, "agent_three", ends[1], -1, 0, NULL, 0) < 0);
	CHECK_EQ(rawtp_client_attach(client, prog, "agent_three", prog, -1, 0, NULL, 0), -EINVAL);
	CHECK_EQ(rawtp_client_attach(client, prog, "agent_three", ends[1], map, 0, NULL, 0),
		 -EINVAL);
	CHECK_EQ(rawtp_client_attach(client, -1, "agent_three", ends[1], -1, 0, NULL, 0), -EBADF);
	/* A link whose holder has gone already. */
	close(ends[0]);
	CHECK_EQ(rawtp_client_attach(client, prog, "agent_three", ends[1], -1, 0, NULL, 0),
		 -ECONNRESET);
	close(ends[1]);
	CHECK_EQ(n_links(client), 0);
	WAIT_UNTIL(count_of(target.pid, "fd") == fds);
	CHECK_EQ(count_of(target.pid, "task"), tasks);
	rawtp_client_close(client);
	CHECK_EQ(target_end(&target), 0);
}

/* A holder that shuts its end down sees the other end closed when nothing runs any more. */
TEST(client_graceful_detach)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(COUNT, map), type;

	for (type = SOCK_STREAM; type <= SOCK_SEQPACKET; type += SOCK_SEQPACKET - SOCK_STREAM) {
		struct rawtp_client *client;
		struct target target;
		uint64_t before;
		int ends[2];
		char byte;

		target_begin(&target);
		client = open_client(target.pid);
		CHECK(!socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends));
		CHECK_EQ(rawtp_client_attach(client, prog, "agent_one", ends[1], -1, 0, NULL, 0),
			 0);
		CHECK_EQ(rawtp_client_attach(client, prog, "agent_one", ends[1], -1, 0, NULL, 0),
			 0);
		close(ends[1]);
		target_call(&target, TARGET_START, 2);
		WAIT_UNTIL(read_map(map, false) > 0);
		CHECK(!shutdown(ends[0], SHUT_WR));
		CHECK_EQ(recv(ends[0], &byte, 1, 0), 0);
		before = read_map(map, false);
		CHECK_EQ(n_links(client), 0);
		CHECK(target_call(&target, TARGET_STOP, 0) > 0);
		CHECK_EQ(read_map(map, false), before);
		close(ends[0]);
		rawtp_client_close(client);
		CHECK_EQ(target_end(&target), 0);
	}
}

TEST(client_stopped_target)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(COUNT, map), ends[2];
	struct rawtp_client *client, *other = NULL;
	unsigned int fds;
	struct target target;
	int64_t started;

	target_begin(&target);
	client = open_client(target.pid);
	fds = count_of(target.pid, "fd");
	kill(target.pid, SIGSTOP);
	CHECK_EQ(waitpid(target.pid, NULL, WUNTRACED), target.pid);
	CHECK_EQ(rawtp_client_open(target.pid, &other), -ETIMEDOUT);
	CHECK(!other);
	CHECK_EQ(rawtp_link_pair(&ends[0], &ends[1]), 0);
	started = time(NULL);
	CHECK_EQ(rawtp_client_attach(client, prog, "agent_one", ends[1], -1, 0, NULL, 0),
		 -ETIMEDOUT);
	CHECK(time(NULL) - started < 60);
	close(ends[0]);
	close(ends[1]);
	/* When it goes on it finds the request, and nobody behind it. */
	kill(target.pid, SIGCONT);
	CHECK_EQ(n_links(client), 0);
	WAIT_UNTIL(count_of(target.pid, "fd") == fds);
	CHECK_EQ(target_call(&target, TARGET_FIRE, 10), 10);
	CHECK_EQ(read_map(map, false), 0);
	rawtp_client_close(client);
	CHECK_EQ(target_end(&target), 0);
}

TEST(client_killed_target)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(COUNT, map), ends[2];
	struct rawtp_client *client;
	struct target target;
	char byte;

	target_begin(&target);
	client = open_client(target.pid);
	CHECK_EQ(rawtp_link_pair(&ends[0], &ends[1]), 0);
	CHECK_EQ(rawtp_client_attach(client, prog, "agent_one", ends[1], -1, 0, NULL, 0), 0);
	kill(target.pid, SIGKILL);
	target_end(&target);
	CHECK_EQ(rawtp_client_attach(client, prog, "agent_one", ends[1], -1, 0, NULL, 0),
		 -ECONNRESET);
	close(ends[1]);
	CHECK_EQ(recv(ends[0], &byte, 1, 0), 0); /* the holder learns it */
	close(ends[0]);
	rawtp_client_close(client);
}

TEST(client_forked_child_keeps_what_is_attached)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(COUNT, map), link, i;
	struct rawtp_client *client, *child_client;
	struct rawtp_client_stats stats;
	struct seen seen = {.name = NULL};
	struct target target;
	pid_t child;

	target_begin(&target);
	client = open_client(target.pid);
	CHECK_EQ(rawtp_client_set_targets(&target.pid, 1), 0);
	link = raw_tracepoint_open(prog, "agent_one");
	CHECK(link >= 0);
	for (i = 0; i < 20; i++)
		CHECK_EQ(target_call(&target, TARGET_FORK, 100), 0);
	CHECK_EQ(read_map(map, false), 2000);
	CHECK_EQ(rawtp_client_link_stats(link, &stats), 0);
	CHECK_EQ(stats.hits, 2000);
	child = (pid_t)target_call(&target, TARGET_LEAVE, 0);
	child_client = open_client(child);
	seen.pid = child;
	CHECK_EQ(rawtp_client_find(see_pid, &seen), 0);
	CHECK_EQ(seen.n, 1);
	CHECK_EQ(n_links(child_client), 1);
	WAIT_UNTIL(read_map(map, false) > 2000);
	close(link);
	WAIT_UNTIL(n_links(client) == 0);
	WAIT_UNTIL(n_links(child_client) == 0);
	/* The child can be attached to by itself. */
	CHECK_EQ(rawtp_client_set_targets(&child, 1), 0);
	link = raw_tracepoint_open(prog, "agent_one");
	CHECK(link >= 0);
	CHECK_EQ(n_links(client), 0);
	CHECK_EQ(n_links(child_client), 1);
	close(link);
	WAIT_UNTIL(n_links(child_client) == 0);
	rawtp_client_set_targets(NULL, 0);
	rawtp_client_close(child_client);
	rawtp_client_close(client);
	kill(child, SIGKILL);
	CHECK_EQ(target_end(&target), 0);
}

/* daemon(3) and its like: the target closes all that is open and uses the numbers for its own. */
TEST(client_target_that_closes_everything)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(COUNT, map), link, again;
	struct rawtp_client *client;
	unsigned int fds;
	struct target target;
	uint64_t opened;

#ifdef __SANITIZE_THREAD__
	test_skip("closing descriptors of another thread is the race that is tested");
#endif
	target_begin(&target);
	client = open_client(target.pid);
	CHECK_EQ(rawtp_client_set_targets(&target.pid, 1), 0);
	link = raw_tracepoint_open(prog, "agent_one");
	CHECK(link >= 0);
	opened = target_call(&target, TARGET_CLOSE, 0);
	CHECK(opened > 500);
	fds = count_of(target.pid, "fd");
	rawtp_client_close(client);
	client = open_client(target.pid);
	CHECK_EQ(n_links(client), 0);
	CHECK_EQ(rawtp_client_set_targets(&target.pid, 1), 0);
	again = raw_tracepoint_open(prog, "agent_one");
	CHECK(again >= 0);
	CHECK_EQ(target_call(&target, TARGET_FIRE, 10), 10);
	CHECK_EQ(read_map(map, false), 10);
	close(again);
	close(link);
	WAIT_UNTIL(n_links(client) == 0);
	/* What the program has opened is as it was; beside it: a pair, a socket, two sessions. */
	CHECK_EQ(target_call(&target, TARGET_CHECK, 0), opened);
	WAIT_UNTIL(count_of(target.pid, "fd") <= fds + 5);
	rawtp_client_set_targets(NULL, 0);
	rawtp_client_close(client);
	CHECK_EQ(target_end(&target), 0);
}

/* `rawtp run`: attached before anything of the program runs. */
TEST(client_starts_a_process)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(COUNT, map), pair[2], ends[2];
	struct rawtp_client *client;
	struct seen seen = {.name = "agent_one"};
	struct target target;
	char number[16];
	uint64_t hits;

	CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	snprintf(number, sizeof(number), "%d", pair[1]);
	setenv("RAWTP_START_FD", number, 1);
	target_begin(&target);
	unsetenv("RAWTP_START_FD");
	close(pair[1]);
	CHECK_EQ(rawtp_client_adopt(pair[0], 10000, &client), 0);
	CHECK_EQ(rawtp_client_list(client, see_event, &seen), 0);
	CHECK_EQ(seen.n, 1);
	CHECK_EQ(rawtp_link_pair(&ends[0], &ends[1]), 0);
	target_send(&target, TARGET_FIRE, 123);
	CHECK_EQ(rawtp_client_attach(client, prog, "agent_one", ends[1], -1, 0, NULL, 0), 0);
	close(ends[1]);
	CHECK_EQ(read_map(map, false), 0);
	CHECK_EQ(rawtp_client_go(client), 0);
	CHECK_EQ(target_answer(&target), 123);
	CHECK_EQ(read_map(map, false), 123);
	seen = (struct seen){.name = "agent_one"};
	CHECK_EQ(rawtp_client_links(client, see_link, &seen), 0);
	hits = seen.hits;
	CHECK_EQ(hits, 123);
	close(ends[0]);
	rawtp_client_close(client);
	CHECK_EQ(target_end(&target), 0);
}

TEST(client_start_that_nobody_answers)
{
	struct rawtp_client *client;
	struct target target;
	int pair[2];

	/* The one who should say GO has died: the program runs. */
	CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	CHECK_EQ(rawtp_client_adopt(pair[0], 10, &client), -ETIMEDOUT);
	close(pair[1]);
	CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	{
		char number[16];

		snprintf(number, sizeof(number), "%d", pair[1]);
		setenv("RAWTP_START_FD", number, 1);
	}
	target_begin(&target);
	close(pair[0]);
	close(pair[1]);
	CHECK_EQ(target_call(&target, TARGET_FIRE, 1), 1);
	CHECK_EQ(target_end(&target), 0);
	/* Nonsense is ignored. */
	setenv("RAWTP_START_FD", "1", 1);
	target_begin(&target);
	CHECK_EQ(target_call(&target, TARGET_FIRE, 1), 1);
	CHECK_EQ(target_end(&target), 0);
	setenv("RAWTP_START_FD", "17x", 1);
	target_begin(&target);
	CHECK_EQ(target_call(&target, TARGET_FIRE, 1), 1);
	CHECK_EQ(target_end(&target), 0);
	unsetenv("RAWTP_START_FD");
}

TEST(client_agent_that_is_switched_off)
{
	struct rawtp_client *client;
	struct target target;

	setenv("RAWTP_AGENT", "0", 1);
	target_begin(&target);
	unsetenv("RAWTP_AGENT");
	CHECK_EQ(target_call(&target, TARGET_FIRE, 1), 1);
	CHECK_EQ(count_of(target.pid, "task"), 3); /* one thread */
	CHECK_EQ(rawtp_client_open(target.pid, &client), -ENOENT);
	CHECK_EQ(target_end(&target), 0);
}
