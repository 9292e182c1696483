/* SPDX-License-Identifier: MIT */
/* rawtp_bpf_set_target(): targets from words. */
#include "client/client.h"
#include "rawtp/bpf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TARGETS 256
#define COMM_PREFIX "comm:"

struct targets {
	pid_t pids[MAX_TARGETS];
	unsigned int n;
	const char *comm; /* wanted */
};

static int add_pid(struct targets *targets, pid_t pid)
{
	if (targets->n == MAX_TARGETS)
		return -E2BIG;
	targets->pids[targets->n++] = pid;
	return 0;
}

static int add_if_named(pid_t pid, void *data)
{
	struct targets *targets = data;
	char path[64], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(comm, sizeof(comm), file))
		comm[0] = '\0';
	fclose(file);
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, targets->comm) ? 0 : add_pid(targets, pid);
}

static int parse_pids(struct targets *targets, const char *list)
{
	char *end;
	int err = 0;

	for (; !err; list = end + 1) {
		long pid;

		errno = 0;
		pid = strtol(list, &end, 10);
		if (end == list || errno || pid <= 0 || pid > INT32_MAX || (*end && *end != ','))
			return -EINVAL;
		err = add_pid(targets, (pid_t)pid);
		if (!*end)
			break;
	}
	return err;
}

static int choose(struct targets *targets, const char *target)
{
	int err;

	if (strcmp(target, "self") == 0)
		return 0;
	if (strncmp(target, COMM_PREFIX, strlen(COMM_PREFIX)) != 0)
		return parse_pids(targets, target);
	targets->comm = target + strlen(COMM_PREFIX);
	err = rawtp_client_find(add_if_named, targets);
	if (err)
		return err;
	return targets->n ? 0 : -ESRCH;
}

__attribute__((visibility("default"))) int rawtp_bpf_set_target(const char *target)
{
	struct targets targets = {.n = 0};
	int err = choose(&targets, target);

	if (!err)
		err = rawtp_client_set_targets(targets.pids, targets.n);
	if (!err)
		return 0;
	errno = -err;
	return -1;
}
