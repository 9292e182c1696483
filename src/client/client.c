/* SPDX-License-Identifier: MIT */
#include "client/internal.h"
#include "client/proto.h"
#include "bpf/syscall/syscall.h"
#include "rawtp/record.h"
#include "wire/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct rawtp_client *client_new(int sock, pid_t pid)
{
	struct rawtp_client *client = malloc(sizeof(*client));

	if (!client) {
		close(sock);
		return NULL;
	}
	client->sock = sock;
	client->pid = pid;
	client->last_id = 0;
	client->answer_size = 0;
	return client;
}

void rawtp_client_close(struct rawtp_client *client)
{
	if (!client)
		return;
	if (client->sock >= 0)
		close(client->sock);
	free(client);
}

int rawtp_client_open(pid_t pid, struct rawtp_client **client)
{
	int64_t deadline = rawtp_now_ms() + RAWTP_HELLO_LIMIT;
	struct timespec pause = {.tv_nsec = 10000000};

	for (;;) {
		int sock = rawtp_client_connect(pid), err;

		if (sock < 0)
			return sock;
		*client = client_new(sock, pid);
		if (!*client)
			return -ENOMEM;
		err = rawtp_client_hello(*client, RAWTP_HELLO_LIMIT);
		if (!err)
			return 0;
		rawtp_client_close(*client);
		*client = NULL;
		/* The agent may just be making its socket anew, or the process is about to end. */
		if (err != -ECONNRESET || rawtp_now_ms() >= deadline)
			return err;
		nanosleep(&pause, NULL);
	}
}

int rawtp_client_adopt(int fd, int timeout_ms, struct rawtp_client **client)
{
	struct rawtp_reply_hello *hello;
	int err;

	*client = NULL;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC)) {
		err = -errno;
		close(fd);
		return err;
	}
	*client = client_new(fd, 0);
	if (!*client)
		return -ENOMEM;
	err = rawtp_client_hello(*client, timeout_ms);
	if (err) {
		rawtp_client_close(*client);
		*client = NULL;
		return err == -ECONNRESET ? -ETIMEDOUT : err;
	}
	hello = (struct rawtp_reply_hello *)&(*client)->answer;
	(*client)->pid = hello->pid;
	return 0;
}

int rawtp_client_go(struct rawtp_client *client)
{
	struct rawtp_request_go request;
	int err = rawtp_client_transact(client, RAWTP_COMMAND_GO, &request.head, sizeof(request),
					NULL, 0, sizeof(struct rawtp_message), RAWTP_ANSWER_LIMIT,
					NULL);

	if (err)
		return err;
	/* Whoever else has inherited the other end shall not wait for words that are not for it. */
	shutdown(client->sock, SHUT_RDWR);
	close(client->sock);
	client->sock = rawtp_client_connect(client->pid);
	return 0;
}

/* A list: the answer's memfd in @reader, and how many entries it has. */
static int read_list(struct rawtp_client *client, enum rawtp_command command,
		     struct rawtp_reader *reader, uint32_t *n)
{
	struct rawtp_reply_blob *blob = (struct rawtp_reply_blob *)&client->answer;
	struct rawtp_message request;
	int fd, err;

	err = rawtp_client_transact(client, command, &request, sizeof(request), NULL, 0,
				    sizeof(*blob), RAWTP_ANSWER_LIMIT, &fd);
	if (err)
		return err;
	*n = blob->n;
	err = rawtp_reader_open(reader, fd, blob->blob_size);
	close(fd);
	return err;
}

static int read_event(struct rawtp_reader *reader, struct rawtp_client_event *event,
		      struct rawtp_client_arg *args, char *types, size_t size)
{
	const char *proto;
	uint32_t i;

	event->name = rawtp_read_string(reader);
	event->system = rawtp_read_string(reader);
	event->class_name = rawtp_read_string(reader);
	event->object = rawtp_read_string(reader);
	event->site_kind = rawtp_read_string(reader);
	proto = rawtp_read_string(reader);
	event->n_sites = rawtp_read_u32(reader);
	event->n_attached = rawtp_read_u32(reader);
	event->n_args = rawtp_read_u32(reader);
	event->args = args;
	if (event->n_args > RAWTP_MAX_ARGS)
		return -EPROTO;
	for (i = 0; i < event->n_args; i++) {
		uint32_t flags;

		args[i].name = rawtp_read_string(reader);
		args[i].size = rawtp_read_u32(reader);
		flags = rawtp_read_u32(reader);
		args[i].is_signed = flags & RAWTP_ARG_SIGNED;
		args[i].is_pointer = flags & RAWTP_ARG_POINTER;
		args[i].is_float = flags & RAWTP_ARG_FLOAT;
	}
	rawtp_proto_types(proto, args, event->n_args, types, size);
	return reader->error;
}

