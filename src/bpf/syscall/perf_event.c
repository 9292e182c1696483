/* SPDX-License-Identifier: MIT */
/* perf_event_open(2) and its ioctl(2), as far as readers of perf event arrays need them. */
#include "base/err.h"
#include "base/nofault.h"
#include "bpf/maps/perf_event.h"
#include "bpf/maps/slots.h"
#include "bpf/syscall/handle.h"
#include "rawtp/bpf.h"

#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* What there is: records of bpf_perf_event_output() on one CPU, of all processes, in one order. */
static int check_attr(const struct perf_event_attr *attr, int pid, int cpu, int group_fd,
		      unsigned long flags)
{
	if (attr->type != PERF_TYPE_SOFTWARE || attr->config != PERF_COUNT_SW_BPF_OUTPUT)
		return -ENOENT;
	if (flags & ~PERF_FLAG_FD_CLOEXEC || group_fd != -1 || pid != -1 || cpu < 0)
		return -EINVAL;
	if (attr->sample_type != PERF_SAMPLE_RAW || attr->write_backward || attr->watermark)
		return -EINVAL;
	return (uint32_t)cpu < rawtp_possible_cpus() ? 0 : -ENODEV;
}

static int open_event(const struct perf_event_attr *user, int pid, int cpu, int group_fd,
		      unsigned long flags)
{
	struct perf_event_attr attr;
	struct rawtp_perf_event *event;
	int fd, err;

	err = rawtp_nofault_read(&attr, user, PERF_ATTR_SIZE_VER0);
	if (err)
		return err;
	memset((char *)&attr + PERF_ATTR_SIZE_VER0, 0, sizeof(attr) - PERF_ATTR_SIZE_VER0);
	err = check_attr(&attr, pid, cpu, group_fd, flags);
	if (err)
		return err;
	rawtp_handle_sweep();
	fd = memfd_create("bpf-perf-event", flags & PERF_FLAG_FD_CLOEXEC ? MFD_CLOEXEC : 0);
	fd = rawtp_handle_fd_above_stdio(fd < 0 ? -errno : fd);
	if (fd < 0)
		return fd;
	/* Empty memory, until a map's takes its place. */
	err = ftruncate(fd, sysconf(_SC_PAGESIZE) + RAWTP_PERF_MAX_DATA) ? -ENOMEM : 0;
	event = err ? rawtp_err_ptr(err) : rawtp_perf_event_new(fd, (uint32_t)cpu, attr.disabled);
	if (rawtp_is_err(event)) {
		close(fd);
		return (int)rawtp_ptr_err(event);
	}
	rawtp_handle_add(fd, RAWTP_HANDLE_PERF, event);
	return fd;
}

static int returned(int ret)
{
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

__attribute__((visibility("default"))) int rawtp_perf_event_open(const struct perf_event_attr *attr,
								 int pid, int cpu, int group_fd,
								 unsigned long flags)
{
	return returned(open_event(attr, pid, cpu, group_fd, flags));
}

__attribute__((visibility("default"))) int rawtp_perf_event_ioctl(int fd, unsigned long request)
{
	struct rawtp_perf_event *event = rawtp_perf_event_from_fd(fd);
	int ret = 0;

	if (rawtp_is_err(event))
		return returned((int)rawtp_ptr_err(event));
	if (request == PERF_EVENT_IOC_ENABLE || request == PERF_EVENT_IOC_DISABLE)
		rawtp_perf_event_enable(event, request == PERF_EVENT_IOC_ENABLE);
	else
		ret = -ENOTTY;
	rawtp_perf_event_put(event);
	return returned(ret);
}
