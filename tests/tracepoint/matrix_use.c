/* SPDX-License-Identifier: MIT */
/* Uses an event that another source of the program defines. */
#include "matrix_events.h"

#ifdef __cplusplus
template <class T> void pass(T act)
{
	trace_xdp_exception(nullptr, nullptr, (uint32_t)act);
}
inline void pass_inline(uint32_t act)
{
	trace_xdp_exception(nullptr, nullptr, act);
}
extern "C" void matrix_use(uint32_t act);
void matrix_use(uint32_t act)
{
	if (act == 1)
		pass(1);
	else
		pass_inline(act);
}
#else
void matrix_use(uint32_t act);
void matrix_use(uint32_t act)
{
	trace_xdp_exception((struct net_device *)0, (struct bpf_prog *)0, act);
}
#endif
