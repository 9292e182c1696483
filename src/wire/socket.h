/* SPDX-License-Identifier: MIT */
/*
 * Messages over SOCK_SEQPACKET unix sockets, with checked lengths, time limits and descriptors.
 * 0 or -errno. Thread-safe as far as no two threads use one socket at once.
 */
#ifndef RAWTP_WIRE_SOCKET_H
#define RAWTP_WIRE_SOCKET_H

#include "wire/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/*
 * A descriptor that lives for long in somebody else's program, which may close it and use its number
 * for something else. What it was is remembered, and looked at before it is used.
 */
struct rawtp_fd {
	int fd; /* -1: none */
	dev_t dev;
	ino_t ino;
};
#define RAWTP_FD_NONE ((struct rawtp_fd){.fd = -1})

/*
 * Takes @fd over, under a high number where the limits allow, out of the way of programs that count
 * on low ones. @fd itself is closed. -errno.
 */
int rawtp_fd_keep(struct rawtp_fd *kept, int fd);
bool rawtp_fd_is_ours(const struct rawtp_fd *kept);
/* Closes it if it still is what it was. */
void rawtp_fd_close(struct rawtp_fd *kept);

struct rawtp_fds {
	int fd[RAWTP_WIRE_FDS + 1]; /* one more than may come, so that too many are noticed */
	unsigned int n;
};
void rawtp_fds_close(struct rawtp_fds *fds);

/*
 * Sends one message of @size bytes; never blocks. -EAGAIN: the peer does not read; -EPIPE and
 * -ECONNRESET: it is gone.
 */
int rawtp_send(int sock, const void *message, size_t size, const int *fds, unsigned int n_fds);

/*
 * Receives one message into @buf; never blocks. Its head has been checked against what came: size,
 * and version. Returns its size. -EAGAIN: none there; -ECONNRESET: end; -EMSGSIZE: longer than
 * @capacity, or its size is wrong; -EPROTO: another version (the head is in @buf); -EMFILE: more
 * descriptors than may come, or no room for them. On error no descriptor is left in @fds.
 */
ssize_t rawtp_recv(int sock, void *buf, size_t capacity, struct rawtp_fds *fds);

/* Waits until @sock can be read. -ETIMEDOUT after @deadline (rawtp_now_ms()). */
int rawtp_wait_readable(int sock, int64_t deadline);
int64_t rawtp_now_ms(void);

/*
 * The address of @path, however long: where it does not fit, through a descriptor of its directory,
 * which the caller closes after use (*@dir_fd, or -1).
 */
int rawtp_unix_address(const char *path, struct sockaddr_un *addr, int *dir_fd);
/* A connected socket (O_CLOEXEC, non-blocking) or -errno. */
int rawtp_unix_connect(const char *path);

#endif
