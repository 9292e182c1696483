/* SPDX-License-Identifier: MIT */
#include "wire/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HIGH_FD 512 /* above what select(), shells and hand-numbered descriptors are fond of */

static int high_fd(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < HIGH_FD + 128)
		return 3;
	return HIGH_FD;
}

int rawtp_fd_keep(struct rawtp_fd *kept, int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, high_fd());
	struct stat st;
	int err;

	if (high < 0)
		high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (high < 0 || fstat(high, &st)) {
		err = -errno;
		if (high >= 0)
			close(high);
		close(fd);
		*kept = RAWTP_FD_NONE;
		return err;
	}
	close(fd);
	*kept = (struct rawtp_fd){.fd = high, .dev = st.st_dev, .ino = st.st_ino};
	return 0;
}

bool rawtp_fd_is_ours(const struct rawtp_fd *kept)
{
	struct stat st;

	return kept->fd >= 0 && !fstat(kept->fd, &st) && st.st_dev == kept->dev &&
	       st.st_ino == kept->ino;
}

void rawtp_fd_close(struct rawtp_fd *kept)
{
	if (rawtp_fd_is_ours(kept))
		close(kept->fd);
	*kept = RAWTP_FD_NONE;
}

void rawtp_fds_close(struct rawtp_fds *fds)
{
	unsigned int i;

	for (i = 0; i < fds->n; i++)
		if (fds->fd[i] >= 0)
			close(fds->fd[i]);
	fds->n = 0;
}

union control {
	char buf[CMSG_SPACE((RAWTP_WIRE_FDS + 1) * sizeof(int))];
	struct cmsghdr align;
};

int rawtp_send(int sock, const void *message, size_t size, const int *fds, unsigned int n_fds)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)message, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control;
	ssize_t n;

	if (n_fds > RAWTP_WIRE_FDS)
		return -E2BIG;
	if (n_fds) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EMSGSIZE;
}

/* Moves what came out of 0 to 2, where the program expects its own when it has closed them. */
static int raise_fd(int fd)
{
	int high;

	if (fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return high;
}

static void take_fds(struct msghdr *msg, struct rawtp_fds *fds)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t n, i;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
			if (fds->n <= RAWTP_WIRE_FDS)
				fds->fd[fds->n++] = raise_fd(fd);
			else
				close(fd);
		}
	}
}

static ssize_t check_message(const void *buf, size_t size, const struct msghdr *msg,
			     const struct rawtp_fds *fds)
{
	struct rawtp_message head;
	unsigned int i;

	if (msg->msg_flags & MSG_CTRUNC || fds->n > RAWTP_WIRE_FDS)
		return -EMFILE;
	for (i = 0; i < fds->n; i++)
		if (fds->fd[i] < 0)
			return -EMFILE;
	if (msg->msg_flags & MSG_TRUNC || size < sizeof(head))
		return -EMSGSIZE;
	memcpy(&head, buf, sizeof(head));
	if (head.size != size)
		return -EMSGSIZE;
	if (head.version != RAWTP_WIRE_VERSION)
		return -EPROTO;
	return (ssize_t)size;
}

ssize_t rawtp_recv(int sock, void *buf, size_t capacity, struct rawtp_fds *fds)
{
	struct iovec iov = {.iov_base = buf, .iov_len = capacity};
	union control control;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.buf,
			     .msg_controllen = sizeof(control.buf)};
	ssize_t n;

	fds->n = 0;
	do
		n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	take_fds(&msg, fds);
	if (n == 0 && !fds->n) /* an empty packet looks the same, and deserves no better */
		return -ECONNRESET;
	n = check_message(buf, (size_t)n, &msg, fds);
	if (n < 0)
		rawtp_fds_close(fds);
	return n;
}

int64_t rawtp_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int rawtp_wait_readable(int sock, int64_t deadline)
{
	struct pollfd pfd = {.fd = sock, .events = POLLIN};

	for (;;) {
		int64_t left = deadline - rawtp_now_ms();
		int n = poll(&pfd, 1, left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (left <= 0)
			return -ETIMEDOUT;
	}
}

int rawtp_unix_address(const char *path, struct sockaddr_un *addr, int *dir_fd)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	int n, err;

	*dir_fd = -1;
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (strlen(path) < sizeof(addr->sun_path)) {
		strcpy(addr->sun_path, path);
		return 0;
	}
	if (!slash || (size_t)(slash - path) >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	*dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dir_fd < 0)
		return -errno;
	n = snprintf(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d%s", *dir_fd, slash);
	if (n < 0 || (size_t)n >= sizeof(addr->sun_path)) {
		err = -ENAMETOOLONG;
		close(*dir_fd);
		*dir_fd = -1;
		return err;
	}
	return 0;
}

int rawtp_unix_connect(const char *path)
{
	struct sockaddr_un addr;
	int sock, dir_fd, err;

	err = rawtp_unix_address(path, &addr, &dir_fd);
	if (err)
		return err;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		err = -errno;
	else if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		err = -errno;
	if (dir_fd >= 0)
		close(dir_fd);
	if (err && sock >= 0)
		close(sock);
	return err ? err : sock;
}
