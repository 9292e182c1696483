/* SPDX-License-Identifier: MIT */
/* A probe of <sys/sdt.h>, in a library of its own: nothing else needs the header. */
#include "peers.h"

#include <sys/sdt.h>

void bench_peer_run(unsigned int which, uint64_t events, const void *dev, const void *prog)
{
	for (uint64_t i = 0; i < events; i++)
		STAP_PROBE3(rawtp_bench, three, dev, prog, (uint32_t)i);
	(void)which;
}

int bench_peer_ready(unsigned int which)
{
	(void)which;
	return 1;
}
