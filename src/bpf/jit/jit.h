/* SPDX-License-Identifier: MIT */
/* Machine code for verified programs. */
#ifndef RAWTP_BPF_JIT_H
#define RAWTP_BPF_JIT_H

#include "bpf/prog.h"

/*
 * Compiles the runnable form and sets prog->run, jit_image, jit_size. -ENOTSUP where this CPU has no
 * JIT or executable memory is refused: the caller falls back to rawtp_interpret.
 */
int rawtp_jit_compile(struct rawtp_prog *prog);
void rawtp_jit_free(struct rawtp_prog *prog);

#endif
