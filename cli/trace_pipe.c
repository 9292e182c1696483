/* SPDX-License-Identifier: MIT */
#include "trace_pipe.h"
#include "kernel_events.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INSTANCE "rawtp-"

struct rawtp_trace_pipe {
	char path[PATH_MAX]; /* of the instance */
	int fd;
	size_t n; /* bytes of a line that has not ended */
	char text[16384];
};

static bool program_prints(const struct bpf_program *program)
{
	const struct bpf_insn *insn = bpf_program__insns(program);
	size_t i, n = bpf_program__insn_cnt(program);

	for (i = 0; insn && i < n; i++)
		if (insn[i].code == (BPF_JMP | BPF_CALL) && !insn[i].src_reg &&
		    (insn[i].imm == BPF_FUNC_trace_printk || insn[i].imm == BPF_FUNC_trace_vprintk))
			return true;
	return false;
}

static bool anything_prints(const struct rawtp_object *objects, unsigned int n)
{
	struct bpf_program *program;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (!objects[i].kernel)
			continue;
		bpf_object__for_each_program(program, objects[i].bpf)
		{
			if (bpf_program__autoload(program) && program_prints(program))
				return true;
		}
	}
	return false;
}

static bool write_file(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX + 64];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

/* What a command left that was killed. */
static void remove_stale(const char *instances)
{
	char path[PATH_MAX + 600];
	DIR *dir = opendir(instances);
	struct dirent *entry;
	int pid;

	while (dir && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, INSTANCE "%d", &pid) != 1 || pid <= 0)
			continue;
		if (!kill(pid, 0) || errno != ESRCH)
			continue;
		snprintf(path, sizeof(path), "%s/%s", instances, entry->d_name);
		rmdir(path);
	}
	if (dir)
		closedir(dir);
}

/* NULL; or what failed. */
static const char *open_instance(struct rawtp_trace_pipe *pipe)
{
	char tracefs[PATH_MAX - 64], path[PATH_MAX + 64];

	if (!rawtp_kernel_tracefs(tracefs, sizeof(tracefs)))
		return "tracefs is not mounted, or may not be read";
	snprintf(path, sizeof(path), "%s/instances", tracefs);
	remove_stale(path);
	snprintf(pipe->path, sizeof(pipe->path), "%s/instances/" INSTANCE "%d", tracefs,
		 (int)getpid());
	if (mkdir(pipe->path, 0700)) {
		pipe->path[0] = '\0';
		return "no instance can be made in tracefs";
	}
	if (!write_file(pipe->path, "trace_clock", "mono") ||
	    !write_file(pipe->path, "events/bpf_trace/bpf_trace_printk/enable", "1"))
		return "tracefs has no event bpf_trace_printk, which Linux 5.9 brought";
	snprintf(path, sizeof(path), "%s/trace_pipe", pipe->path);
	pipe->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return pipe->fd < 0 ? "its trace_pipe cannot be read" : NULL;
}

struct rawtp_trace_pipe *rawtp_trace_pipe_open(const struct rawtp_cli *cli,
					       const struct rawtp_object *objects, unsigned int n)
{
	struct rawtp_trace_pipe *pipe;
	const char *why;

	if (!anything_prints(objects, n))
		return NULL;
	pipe = calloc(1, sizeof(*pipe));
	if (!pipe)
		return NULL;
	pipe->fd = -1;
	why = open_instance(pipe);
	if (!why)
		return pipe;
	rawtp_cli_error(cli, "the kernel's lines of trace_printk are not shown: %s", why);
	rawtp_trace_pipe_close(pipe);
	return NULL;
}

/* "COMM-PID [CPU] FLAGS SECONDS.MICROSECONDS: bpf_trace_printk: TEXT". */
static uint64_t time_of(const char *line)
{
	static const char mark[] = ": bpf_trace_printk: ";
	const char *end = strstr(line, mark), *p = end;
	unsigned long long seconds, us;

	while (p && p > line && p[-1] != ' ')
		p--;
	if (!p || sscanf(p, "%llu.%6llu", &seconds, &us) != 2)
		return 0;
	return (seconds * 1000000 + us) * 1000;
}

void rawtp_trace_pipe_read(struct rawtp_trace_pipe *pipe,
			   void (*fn)(uint64_t time, const char *line, void *context),
			   void *context)
{
	char *line, *end;
	ssize_t n;

	for (;;) {
		n = read(pipe->fd, pipe->text + pipe->n, sizeof(pipe->text) - 1 - pipe->n);
		if (n <= 0)
			return;
		pipe->n += (size_t)n;
		pipe->text[pipe->n] = '\0';
		for (line = pipe->text; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			/* "CPU:1 [LOST 3 EVENTS]" has no time of its own: it stands where it is. */
			if (*line)
				fn(time_of(line), line, context);
		}
		pipe->n = strlen(line);
		memmove(pipe->text, line, pipe->n);
		if (pipe->n == sizeof(pipe->text) - 1) /* no line is so long */
			pipe->n = 0;
	}
}

void rawtp_trace_pipe_close(struct rawtp_trace_pipe *pipe)
{
	if (!pipe)
		return;
	if (pipe->fd >= 0)
		close(pipe->fd);
	if (*pipe->path)
		rmdir(pipe->path);
	free(pipe);
}
