/* SPDX-License-Identifier: MIT */
/*
 * A packet processor in user space with the kernel's tracepoint in it: of every ten packets the first
 * is aborted, the second cannot be sent back, and the others pass.
 *
 * Usage: xdp_exception [PACKETS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <linux/bpf.h>
#include <linux/types.h>

struct bpf_prog;
struct net_device {
	char name[16];
	int ifindex;
};

#define CREATE_TRACE_POINTS
#include "trace/events/xdp.h"

static const struct net_device devices[] = {{"left", 1}, {"right", 2}};

static enum xdp_action process(unsigned long packet)
{
	switch (packet % 10) {
	case 0:
		return XDP_ABORTED;
	case 1:
		return XDP_TX;
	default:
		return XDP_PASS;
	}
}

int main(int argc, char **argv)
{
	unsigned long packets = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000, i, passed = 0;

	for (i = 0; i < packets; i++) {
		const struct net_device *dev = &devices[i / 10 % 2];
		enum xdp_action act = process(i);

		if (act == XDP_PASS)
			passed++;
		else
			trace_xdp_exception(dev, NULL, act);
	}
	printf("%lu of %lu packets passed\n", passed, packets);
	return 0;
}
