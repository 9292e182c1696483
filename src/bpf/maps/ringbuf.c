/* SPDX-License-Identifier: MIT */
/* BPF_MAP_TYPE_RINGBUF: to come. */
#include "bpf/maps/map.h"

#include "base/err.h"

static int ringbuf_check(const union bpf_attr *attr)
{
	return -EINVAL;
}

const struct rawtp_map_ops rawtp_ringbuf_ops = {
	.check = ringbuf_check,
};
