/* SPDX-License-Identifier: MIT */
/* Ring buffers in epoll sets, as the kernel has them: linked with the routes. */
#include "harness.h"
#include "oracle.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define RING_SIZE 65536

static int make_map(uint32_t type, uint32_t key, uint32_t value, uint32_t n)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = key;
	attr.value_size = value;
	attr.max_entries = n;
	return oracle_rawtp(BPF_MAP_CREATE, &attr, sizeof(attr));
}

struct ring {
	int fd, prog;
	volatile uint64_t *consumer, *producer;
};

/* A program that writes one record of 8 bytes. */
static int load_producer(int ring_fd)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = 10, .off = -8, .imm = 1},
		{.code = BPF_LD | BPF_IMM | BPF_DW,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = ring_fd},
		{.code = 0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = 8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 4, .imm = 0},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ringbuf_output},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = oracle_ptr(insns);
	attr.insn_cnt = sizeof(insns) / sizeof(insns[0]);
	attr.license = oracle_ptr("GPL");
	return oracle_rawtp(BPF_PROG_LOAD, &attr, sizeof(attr));
}

static void ring_open(struct ring *ring)
{
	ring->fd = make_map(BPF_MAP_TYPE_RINGBUF, 0, 0, RING_SIZE);
	ring->prog = load_producer(ring->fd);
	CHECK(ring->fd >= 3 && ring->prog >= 3);
	ring->consumer = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	ring->producer = mmap(NULL, 4096, PROT_READ, MAP_SHARED, ring->fd, 4096);
	CHECK(ring->consumer != MAP_FAILED && ring->producer != MAP_FAILED);
}

static void ring_close(const struct ring *ring)
{
	munmap((void *)ring->consumer, 4096);
	munmap((void *)ring->producer, 4096);
	close(ring->prog);
	close(ring->fd);
}

static void produce(const struct ring *ring)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)ring->prog;
	CHECK_EQ(oracle_rawtp(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	CHECK_EQ(attr.test.retval, 0);
}

static void consume(const struct ring *ring)
{
	__atomic_store_n(ring->consumer, __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELEASE);
}

static int add(int epoll_fd, int op, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u64 = 0x1122334455667788ULL};

	return epoll_ctl(epoll_fd, op, fd, &event) ? -errno : 0;
}

static int wait_for(int epoll_fd, int ms)
{
	struct epoll_event event = {0};
	int n = epoll_wait(epoll_fd, &event, 1, ms);

	if (n == 1) {
		CHECK_EQ(event.data.u64, 0x1122334455667788ULL);
		CHECK_EQ(event.events, EPOLLIN);
	}
	return n;
}

TEST(epoll_adds_rings_alone)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC), array = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1);
	int memfd = memfd_create("other", MFD_CLOEXEC), pipes[2];
	struct ring ring;

	ring_open(&ring);
	CHECK_EQ(pipe(pipes), 0);
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_ADD, array, EPOLLIN), -EPERM);
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_ADD, memfd, EPOLLIN), -EPERM);
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_ADD, pipes[0], EPOLLIN), 0);
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_ADD, 9999, EPOLLIN), -EBADF);
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_DEL, ring.fd, EPOLLIN), -ENOENT);
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_ADD, ring.fd, EPOLLIN), 0);
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_ADD, ring.fd, EPOLLIN), -EEXIST);
	CHECK_EQ(add(pipes[0], EPOLL_CTL_ADD, ring.fd, EPOLLIN), -EINVAL);
	close(epoll_fd);
	close(array);
	close(memfd);
	close(pipes[0]);
	close(pipes[1]);
	ring_close(&ring);
}

TEST(epoll_is_level_triggered)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC), i;
	struct ring ring;

	ring_open(&ring);
	produce(&ring); /* before it is added */
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_ADD, ring.fd, EPOLLIN), 0);
	for (i = 0; i < 100; i++) {
		CHECK_EQ(wait_for(epoll_fd, 0), 1);
		CHECK_EQ(wait_for(epoll_fd, 1000), 1);
		consume(&ring);
		CHECK_EQ(wait_for(epoll_fd, 0), 0);
		produce(&ring);
	}
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_MOD, ring.fd, 0), 0);
	CHECK_EQ(wait_for(epoll_fd, 0), 0);
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_MOD, ring.fd, EPOLLIN), 0);
	CHECK_EQ(wait_for(epoll_fd, 0), 1);
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_DEL, ring.fd, EPOLLIN), 0);
	CHECK_EQ(wait_for(epoll_fd, 0), 0);
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_ADD, ring.fd, EPOLLIN), 0);
	CHECK_EQ(wait_for(epoll_fd, 0), 1);
	close(epoll_fd);
	ring_close(&ring);
}

