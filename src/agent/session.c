/* SPDX-License-Identifier: MIT */
/*
 * Clients. Nothing here blocks: a packet is a whole message, so there is no half of one to wait for,
 * and who does not read its replies loses its session.
 */
#include "agent/internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct rawtp_session sessions[RAWTP_SESSIONS];
static uint64_t rounds;

void rawtp_session_init(void)
{
	unsigned int i;

	for (i = 0; i < RAWTP_SESSIONS; i++)
		sessions[i] = (struct rawtp_session){.sock = RAWTP_FD_NONE};
}

void rawtp_session_close(struct rawtp_session *session)
{
	bool starts = session->starts;

	rawtp_fd_close(&session->sock);
	rawtp_session_release(session);
	*session = (struct rawtp_session){.sock = RAWTP_FD_NONE};
	if (starts)
		rawtp_agent_go();
}

void rawtp_session_close_all(void)
{
	unsigned int i;

	for (i = 0; i < RAWTP_SESSIONS; i++)
		if (sessions[i].sock.fd >= 0)
			rawtp_session_close(&sessions[i]);
}

/* Same user, or root. */
static bool may_speak(int sock, pid_t *pid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) || len != sizeof(cred))
		return false;
	*pid = cred.pid;
	return cred.uid == geteuid() || cred.uid == 0;
}

struct rawtp_session *rawtp_session_add(int sock)
{
	struct rawtp_session *session = NULL;
	pid_t peer;
	unsigned int i;

	if (!may_speak(sock, &peer)) {
		close(sock);
		return NULL;
	}
	for (i = 0; i < RAWTP_SESSIONS; i++) {
		struct rawtp_session *other = &sessions[i];

		if (other->starts)
			continue;
		if (!session || other->sock.fd < 0 ||
		    (session->sock.fd >= 0 && other->used < session->used))
			session = other;
	}
	if (session->sock.fd >= 0)
		rawtp_session_close(session);
	if (rawtp_fd_keep(&session->sock, sock))
		return NULL;
	session->peer = peer;
	session->used = rounds;
	return session;
}

void rawtp_session_poll(struct pollfd *fds)
{
	unsigned int i;

	for (i = 0; i < RAWTP_SESSIONS; i++)
		fds[i] = (struct pollfd){.fd = sessions[i].sock.fd, .events = POLLIN};
}

bool rawtp_session_reply(struct rawtp_session *session, const struct rawtp_message *request,
			 struct rawtp_message *reply, size_t size, int error, const int *fds,
			 unsigned int n_fds)
{
	reply->size = (uint32_t)size;
	reply->type = request->type | RAWTP_WIRE_REPLY;
	reply->version = RAWTP_WIRE_VERSION;
	reply->id = request->id;
	reply->error = error;
	return !rawtp_send(session->sock.fd, reply, size, fds, n_fds);
}

/*
 * The socket of RAWTP_START_FD may have come to several processes (a shell's children). It belongs
 * to the one that takes the HELLO out of it; the others leave alone what is not for them.
 */
static bool is_for_us(struct rawtp_session *session)
{
	struct timespec pause = {.tv_nsec = 10000000};
	struct rawtp_message head;
	ssize_t n;

	if (!session->starts || session->spoke)
		return true;
	n = recv(session->sock.fd, &head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
	if (n != sizeof(head) || head.type == RAWTP_COMMAND_HELLO)
		return true;
	nanosleep(&pause, NULL);
	return false;
}

static void serve(struct rawtp_session *session)
{
	union {
		struct rawtp_message head;
		char buf[RAWTP_WIRE_REQUEST];
	} request;
	struct rawtp_message reply;
	struct rawtp_fds fds;
	ssize_t n;
	bool alive = false;

	if (!is_for_us(session))
		return;
	memset(&request, 0, sizeof(request));
	n = rawtp_recv(session->sock.fd, &request, sizeof(request), &fds);
	if (n == -EAGAIN)
		return;
	session->spoke = true;
	if (n > 0)
		alive = rawtp_command(session, &request, &fds);
	else if (n != -ECONNRESET)
		rawtp_session_reply(session, &request.head, &reply, sizeof(reply), (int)n, NULL, 0);
	if (!alive)
		rawtp_session_close(session);
}

void rawtp_session_serve(const struct pollfd *fds)
{
	unsigned int i;

	rounds++;
	for (i = 0; i < RAWTP_SESSIONS; i++) {
		struct rawtp_session *session = &sessions[i];

		if (session->sock.fd < 0 || session->sock.fd != fds[i].fd || !fds[i].revents)
			continue;
		if (!rawtp_fd_is_ours(&session->sock)) {
			rawtp_session_close(session);
			continue;
		}
		session->used = rounds;
		serve(session);
	}
}

void rawtp_session_expire(int64_t limit)
{
	unsigned int i;

	for (i = 0; i < RAWTP_SESSIONS; i++)
		if (sessions[i].starts && !sessions[i].spoke && rawtp_now_ms() >= limit)
			rawtp_session_close(&sessions[i]);
}
