/* SPDX-License-Identifier: MIT */
#include "real.h"
#include "early_memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static __thread bool looking_up __attribute__((tls_model("initial-exec")));

/* Only the dynamic linker's own locks are taken then, by the thread that holds them. */
static int early_lock(pthread_mutex_t *mutex)
{
	int err;

	while ((err = pthread_mutex_trylock(mutex)) == EBUSY)
		sched_yield();
	return err;
}

static void *look_up(const char *symbol)
{
	return dlsym(RTLD_NEXT, symbol);
}

/*
 * Several threads may do this at once: all find the same. False: this thread is at it already, and
 * dlsym() has called us.
 */
static bool resolve(void)
{
	void *found;
	int saved = errno;

	if (looking_up)
		return false;
	looking_up = true;
#define RESOLVE(type, name, symbol, params, args, early) \
	found = look_up(symbol);                         \
	if (found)                                       \
		__atomic_store_n((void **)&rawtp_real.name, found, __ATOMIC_RELEASE);
	RAWTP_REAL_FUNCTIONS(RESOLVE)
#undef RESOLVE
	found = look_up("free");
	if (found)
		__atomic_store_n((void **)&rawtp_real.free, found, __ATOMIC_RELEASE);
	looking_up = false;
	errno = saved;
	return true;
}

/* A symbol that was not found leads here again: then the early form is all there is. */
#define FIRST(type, name, symbol, params, args, early)            \
	static type first_##name params                           \
	{                                                         \
		if (resolve() && rawtp_real.name != first_##name) \
			return rawtp_real.name args;              \
		return early;                                     \
	}
RAWTP_REAL_FUNCTIONS(FIRST)
#undef FIRST

static void first_free(void *ptr)
{
	if (resolve() && rawtp_real.free != first_free)
		rawtp_real.free(ptr);
	/* Else it stays: memory that we cannot give back is better lost than freed twice. */
}

struct rawtp_real rawtp_real = {
#define INITIAL(type, name, symbol, params, args, early) .name = first_##name,
	RAWTP_REAL_FUNCTIONS(INITIAL)
#undef INITIAL
		.free = first_free,
};

__attribute__((constructor)) static void resolve_early(void)
{
	resolve();
}
