/* SPDX-License-Identifier: MIT */
#include "spawn.h"
#include "elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_TIME_LIMIT 10000 /* ms, for a command that is loaded from a slow disk */

static bool is_name(const char *name)
{
	return *name && !strchr(name, '/') && !strchr(name, '.');
}

/* Beside the command in a build tree; else where make install puts it. False: nowhere. */
static bool find_library(const char *file, char *path, size_t size)
{
	static const char *const places[] = {"", "/../lib/rawtp", "/../lib", "/../lib64/rawtp",
					     "/../lib64"};
	char self[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		n = snprintf(path, size, "%s%s/%s", self, places[i], file);
		if (n > 0 && (size_t)n < size && !access(path, R_OK))
			return true;
	}
	return false;
}

int rawtp_spawn_provider(const struct rawtp_cli *cli, const char *name, char *path, size_t size)
{
	char file[NAME_MAX];

	if (!is_name(name) || strlen(name) > 64)
		return rawtp_cli_usage(cli, "--provider %s is no name", name);
	snprintf(file, sizeof(file), "librawtp-%s.so", name);
	if (find_library(file, path, size))
		return RAWTP_EXIT_OK;
	return rawtp_cli_error(cli,
			       "there is no provider %s: no %s beside rawtp or in its "
			       "../lib/rawtp; the one that comes with it is libc",
			       name, file);
}

/* What execvp() would run; false where it would find nothing. */
static bool find_command(const char *command, char *path, size_t size)
{
	const char *dir = getenv("PATH"), *end;
	int n;

	if (strchr(command, '/')) {
		n = snprintf(path, size, "%s", command);
		return n > 0 && (size_t)n < size;
	}
	for (; dir && *dir; dir = *end ? end + 1 : end) {
		end = strchrnul(dir, ':');
		n = snprintf(path, size, "%.*s/%s", (int)(end - dir), end > dir ? dir : ".",
			     command);
		if (n > 0 && (size_t)n < size && !access(path, X_OK))
			return true;
	}
	return false;
}

/*
 * Refuses what can be told beforehand not to be traceable: once it runs it is too late. Sets
 * *@preload to what must be preloaded, in @library where it is our own library: a program without
 * tracepoints may use libraries that have some.
 */
static int check_command(const struct rawtp_cli *cli, const char *provider, const char *command,
			 char *library, size_t size, const char **preload)
{
	struct rawtp_elf_facts facts;
	char path[PATH_MAX];
	struct stat st;

	*preload = provider;
	if (!find_command(command, path, sizeof(path)) || access(path, X_OK))
		return RAWTP_EXIT_OK; /* exec says why */
	if (!stat(path, &st) && ((st.st_mode & S_ISUID && st.st_uid != geteuid()) ||
				 (st.st_mode & S_ISGID && st.st_gid != getegid())))
		return rawtp_cli_error(cli, "%s: is set-uid or set-gid, and may not be traced",
				       path);
	rawtp_elf_inspect(path, &facts);
	if (facts.is_elf && !facts.is_dynamic && (provider || !facts.has_tracepoints))
		return rawtp_cli_error(
			cli,
			"%s: is statically linked, so nothing can be preloaded; link "
			"it with librawtp.a",
			path);
	if (!provider && !facts.has_tracepoints) {
		if (!find_library("librawtp.so.0", library, size) &&
		    !find_library("librawtp.so", library, size))
			return rawtp_cli_error(cli,
					       "there is no librawtp.so beside rawtp or in its "
					       "../lib; install it again");
		*preload = library;
	}
	return RAWTP_EXIT_OK;
}

/* LD_PRELOAD takes blanks and colons for separators: such a path cannot be in it. */
static int set_preload(const struct rawtp_cli *cli, const char *provider)
{
	const char *old = getenv("LD_PRELOAD");
	char *value;
	int err;

	if (!provider)
		return RAWTP_EXIT_OK;
	if (strpbrk(provider, ": \t\n"))
		return rawtp_cli_error(cli,
				       "%s: a path with blanks or colons cannot be preloaded; "
				       "install rawtp elsewhere",
				       provider);
	if (asprintf(&value, "%s%s%s", provider, old && *old ? ":" : "", old ? old : "") < 0)
		return rawtp_cli_error(cli, "out of memory");
	err = setenv("LD_PRELOAD", value, 1);
	free(value);
	return err ? rawtp_cli_error(cli, "out of memory") : RAWTP_EXIT_OK;
}

