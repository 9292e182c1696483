/* SPDX-License-Identifier: MIT */
/* The programs as C, and where they find the maps. */
#ifndef BENCH_ENGINES_NATIVE_H
#define BENCH_ENGINES_NATIVE_H

#include <stdint.h>

struct rawtp_map;
struct rawtp_prog;

extern struct rawtp_map *bench_hash, *bench_ring;

/* NULL: there is none of that name. */
uint64_t (*bench_native(const char *name))(const void *ctx, const struct rawtp_prog *prog);

#endif
