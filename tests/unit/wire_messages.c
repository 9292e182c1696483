/* SPDX-License-Identifier: MIT */
/* Messages and lists on the wire, against peers that do not keep to the rules. */
#include "harness.h"
#include "wire/blob.h"
#include "wire/run_dir.h"
#include "wire/socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* sendmsg() as it is, for what rawtp_send() would not do. */
static void send_raw(int sock, const void *data, size_t size, unsigned int n_fds)
{
	union {
		char buf[CMSG_SPACE(200 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	unsigned int i;

	if (n_fds) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		for (i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &sock, sizeof(int));
	}
	CHECK(sendmsg(sock, &msg, MSG_NOSIGNAL) == (ssize_t)size);
}

static const struct {
	const char *name;
	size_t sent; /* bytes */
	uint32_t size;
	uint16_t version;
	unsigned int n_fds;
	ssize_t expected;
} messages[] = {
	{"whole", 16, 16, 1, 0, 16},
	{"with descriptors", 16, 16, 1, 3, 16},
	{"with as many as may be", 16, 16, 1, RAWTP_WIRE_FDS, 16},
	{"one descriptor too many", 16, 16, 1, RAWTP_WIRE_FDS + 1, -EMFILE},
	{"far too many", 16, 16, 1, 200, -EMFILE},
	{"says more than it is", 16, 17, 1, 2, -EMSGSIZE},
	{"says less", 16, 15, 1, 2, -EMSGSIZE},
	{"says nothing", 16, 0, 1, 2, -EMSGSIZE},
	{"says 4 GB", 16, 0xffffffff, 1, 2, -EMSGSIZE},
	{"shorter than a head", 15, 15, 1, 2, -EMSGSIZE},
	{"one byte", 1, 1, 1, 1, -EMSGSIZE},
	{"longer than the buffer", 300, 300, 1, 2, -EMSGSIZE},
	{"another version", 16, 16, 2, 2, -EPROTO},
	{"empty", 0, 0, 0, 0, -ECONNRESET},
};

TEST(wire_messages_are_checked)
{
	unsigned int i, before = count_fds();

	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		union {
			struct rawtp_message head;
			char buf[512];
		} message, got;
		struct rawtp_fds fds;
		int pair[2];

		test_case("%s", messages[i].name);
		CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
		memset(&message, 0, sizeof(message));
		message.head.size = messages[i].size;
		message.head.version = messages[i].version;
		send_raw(pair[0], &message, messages[i].sent, messages[i].n_fds);
		CHECK_EQ(rawtp_recv(pair[1], &got, 256, &fds), messages[i].expected);
		CHECK_EQ(fds.n, messages[i].expected > 0 ? messages[i].n_fds : 0);
		CHECK(fds.n == 0 || fcntl(fds.fd[0], F_GETFD) & FD_CLOEXEC);
		rawtp_fds_close(&fds);
		close(pair[0]);
		close(pair[1]);
		CHECK_EQ(count_fds(), before);
	}
}

TEST(wire_send_does_not_block_nor_signal)
{
	char packet[32768] = {0};
	int pair[2], err = 0, n;

	CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	for (n = 0; n < 10000 && !err; n++)
		err = rawtp_send(pair[0], packet, sizeof(packet), NULL, 0);
	CHECK_EQ(err, -EAGAIN);
	close(pair[1]);
	/* It went without having read it all; after that it is just gone. */
	CHECK_EQ(rawtp_send(pair[0], packet, sizeof(packet), NULL, 0), -ECONNRESET);
	CHECK_EQ(rawtp_send(pair[0], packet, sizeof(packet), NULL, 0), -EPIPE);
	close(pair[0]);
}

TEST(wire_wait_has_a_limit)
{
	int pair[2];

	CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	CHECK_EQ(rawtp_wait_readable(pair[0], rawtp_now_ms() + 5), -ETIMEDOUT);
	CHECK_EQ(rawtp_wait_readable(pair[0], 0), -ETIMEDOUT);
	close(pair[1]);
	CHECK_EQ(rawtp_wait_readable(pair[0], 0), 0);
	close(pair[0]);
}

TEST(wire_kept_descriptor_is_not_mistaken)
{
	struct rawtp_fd kept, other;
	int number;

	CHECK_EQ(rawtp_fd_keep(&kept, memfd_create("a", 0)), 0);
	number = kept.fd;
	CHECK(number > 2 && fcntl(number, F_GETFD) & FD_CLOEXEC);
	CHECK(rawtp_fd_is_ours(&kept));
	/* The program closes it, and uses the number for something of its own. */
	close(number);
	CHECK(!rawtp_fd_is_ours(&kept));
	CHECK_EQ(rawtp_fd_keep(&other, memfd_create("b", 0)), 0);
	CHECK_EQ(other.fd, number);
	CHECK(!rawtp_fd_is_ours(&kept));
	rawtp_fd_close(&kept);
	CHECK(rawtp_fd_is_ours(&other));
	rawtp_fd_close(&other);
	CHECK(fcntl(number, F_GETFD) < 0);
	CHECK_EQ(rawtp_fd_keep(&kept, -1), -EBADF);
	CHECK_EQ(kept.fd, -1);
}

static int blob(struct rawtp_reader *reader, const void *data, size_t size, uint64_t said)
{
	int fd = memfd_create("blob", MFD_CLOEXEC), err;

	CHECK(write(fd, data, size) == (ssize_t)size);
	err = rawtp_reader_open(reader, fd, said);
	close(fd);
	return err;
}

TEST(wire_blob_round_trip)
{
	struct rawtp_writer writer = {0};
	struct rawtp_reader reader;
	char *longest = malloc(100000);
	uint64_t size;
	int fd;

	memset(longest, 'x', 99999);
	longest[99999] = '\0';
	rawtp_write_u32(&writer, 7);
	rawtp_write_string(&writer, "name");
	rawtp_write_string(&writer, NULL);
	rawtp_write_u64(&writer, ~0ULL);
	rawtp_write_string(&writer, longest);
	size = writer.size;
	fd = rawtp_write_memfd(&writer);
	CHECK(fd >= 0);
	CHECK_EQ(rawtp_reader_open(&reader, fd, size), 0);
	CHECK_EQ(rawtp_read_u32(&reader), 7);
	CHECK_STR(rawtp_read_string(&reader), "name");
	CHECK_STR(rawtp_read_string(&reader), "");
	CHECK_EQ(rawtp_read_u64(&reader), -1);
	CHECK_EQ(strlen(rawtp_read_string(&reader)), 65535);
	CHECK_EQ(reader.error, 0);
	CHECK_EQ(rawtp_read_u32(&reader), 0);
	CHECK_EQ(reader.error, -EPROTO);
	rawtp_reader_free(&reader);
	close(fd);
	free(longest);
}

TEST(wire_blob_hostile)
{
	static const struct {
		const char *name;
		char data[12];
		size_t size;
	} cases[] = {
		{"no NUL", {3, 0, 0, 0, 'a', 'b', 'c', 'd'}, 8},
		{"a NUL inside", {3, 0, 0, 0, 'a', 0, 'c', 0}, 8},
		{"longer than the blob", {4, 0, 0, 0, 'a', 'b', 'c', 0}, 8},
		{"longer than memory", {-1, -1, -1, -1, 'a', 'b', 'c', 0}, 8},
		{"no room for its NUL", {4, 0, 0, 0, 'a', 'b', 'c', 'd'}, 8},
		{"half a length", {3, 0, 0}, 3},
	};
	struct rawtp_reader reader;
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		test_case("%s", cases[i].name);
		CHECK_EQ(blob(&reader, cases[i].data, cases[i].size, cases[i].size), 0);
		CHECK_STR(rawtp_read_string(&reader), "");
		CHECK_EQ(reader.error, -EPROTO);
		/* And it sticks. */
		CHECK_STR(rawtp_read_string(&reader), "");
		CHECK_EQ(rawtp_read_u64(&reader), 0);
		rawtp_reader_free(&reader);
	}
	test_case("size");
	CHECK_EQ(blob(&reader, "abc", 3, 4), -EPROTO);
	CHECK_EQ(blob(&reader, "abc", 3, 2), -EPROTO);
	CHECK_EQ(blob(&reader, "abc", 3, ~0ULL), -EPROTO);
	test_case("not a file");
	CHECK_EQ(rawtp_reader_open(&reader, open("/dev/zero", O_RDONLY | O_CLOEXEC), 16), -EPROTO);
}

