/* SPDX-License-Identifier: MIT */
/* The sites of each tracepoint, as chains of indexes beside the object's table (tracepoint/switch.h). */
#include "tracepoint/switch.h"
#include "base/err.h"
#include "base/membarrier.h"
#include "base/text_patch.h"

#include <stdlib.h>

static struct tracepoint *site_tracepoint(const struct rawtp_site *site)
{
	return site->tracepoint ? (struct tracepoint *)((uintptr_t)&site->tracepoint +
							(intptr_t)site->tracepoint)
				: NULL;
}

static const struct rawtp_site *site_at(const struct tracepoint *tp, uint32_t link)
{
	return link ? &tp->object->sites_start[link - 1] : NULL;
}

const struct rawtp_site *rawtp_site_first(const struct tracepoint *tp)
{
	return tp->object ? site_at(tp, tp->first_site) : NULL;
}

const struct rawtp_site *rawtp_site_next(const struct tracepoint *tp, const struct rawtp_site *site)
{
	return site_at(tp, tp->object->next_site[site - tp->object->sites_start]);
}

int rawtp_switch_link(struct rawtp_object *object)
{
	size_t i, n = (size_t)(object->sites_stop - object->sites_start);
	const struct rawtp_event **event;

	object->next_site = calloc(n ? n : 1, sizeof(*object->next_site));
	if (!object->next_site)
		return -ENOMEM;
	for (event = object->events_start; event < object->events_stop; event++) {
		if (!*event)
			continue;
		(*event)->tracepoint->object = object;
		if (!(*event)->tracepoint->walk)
			(*event)->tracepoint->walk = (*event)->tracepoint->entry;
	}
	for (i = n; i-- > 0;) {
		struct tracepoint *tp = site_tracepoint(&object->sites_start[i]);

		if (!tp)
			continue;
		object->next_site[i] = tp->first_site;
		tp->first_site = (uint32_t)i + 1;
	}
	return 0;
}

void rawtp_switch_unlink(struct rawtp_object *object)
{
	const struct rawtp_event **event;

	for (event = object->events_start; event < object->events_stop; event++) {
		if (!*event)
			continue;
		(*event)->tracepoint->object = NULL;
		(*event)->tracepoint->first_site = 0;
	}
	free(object->next_site);
	object->next_site = NULL;
}

static size_t collect(const struct tracepoint *tp, struct rawtp_text_patch *patches)
{
	const struct rawtp_site *site;
	size_t n = 0;

	for (site = rawtp_site_first(tp); site; site = rawtp_site_next(tp, site)) {
		if (!site->target)
			continue;
		if (patches) {
			patches[n].code =
				(uint8_t *)((uintptr_t)&site->code + (intptr_t)site->code);
			patches[n].target = (const uint8_t *)((uintptr_t)&site->target +
							      (intptr_t)site->target);
		}
		n++;
	}
	return n;
}

int rawtp_switch(struct tracepoint *tp, bool on)
{
	struct rawtp_text_patch few[8], *patches = few;
	size_t n = collect(tp, NULL);
	int err;

	if (n > sizeof(few) / sizeof(few[0])) {
		patches = malloc(n * sizeof(*patches));
		if (!patches)
			return -ENOMEM;
	}
	collect(tp, patches);
	err = rawtp_text_patch(patches, n, on);
	if (patches != few)
		free(patches);
	if (err && on)
		return err;
	__atomic_store_n(&tp->enabled, on, __ATOMIC_RELEASE);
	/* The sites that test the flag: no thread goes on with what it loaded before. */
	rawtp_membarrier();
	return err;
}
