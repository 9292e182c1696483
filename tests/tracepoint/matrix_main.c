/* SPDX-License-Identifier: MIT */
/* C11 and C++17: one source of three that use the same events; the one that defines them. */
#define CREATE_TRACE_POINTS
#include "matrix_events.h"
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif
void matrix_use(uint32_t act); /* matrix_use.c, an object of this program */
int matrix_library(int value); /* matrix_library.c, a shared library with its own definition */
#ifdef __cplusplus
}
#endif

#ifdef WITHOUT_LIBRARY
#define matrix_library(value) (void)(value)
#define RECORDS               1
#define PLAIN                 100
#else
#define RECORDS 2
#define PLAIN   107
#endif

static int hits;
static int plain;

static void probe(void *data, const struct net_device *dev, const struct bpf_prog *xdp,
		  uint32_t act)
{
	hits += (int)act;
}

static void probe_plain(void *data, int value, double weight)
{
	plain += value;
}

#ifdef __cplusplus
/* A site in a template and in an inline function: COMDAT, kept once by the linker. */
template <class T> void pass(T act)
{
	trace_xdp_exception(nullptr, nullptr, (uint32_t)act);
}
inline void pass_inline(uint32_t act)
{
	trace_xdp_exception(nullptr, nullptr, act);
}
#else
static inline void pass_inline(uint32_t act)
{
	trace_xdp_exception((struct net_device *)0, (struct bpf_prog *)0, act);
}
#define pass pass_inline
#endif

static void pass_all(void)
{
	pass(1);
	pass_inline(10);
	matrix_use(100);
	matrix_library(7);
	trace_matrix_none();
}

static struct tracepoint *found[8];
static int n_found;

static void find(struct tracepoint *tp, void *priv)
{
	if (!strcmp(tp->name, (const char *)priv))
		found[n_found++] = tp;
}

int main(void)
{
	int i;

	pass_all();
	register_trace_xdp_exception(probe, NULL);
	pass_all();
	if (hits != 111 || !trace_xdp_exception_enabled() || trace_xdp_other_enabled())
		return 1;
	unregister_trace_xdp_exception(probe, NULL);
	pass_all();
	if (hits != 111 || trace_xdp_exception_enabled())
		return 2;

	/* By name: the program's record and the library's. */
	for_each_tracepoint (find, (void *)"matrix_plain")
		;
	if (n_found != RECORDS)
		return 3;
	for (i = 0; i < n_found; i++)
		if (tracepoint_probe_register(found[i], (void *)probe_plain, NULL))
			return 4;
	trace_matrix_plain(100, 1.0);
	pass_all();
	for (i = 0; i < n_found; i++)
		tracepoint_probe_unregister(found[i], (void *)probe_plain, NULL);
	pass_all();
	if (plain != PLAIN)
		return 5;
	puts("ok");
	return 0;
}
