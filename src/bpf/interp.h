/* SPDX-License-Identifier: MIT */
/* The interpreter: the reference for every JIT, and the engine of CPUs without one. */
#ifndef RAWTP_BPF_INTERP_H
#define RAWTP_BPF_INTERP_H

#include "bpf/prog.h"

uint64_t rawtp_interpret(const void *ctx, const struct rawtp_prog *prog);

#endif
