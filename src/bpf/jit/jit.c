/* SPDX-License-Identifier: MIT */
#include "bpf/jit/jit.h"

#include <errno.h>

int rawtp_jit_compile(struct rawtp_prog *prog)
{
	return -ENOTSUP;
}

void rawtp_jit_free(struct rawtp_prog *prog)
{
}
