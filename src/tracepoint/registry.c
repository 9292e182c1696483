/* SPDX-License-Identifier: MIT */
/*
 * The objects that are loaded, their events, and who waits for them (tracepoint/registry.h).
 *
 * An object brings its own list node, so registering needs no memory but for the chains of sites.
 * A hash from names to events would pay with thousands of watches only: names are compared one by
 * one, first character first.
 */
#include "tracepoint/registry.h"
#include "base/err.h"
#include "base/rcu.h"
#include "rawtp/tracepoint.h"
#include "tracepoint/probes.h"
#include "tracepoint/switch.h"

#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rawtp_object *objects; /* in the order of loading */
static struct rawtp_watch *watches;  /* newest first */
static uint64_t failed_adds;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool exiting;

/* Calls @fn for each event of @object. Returns what the last call returned. */
static int object_for_each(const struct rawtp_object *object, rawtp_event_fn fn, void *data)
{
	const struct rawtp_event **event;
	int ret = 0;

	for (event = object->events_start; event < object->events_stop && !ret; event++)
		if (*event)
			ret = fn(*event, data);
	return ret;
}

static int for_each(rawtp_event_fn fn, void *data)
{
	struct rawtp_object *object;
	int ret = 0;

	for (object = objects; object && !ret; object = object->next)
		ret = object_for_each(object, fn, data);
	return ret;
}

int rawtp_event_for_each(rawtp_event_fn fn, void *data)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = for_each(fn, data);
	pthread_mutex_unlock(&lock);
	return ret;
}

struct each_tracepoint {
	void (*fn)(struct tracepoint *tp, void *priv);
	void *priv;
};

static int call_each_tracepoint(const struct rawtp_event *event, void *data)
{
	struct each_tracepoint *each = data;

	each->fn(event->tracepoint, each->priv);
	return 0;
}

void for_each_tracepoint (void (*fn)(struct tracepoint *tp, void *priv), void *priv)
{
	struct each_tracepoint each = {fn, priv};

	rawtp_event_for_each(call_each_tracepoint, &each);
}

unsigned int rawtp_event_sites(const struct rawtp_event *event, const char **kind)
{
	const struct tracepoint *tp = event->tracepoint;
	const struct rawtp_site *site;
	unsigned int n = 0;

	*kind = event->flags & RAWTP_EVENT_BRANCH ? "branch" : "nop";
	for (site = rawtp_site_first(tp); site; site = rawtp_site_next(tp, site)) {
		if (!site->target)
			*kind = "branch";
		n++;
	}
	return n;
}

/* Watches. */

struct adding {
	struct rawtp_watch *watch;
	unsigned int n; /* events that it was told of */
};

static int add_to_watch(const struct rawtp_event *event, void *data)
{
	struct adding *adding = data;
	int err;

	if (strcmp(event->name, adding->watch->name) != 0)
		return 0;
	err = adding->watch->add(adding->watch, event);
	if (!err)
		adding->n++;
	return err;
}

/* Undoes the first adding->n calls of add(). */
static int remove_from_watch(const struct rawtp_event *event, void *data)
{
	struct adding *adding = data;

	if (!adding->n)
		return 1;
	if (strcmp(event->name, adding->watch->name) != 0)
		return 0;
	adding->watch->remove(adding->watch, event);
	adding->n--;
	return 0;
}

int rawtp_watch_add(struct rawtp_watch *watch)
{
	struct adding adding = {watch, 0};
	int err;

	pthread_mutex_lock(&lock);
	err = for_each(add_to_watch, &adding);
	if (err) {
		for_each(remove_from_watch, &adding);
	} else if (!adding.n) {
		err = -ENOENT;
	} else {
		watch->next = watches;
		watches = watch;
	}
	pthread_mutex_unlock(&lock);
	return err;
}

void rawtp_watch_del(struct rawtp_watch *watch)
{
	struct adding all = {watch, UINT32_MAX};
	struct rawtp_watch **at;

	pthread_mutex_lock(&lock);
	for (at = &watches; *at && *at != watch; at = &(*at)->next)
		;
	if (*at) {
		*at = watch->next;
		for_each(remove_from_watch, &all);
	}
	pthread_mutex_unlock(&lock);
}

static int tell_added(const struct rawtp_event *event, void *data)
{
	struct rawtp_watch *watch;

	for (watch = watches; watch; watch = watch->next)
		if (!strcmp(watch->name, event->name) && watch->add(watch, event))
			failed_adds++;
	return 0;
}

static int tell_removed(const struct rawtp_event *event, void *data)
{
	struct rawtp_watch *watch;

	for (watch = watches; watch; watch = watch->next)
		if (!strcmp(watch->name, event->name))
			watch->remove(watch, event);
	return 0;
}

