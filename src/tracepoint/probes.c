/* SPDX-License-Identifier: MIT */
/*
 * tracepoint_probe_register() and its kin (rawtp/tracepoint.h).
 *
 * Order when the first probe comes: reg(), publish the array, switch the sites on. When the last
 * one goes: switch off, unpublish, unreg(). In between the array is exchanged whole, so the other
 * probes miss nothing and see nothing twice.
 */
#include "tracepoint/probes.h"
#include "base/err.h"
#include "base/rcu.h"
#include "rawtp/tracepoint.h"
#include "tracepoint/switch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int cancel_state; /* of the thread that has the lock */

/* What is done with the lock held has cancellation points, which would leave it taken. */
void rawtp_probes_lock(void)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	pthread_mutex_lock(&lock);
	cancel_state = state;
}

void rawtp_probes_unlock(void)
{
	int state = cancel_state;

	pthread_mutex_unlock(&lock);
	pthread_setcancelstate(state, NULL);
}

static size_t count(const struct tracepoint_func *funcs)
{
	size_t n = 0;

	while (funcs && funcs[n].func)
		n++;
	return n;
}

/* A copy of @old with @probe behind those of its priority. Err-pointer. */
static struct tracepoint_func *with(const struct tracepoint_func *old,
				    const struct tracepoint_func *probe)
{
	size_t i, n = count(old), at = 0;
	struct tracepoint_func *funcs;

	for (i = 0; i < n; i++) {
		if (old[i].func == probe->func && old[i].data == probe->data)
			return rawtp_err_ptr(-EEXIST);
		if (old[i].prio >= probe->prio)
			at = i + 1;
	}
	funcs = calloc(n + 2, sizeof(*funcs));
	if (!funcs)
		return rawtp_err_ptr(-ENOMEM);
	if (n) {
		memcpy(funcs, old, at * sizeof(*funcs));
		memcpy(funcs + at + 1, old + at, (n - at) * sizeof(*funcs));
	}
	funcs[at] = *probe;
	return funcs;
}

/* A copy of @old without its entry @at. NULL where memory is short. */
static struct tracepoint_func *without(const struct tracepoint_func *old, size_t at)
{
	size_t n = count(old);
	struct tracepoint_func *funcs = calloc(n, sizeof(*funcs));

	if (!funcs)
		return NULL;
	memcpy(funcs, old, at * sizeof(*funcs));
	memcpy(funcs + at, old + at + 1, (n - at - 1) * sizeof(*funcs));
	return funcs;
}

/*
 * An event goes one of two ways, by the only probe's own entry or along the array. While the two
 * change, some take the one and some the other, and either has the probe that stays once.
 */
static void publish(struct tracepoint *tp, struct tracepoint_func *funcs)
{
	void *direct = count(funcs) == 1 ? funcs[0].direct : NULL;

	__atomic_store_n(&tp->funcs, funcs, __ATOMIC_RELEASE);
	/* A tracepoint that no loaded object announced has kept what it was made with. */
	if (tp->walk)
		__atomic_store_n(&tp->entry, direct ? direct : tp->walk, __ATOMIC_RELEASE);
}

static int add_first(struct tracepoint *tp, struct tracepoint_func *funcs)
{
	int err = tp->regfunc ? tp->regfunc() : 0;

	if (err)
		return err < 0 ? err : -EINVAL;
	publish(tp, funcs);
	err = rawtp_switch(tp, true);
	if (!err)
		return 0;
	/* A site may have been on for a moment. */
	publish(tp, NULL);
	rawtp_synchronize();
	if (tp->unregfunc)
		tp->unregfunc();
	return err;
}

static int add(struct tracepoint *tp, const struct tracepoint_func *probe)
{
	struct tracepoint_func *old = tp->funcs;
	struct tracepoint_func *funcs = with(old, probe);
	int err;

	if (rawtp_is_err(funcs))
		return (int)rawtp_ptr_err(funcs);
	if (!old) {
		err = add_first(tp, funcs);
		if (err)
			free(funcs);
		return err;
	}
	publish(tp, funcs);
	/* The grace period is also what makes every thread see the new array from here on. */
	rawtp_synchronize();
	free(old);
	return 0;
}

static int register_probe(struct tracepoint *tp, const struct tracepoint_func *func)
{
	int err;

	if (!tp || !func->func)
		return -EINVAL;
	rawtp_probes_lock();
	err = add(tp, func);
	rawtp_probes_unlock();
	return err;
}

int tracepoint_probe_register_prio(struct tracepoint *tp, void *probe, void *data, int prio)
{
	struct tracepoint_func func = {.func = probe, .data = data, .prio = prio};

	return register_probe(tp, &func);
}

int tracepoint_probe_register(struct tracepoint *tp, void *probe, void *data)
{
	return tracepoint_probe_register_prio(tp, probe, data, TRACEPOINT_DEFAULT_PRIO);
}

int rawtp_probe_register(struct tracepoint *tp, void *probe, void *data, void *direct)
{
	struct tracepoint_func func = {
		.func = probe, .data = data, .prio = TRACEPOINT_DEFAULT_PRIO, .direct = direct};

	return register_probe(tp, &func);
}

static void remove_last(struct tracepoint *tp)
{
	struct tracepoint_func *old = tp->funcs;

	rawtp_switch(tp, false);
	publish(tp, NULL);
	if (tp->unregfunc)
		tp->unregfunc();
	rawtp_synchronize();
	free(old);
}

/* Runs in a probe's place that had to go while there was no memory for a smaller array. */
static void no_probe(void *data)
{
}

static void remove_at(struct tracepoint *tp, size_t at)
{
	struct tracepoint_func *old = tp->funcs;
	struct tracepoint_func *funcs = without(old, at);

	if (!funcs) {
		__atomic_store_n(&old[at].func, (void *)no_probe, __ATOMIC_RELEASE);
		old[at].direct = NULL;
		rawtp_synchronize();
		return;
	}
	publish(tp, funcs);
	rawtp_synchronize();
	free(old);
}

int tracepoint_probe_unregister(struct tracepoint *tp, void *probe, void *data)
{
	size_t i, n;
	int err = -ENOENT;

	if (!tp || !probe)
		return -EINVAL;
	rawtp_probes_lock();
	n = count(tp->funcs);
	for (i = 0; i < n; i++) {
		if (tp->funcs[i].func != probe || tp->funcs[i].data != data)
			continue;
		if (n == 1)
			remove_last(tp);
		else
			remove_at(tp, i);
		err = 0;
		break;
	}
	rawtp_probes_unlock();
	return err;
}

void rawtp_probes_clear(struct tracepoint *tp)
{
	if (tp->funcs)
		remove_last(tp);
}

void tracepoint_synchronize_unregister(void)
{
	rawtp_synchronize();
}
