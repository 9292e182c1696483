/* SPDX-License-Identifier: MIT */
/* The ring buffer of bpf_trace_printk() for all programs that this process loads. */
#include "base/err.h"
#include "bpf/helpers/print.h"
#include "bpf/syscall/prog_file.h"
#include "rawtp/bpf.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rawtp_map *ring; /* made when the first program that prints is loaded; never freed */

static struct rawtp_map *make_ring(void)
{
	union bpf_attr attr;
	struct rawtp_map *map;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_RINGBUF;
	attr.max_entries = RAWTP_TRACE_RING_SIZE;
	memcpy(attr.map_name, RAWTP_TRACE_RING_NAME, sizeof(RAWTP_TRACE_RING_NAME));
	fd = rawtp_handle_fd_above_stdio(rawtp_map_create(&attr));
	if (fd < 0)
		return rawtp_err_ptr(fd);
	map = rawtp_map_open(fd);
	close(fd);
	return map;
}

/* With a reference. Err-pointer: ENOENT where there is none, and none is to be made. */
static struct rawtp_map *get_ring(bool make)
{
	struct rawtp_map *map;

	pthread_mutex_lock(&lock);
	map = ring ? ring : make ? make_ring() : rawtp_err_ptr(-ENOENT);
	if (!rawtp_is_err(map)) {
		ring = map;
		rawtp_map_get(map);
	}
	pthread_mutex_unlock(&lock);
	return map;
}

void rawtp_prog_add_trace_ring(struct rawtp_prog *prog)
{
	struct rawtp_map *map;
	uint32_t i;

	for (i = 0; i < prog->n_insns; i++)
		if (prog->insns[i].code == (BPF_JMP | BPF_CALL) && !prog->insns[i].src_reg &&
		    prog->insns[i].imm == BPF_FUNC_trace_printk)
			break;
	if (i == prog->n_insns || prog->n_maps == RAWTP_MAX_MAPS)
		return;
	map = get_ring(true);
	if (rawtp_is_err(map))
		return;
	prog->maps[prog->n_maps++] = map;
	prog->trace_ring = map;
}

__attribute__((visibility("default"))) int rawtp_trace_ring(void)
{
	struct rawtp_map *map = get_ring(false);
	int fd;

	fd = rawtp_is_err(map) ? (int)rawtp_ptr_err(map) : rawtp_map_dup_fd(map);
	if (!rawtp_is_err(map))
		rawtp_map_put(map);
	if (fd >= 0)
		return fd;
	errno = -fd;
	return -1;
}