/* Objects. */

/*
 * Link-time optimization may leave an object with two descriptors of the same tables, since what it
 * compiles last takes no part in the merging of COMDAT groups. The first to come counts.
 */
static bool is_registered(const struct rawtp_object *object)
{
	const struct rawtp_object *other;

	for (other = objects; other; other = other->next)
		if (other->events_start == object->events_start)
			return true;
	return false;
}

/* Probes that were registered before the object was: its sites are found only now. */
static int switch_early(const struct rawtp_event *event, void *data)
{
	if (event->tracepoint->enabled)
		rawtp_switch(event->tracepoint, true);
	return 0;
}

static void add_object(struct rawtp_object *object)
{
	struct rawtp_object **end;

	if (object->version != RAWTP_RECORD_VERSION || is_registered(object))
		return;
	rawtp_probes_lock();
	if (rawtp_switch_link(object)) {
		rawtp_probes_unlock();
		return;
	}
	object_for_each(object, switch_early, NULL);
	rawtp_probes_unlock();
	for (end = &objects; *end; end = &(*end)->next)
		;
	object->next = NULL;
	*end = object;
	object_for_each(object, tell_added, NULL);
}

static void at_exit(void)
{
	__atomic_store_n(&exiting, true, __ATOMIC_RELAXED);
}

static void init_once(void)
{
	rawtp_rcu_init();
	atexit(at_exit);
}

void rawtp_object_register(struct rawtp_object *object)
{
	pthread_once(&once, init_once);
	pthread_mutex_lock(&lock);
	add_object(object);
	pthread_mutex_unlock(&lock);
}

static int clear_probes(const struct rawtp_event *event, void *data)
{
	rawtp_probes_clear(event->tracepoint);
	return 0;
}

void rawtp_object_unregister(struct rawtp_object *object)
{
	struct rawtp_object **at;

	/*
	 * A process that ends unmaps nothing. It may do so in a signal handler that interrupted a
	 * section or a holder of the lock on this very thread: neither can be waited for.
	 */
	if (__atomic_load_n(&exiting, __ATOMIC_RELAXED))
		return;
	pthread_mutex_lock(&lock);
	for (at = &objects; *at && *at != object; at = &(*at)->next)
		;
	if (*at) {
		object_for_each(object, tell_removed, NULL);
		*at = object->next;
		rawtp_probes_lock();
		object_for_each(object, clear_probes, NULL);
		rawtp_switch_unlink(object);
		rawtp_probes_unlock();
	}
	pthread_mutex_unlock(&lock);
	/* Threads may still be on their way through a section that began in this object. */
	rawtp_synchronize();
}

static void scan_note(const ElfW(Nhdr) * note, const char *name, const char *desc)
{
	struct rawtp_note found;

	if (note->n_type != RAWTP_NOTE_TYPE || note->n_namesz != sizeof(RAWTP_NOTE_NAME) ||
	    memcmp(name, RAWTP_NOTE_NAME, sizeof(RAWTP_NOTE_NAME)) != 0 ||
	    note->n_descsz < sizeof(found))
		return;
	memcpy(&found, desc, sizeof(found));
	if (found.version != RAWTP_RECORD_VERSION)
		return;
	add_object((struct rawtp_object *)((uintptr_t)desc + offsetof(struct rawtp_note, object) +
					   (uintptr_t)found.object));
}

/* Notes are padded to 4 bytes, or to 8 in segments that say so. */
static void scan_notes(const char *at, size_t size, size_t align)
{
	const char *end = at + size;

	while ((size_t)(end - at) >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const void *)at;
		size_t name = sizeof(*note);
		size_t desc = (name + note->n_namesz + align - 1) & ~(align - 1);
		size_t next = (desc + note->n_descsz + align - 1) & ~(align - 1);

		if (next > (size_t)(end - at))
			return;
		scan_note(note, at + name, at + desc);
		at += next;
	}
}

static int scan_object(struct dl_phdr_info *info, size_t size, void *data)
{
	int i;

	for (i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_NOTE)
			scan_notes((const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
				   info->dlpi_phdr[i].p_memsz,
				   info->dlpi_phdr[i].p_align == 8 ? 8 : 4);
	return 0;
}

void rawtp_registry_scan(void)
{
	pthread_once(&once, init_once);
	pthread_mutex_lock(&lock);
	dl_iterate_phdr(scan_object, NULL);
	pthread_mutex_unlock(&lock);
}

void rawtp_registry_before_fork(void)
{
	pthread_mutex_lock(&lock);
	rawtp_probes_lock();
}

void rawtp_registry_after_fork(void)
{
	rawtp_probes_unlock();
	pthread_mutex_unlock(&lock);
}
