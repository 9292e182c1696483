/* SPDX-License-Identifier: MIT */
/*
 * The maps of random programs (random_prog.h) behind one bpf(2) or the other, with the same contents
 * wherever the same was done: to be reset, run on, and compared.
 */
#ifndef RAWTP_TESTS_WORLD_H
#define RAWTP_TESTS_WORLD_H

#include "oracle.h"
#include "random_prog.h"

struct world {
	bool is_kernel;
	oracle_bpf_fn bpf;
	int fds[RANDOM_N_MAPS];
	char *values[RANDOM_N_MAPS]; /* of arrays that can be mapped */
	uint64_t *consumer;          /* of the ring buffer */
	const uint64_t *producer;
	const char *records;
};

/* 0, or -errno of what was not permitted. */
int world_open(struct world *world, bool is_kernel);
/* Gives the maps of the set @maps (a bit each) the contents that belong to @seed. */
void world_reset(struct world *world, uint32_t maps, uint64_t seed);
/*
 * A number for the contents of map @map; per-CPU values are summed. Records are taken out of the
 * ring buffer, and their lengths and bytes counted; discarded ones are not.
 */
uint64_t world_sum(struct world *world, enum random_prog_map map);

#endif
