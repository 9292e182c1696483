/* SPDX-License-Identifier: MIT */
/* The target of a tool that has the routes linked in, and chooses with rawtp_target_kernel(). */
#include "preload/route.h"

static bool to_kernel;

void rawtp_target_kernel(bool kernel)
{
	__atomic_store_n(&to_kernel, kernel, __ATOMIC_RELAXED);
}

int rawtp_route(void)
{
	return !__atomic_load_n(&to_kernel, __ATOMIC_RELAXED);
}
