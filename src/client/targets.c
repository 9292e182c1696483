/* SPDX-License-Identifier: MIT */
/*
 * BPF_RAW_TRACEPOINT_OPEN and BPF_LINK_CREATE on other processes: under libbpf, one descriptor that
 * stands for one program in all of the targets.
 */
#include "base/err.h"
#include "bpf/syscall/syscall.h"
#include "client/internal.h"
#include "client/target_btf.h"
#include "link/raw_tracepoint.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A link fd, and the figures of each target, in the order in which they were then. */
struct link {
	struct link *next;
	int fd;    /* the number it was given out with */
	ino_t ino; /* what it is */
	uint32_t id, prog_id;
	char *tracepoint;
	unsigned int n;
	struct rawtp_link_stats *stats[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rawtp_client **targets;
static unsigned int n_targets;
static struct link *links;
static uint32_t next_id = 1;
static char last_log[32768];

const char *rawtp_client_last_log(void)
{
	return last_log;
}

static void free_link(struct link *link)
{
	unsigned int i;

	for (i = 0; i < link->n; i++)
		rawtp_link_stats_unmap(link->stats[i]);
	free(link->tracepoint);
	free(link);
}

/* Nobody tells us when a link is closed: whose number is something else now is forgotten. */
static void forget_closed(void)
{
	struct link **at = &links;
	struct stat st;

	while (*at) {
		struct link *link = *at;

		if (!fstat(link->fd, &st) && st.st_ino == link->ino) {
			at = &link->next;
			continue;
		}
		*at = link->next;
		free_link(link);
	}
}

static int attach_target(struct link *link, struct rawtp_client *client, int prog_fd, int far_end,
			 uint64_t cookie)
{
	int stats_fd = rawtp_link_stats_create(), err;
	struct rawtp_link_stats *stats;

	if (stats_fd < 0)
		return stats_fd;
	stats = rawtp_link_stats_map(stats_fd);
	if (rawtp_is_err(stats)) {
		close(stats_fd);
		return (int)rawtp_ptr_err(stats);
	}
	link->stats[link->n++] = stats;
	err = rawtp_client_attach(client, prog_fd, link->tracepoint, far_end, stats_fd, cookie,
				  last_log, sizeof(last_log));
	close(stats_fd);
	return err;
}

static int attach_all(struct link *link, int prog_fd, uint64_t cookie)
{
	int near_end, far_end, err;
	unsigned int i;
	struct stat st;

	err = rawtp_link_pair(&near_end, &far_end);
	if (err)
		return err;
	for (i = 0; i < n_targets && !err; i++)
		err = attach_target(link, targets[i], prog_fd, far_end, cookie);
	if (!err && fstat(near_end, &st))
		err = -errno;
	/* With our own copy of it open, the end of the targets could not be seen. */
	close(far_end);
	if (err) {
		close(near_end);
		return err;
	}
	link->fd = near_end;
	link->ino = st.st_ino;
	return near_end;
}

static int open_link(int prog_fd, const char *tracepoint, uint64_t cookie)
{
	struct link *link;
	struct stat st;
	int fd = -ENOMEM;

	if (fstat(prog_fd, &st))
		return -EBADF;
	pthread_mutex_lock(&lock);
	forget_closed();
	last_log[0] = '\0';
	link = calloc(1, sizeof(*link) + n_targets * sizeof(link->stats[0]));
	if (link)
		link->tracepoint = strdup(tracepoint);
	if (link && link->tracepoint)
		fd = attach_all(link, prog_fd, cookie);
	if (fd >= 0) {
		link->id = next_id++;
		link->prog_id = (uint32_t)st.st_ino;
		link->next = links;
		links = link;
	} else if (link) {
		free_link(link);
	}
	pthread_mutex_unlock(&lock);
	return fd;
}

/* With the lock held; also through a duplicate of the descriptor. */
static struct link *find_link(int fd)
{
	struct link *link;
	struct stat st;

	if (fstat(fd, &st) || !S_ISSOCK(st.st_mode))
		return NULL;
	for (link = links; link; link = link->next)
		if (link->ino == st.st_ino)
			return link;
	return NULL;
}

static int link_info(int link_fd, struct bpf_link_info *info, char *name, size_t size)
{
	struct link *link;

	pthread_mutex_lock(&lock);
	link = find_link(link_fd);
	if (link) {
		info->type = BPF_LINK_TYPE_RAW_TRACEPOINT;
		info->id = link->id;
		info->prog_id = link->prog_id;
		if (size)
			snprintf(name, size, "%s", link->tracepoint);
	}
	pthread_mutex_unlock(&lock);
	return link ? 0 : -EINVAL;
}

int rawtp_client_with_target(int (*fn)(struct rawtp_client *client))
{
	struct rawtp_client *self;
	int err;

	pthread_mutex_lock(&lock);
	if (n_targets) {
		err = fn(targets[0]);
		pthread_mutex_unlock(&lock);
		return err;
	}
	pthread_mutex_unlock(&lock);
	err = rawtp_client_open(getpid(), &self);
	if (err)
		return err;
	err = fn(self);
	rawtp_client_close(self);
	return err;
}

int rawtp_client_set_targets(const pid_t *pids, unsigned int n)
{
	struct rawtp_client **opened = calloc(n ? n : 1, sizeof(struct rawtp_client *)), **old;
	unsigned int i, n_old;
	int err = 0;

	if (!opened)
		return -ENOMEM;
	for (i = 0; i < n && !err; i++)
		err = rawtp_client_open(pids[i], &opened[i]);
	pthread_mutex_lock(&lock);
	old = err ? opened : targets;
	n_old = err ? n : n_targets;
	if (!err) {
		targets = opened;
		n_targets = n;
		if (n)
			rawtp_bpf_set_link_ops(open_link, link_info);
		else
			rawtp_link_ops_local();
	}
	pthread_mutex_unlock(&lock);
	if (!err)
		rawtp_target_btf_forget();
	for (i = 0; old && i < n_old; i++)
		rawtp_client_close(old[i]);
	free(old);
	return err;
}

int rawtp_client_link_stats(int link_fd, struct rawtp_client_stats *stats)
{
	struct link *link;
	unsigned int i;

	memset(stats, 0, sizeof(*stats));
	pthread_mutex_lock(&lock);
	link = find_link(link_fd);
	for (i = 0; link && i < link->n; i++) {
		struct rawtp_stats_block sum = rawtp_link_stats_sum(link->stats[i]);

		stats->hits += sum.hits;
		stats->misses += sum.misses;
		stats->recursion_misses += sum.recursion_misses;
		stats->timed += sum.timed;
		stats->nsecs += sum.nsecs;
	}
	pthread_mutex_unlock(&lock);
	return link ? 0 : -ENOENT;
}

int rawtp_client_link_sample(int link_fd, uint32_t sample)
{
	struct link *link;
	unsigned int i;

	pthread_mutex_lock(&lock);
	link = find_link(link_fd);
	for (i = 0; link && i < link->n; i++)
		__atomic_store_n(&link->stats[i]->sample, sample, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock);
	return link ? 0 : -ENOENT;
}
