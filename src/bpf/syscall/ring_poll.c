/* SPDX-License-Identifier: MIT */
/* rawtp_ringbuf_poll(): what epoll is for the kernel's ring buffers and perf events. */
#include "base/err.h"
#include "bpf/maps/ringbuf.h"
#include "bpf/syscall/handle.h"
#include "rawtp/bpf.h"

__attribute__((visibility("default"))) int rawtp_ringbuf_poll(int map_fd, int timeout_ms)
{
	struct rawtp_perf_event *event = rawtp_perf_event_from_fd(map_fd);
	struct rawtp_map *map;
	int saved = errno, ret;

	if (!rawtp_is_err(event)) {
		ret = rawtp_perf_event_wait(event, timeout_ms);
		rawtp_perf_event_put(event);
		errno = saved;
		return ret;
	}
	map = rawtp_map_from_fd(map_fd);
	if (rawtp_is_err(map)) {
		errno = -(int)rawtp_ptr_err(map);
		return -1;
	}
	if (map->type != BPF_MAP_TYPE_RINGBUF)
		ret = -EINVAL;
	else if (timeout_ms) /* arms the ring, and disarms it for whoever sleeps at the same time */
		ret = rawtp_ringbuf_wait(map, timeout_ms);
	else
		ret = rawtp_ringbuf_has_data(map);
	rawtp_map_put(map);
	errno = ret < 0 ? -ret : saved;
	return ret < 0 ? -1 : ret;
}
