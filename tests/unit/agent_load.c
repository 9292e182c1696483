/* SPDX-License-Identifier: MIT */
/*
 * What is counted stays exact, and nothing is left behind, while clients attach, detach and die, and
 * the target's threads run and fork. RAWTP_TEST_ROUNDS: how often, in place of what is usual.
 */
#include "client_open.h"
#include "link/raw_tracepoint.h"

#include <sys/socket.h>

static unsigned int rounds(unsigned int usual)
{
	const char *text = getenv("RAWTP_TEST_ROUNDS");

#ifdef RAWTP_SANITIZED
	usual /= 10;
#endif
	return text ? (unsigned int)atoi(text) : usual;
}

static int count_link(const struct rawtp_client_link_info *link, void *data)
{
	++*(unsigned int *)data;
	return 0;
}

static unsigned int n_links(struct rawtp_client *client)
{
	unsigned int n = 0;

	CHECK_EQ(rawtp_client_links(client, count_link, &n), 0);
	return n;
}

struct attached {
	int end;
	struct rawtp_link_stats *stats;
};

static struct attached attach(struct rawtp_client *client, int prog)
{
	int near_end, far_end, stats = rawtp_link_stats_create();
	struct attached attached;

	CHECK_EQ(rawtp_link_pair(&near_end, &far_end), 0);
	CHECK_EQ(rawtp_client_attach(client, prog, "agent_one", far_end, stats, 0, NULL, 0), 0);
	close(far_end);
	attached.end = near_end;
	attached.stats = rawtp_link_stats_map(stats);
	close(stats);
	return attached;
}

/* Waits for the target's end: then the figures are final. Returns the runs. */
static uint64_t detach(struct attached *attached)
{
	struct rawtp_stats_block sum;
	char byte;

	shutdown(attached->end, SHUT_WR);
	WAIT_UNTIL(recv(attached->end, &byte, 1, 0) == 0);
	close(attached->end);
	sum = rawtp_link_stats_sum(attached->stats);
	rawtp_link_stats_unmap(attached->stats);
	CHECK(sum.hits >= sum.misses);
	return sum.hits - sum.misses;
}

TEST(load_attach_and_detach)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), map2 = make_map(BPF_MAP_TYPE_ARRAY);
	int prog = load_prog(COUNT, map), prog2 = load_prog(COUNT, map2);
	unsigned int i, n = rounds(4000), fds, tasks;
	struct rawtp_client *client;
	struct attached stays;
	struct target target;
	uint64_t fired;

	target_begin(&target);
	client = open_client(target.pid);
	fds = count_of(target.pid, "fd");
	tasks = count_of(target.pid, "task");
	stays = attach(client, prog);
	target_call(&target, TARGET_START, 8);
	target_call(&target, TARGET_FORKS, 1);
	for (i = 0; i < n; i++) {
		struct attached comes = attach(client, prog2);

		/* Most are closed without a word, as by a holder that dies. */
		if (i % 16 == 0) {
			detach(&comes);
		} else {
			close(comes.end);
			rawtp_link_stats_unmap(comes.stats);
		}
	}
	fired = target_call(&target, TARGET_STOP, 0);
	CHECK(fired > 0);
	WAIT_UNTIL(n_links(client) == 1);
	CHECK_EQ(detach(&stays), fired);
	CHECK_EQ(read_map(map, false), fired);
	CHECK_EQ(n_links(client), 0);
	WAIT_UNTIL(count_of(target.pid, "fd") == fds);
	CHECK_EQ(count_of(target.pid, "task"), tasks);
	fired = read_map(map2, false);
	CHECK(fired > 0);
	target_call(&target, TARGET_FIRE, 100);
	CHECK_EQ(read_map(map2, false), fired);
	rawtp_client_close(client);
	CHECK_EQ(target_end(&target), 0);
}

/* In a child: attaches, again and again, until it is killed. */
static void client_to_kill(pid_t pid, int prog, int ready)
{
	struct rawtp_client *client;
	int near_end, far_end, stats = rawtp_link_stats_create();

	if (rawtp_client_open(pid, &client) || write(ready, "", 1) != 1)
		_exit(1);
	for (;;) {
		if (rawtp_link_pair(&near_end, &far_end) ||
		    rawtp_client_attach(client, prog, "agent_one", far_end, stats, 0, NULL, 0))
			_exit(1);
		close(far_end);
	}
}

TEST(load_kill_the_client)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY), prog = load_prog(COUNT, map), ready[2], status;
	unsigned int i, n = rounds(1000), fds, tasks, seed = 1;
	struct rawtp_client *client;
	struct target target;
	uint64_t counted;
	char byte;
	pid_t pid;

	target_begin(&target);
	client = open_client(target.pid);
	fds = count_of(target.pid, "fd");
	tasks = count_of(target.pid, "task");
	CHECK(!pipe2(ready, O_CLOEXEC));
	for (i = 0; i < n; i++) {
		struct timespec ts = {.tv_nsec = rand_r(&seed) % 700000};

		pid = fork();
		if (!pid)
			client_to_kill(target.pid, prog, ready[1]);
		CHECK_EQ(read(ready[0], &byte, 1), 1);
		nanosleep(&ts, NULL);
		kill(pid, SIGKILL);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFSIGNALED(status));
		if (i % 50 == 0)
			CHECK_EQ(target_call(&target, TARGET_FIRE, 10), 10);
	}
	WAIT_UNTIL(n_links(client) == 0);
	WAIT_UNTIL(count_of(target.pid, "fd") == fds);
	CHECK_EQ(count_of(target.pid, "task"), tasks);
	counted = read_map(map, false);
	CHECK_EQ(target_call(&target, TARGET_FIRE, 1000), 1000);
	CHECK_EQ(read_map(map, false), counted);
	rawtp_client_close(client);
	CHECK_EQ(target_end(&target), 0);
}
