/* SPDX-License-Identifier: MIT */
/*
 * The direct probe: one piece of machine code for a link at a tracepoint that nobody else listens to,
 * with the arguments where the tracepoint has them, from the site's call to its return. It does what the
 * tracepoint's walk, the thunk and bpf_trace_run<n>() in run.c do, or leaves it to them. Only the plainest arguments are taken; everything else goes through the thunk.
 */
#include "link/link.h"
#include "base/thread.h"

#include <stdlib.h>

/* Integer registers hold all of them, one each. */
static bool describe_args(const struct rawtp_event *event, struct rawtp_jit_entry *entry)
{
	uint32_t i;

	if (!event->n_args || event->n_args > RAWTP_JIT_ENTRY_ARGS)
		return false;
	entry->n_args = event->n_args;
	for (i = 0; i < event->n_args; i++) {
		const struct rawtp_arg *arg = &event->args[i];

		if (arg->flags & (RAWTP_ARG_FLOAT | RAWTP_ARG_STRUCT))
			return false;
		if (arg->size != 1 && arg->size != 2 && arg->size != 4 && arg->size != 8)
			return false;
		entry->arg_sizes[i] = arg->size;
	}
	return true;
}

_Static_assert(RAWTP_THREAD_QUICK == RAWTP_STATS_SHARED, "a block for each index");

struct rawtp_direct *rawtp_direct_new(struct rawtp_link *link, const struct rawtp_event *event)
{
	struct rawtp_jit_entry entry = {
		.counters = &link->stats->block[0].hits,
		.counter_stride = sizeof(link->stats->block[0]),
		.watch = &link->stats->sample,
		/* As in run(). */
		.due_offset = (int32_t)(offsetof(struct rawtp_stats_block, pad[0]) -
					offsetof(struct rawtp_stats_block, hits)),
		.walk_offset = offsetof(struct tracepoint, walk),
		.slow = rawtp_link_run,
		.data = link,
		.cookie = link->cookie,
		.near = event->tracepoint,
	};
	struct rawtp_direct *direct;

	if (!describe_args(event, &entry))
		return NULL;
	direct = calloc(1, sizeof(*direct));
	if (!direct)
		return NULL;
	direct->event = event;
	if (!rawtp_jit_entry_compile(link->prog, &entry, &direct->code)) {
		rawtp_jit_entry_admit(&direct->code, event->tracepoint);
		return direct;
	}
	free(direct);
	return NULL;
}

void rawtp_direct_revoke(struct rawtp_direct *direct)
{
	if (direct)
		rawtp_jit_entry_admit(&direct->code, NULL);
}

void rawtp_direct_free(struct rawtp_direct *direct)
{
	if (!direct)
		return;
	rawtp_jit_entry_free(&direct->code);
	free(direct);
}
