/* SPDX-License-Identifier: MIT */
/*
 * Places for machine code that a tracepoint calls without holding anything: a thread may stand in
 * front of the first instruction for as long as it likes, while what it called is freed and replaced.
 *
 * So a place is for ever. It begins with a head, bytes that depend on its address alone, which enter
 * the read side and compare the tracepoint that calls with the place's tenant: whoever finds another
 * goes elsewhere, whoever finds its own holds the code behind the head until it leaves the read side.
 * A place that has no tenant, and had none for a grace period, gets new code behind the same head:
 * pages are exchanged whole, in one step, so that a thread in the head notices nothing.
 *
 * Callers serialize (the registry's lock). After fork(2) parent and child each have their own.
 */
#ifndef RAWTP_BPF_JIT_PROBE_PLACE_H
#define RAWTP_BPF_JIT_PROBE_PLACE_H

#include <stddef.h>
#include <stdint.h>

/* Places are near the library, whose functions they call, or near those that call them. */
enum rawtp_probe_near {
	RAWTP_NEAR_LIBRARY,
	RAWTP_NEAR_CALLERS,
	RAWTP_N_NEAR,
};

struct rawtp_probe_place {
	char *at; /* the first byte; a page begins here */
	/* What the head compares: a struct tracepoint *, or NULL. Atomic. */
	const void **tenant;
	size_t size; /* whole pages */
	enum rawtp_probe_near whom;
	struct rawtp_probe_place *next;
	int is_fresh; /* nobody has ever seen it */
};

/*
 * A place for @size bytes within @reach of @near, if that can be: look where it is. NULL where there is
 * none. @near is what @whom says, for which @near of the first call counts.
 */
struct rawtp_probe_place *rawtp_probe_place_get(size_t size, enum rawtp_probe_near whom,
						const void *near, size_t reach);
/*
 * Puts @size bytes of @code there, @fill behind them. 0, or -errno where executable memory is refused:
 * the place is as it was then.
 */
int rawtp_probe_place_fill(struct rawtp_probe_place *place, const void *code, size_t size,
			   unsigned char fill);
/* Once it has no tenant and a grace period has passed. NULL is fine. */
void rawtp_probe_place_put(struct rawtp_probe_place *place);

#endif
