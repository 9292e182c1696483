/* SPDX-License-Identifier: MIT */
#include "client/internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int send_by(int sock, const void *message, size_t size, const int *fds, unsigned int n_fds,
		   int64_t deadline)
{
	struct pollfd pfd = {.fd = sock, .events = POLLOUT};
	int err;

	while ((err = rawtp_send(sock, message, size, fds, n_fds)) == -EAGAIN) {
		int64_t left = deadline - rawtp_now_ms();

		if (left <= 0)
			return -ETIMEDOUT;
		poll(&pfd, 1, (int)left);
	}
	return err == -EPIPE ? -ECONNRESET : err;
}

/* An answer to a question that we gave up earlier may still come: it is passed over. */
static int receive_by(struct rawtp_client *client, uint16_t type, struct rawtp_fds *fds,
		      int64_t deadline)
{
	ssize_t n;
	int err;

	for (;;) {
		err = rawtp_wait_readable(client->sock, deadline);
		if (err)
			return err;
		n = rawtp_recv(client->sock, &client->answer, sizeof(client->answer), fds);
		if (n == -EAGAIN)
			continue;
		if (n < 0)
			return n == -ECONNRESET ? -ECONNRESET : -EPROTO;
		if (client->answer.head.id == client->last_id)
			break;
		rawtp_fds_close(fds);
	}
	client->answer_size = (uint32_t)n;
	if (client->answer.head.type == type && client->answer.head.error <= 0 &&
	    client->answer.head.error > -4096)
		return 0;
	rawtp_fds_close(fds);
	return -EPROTO;
}

int rawtp_client_transact(struct rawtp_client *client, enum rawtp_command command,
			  struct rawtp_message *request, size_t size, const int *fds,
			  unsigned int n_fds, size_t answer_size, int limit_ms, int *fd)
{
	int64_t deadline = rawtp_now_ms() + limit_ms;
	struct rawtp_fds got = {.n = 0};
	int err;

	if (client->sock < 0)
		return -ENOTCONN;
	*request = (struct rawtp_message){.size = (uint32_t)size,
					  .type = (uint16_t)command,
					  .version = RAWTP_WIRE_VERSION,
					  .id = ++client->last_id};
	err = send_by(client->sock, request, size, fds, n_fds, deadline);
	if (!err)
		err = receive_by(client, (uint16_t)command | RAWTP_WIRE_REPLY, &got, deadline);
	if (!err)
		err = client->answer.head.error;
	if (!err && (client->answer_size < answer_size || got.n != (fd ? 1 : 0)))
		err = -EPROTO;
	if (!err && fd)
		*fd = got.fd[0];
	else
		rawtp_fds_close(&got);
	return err;
}

int rawtp_client_hello(struct rawtp_client *client, int limit_ms)
{
	struct rawtp_request_hello request;

	return rawtp_client_transact(client, RAWTP_COMMAND_HELLO, &request.head, sizeof(request),
				     NULL, 0, sizeof(struct rawtp_reply_hello), limit_ms, NULL);
}
