/* SPDX-License-Identifier: MIT */
/*
 * Links of this process: BPF_RAW_TRACEPOINT_OPEN, BPF_LINK_CREATE and rawtp_prog_attach(). The
 * descriptor is one end of a socket pair; the other end is watched by the keeper, which detaches
 * when the last descriptor is closed, however it is closed.
 */
#include "base/err.h"
#include "bpf/syscall/syscall.h"
#include "link/raw_tracepoint.h"
#include "rawtp/bpf.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static rawtp_link_keeper_fn link_keeper;

void rawtp_link_set_keeper(rawtp_link_keeper_fn keeper)
{
	__atomic_store_n(&link_keeper, keeper, __ATOMIC_RELEASE);
}

int rawtp_link_pair(int *near_end, int *far_end)
{
	int fds[2], high[2], i, err = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		return -errno;
	for (i = 0; i < 2; i++) {
		high[i] = fds[i] > 2 ? fds[i] : fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		if (high[i] < 0)
			err = -errno;
		if (high[i] != fds[i])
			close(fds[i]);
	}
	for (i = 0; i < 2; i++)
		if (err && high[i] >= 0)
			close(high[i]);
	*near_end = high[0];
	*far_end = high[1];
	return err;
}

static int link_open(int prog_fd, const char *tracepoint, uint64_t cookie)
{
	rawtp_link_keeper_fn keeper = __atomic_load_n(&link_keeper, __ATOMIC_ACQUIRE);
	struct rawtp_prog *prog;
	struct rawtp_link *link;
	int near_end, far_end, n_args, err;
	struct stat st;

	if (!keeper)
		return -EOPNOTSUPP;
	prog = rawtp_prog_from_fd(prog_fd);
	if (rawtp_is_err(prog))
		return (int)rawtp_ptr_err(prog);
	err = rawtp_prog_is_attachable(prog) ? rawtp_link_pair(&near_end, &far_end) : -EINVAL;
	if (err) {
		rawtp_prog_put(prog);
		return err;
	}
	link = rawtp_link_attach(prog, tracepoint, -1, cookie, &n_args);
	rawtp_prog_put(prog);
	if (rawtp_is_err(link)) {
		close(far_end);
		close(near_end);
		return (int)rawtp_ptr_err(link);
	}
	if (!fstat(near_end, &st))
		rawtp_link_set_handle(link, st.st_ino);
	err = keeper(link, far_end);
	if (err) {
		close(near_end);
		return err;
	}
	return near_end;
}

struct info_query {
	uint64_t handle;
	struct bpf_link_info *info;
	char *name;
	size_t size;
};

static int fill_info(const struct rawtp_link_view *view, void *data)
{
	struct info_query *query = data;

	if (view->handle != query->handle)
		return 0;
	query->info->type = BPF_LINK_TYPE_RAW_TRACEPOINT;
	query->info->id = (uint32_t)view->id;
	query->info->prog_id = (uint32_t)view->prog->id;
	if (query->size)
		snprintf(query->name, query->size, "%s", view->tracepoint);
	return 1;
}

static int link_info(int link_fd, struct bpf_link_info *info, char *name, size_t size)
{
	struct info_query query = {.info = info, .name = name, .size = size};
	struct stat st;

	if (fstat(link_fd, &st))
		return -EBADF;
	query.handle = st.st_ino;
	if (!S_ISSOCK(st.st_mode) || !rawtp_link_for_each(fill_info, &query))
		return -EINVAL;
	return 0;
}

void rawtp_link_ops_local(void)
{
	rawtp_bpf_set_link_ops(link_open, link_info);
}

__attribute__((constructor(102))) static void link_cmds_init(void)
{
	rawtp_link_ops_local();
}

__attribute__((visibility("default"))) int rawtp_prog_attach(int prog_fd, const char *name)
{
	int fd, cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	fd = link_open(prog_fd, name, 0);
	pthread_setcancelstate(cancel, NULL);
	if (fd < 0) {
		errno = -fd;
		return -1;
	}
	return fd;
}
