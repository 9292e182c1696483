/* SPDX-License-Identifier: MIT */
/*
 * All tracepoints of the process: what every loaded object brings, by name.
 *
 * An object with tracepoints announces its tables when it is loaded and takes them back when it is
 * unloaded (a constructor and destructor that the macros emit), and the same tables are found
 * through an ELF note in files that do not run. One name may stand for several records (the same
 * event defined in two objects): who attaches by name means all of them, and those that are loaded
 * later.
 */
#ifndef RAWTP_TRACEPOINT_REGISTRY_H
#define RAWTP_TRACEPOINT_REGISTRY_H

#include "rawtp/record.h"
#include <stdbool.h>
#include <stdint.h>

/* Called with the registry's lock held. Return nonzero to stop. */
typedef int (*rawtp_event_fn)(const struct rawtp_event *event, void *data);

/* Every event, in the order of loading. Returns what the last call returned. */
int rawtp_event_for_each(rawtp_event_fn fn, void *data);

/*
 * Something that wants to hear of every event called @name, now and in time to come. add() is
 * called for each there is before rawtp_watch_add() returns, and for each that is loaded later,
 * from the loading thread; remove() before an object is unloaded, and for each that is left in
 * rawtp_watch_del(). Both with the registry's lock held: they may register and unregister probes,
 * and nothing that takes the lock again. add() returning an error in rawtp_watch_add() undoes it
 * all and is returned; later it is only counted.
 */
struct rawtp_watch {
	const char *name;
	int (*add)(struct rawtp_watch *watch, const struct rawtp_event *event);
	void (*remove)(struct rawtp_watch *watch, const struct rawtp_event *event);
	struct rawtp_watch *next; /* private */
};

/* -ENOENT where no event has the name now; the watch is not kept then. */
int rawtp_watch_add(struct rawtp_watch *watch);
/* After it returns neither callback runs any more; the caller may still have to rawtp_synchronize(). */
void rawtp_watch_del(struct rawtp_watch *watch);

/*
 * Registers what is loaded but has not announced itself yet, since its constructors have not run: it
 * is found by its ELF note. Lets a process be attached to before anything of it runs (the agent calls
 * it from the library's constructor, where it was started for that). What such an object announces
 * later finds itself known.
 */
void rawtp_registry_scan(void);

/* Sites of @event in its object; *@kind is "nop" (patched), or "branch" where one of them tests. */
unsigned int rawtp_event_sites(const struct rawtp_event *event, const char **kind);

/*
 * For the agent's fork handlers: no other thread is in the registry while a child is made. Before
 * rawtp_rcu_before_fork(), after rawtp_rcu_after_fork_*(): probes are changed with the registry's
 * locks held, and wait for readers inside.
 */
void rawtp_registry_before_fork(void);
void rawtp_registry_after_fork(void);

#endif
