/* SPDX-License-Identifier: MIT */
#include "bpf/helpers/helper.h"

#include <errno.h>

uint64_t rawtp_helper_trace_printk(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	return (uint64_t)-EINVAL;
}