static int exec_status(int err)
{
	return err == ENOENT ? RAWTP_EXIT_NOT_FOUND : RAWTP_EXIT_CANNOT_RUN;
}

static int exec_error(const struct rawtp_cli *cli, const char *command, int err)
{
	rawtp_cli_error(cli, "%s: cannot be run: %s", command, strerror(err));
	return exec_status(err);
}

int rawtp_spawn_exec(const struct rawtp_cli *cli, const char *provider, char **argv)
{
	int status = set_preload(cli, provider);

	if (status)
		return status;
	execvp(argv[0], argv);
	return exec_error(cli, argv[0], errno);
}

/* In the child: tells @report why exec failed; its success closes it. */
static void __attribute__((noreturn)) become(char **argv, int start_fd, int report)
{
	char number[16];
	ssize_t n;
	int err;

	snprintf(number, sizeof(number), "%d", start_fd);
	if (!fcntl(start_fd, F_SETFD, 0) && !setenv("RAWTP_START_FD", number, 1))
		execvp(argv[0], argv);
	err = errno;
	n = write(report, &err, sizeof(err));
	(void)n;
	_exit(RAWTP_EXIT_NOT_FOUND);
}

static int kill_child(pid_t pid, int status)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return status;
}

static int start_error(const struct rawtp_cli *cli, const char *command, int err)
{
	if (err == -ETIMEDOUT)
		return rawtp_cli_error(cli,
				       "%s: does not load librawtp, so it cannot be traced; is it "
				       "static, or does it clear LD_PRELOAD?",
				       command);
	return rawtp_cli_error(cli, "%s: cannot be traced: %s", command, strerror(-err));
}

int rawtp_spawn_traced(const struct rawtp_cli *cli, const char *provider, char **argv, pid_t *pid,
		       struct rawtp_client **client)
{
	char library[PATH_MAX];
	const char *preload;
	int ends[2], report[2], err = 0, status;

	status = check_command(cli, provider, argv[0], library, sizeof(library), &preload);
	if (!status)
		status = set_preload(cli, preload);
	if (status)
		return status;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return rawtp_cli_error(cli, "cannot make a socket: %s", strerror(errno));
	if (pipe2(report, O_CLOEXEC)) {
		close(ends[0]);
		close(ends[1]);
		return rawtp_cli_error(cli, "cannot make a pipe: %s", strerror(errno));
	}
	fflush(NULL);
	*pid = fork();
	if (!*pid)
		become(argv, ends[1], report[1]);
	close(ends[1]);
	close(report[1]);
	if (*pid < 0) {
		status = rawtp_cli_error(cli, "cannot start a process: %s", strerror(errno));
	} else if (read(report[0], &err, sizeof(err)) == sizeof(err)) {
		waitpid(*pid, NULL, 0);
		status = exec_error(cli, argv[0], err);
	}
	close(report[0]);
	if (status) {
		close(ends[0]);
		return status;
	}
	err = rawtp_client_adopt(ends[0], START_TIME_LIMIT, client);
	if (err)
		return kill_child(*pid, start_error(cli, argv[0], err));
	return RAWTP_EXIT_OK;
}

int rawtp_spawn_held(const struct rawtp_cli *cli, const char *provider, char **argv, pid_t *pid,
		     int *go)
{
	int ends[2], status = set_preload(cli, provider);
	char byte;

	if (status)
		return status;
	if (pipe2(ends, O_CLOEXEC))
		return rawtp_cli_error(cli, "cannot make a pipe: %s", strerror(errno));
	fflush(NULL);
	*pid = fork();
	if (!*pid) {
		close(ends[1]);
		/* The end of the pipe instead: our parent gave up. */
		if (read(ends[0], &byte, 1) != 1)
			_exit(RAWTP_EXIT_FAILED);
		execvp(argv[0], argv);
		_exit(exec_error(cli, argv[0], errno));
	}
	close(ends[0]);
	if (*pid < 0) {
		close(ends[1]);
		return rawtp_cli_error(cli, "cannot start a process: %s", strerror(errno));
	}
	*go = ends[1];
	return RAWTP_EXIT_OK;
}
