/* SPDX-License-Identifier: MIT */
#include "agent/listener.h"

#include "wire/run_dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int rawtp_listener_reserve(struct rawtp_listener *listener)
{
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return sock < 0 ? -errno : rawtp_fd_keep(&listener->sock, sock);
}

static int make_path(const char *dir, char *path, size_t size)
{
	int err = rawtp_run_dir_make(*dir ? dir : NULL, path, size);
	size_t len;

	if (err)
		return err;
	len = strlen(path);
	if (snprintf(path + len, size - len, "/%d", (int)getpid()) >= (int)(size - len))
		return -ENAMETOOLONG;
	return 0;
}

static int bind_path(int sock, const char *path)
{
	struct sockaddr_un addr;
	int dir_fd, other, err;

	err = rawtp_unix_address(path, &addr, &dir_fd);
	if (err)
		return err;
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)))
		err = -errno;
	if (err == -EADDRINUSE) {
		/* Left by a dead process of the same number, or alive in another pid namespace. */
		other = rawtp_unix_connect(path);
		if (other >= 0)
			close(other);
		else if (other == -ECONNREFUSED && !unlink(path))
			err = bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
	}
	if (dir_fd >= 0)
		close(dir_fd);
	return err;
}

int rawtp_listener_open(struct rawtp_listener *listener)
{
	int err = 0;

	listener->path[0] = '\0';
	if (!rawtp_fd_is_ours(&listener->sock))
		err = rawtp_listener_reserve(listener);
	if (!err)
		err = make_path(listener->dir, listener->path, sizeof(listener->path));
	if (!err)
		err = bind_path(listener->sock.fd, listener->path);
	if (err) {
		listener->path[0] = '\0';
		rawtp_fd_close(&listener->sock);
		return err;
	}
	listener->owner = getpid();
	/* The directory is the guard; the umask may have taken the owner's own rights. */
	if (chmod(listener->path, 0600) || listen(listener->sock.fd, 128)) {
		err = -errno;
		rawtp_listener_close(listener);
	}
	return err;
}

void rawtp_listener_unlink(struct rawtp_listener *listener)
{
	if (listener->path[0] && listener->owner == getpid())
		unlink(listener->path);
	listener->path[0] = '\0';
}

void rawtp_listener_close(struct rawtp_listener *listener)
{
	rawtp_listener_unlink(listener);
	rawtp_fd_close(&listener->sock);
}
