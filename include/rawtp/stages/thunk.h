/* SPDX-License-Identifier: MIT */
/*
 * The pass that makes the thunks, one for each class:
 *
 *	static void __bpf_trace_<class>(void *__data, proto)
 *	{
 *		bpf_trace_run3(__data, (u64)arg1, (u64)arg2, (u64)arg3);
 *	}
 */
#include <rawtp/stages/reset.h>

#define DECLARE_EVENT_CLASS(name, proto, args, tstruct, assign, print) \
	RAWTP_THUNK(name, PARAMS(proto), PARAMS(args))

#include <rawtp/stages/events.h>