int rawtp_client_list(struct rawtp_client *client,
		      int (*fn)(const struct rawtp_client_event *event, void *data), void *data)
{
	struct rawtp_client_arg args[RAWTP_MAX_ARGS];
	struct rawtp_client_event event;
	struct rawtp_reader reader;
	char types[4096];
	uint32_t n, i;
	int err;

	err = read_list(client, RAWTP_COMMAND_LIST, &reader, &n);
	if (err)
		return err;
	for (i = 0; i < n && !err; i++) {
		err = read_event(&reader, &event, args, types, sizeof(types));
		if (!err)
			err = fn(&event, data);
	}
	rawtp_reader_free(&reader);
	return err;
}

int rawtp_client_links(struct rawtp_client *client,
		       int (*fn)(const struct rawtp_client_link_info *link, void *data), void *data)
{
	struct rawtp_client_link_info link;
	struct rawtp_reader reader;
	uint32_t n, i;
	int err;

	err = read_list(client, RAWTP_COMMAND_LINKS, &reader, &n);
	if (err)
		return err;
	for (i = 0; i < n && !err; i++) {
		link.id = rawtp_read_u64(&reader);
		link.hits = rawtp_read_u64(&reader);
		link.misses = rawtp_read_u64(&reader);
		link.holder = (pid_t)rawtp_read_u32(&reader);
		link.tracepoint = rawtp_read_string(&reader);
		link.program = rawtp_read_string(&reader);
		err = reader.error;
		if (!err)
			err = fn(&link, data);
	}
	rawtp_reader_free(&reader);
	return err;
}

/* The target's words: to the end of the message, as printable text. */
static void copy_log(const struct rawtp_client *client, char *log, size_t size)
{
	const size_t at = sizeof(struct rawtp_reply_attach);
	size_t n = client->answer_size > at ? client->answer_size - at : 0, i;

	if (!log || !size)
		return;
	n = n < size ? n : size - 1;
	for (i = 0; i < n; i++) {
		char c = client->answer.buf[at + i];

		log[i] = ((unsigned char)c < ' ' && c != '\n' && c != '\t') || c == 127 ? '?' : c;
	}
	log[n] = '\0';
}

/* What the program can go to, first. */
static int lend_tails(struct rawtp_client *client, int prog_fd, char *log, size_t log_size)
{
	int tails[RAWTP_WIRE_TAILS], fds[1 + RAWTP_WIRE_MAPS], i, k, n_maps, err = 0;
	int n = rawtp_prog_tail_fds(prog_fd, tails, RAWTP_WIRE_TAILS);

	if (n < 0)
		return n;
	for (i = 0; !err && i < n; i++) {
		struct rawtp_request_lend request = {.log_level = log ? 1 : 0};

		fds[0] = tails[i];
		n_maps = rawtp_prog_map_fds(tails[i], fds + 1, RAWTP_WIRE_MAPS);
		if (n_maps < 0)
			return n_maps;
		request.n_maps = (uint32_t)n_maps;
		client->answer_size = 0;
		err = rawtp_client_transact(client, RAWTP_COMMAND_LEND, &request.head,
					    sizeof(request), fds, 1 + (unsigned int)n_maps,
					    sizeof(struct rawtp_reply_attach), RAWTP_ANSWER_LIMIT,
					    NULL);
		for (k = 1; k <= n_maps; k++)
			close(fds[k]);
		copy_log(client, log, log_size);
	}
	return err;
}

int rawtp_client_attach(struct rawtp_client *client, int prog_fd, const char *tracepoint,
			int link_end, int stats_fd, uint64_t cookie, char *log, size_t log_size)
{
	struct rawtp_request_attach request = {.cookie = cookie, .log_level = log ? 1 : 0};
	int fds[RAWTP_WIRE_FDS] = {prog_fd, link_end, stats_fd};
	unsigned int n_fixed = stats_fd >= 0 ? 3 : 2;
	int n_maps, i, err;

	if (log && log_size)
		log[0] = '\0';
	if (strlen(tracepoint) >= sizeof(request.tracepoint))
		return -ENOENT;
	strcpy(request.tracepoint, tracepoint);
	err = lend_tails(client, prog_fd, log, log_size);
	if (err)
		return err;
	n_maps = rawtp_prog_map_fds(prog_fd, fds + n_fixed, RAWTP_WIRE_MAPS);
	if (n_maps < 0)
		return n_maps;
	request.n_maps = (uint32_t)n_maps;
	request.flags = stats_fd >= 0 ? RAWTP_ATTACH_STATS : 0;
	client->answer_size = 0;
	err = rawtp_client_transact(client, RAWTP_COMMAND_ATTACH, &request.head, sizeof(request),
				    fds, n_fixed + (unsigned int)n_maps,
				    sizeof(struct rawtp_reply_attach), RAWTP_ANSWER_LIMIT, NULL);
	for (i = 0; i < n_maps; i++)
		close(fds[n_fixed + (unsigned int)i]);
	copy_log(client, log, log_size);
	return err;
}

int rawtp_client_detach(struct rawtp_client *client, uint64_t link_id)
{
	struct rawtp_request_detach request = {.link_id = link_id};

	return rawtp_client_transact(client, RAWTP_COMMAND_DETACH, &request.head, sizeof(request),
				     NULL, 0, sizeof(struct rawtp_message), RAWTP_ANSWER_LIMIT,
				     NULL);
}