TEST(wire_long_paths)
{
	char dir[] = "/tmp/rawtp-wire-XXXXXX", path[400];
	struct sockaddr_un addr;
	int sock, dir_fd, client;

	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/%0150d", dir, 1);
	CHECK(!mkdir(path, 0700));
	snprintf(path, sizeof(path), "%s/%0150d/socket", dir, 1);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CHECK_EQ(rawtp_unix_address(path, &addr, &dir_fd), 0);
	CHECK(dir_fd >= 0);
	CHECK(!bind(sock, (struct sockaddr *)&addr, sizeof(addr)) && !listen(sock, 1));
	close(dir_fd);
	client = rawtp_unix_connect(path);
	CHECK(client >= 0);
	close(client);
	close(sock);
	CHECK_EQ(rawtp_unix_connect(path), -ECONNREFUSED);
	CHECK(!unlink(path));
	CHECK_EQ(rawtp_unix_connect(path), -ENOENT);
	*strrchr(path, '/') = '\0';
	CHECK(!rmdir(path) && !rmdir(dir));
}

TEST(wire_run_dir_is_checked)
{
	char base[] = "/tmp/rawtp-wire-XXXXXX", dir[100], made[200];

	CHECK(mkdtemp(base));
	snprintf(dir, sizeof(dir), "%s/run", base);
	umask(0777);
	CHECK_EQ(rawtp_run_dir_make(dir, made, sizeof(made)), 0);
	umask(022);
	CHECK_STR(made, dir);
	CHECK_EQ(rawtp_run_dir_make(dir, made, sizeof(made)), 0);
	CHECK(!chmod(dir, 0750));
	CHECK_EQ(rawtp_run_dir_make(dir, made, sizeof(made)), -EPERM);
	CHECK(!rmdir(dir) && !symlink("/tmp", dir));
	CHECK_EQ(rawtp_run_dir_make(dir, made, sizeof(made)), -EPERM);
	CHECK(!unlink(dir) && !close(open(dir, O_CREAT | O_WRONLY, 0700)));
	CHECK_EQ(rawtp_run_dir_make(dir, made, sizeof(made)), -EPERM);
	CHECK(!unlink(dir) && !rmdir(base));
	CHECK_EQ(rawtp_run_dir_make(dir, made, sizeof(made)), -ENOENT);
	CHECK_EQ(rawtp_run_dir_make(dir, made, 5), -ENAMETOOLONG);
}
