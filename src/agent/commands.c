/* SPDX-License-Identifier: MIT */
/* Message -> call: the table, and what each command does. */
#include "agent/internal.h"
#include "base/err.h"
#include "bpf/syscall/syscall.h"
#include "tracepoint/registry.h"
#include "wire/blob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef bool (*command_fn)(struct rawtp_session *session, const void *request,
			   struct rawtp_fds *fds);

static bool refuse(struct rawtp_session *session, const struct rawtp_message *request, int error)
{
	struct rawtp_message reply;

	return rawtp_session_reply(session, request, &reply, sizeof(reply), error, NULL, 0);
}

static int count_event(const struct rawtp_event *event, void *data)
{
	++*(uint32_t *)data;
	return 0;
}

static bool do_hello(struct rawtp_session *session, const void *request, struct rawtp_fds *fds)
{
	struct rawtp_reply_hello reply = {
		.pid = getpid(), .uid = geteuid(), .n_links = rawtp_kept_count()};

	rawtp_event_for_each(count_event, &reply.n_events);
	return rawtp_session_reply(session, request, &reply.head, sizeof(reply), 0, NULL, 0);
}

static bool reply_blob(struct rawtp_session *session, const struct rawtp_message *request,
		       struct rawtp_writer *writer, uint32_t n)
{
	struct rawtp_reply_blob reply = {.blob_size = writer->size, .n = n};
	int fd = rawtp_write_memfd(writer), err;
	struct rawtp_fd kept;
	bool alive;

	err = fd < 0 ? fd : rawtp_fd_keep(&kept, fd);
	if (err)
		return refuse(session, request, err);
	alive = rawtp_session_reply(session, request, &reply.head, sizeof(reply), 0, &kept.fd, 1);
	/* With the answer the client may have made the program close, and use, any number. */
	rawtp_fd_close(&kept);
	return alive;
}

struct list {
	struct rawtp_writer writer;
	struct rawtp_mappings *mappings;
	uint32_t n;
	const char *name; /* of the event whose links are counted */
	uint32_t n_attached;
};

static int count_link(const struct rawtp_link_view *view, void *data)
{
	struct list *list = data;

	list->n_attached += !strcmp(view->tracepoint, list->name);
	return 0;
}

/* The registry's lock is held; that of the links comes after it. */
static int write_event(const struct rawtp_event *event, void *data)
{
	struct list *list = data;
	struct rawtp_writer *writer = &list->writer;
	const char *site_kind;
	uint32_t n_sites = rawtp_event_sites(event, &site_kind), i;

	list->name = event->name;
	list->n_attached = 0;
	rawtp_link_for_each(count_link, list);
	rawtp_write_string(writer, event->name);
	rawtp_write_string(writer, event->system);
	rawtp_write_string(writer, event->class_name);
	rawtp_write_string(writer, rawtp_mappings_find(list->mappings, event->tracepoint));
	rawtp_write_string(writer, site_kind);
	rawtp_write_string(writer, event->proto);
	rawtp_write_u32(writer, n_sites);
	rawtp_write_u32(writer, list->n_attached);
	rawtp_write_u32(writer, event->n_args);
	for (i = 0; i < event->n_args; i++) {
		rawtp_write_string(writer, event->args[i].name);
		rawtp_write_u32(writer, event->args[i].size);
		rawtp_write_u32(writer, event->args[i].flags);
	}
	list->n++;
	return 0;
}

static bool do_list(struct rawtp_session *session, const void *request, struct rawtp_fds *fds)
{
	struct list list = {.mappings = rawtp_mappings_read()};

	rawtp_event_for_each(write_event, &list);
	rawtp_mappings_free(list.mappings);
	return reply_blob(session, request, &list.writer, list.n);
}

static int write_link(const struct rawtp_link_view *view, void *data)
{
	struct rawtp_stats_block sum = rawtp_link_stats_sum(view->stats);
	struct list *list = data;
	struct rawtp_writer *writer = &list->writer;

	rawtp_write_u64(writer, view->id);
	rawtp_write_u64(writer, sum.hits);
	rawtp_write_u64(writer, sum.misses);
	rawtp_write_u32(writer, (uint32_t)rawtp_kept_holder(view->id));
	rawtp_write_string(writer, view->tracepoint);
	rawtp_write_string(writer, view->prog->name);
	list->n++;
	return 0;
}

