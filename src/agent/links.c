/* SPDX-License-Identifier: MIT */
#include "agent/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static struct rawtp_list kept_links = RAWTP_LIST_INIT(kept_links);
static unsigned int n_kept;

static void drop(struct rawtp_kept_link *kept)
{
	rawtp_list_del(&kept->node);
	n_kept--;
	rawtp_link_detach(kept->link);
	/* Last: who holds the other end learns that nothing runs any more. */
	rawtp_fd_close(&kept->end);
	free(kept);
}

static bool hung_up(const struct rawtp_fd *end)
{
	char nothing[256];
	ssize_t n;
	int i;

	/* Not poll(): where the limit of descriptors is 0 it refuses even one. */
	for (i = 0; i < 64; i++) {
		n = recv(end->fd, nothing, sizeof(nothing), MSG_DONTWAIT);
		if (n <= 0)
			return n == 0 || (errno != EAGAIN && errno != EINTR);
	}
	return false;
}

int rawtp_kept_add(struct rawtp_link *link, int end, pid_t holder)
{
	struct rawtp_kept_link *kept = malloc(sizeof(*kept));
	int err = -ENOMEM;

	if (!kept) {
		rawtp_link_detach(link);
		close(end);
		return err;
	}
	kept->link = link;
	kept->holder = holder;
	rawtp_list_add_tail(&kept->node, &kept_links);
	n_kept++;
	err = rawtp_fd_keep(&kept->end, end);
	if (!err && hung_up(&kept->end))
		err = -ECONNRESET;
	if (err)
		drop(kept);
	return err;
}

unsigned int rawtp_kept_count(void)
{
	return n_kept;
}

void rawtp_kept_poll(struct pollfd *fds)
{
	struct rawtp_kept_link *kept;

	/*
	 * What is written to a link is nothing: it is thrown away when we are awake. A holder that
	 * shuts down its writing side may wait for the end of the file: it comes when nothing runs
	 * any more, in forked children neither.
	 */
	rawtp_list_for_each (kept, &kept_links, node)
		*fds++ = (struct pollfd){.fd = kept->end.fd, .events = POLLRDHUP};
}

bool rawtp_kept_reap(void)
{
	struct rawtp_kept_link *kept;

	rawtp_list_for_each (kept, &kept_links, node) {
		if (!rawtp_fd_is_ours(&kept->end) || hung_up(&kept->end)) {
			drop(kept);
			return true;
		}
	}
	return false;
}

void rawtp_kept_detach_all(void)
{
	while (!rawtp_list_empty(&kept_links))
		drop(rawtp_container_of(kept_links.next, struct rawtp_kept_link, node));
}

static struct rawtp_kept_link *find(uint64_t link_id)
{
	struct rawtp_kept_link *kept;
	struct rawtp_link_view view;

	rawtp_list_for_each (kept, &kept_links, node) {
		rawtp_link_view(kept->link, &view);
		if (view.id == link_id)
			return kept;
	}
	return NULL;
}

int rawtp_kept_detach(uint64_t link_id)
{
	struct rawtp_kept_link *kept = find(link_id);

	if (!kept)
		return -ENOENT;
	drop(kept);
	return 0;
}

pid_t rawtp_kept_holder(uint64_t link_id)
{
	struct rawtp_kept_link *kept = find(link_id);

	return kept ? kept->holder : 0;
}
