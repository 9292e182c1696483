/* SPDX-License-Identifier: MIT */
/* What the library of a peer gives to the bench, which loads it from beside itself where it is. */
#ifndef RAWTP_BENCH_PEERS_H
#define RAWTP_BENCH_PEERS_H

#include <stdint.h>

enum { BENCH_LTTNG_OFF, BENCH_LTTNG_RECORDED, BENCH_LTTNG_REJECTED };

/* @events events of the @which-th kind. */
void bench_peer_run(unsigned int which, uint64_t events, const void *dev, const void *prog);
/* Is it as it is to be measured: recorded, say? */
int bench_peer_ready(unsigned int which);

#endif
