/* SPDX-License-Identifier: MIT */
/*
 * killer TIMES MAX_MICROSECONDS SEED COMMAND...: starts the command so often, and kills each with
 * SIGKILL after a random time below the limit. Prints how many were killed and how many had ended
 * by themselves, which is an error of the test: "killed N ended N".
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t start(char **command)
{
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		execvp(command[0], command);
		_exit(127);
	}
	return pid;
}

int main(int argc, char **argv)
{
	unsigned int times, limit, seed, killed = 0, ended = 0;
	int status;
	pid_t pid;

	if (argc < 5)
		return 2;
	times = strtoul(argv[1], NULL, 10);
	limit = strtoul(argv[2], NULL, 10);
	seed = strtoul(argv[3], NULL, 10);
	while (times--) {
		unsigned int wait = rand_r(&seed) % limit;

		pid = start(argv + 4);
		if (pid < 0)
			return 1;
		nanosleep(&(struct timespec){wait / 1000000, wait % 1000000 * 1000}, NULL);
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			killed++;
		else
			ended++;
	}
	printf("killed %u ended %u\n", killed, ended);
	return 0;
}
