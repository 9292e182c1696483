/* SPDX-License-Identifier: MIT */
/* A shared library with the same events, linked to a program or loaded by it. */
#define CREATE_TRACE_POINTS
#include "matrix_events.h"

#ifdef __cplusplus
extern "C"
#endif
	__attribute__((visibility("default"))) int
	matrix_library(int value);
int matrix_library(int value)
{
	trace_matrix_plain(value, 0.5);
	return trace_matrix_plain_enabled();
}
