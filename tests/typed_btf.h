/* SPDX-License-Identifier: MIT */
/*
 * The types of a target, for tests of programs with typed arguments:
 *
 *	struct inner { int a; unsigned b : 3, c : 5; u8 text[4]; };
 *	struct req {
 *		long id;                                  0
 *		struct req *next;                         8
 *		struct inner in[2];                       16
 *		union { int i; struct req *p; } u;        40
 *		u8 *name;                                 48
 *		u8 tail;                                  56
 *		void *v;                                  64
 *		struct inner flex[];                      72
 *	};
 *	typedef void (*btf_trace_req)(void *, struct req *, int, u8 *, struct req **);
 */
#ifndef RAWTP_TESTS_TYPED_BTF_H
#define RAWTP_TESTS_TYPED_BTF_H

#include <stdint.h>

#define TYPED_BTF_TRACEPOINT 17

/* Raw BTF; lives as long as the program. */
const void *typed_btf(uint32_t *size);

#endif
