/* SPDX-License-Identifier: MIT */
/*
 * A program with a tracepoint that does one thing with its process, and says in the end how it went:
 *
 *	wait        until standard input ends
 *	exec        executes itself as "wait"
 *	daemon      daemon(3), then writes its pid to the file named by the second argument, and waits
 *	            until that file is gone
 *	spawn       posix_spawn() of true, then vfork() and exec of it
 *	sanitize    status 0 where it runs with more rights than its caller and has one thread
 */
#include <dirent.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rawtp/tracepoint.h>

DECLARE_TRACE(subject_tick, TP_PROTO(int value), TP_ARGS(value));
DEFINE_TRACE(subject_tick, TP_PROTO(int value), TP_ARGS(value));

extern char **environ;

static int wait_for_end(void)
{
	char byte;

	printf("ready %d\n", (int)getpid());
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		trace_subject_tick(1);
	return 0;
}

static int become_daemon(const char *path)
{
	FILE *file;

	if (daemon(1, 0))
		return 1;
	file = fopen(path, "w");
	if (!file)
		return 1;
	fprintf(file, "%d\n", (int)getpid());
	fclose(file);
	while (!access(path, F_OK)) {
		trace_subject_tick(2);
		usleep(10000);
	}
	return 0;
}

static int spawn(void)
{
	char *const args[] = {"true", NULL};
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, "true", NULL, NULL, args, environ) ||
	    waitpid(pid, &status, 0) != pid || status)
		return 1;
	pid = vfork();
	if (!pid) {
		execvp("true", args);
		_exit(127);
	}
	return waitpid(pid, &status, 0) != pid || status;
}

static int threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int n = 0;

	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "wait";

	trace_subject_tick(0);
	if (!strcmp(what, "exec"))
		return execl("/proc/self/exe", argv[0], "wait", (char *)NULL);
	if (!strcmp(what, "daemon") && argc > 2)
		return become_daemon(argv[2]);
	if (!strcmp(what, "spawn"))
		return spawn();
	if (!strcmp(what, "sanitize"))
		return !(getauxval(AT_SECURE) && threads() == 1);
	return wait_for_end();
}
