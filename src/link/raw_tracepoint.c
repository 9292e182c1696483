/* SPDX-License-Identifier: MIT */
/* Links: name -> thunk + program. */
#include "link/link.h"

#include "base/err.h"
#include "base/rcu.h"
#include "bpf/verifier/verifier.h"
#include "rawtp/tracepoint.h"
#include "tracepoint/probes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/*
 * Protects the list alone. Taken inside the registry's lock (a list of events counts the links of
 * each), so never held while calling into the registry.
 */
static pthread_mutex_t links_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rawtp_list links = RAWTP_LIST_INIT(links);
static uint64_t next_id = 1;

static struct rawtp_link *link_of(struct rawtp_watch *watch)
{
	return rawtp_container_of(watch, struct rawtp_link, watch);
}

static int add_event(struct rawtp_watch *watch, const struct rawtp_event *event)
{
	struct rawtp_link *link = link_of(watch);
	struct rawtp_direct *direct = NULL;
	int err = -EINVAL;

	if (link->prog->max_ctx_access > 8 * event->n_args) {
		link->n_args = (int)event->n_args;
	} else {
		direct = rawtp_direct_new(link, event);
		err = rawtp_probe_register(event->tracepoint, event->thunk, link,
					   direct ? direct->code.entry : NULL);
	}
	if (err && direct) {
		rawtp_direct_revoke(direct);
		rawtp_synchronize();
		rawtp_direct_free(direct);
	} else if (direct) {
		direct->next = link->directs;
		link->directs = direct;
	}
	if (err)
		__atomic_fetch_add(&link->n_refused, 1, __ATOMIC_RELAXED);
	else
		__atomic_fetch_add(&link->n_records, 1, __ATOMIC_RELAXED);
	return err;
}

static void remove_event(struct rawtp_watch *watch, const struct rawtp_event *event)
{
	struct rawtp_link *link = link_of(watch);
	struct rawtp_direct **at, *direct;

	for (at = &link->directs; (direct = *at) && direct->event != event; at = &direct->next)
		;
	/* Before the grace period that is waited for below. */
	rawtp_direct_revoke(direct);
	/* -ENOENT: add_event() had refused this one, and made no code for it. */
	if (!tracepoint_probe_unregister(event->tracepoint, event->thunk, link))
		__atomic_fetch_sub(&link->n_records, 1, __ATOMIC_RELAXED);
	if (!direct)
		return;
	*at = direct->next;
	rawtp_direct_free(direct);
}

static void free_link(struct rawtp_link *link)
{
	/* Also after an attach that failed half way: some record may have run the program. */
	rawtp_synchronize();
	if (link->own_prog)
		rawtp_prog_put(link->own_prog);
	if (!rawtp_is_err(link->stats))
		rawtp_link_stats_unmap(link->stats);
	free(link->name);
	free(link);
}

struct rawtp_link *rawtp_link_attach(struct rawtp_prog *prog, const char *name, int stats_fd,
				     uint64_t cookie, int *n_args)
{
	struct rawtp_link *link = calloc(1, sizeof(*link));
	long err = -ENOMEM;

	*n_args = -1;
	if (!link)
		return rawtp_err_ptr(err);
	/* Its arguments are those of the tracepoint that it was loaded for. */
	if (prog->type == BPF_PROG_TYPE_TRACING &&
	    strcmp(rawtp_btf_tracepoint(prog->attach_btf, prog->attach_btf_id), name)) {
		free(link);
		return rawtp_err_ptr(-EINVAL);
	}
	link->name = strdup(name);
	link->stats = rawtp_link_stats_map(stats_fd);
	if (!link->name || rawtp_is_err(link->stats)) {
		err = link->name ? rawtp_ptr_err(link->stats) : -ENOMEM;
		goto free;
	}
	rawtp_prog_get(prog);
	link->prog = link->own_prog = prog;
	link->own_blocks = RAWTP_STATS_SHARED;
	link->cookie = cookie;
	link->n_args = -1;
	link->watch.name = link->name;
	link->watch.add = add_event;
	link->watch.remove = remove_event;
	err = rawtp_watch_add(&link->watch);
	if (err) {
		*n_args = link->n_args;
		goto free;
	}
	pthread_mutex_lock(&links_lock);
	link->id = next_id++;
	rawtp_list_add_tail(&link->node, &links);
	pthread_mutex_unlock(&links_lock);
	return link;
free:
	free_link(link);
	return rawtp_err_ptr(err);
}

void rawtp_link_detach(struct rawtp_link *link)
{
	pthread_mutex_lock(&links_lock);
	rawtp_list_del(&link->node);
	pthread_mutex_unlock(&links_lock);
	rawtp_watch_del(&link->watch);
	free_link(link);
}

void rawtp_link_set_handle(struct rawtp_link *link, uint64_t inode)
{
	__atomic_store_n(&link->handle, inode, __ATOMIC_RELAXED);
}

void rawtp_link_view(const struct rawtp_link *link, struct rawtp_link_view *view)
{
	*view = (struct rawtp_link_view){
		.id = link->id,
		.tracepoint = link->name,
		.prog = link->prog,
		.cookie = link->cookie,
		.n_records = __atomic_load_n(&link->n_records, __ATOMIC_RELAXED),
		.n_refused = __atomic_load_n(&link->n_refused, __ATOMIC_RELAXED),
		.stats = link->stats,
		.handle = __atomic_load_n(&link->handle, __ATOMIC_RELAXED),
	};
}

int rawtp_link_for_each(int (*fn)(const struct rawtp_link_view *view, void *data), void *data)
{
	struct rawtp_link_view view;
	struct rawtp_link *link;
	int ret = 0;

	pthread_mutex_lock(&links_lock);
	rawtp_list_for_each (link, &links, node) {
		rawtp_link_view(link, &view);
		ret = fn(&view, data);
		if (ret)
			break;
	}
	pthread_mutex_unlock(&links_lock);
	return ret;
}

struct rawtp_prog *rawtp_link_find_prog(uint64_t prog_id)
{
	struct rawtp_prog *prog = NULL;
	struct rawtp_link *link;

	pthread_mutex_lock(&links_lock);
	rawtp_list_for_each (link, &links, node) {
		if (prog_id && link->prog->id == prog_id) {
			prog = link->own_prog;
			rawtp_prog_get(prog);
			break;
		}
	}
	pthread_mutex_unlock(&links_lock);
	return prog;
}

void rawtp_link_before_fork(void)
{
	pthread_mutex_lock(&links_lock);
}

void rawtp_link_after_fork_parent(void)
{
	pthread_mutex_unlock(&links_lock);
}

void rawtp_link_after_fork_child(void)
{
	struct rawtp_link *link;
	struct rawtp_direct *direct;

	rawtp_list_for_each (link, &links, node) {
		link->own_blocks = 0;
		for (direct = link->directs; direct; direct = direct->next)
			rawtp_direct_revoke(direct);
	}
	pthread_mutex_unlock(&links_lock);
}
