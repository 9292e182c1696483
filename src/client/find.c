/* SPDX-License-Identifier: MIT */
/*
 * From a process id to its agent's socket. The socket's directory depends on who the process was
 * when it started and on its mount namespace, so a few places are tried; the kernel says who listens
 * (SO_PEERCRED), so nothing else has to be believed.
 */
#include "client/internal.h"
#include "wire/run_dir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct process {
	pid_t pid;
	pid_t inner; /* as it sees itself: in the innermost pid namespace */
	uid_t uid;   /* effective */
};

static int read_process(pid_t pid, struct process *process)
{
	char path[64], line[512], *p;
	unsigned int real, effective;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return errno == EACCES || errno == EPERM ? -EACCES : -ESRCH;
	*process = (struct process){.pid = pid, .inner = pid, .uid = (uid_t)-1};
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Uid: %u %u", &real, &effective) == 2)
			process->uid = effective;
		if (strncmp(line, "NSpid:", 6))
			continue;
		for (p = line + 6; *p && *p != '\n';)
			process->inner = (pid_t)strtol(p, &p, 10);
	}
	fclose(file);
	return 0;
}

/* A socket whose listener is @pid itself. */
static int connect_checked(const char *path, pid_t pid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int sock = rawtp_unix_connect(path);

	if (sock < 0)
		return sock;
	if (!getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) && len == sizeof(cred) &&
	    cred.pid == pid)
		return sock;
	close(sock);
	return -ENOENT;
}

static int connect_user(const struct process *process, const char *root, uid_t uid)
{
	char path[PATH_MAX];
	unsigned int kind;
	int ret = -ENOENT;

	for (kind = 0; kind < RAWTP_RUN_DIR_KINDS; kind++) {
		size_t len;
		int sock;

		if (rawtp_run_dir(getenv("RAWTP_RUN_DIR"), root, uid, kind, path,
				  sizeof(path) - 16))
			continue;
		len = strlen(path);
		snprintf(path + len, sizeof(path) - len, "/%d", (int)process->inner);
		sock = connect_checked(path, process->pid);
		if (sock >= 0)
			return sock;
		/* A full queue says that somebody is there. */
		if (sock == -EAGAIN)
			ret = sock;
	}
	return ret;
}

static int connect_process(const struct process *process)
{
	const uid_t uids[] = {process->uid, geteuid(), 0};
	unsigned int i, j, k;
	int ret = -ENOENT;
	char root[32];

	snprintf(root, sizeof(root), "/proc/%d/root", (int)process->pid);
	for (i = 0; i < 3; i++) {
		const char *const roots[] = {"", root};
		bool again = false;

		for (k = 0; k < i; k++)
			again |= uids[k] == uids[i];
		for (j = 0; j < 2 && !again; j++) {
			int sock = connect_user(process, roots[j], uids[i]);

			if (sock >= 0)
				return sock;
			if (sock == -EAGAIN)
				ret = sock;
		}
	}
	if (ret == -ENOENT && geteuid() && process->uid != geteuid())
		return -EACCES;
	return ret;
}

int rawtp_client_connect(pid_t pid)
{
	struct timespec pause = {.tv_nsec = 10000000};
	int64_t deadline = rawtp_now_ms() + RAWTP_HELLO_LIMIT;
	struct process process;
	int sock;

	if (pid <= 0)
		return -ESRCH;
	for (;;) {
		int err = read_process(pid, &process);

		if (err)
			return err;
		sock = connect_process(&process);
		if (sock != -EAGAIN)
			return sock;
		if (rawtp_now_ms() >= deadline)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
}

static bool is_number(const char *text)
{
	const char *p = text;

	while (isdigit((unsigned char)*p))
		p++;
	return p != text && !*p && p - text < 10;
}

/* Sockets that dead processes have left in our own directories. */
static void remove_stale(void)
{
	char dir[PATH_MAX], path[PATH_MAX + 32];
	unsigned int kind;
	struct dirent *entry;
	struct stat st;
	int sock;
	DIR *d;

	for (kind = 0; kind < RAWTP_RUN_DIR_KINDS; kind++) {
		/* In another's directory, or behind a link, nothing is ours to remove. */
		if (rawtp_run_dir(getenv("RAWTP_RUN_DIR"), "", geteuid(), kind, dir, sizeof(dir)) ||
		    rawtp_run_dir_check(dir))
			continue;
		d = opendir(dir);
		while (d && (entry = readdir(d))) {
			if (!is_number(entry->d_name) || !kill(atoi(entry->d_name), 0) ||
			    errno != ESRCH)
				continue;
			snprintf(path, sizeof(path), "%s/%.16s", dir, entry->d_name);
			if (lstat(path, &st) || !S_ISSOCK(st.st_mode))
				continue;
			/* Alive in another pid namespace that shares the directory? */
			sock = rawtp_unix_connect(path);
			if (sock >= 0)
				close(sock);
			else if (sock == -ECONNREFUSED)
				unlink(path);
		}
		if (d)
			closedir(d);
	}
}

int rawtp_client_find(int (*fn)(pid_t pid, void *data), void *data)
{
	struct process process;
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	int ret = 0;

	if (!proc)
		return -errno;
	remove_stale();
	while (!ret && (entry = readdir(proc))) {
		int sock;

		if (!is_number(entry->d_name) || read_process(atoi(entry->d_name), &process))
			continue;
		sock = connect_process(&process);
		if (sock >= 0)
			close(sock);
		if (sock >= 0 || sock == -EAGAIN)
			ret = fn(process.pid, data);
	}
	closedir(proc);
	return ret;
}
