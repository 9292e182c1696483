/* SPDX-License-Identifier: MIT */
#include "kernel_target.h"
#include "kernel_events.h"
#include "session.h"
#include "preload/route.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define BTF_FILE      "/sys/kernel/btf/vmlinux"
#define LOCKDOWN_FILE "/sys/kernel/security/lockdown"

/* Of <linux/capability.h> since Linux 5.8. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF     39
#endif

static bool has_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &header, data))
		return true; /* bpf(2) will tell */
	return data[capability / 32].effective & (1u << capability % 32);
}

static bool kernel_before(unsigned int major, unsigned int minor, char *release, size_t size)
{
	unsigned int has_major, has_minor;
	struct utsname name;

	uname(&name);
	snprintf(release, size, "%s", name.release);
	if (sscanf(name.release, "%u.%u", &has_major, &has_minor) != 2)
		return false;
	return has_major < major || (has_major == major && has_minor < minor);
}

int rawtp_kernel_permitted(const struct rawtp_cli *cli)
{
	bool bpf = has_capability(CAP_BPF), perfmon = has_capability(CAP_PERFMON);
	char release[65];

	if (kernel_before(4, 17, release, sizeof(release)))
		return rawtp_cli_error(
			cli,
			"-k needs Linux 4.17, which brought raw tracepoints; this is "
			"%s; processes can be traced all the same (-p PID)",
			release);
	if (has_capability(CAP_SYS_ADMIN) || (bpf && perfmon))
		return RAWTP_EXIT_OK;
	if (kernel_before(5, 8, release, sizeof(release)))
		return rawtp_cli_error(
			cli, "-k: CAP_SYS_ADMIN is missing: before Linux 5.8 it is needed to "
			     "load programs into the kernel");
	if (!bpf && !perfmon)
		return rawtp_cli_error(
			cli, "-k: CAP_BPF is missing, which making maps and loading programs "
			     "needs, and CAP_PERFMON, which raw tracepoints need; run it as "
			     "root");
	if (!bpf)
		return rawtp_cli_error(cli, "-k: CAP_BPF is missing, which making maps and loading "
					    "programs needs");
	return rawtp_cli_error(cli,
			       "-k: CAP_PERFMON is missing, which programs for raw tracepoints "
			       "need, since they read the kernel's memory");
}

int rawtp_kernel_refused(const struct rawtp_cli *cli, const char *path)
{
	char text[128] = "";
	int fd = open(LOCKDOWN_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (strstr(text, "[confidentiality]"))
		return rawtp_cli_error(cli,
				       "%s: the kernel does not permit it: it is locked down "
				       "(" LOCKDOWN_FILE
				       ": confidentiality), and lets no program read "
				       "its memory",
				       path);
	return rawtp_cli_error(
		cli,
		"%s: the kernel does not permit it: CAP_BPF and CAP_PERFMON must be "
		"the host's, not those of a user namespace, and no seccomp filter or "
		"security module may forbid bpf(2)",
		path);
}

static int keep_event(const struct rawtp_client_event *event, void *data)
{
	return !rawtp_event_list_add(data, event);
}

int rawtp_kernel_open(const struct rawtp_cli *cli, struct rawtp_kernel *kernel)
{
	bool has_btf;
	int status;

	kernel->stats_fd = -1;
	kernel_before(0, 0, kernel->release, sizeof(kernel->release));
	status = rawtp_kernel_permitted(cli);
	/* Of processes, the file stands for their types. */
	rawtp_target_kernel(true);
	has_btf = !access(BTF_FILE, R_OK);
	rawtp_target_kernel(false);
	/* Without BTF the kernel alone knows its names. */
	if (status || !has_btf)
		return status;
	status = rawtp_kernel_events(cli, keep_event, &kernel->events);
	rawtp_event_list_sort(&kernel->events);
	return status;
}

void rawtp_kernel_count(const struct rawtp_cli *cli, struct rawtp_kernel *kernel)
{
	rawtp_target_kernel(true);
	kernel->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	kernel->counted = kernel->stats_fd >= 0;
	if (!kernel->counted)
		rawtp_cli_error(
			cli,
			"the kernel does not count runs (%s): BPF_ENABLE_STATS needs %s; the "
			"maps are right without",
			strerror(errno), errno == EPERM ? "CAP_SYS_ADMIN" : "Linux 5.8");
}

void rawtp_kernel_close(struct rawtp_kernel *kernel)
{
	if (kernel->counted)
		close(kernel->stats_fd);
	kernel->counted = false;
	rawtp_event_list_free(&kernel->events);
}

static int compare_event(const void *key, const void *row)
{
	return strcmp(key, ((const struct rawtp_client_event *)row)->name);
}

const struct rawtp_client_event *rawtp_kernel_find(const struct rawtp_kernel *kernel,
						   const char *name)
{
	const struct rawtp_event_list *list = &kernel->events;

	return list->n ? bsearch(name, list->events, list->n, sizeof(*list->events), compare_event)
		       : NULL;
}

static int no_such_name(const struct rawtp_cli *cli, const struct rawtp_kernel *kernel,
			const struct rawtp_session_program *program)
{
	struct rawtp_nearest nearest;
	char text[512];
	size_t i;

	rawtp_nearest_init(&nearest, program->tracepoint);
	for (i = 0; i < kernel->events.n; i++)
		rawtp_nearest_offer(&nearest, kernel->events.events[i].name);
	return rawtp_cli_error(cli, "%s: program %s: the kernel has no raw tracepoint %s%s%s",
			       program->object->path, program->name, program->tracepoint,
			       rawtp_nearest_text(&nearest, text, sizeof(text)),
			       kernel->events.n ? "; see rawtp list -k"
						: " (it shows no BTF, so near names are unknown)");
}

int rawtp_kernel_attach(const struct rawtp_cli *cli, const struct rawtp_kernel *kernel,
			struct rawtp_session_program *program)
{
	const struct rawtp_client_event *event = rawtp_kernel_find(kernel, program->tracepoint);

	rawtp_target_kernel(true);
	program->kernel_link = bpf_raw_tracepoint_open(
		program->is_typed ? NULL : program->tracepoint, program->fd);
	if (program->kernel_link >= 0)
		return RAWTP_EXIT_OK;
	if (program->kernel_link == -ENOENT)
		return no_such_name(cli, kernel, program);
	if (program->kernel_link == -EINVAL && event)
		return rawtp_cli_error(cli,
				       "%s: program %s reads more arguments than the kernel's "
				       "tracepoint %s has (%u); see rawtp list -k %s",
				       program->object->path, program->name, program->tracepoint,
				       event->n_args, program->tracepoint);
	return rawtp_cli_error(cli, "%s: program %s cannot be attached to %s of the kernel: %s",
			       program->object->path, program->name, program->tracepoint,
			       strerror(-program->kernel_link));
}

void rawtp_kernel_read(const struct rawtp_kernel *kernel, struct rawtp_session_program *program)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	memset(&program->now, 0, sizeof(program->now));
	rawtp_target_kernel(true);
	if (bpf_obj_get_info_by_fd(program->fd, &info, &size))
		return;
	/* A run that is skipped since its program runs already is counted apart. */
	program->now.recursion_misses = program->now.misses = info.recursion_misses;
	program->now.hits = info.run_cnt + info.recursion_misses;
	program->uncounted = !kernel->counted;
	if (program->uncounted)
		return;
	program->now.timed = info.run_cnt;
	program->now.nsecs = info.run_time_ns;
}

/* Closing a link does not wait, but a program runs in an RCU read side, for which this waits. */
void rawtp_kernel_wait(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}