static bool do_links(struct rawtp_session *session, const void *request, struct rawtp_fds *fds)
{
	struct list list = {0};

	rawtp_link_for_each(write_link, &list);
	return reply_blob(session, request, &list.writer, list.n);
}

struct attach_reply {
	struct rawtp_reply_attach reply;
	char log[RAWTP_WIRE_LOG];
};

static bool is_unix_socket(int fd)
{
	int domain;
	socklen_t len = sizeof(domain);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_UNIX;
}

/* Sealed, so what it holds is what was verified: one copy for all of its links. */
static struct rawtp_prog *load_prog(const struct rawtp_request_attach *attach, const int *fds,
				    const int *map_fds, char *log)
{
	struct rawtp_verifier_log verifier_log = {
		.buf = log, .size = RAWTP_WIRE_LOG, .level = attach->log_level & 7};
	struct rawtp_prog *prog;
	struct stat st;

	if (fstat(fds[0], &st))
		return rawtp_err_ptr(-EBADF);
	prog = rawtp_link_find_prog(st.st_ino);
	if (prog)
		return prog;
	if (!verifier_log.level)
		verifier_log = (struct rawtp_verifier_log){0};
	return rawtp_prog_load_file(fds[0], map_fds, attach->n_maps, &verifier_log);
}

void rawtp_session_release(struct rawtp_session *session)
{
	while (session->n_lent)
		rawtp_prog_put(session->lent[--session->n_lent]);
}

static bool has_tail(const struct rawtp_prog *prog, uint64_t id)
{
	uint32_t i;

	for (i = 0; i < prog->n_tails; i++)
		if (prog->tails[i]->id == id)
			return true;
	return false;
}

static int adopt_lent(struct rawtp_session *session, struct rawtp_prog *prog)
{
	uint32_t i;
	int err = 0;

	for (i = 0; !err && i < session->n_lent; i++)
		if (!has_tail(prog, session->lent[i]->id))
			err = rawtp_prog_adopt(prog, session->lent[i]);
	rawtp_session_release(session);
	return err;
}

static int attach_prog(struct rawtp_session *session, const struct rawtp_request_attach *attach,
		       struct rawtp_fds *fds, struct attach_reply *reply)
{
	unsigned int n_fixed = attach->flags & RAWTP_ATTACH_STATS ? 3 : 2;
	int n_args, end = fds->fd[1], err;
	struct rawtp_link_view view;
	struct rawtp_prog *prog;
	struct rawtp_link *link;

	if (!is_unix_socket(end))
		return -EINVAL;
	prog = load_prog(attach, fds->fd, fds->fd + n_fixed, reply->log);
	if (rawtp_is_err(prog))
		return (int)rawtp_ptr_err(prog);
	err = adopt_lent(session, prog);
	if (err) {
		rawtp_prog_put(prog);
		return err;
	}
	link = rawtp_link_attach(prog, attach->tracepoint, n_fixed == 3 ? fds->fd[2] : -1,
				 attach->cookie, &n_args);
	if (rawtp_is_err(link) && n_args >= 0)
		snprintf(reply->log, RAWTP_WIRE_LOG,
			 "program '%s' reads %u arguments, tracepoint '%s' has %d", prog->name,
			 (prog->max_ctx_access + 7) / 8, attach->tracepoint, n_args);
	rawtp_prog_put(prog);
	if (rawtp_is_err(link))
		return (int)rawtp_ptr_err(link);
	rawtp_link_view(link, &view);
	reply->reply.link_id = view.id;
	fds->fd[1] = -1;
	err = rawtp_kept_add(link, end, session->peer);
	return err;
}

static int check_attach(const struct rawtp_request_attach *attach, const struct rawtp_fds *fds)
{
	unsigned int n_fixed = attach->flags & RAWTP_ATTACH_STATS ? 3 : 2;

	if (attach->flags & ~RAWTP_ATTACH_STATS || attach->n_maps > RAWTP_WIRE_MAPS ||
	    fds->n != n_fixed + attach->n_maps)
		return -EINVAL;
	if (!attach->tracepoint[0] || !memchr(attach->tracepoint, 0, RAWTP_NAME_SIZE))
		return -EINVAL;
	return 0;
}

