/* SPDX-License-Identifier: MIT */
#include "bpf/syscall/commands.h"
#include "base/nofault.h"
#include "rawtp/bpf.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define LARGEST_ATTR 4096 /* one page, as in the kernel */

struct command {
	rawtp_bpf_cmd_fn fn;
	size_t end; /* of the last field that the command has: all behind it must be zero */
};

#define END_OF(field) (offsetof(union bpf_attr, field) + sizeof(((union bpf_attr *)0)->field))
#define COMMAND(fn, field)                    \
	{                                     \
		rawtp_cmd_##fn, END_OF(field) \
	}

/* What is not here is refused. */
static const struct command commands[] = {
	[BPF_MAP_CREATE] = COMMAND(map_create, map_extra),
	[BPF_MAP_LOOKUP_ELEM] = COMMAND(map_lookup, flags),
	[BPF_MAP_UPDATE_ELEM] = COMMAND(map_update, flags),
	[BPF_MAP_DELETE_ELEM] = COMMAND(map_delete, key),
	[BPF_MAP_GET_NEXT_KEY] = COMMAND(map_get_next_key, next_key),
	[BPF_MAP_LOOKUP_AND_DELETE_ELEM] = COMMAND(map_lookup_and_delete, flags),
	[BPF_MAP_FREEZE] = COMMAND(map_freeze, map_fd),
	[BPF_PROG_LOAD] = COMMAND(prog_load, core_relo_rec_size),
	[BPF_PROG_BIND_MAP] = COMMAND(prog_bind_map, prog_bind_map.flags),
	[BPF_PROG_TEST_RUN] = COMMAND(prog_test_run, test.batch_size),
	/* Linux 6.10 added a cookie, which older headers do not name. */
	[BPF_RAW_TRACEPOINT_OPEN] = {rawtp_cmd_raw_tracepoint_open, RAWTP_RAW_TP_COOKIE + 8},
	[BPF_LINK_CREATE] = COMMAND(link_create, link_create.kprobe_multi.cookies),
	[BPF_BTF_LOAD] = COMMAND(btf_load, btf_log_level),
	[BPF_OBJ_GET_INFO_BY_FD] = COMMAND(obj_get_info, info.info),
};

int rawtp_check_zero_tail(const void *user, size_t from, size_t to)
{
	char part[256];

	while (from < to) {
		size_t n = to - from < sizeof(part) ? to - from : sizeof(part), i;

		if (rawtp_nofault_read(part, (const char *)user + from, n) != 0)
			return -EFAULT;
		for (i = 0; i < n; i++)
			if (part[i])
				return -E2BIG;
		from += n;
	}
	return 0;
}

/* Copies the caller's attr, whatever size it thinks it has. */
static int copy_attr(union bpf_attr *attr, const union bpf_attr *user, size_t size)
{
	int err;

	memset(attr, 0, sizeof(*attr));
	if (size > LARGEST_ATTR)
		return -E2BIG;
	err = rawtp_check_zero_tail(user, sizeof(*attr), size);
	if (err)
		return err;
	return rawtp_nofault_read(attr, user, size < sizeof(*attr) ? size : sizeof(*attr));
}

static bool rest_is_zero(const union bpf_attr *attr, size_t end)
{
	const char *bytes = (const char *)attr;

	for (; end < sizeof(*attr); end++)
		if (bytes[end])
			return false;
	return true;
}

static int dispatch(int cmd, union bpf_attr *user, unsigned int size)
{
	const struct command *command;
	union bpf_attr attr;
	int err = copy_attr(&attr, user, size);

	if (err)
		return err;
	if (cmd < 0 || (size_t)cmd >= sizeof(commands) / sizeof(commands[0]))
		return -EINVAL;
	command = &commands[cmd];
	if (!command->fn || !rest_is_zero(&attr, command->end))
		return -EINVAL;
	return command->fn(&attr, user, size);
}

__attribute__((visibility("default"))) int rawtp_bpf(int cmd, union bpf_attr *attr,
						     unsigned int size)
{
	int saved = errno, cancel, ret;

	/* As bpf(2), no cancellation point: a thread that ended in here would leave locks behind. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	ret = dispatch(cmd, attr, size);
	pthread_setcancelstate(cancel, NULL);
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	errno = saved;
	return ret;
}
