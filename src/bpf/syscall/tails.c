/* SPDX-License-Identifier: MIT */
/* Which programs another process needs besides the one that is attached there. */
#include "bpf/syscall/syscall.h"

#include "base/err.h"
#include "bpf/maps/prog_array.h"
#include "bpf/syscall/handle.h"

struct tails {
	int *fds;
	uint32_t n, max;
	struct rawtp_prog
		*progs[64]; /* whose arrays have been looked at; the first is the one asked for */
	uint32_t n_progs;
};

static bool is_there(const struct tails *tails, uint64_t id)
{
	uint32_t i;

	for (i = 0; i < tails->n_progs; i++)
		if (tails->progs[i]->id == id)
			return true;
	return false;
}

static int add(struct tails *tails, uint64_t dev, uint64_t id)
{
	int fd = rawtp_handle_find_fd(dev, id);
	struct rawtp_prog *prog;

	if (fd < 0) /* closed: nobody here can send it */
		return 0;
	prog = rawtp_prog_from_fd(fd);
	if (rawtp_is_err(prog))
		return 0;
	if (tails->n == tails->max ||
	    tails->n_progs == sizeof(tails->progs) / sizeof(tails->progs[0])) {
		rawtp_prog_put(prog);
		return -E2BIG;
	}
	tails->fds[tails->n++] = fd;
	tails->progs[tails->n_progs++] = prog;
	return 0;
}

static int add_array(struct tails *tails, const struct rawtp_map *map)
{
	uint32_t i;
	int err = 0;

	for (i = 0; !err && i < map->max_entries; i++) {
		uint64_t id = rawtp_prog_array_id(map, i);

		if (id && !is_there(tails, id))
			err = add(tails, map->dev, id);
	}
	return err;
}

int rawtp_prog_tail_fds(int prog_fd, int *fds, uint32_t max)
{
	struct tails tails = {.fds = fds, .max = max, .n_progs = 1};
	uint32_t i, k;
	int err = 0;

	tails.progs[0] = rawtp_prog_from_fd(prog_fd);
	if (rawtp_is_err(tails.progs[0]))
		return (int)rawtp_ptr_err(tails.progs[0]);
	for (i = 0; !err && i < tails.n_progs; i++)
		for (k = 0; !err && k < tails.progs[i]->n_maps; k++)
			if (tails.progs[i]->maps[k]->type == BPF_MAP_TYPE_PROG_ARRAY)
				err = add_array(&tails, tails.progs[i]->maps[k]);
	for (i = 0; i < tails.n_progs; i++)
		rawtp_prog_put(tails.progs[i]);
	return err ? err : (int)tails.n;
}