struct ping_pong {
	struct ring ring;
	unsigned int done; /* atomic: how many the reader has read */
	unsigned int n;
};

static void *producer_thread(void *data)
{
	struct ping_pong *game = data;
	unsigned int i;

	for (i = 0; i < game->n; i++) {
		/* The reader may be anywhere between reading and sleeping. */
		while (__atomic_load_n(&game->done, __ATOMIC_ACQUIRE) < i)
			sched_yield();
		produce(&game->ring);
	}
	return NULL;
}

/* Each record is written after the one before was read: one lost wake-up, and a wait times out. */
TEST(epoll_loses_no_wake_up)
{
	struct ping_pong game = {.n = 3000};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	pthread_t thread;
	unsigned int i;

	ring_open(&game.ring);
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_ADD, game.ring.fd, EPOLLIN), 0);
	pthread_create(&thread, NULL, producer_thread, &game);
	for (i = 0; i < game.n; i++) {
		while (*game.ring.consumer ==
		       __atomic_load_n(game.ring.producer, __ATOMIC_ACQUIRE)) {
			if (wait_for(epoll_fd, 20000) == 1)
				continue;
			test_fail(__FILE__, __LINE__, "no wake-up for record %u", i);
			break;
		}
		consume(&game.ring);
		__atomic_store_n(&game.done, i + 1, __ATOMIC_RELEASE);
	}
	pthread_join(thread, NULL);
	close(epoll_fd);
	ring_close(&game.ring);
}

static void *produce_later(void *data)
{
	usleep(20000);
	produce(data);
	return NULL;
}

/* A set in a set, and poll() on a set: the thread alone serves them. */
TEST(epoll_nested)
{
	int inner = epoll_create1(EPOLL_CLOEXEC), outer = epoll_create1(EPOLL_CLOEXEC);
	struct pollfd pollfd = {.fd = inner, .events = POLLIN};
	pthread_t thread;
	struct ring ring;

	ring_open(&ring);
	CHECK_EQ(add(inner, EPOLL_CTL_ADD, ring.fd, EPOLLIN), 0);
	CHECK_EQ(add(outer, EPOLL_CTL_ADD, inner, EPOLLIN), 0);
	CHECK_EQ(wait_for(outer, 0), 0);
	pthread_create(&thread, NULL, produce_later, &ring);
	CHECK_EQ(wait_for(outer, 20000), 1);
	pthread_join(thread, NULL);
	CHECK_EQ(wait_for(inner, 0), 1);
	consume(&ring);
	CHECK_EQ(wait_for(outer, 0), 0);
	pthread_create(&thread, NULL, produce_later, &ring);
	CHECK_EQ(poll(&pollfd, 1, 20000), 1);
	pthread_join(thread, NULL);
	close(outer);
	close(inner);
	ring_close(&ring);
}

static unsigned int count_dir(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Nobody tells us of a close(): threads and descriptors go all the same. */
TEST(epoll_leaves_nothing)
{
	unsigned int fds = count_dir("/proc/self/fd"), i;
	struct ring rings[8];
	int sets[8];

	for (i = 0; i < 8; i++) {
		ring_open(&rings[i]);
		sets[i] = epoll_create1(EPOLL_CLOEXEC);
		CHECK_EQ(add(sets[i], EPOLL_CTL_ADD, rings[i].fd, EPOLLIN), 0);
		produce(&rings[i]);
		CHECK_EQ(wait_for(sets[i], 0), 1);
	}
	CHECK(count_dir("/proc/self/task") > 8);
	for (i = 0; i < 8; i++) {
		close(sets[i]);
		ring_close(&rings[i]);
	}
	for (i = 0; i < 1000; i++) {
		close(make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1)); /* sweeps what was closed */
		if (count_dir("/proc/self/fd") <= fds + 1)
			break;
		usleep(10000);
	}
	CHECK(count_dir("/proc/self/fd") <= fds + 1);
}

/* A child has the set, but no thread: it looks for itself, and takes nothing from its parent. */
TEST(epoll_after_fork)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC), status;
	struct ring ring;
	pid_t pid;

	ring_open(&ring);
	CHECK_EQ(add(epoll_fd, EPOLL_CTL_ADD, ring.fd, EPOLLIN), 0);
	produce(&ring);
	pid = fork();
	if (pid == 0)
		_exit(wait_for(epoll_fd, 0) >= 0 ? 0 : 1);
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
	CHECK_EQ(wait_for(epoll_fd, 1000), 1);
	close(epoll_fd);
	ring_close(&ring);
}
