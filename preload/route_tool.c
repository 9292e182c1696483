/* SPDX-License-Identifier: MIT */
/* The target of a tool that has the routes linked in, and chooses with rawtp_target_kernel(). */
#include "preload/route.h"

static bool to_kernel, shows_types;

void rawtp_target_kernel(bool kernel)
{
	__atomic_store_n(&to_kernel, kernel, __ATOMIC_RELAXED);
}

int rawtp_route(void)
{
	return !__atomic_load_n(&to_kernel, __ATOMIC_RELAXED);
}

void rawtp_target_types(bool shown)
{
	__atomic_store_n(&shows_types, shown, __ATOMIC_RELAXED);
}

bool rawtp_route_types(void)
{
	return __atomic_load_n(&shows_types, __ATOMIC_RELAXED);
}