static int lend_prog(struct rawtp_session *session, const struct rawtp_request_lend *lend,
		     const struct rawtp_fds *fds, char *log)
{
	struct rawtp_verifier_log verifier_log = {
		.buf = log, .size = RAWTP_WIRE_LOG, .level = lend->log_level & 7};
	struct rawtp_prog *prog;

	if (session->n_lent == RAWTP_WIRE_TAILS)
		return -E2BIG;
	prog = rawtp_prog_load_file(fds->fd[0], fds->fd + 1, lend->n_maps,
				    verifier_log.level ? &verifier_log : NULL);
	if (rawtp_is_err(prog))
		return (int)rawtp_ptr_err(prog);
	session->lent[session->n_lent++] = prog;
	return 0;
}

static bool do_lend(struct rawtp_session *session, const void *request, struct rawtp_fds *fds)
{
	const struct rawtp_request_lend *lend = request;
	struct attach_reply *reply;
	size_t size;
	bool alive;
	int err;

	if (lend->n_maps > RAWTP_WIRE_MAPS || fds->n != 1 + lend->n_maps)
		return refuse(session, request, -EINVAL) && false;
	reply = calloc(1, sizeof(*reply));
	if (!reply)
		return refuse(session, request, -ENOMEM);
	err = lend_prog(session, lend, fds, reply->log);
	rawtp_fds_close(fds);
	size = sizeof(reply->reply) + strnlen(reply->log, RAWTP_WIRE_LOG);
	alive = rawtp_session_reply(session, request, &reply->reply.head, size, err, NULL, 0);
	free(reply);
	return alive;
}

static bool do_attach(struct rawtp_session *session, const void *request, struct rawtp_fds *fds)
{
	const struct rawtp_request_attach *attach = request;
	int err = check_attach(attach, fds);
	struct attach_reply *reply;
	size_t size;
	bool alive;

	if (err)
		return refuse(session, request, err) && false;
	reply = calloc(1, sizeof(*reply));
	if (!reply)
		return refuse(session, request, -ENOMEM);
	err = attach_prog(session, attach, fds, reply);
	/* Before the client knows: it may make the program close, and use, any number. */
	rawtp_fds_close(fds);
	size = sizeof(reply->reply) + strnlen(reply->log, RAWTP_WIRE_LOG);
	alive = rawtp_session_reply(session, request, &reply->reply.head, size, err, NULL, 0);
	free(reply);
	return alive;
}

static bool do_detach(struct rawtp_session *session, const void *request, struct rawtp_fds *fds)
{
	const struct rawtp_request_detach *detach = request;

	return refuse(session, request, rawtp_kept_detach(detach->link_id));
}

static bool do_go(struct rawtp_session *session, const void *request, struct rawtp_fds *fds)
{
	bool alive;

	if (!session->starts)
		return refuse(session, request, -EINVAL);
	alive = refuse(session, request, 0);
	session->starts = false;
	rawtp_agent_go();
	return alive;
}

static const struct {
	command_fn fn;
	uint32_t size;
	unsigned int min_fds, max_fds;
} commands[] = {
#define RAWTP_COMMAND_ROW(NAME, name, min_fds, max_fds) \
	{do_##name, sizeof(struct rawtp_request_##name), min_fds, max_fds},
	RAWTP_COMMANDS(RAWTP_COMMAND_ROW)
#undef RAWTP_COMMAND_ROW
};

bool rawtp_command(struct rawtp_session *session, const void *request, struct rawtp_fds *fds)
{
	const struct rawtp_message *head = request;
	bool alive = false;

	if (head->type >= RAWTP_COMMAND_COUNT || head->size != commands[head->type].size ||
	    head->error || fds->n < commands[head->type].min_fds ||
	    fds->n > commands[head->type].max_fds)
		refuse(session, head, -EINVAL);
	else
		alive = commands[head->type].fn(session, request, fds);
	rawtp_fds_close(fds);
	return alive;
}
