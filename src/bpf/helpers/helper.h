/* SPDX-License-Identifier: MIT */
/*
 * Helper prototypes: every reader (verifier, interpreter, JITs, disassembler, manual) has them from
 * helpers/list.h, one row a helper.
 */
#ifndef RAWTP_BPF_HELPERS_HELPER_H
#define RAWTP_BPF_HELPERS_HELPER_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t (*rawtp_helper_fn)(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
				    uint64_t r5);

/* Argument kinds, with the kernel's meanings (enum bpf_arg_type). */
enum rawtp_arg_kind {
	ARG_NONE = 0,
	ARG_CONST_MAP_PTR,           /* a map, known when the program is verified */
	ARG_PTR_TO_MAP_KEY,          /* initialised memory of the map's key size */
	ARG_PTR_TO_MAP_VALUE,        /* initialised memory of the map's value size */
	ARG_PTR_TO_UNINIT_MAP_VALUE, /* memory of the map's value size, that the helper fills */
	ARG_PTR_TO_MEM,              /* initialised memory, length in the next argument */
	ARG_PTR_TO_MEM_OR_NULL,      /* the same, or NULL with length 0 */
	ARG_PTR_TO_MEM_RDONLY,       /* the same as ARG_PTR_TO_MEM, read only memory will do */
	ARG_PTR_TO_UNINIT_MEM,       /* memory that the helper fills */
	/* Memory that the helper fills as far as it needs, or NULL with length 0. */
	ARG_PTR_TO_OUT_MEM_OR_NULL,
	ARG_PTR_TO_LONG,      /* 8 bytes that the helper fills */
	ARG_PTR_TO_CONST_STR, /* a string in a frozen read-only array, at a known place */
	ARG_CONST_SIZE,       /* length of the memory before it, more than 0 */
	ARG_CONST_SIZE_OR_ZERO,
	ARG_CONST_ALLOC_SIZE_OR_ZERO, /* a constant: size of what is returned */
	ARG_PTR_TO_ALLOC_MEM,         /* a ring buffer record, released by the call */
	ARG_PTR_TO_CTX,
	ARG_PTR_TO_FUNC, /* a function of the program, see bpf/callback.h; always the second */
	ARG_PTR_TO_STACK_OR_NULL, /* for the function: the program's stack, or NULL */
	ARG_PTR_TO_MAP_VALUE_OR_NULL,
	ARG_PTR_TO_TASK,           /* the thread that runs */
	ARG_PTR_TO_DYNPTR,         /* one that is there */
	ARG_PTR_TO_RINGBUF_DYNPTR, /* one that bpf_ringbuf_reserve_dynptr() made; released */
	ARG_PTR_TO_UNINIT_DYNPTR,  /* 16 bytes of the stack, where one is made */
	ARG_ANYTHING,              /* any initialised scalar, or a pointer */
};

enum rawtp_ret_kind {
	RET_INTEGER = 0,
	RET_VOID,
	RET_PTR_TO_MAP_VALUE_OR_NULL,
	RET_PTR_TO_ALLOC_MEM_OR_NULL, /* acquires a reference */
	RET_PTR_TO_DYNPTR_MEM_OR_NULL,
	RET_PTR_TO_TASK,
};

#define RAWTP_HELPER_INTERNAL 0x10000 /* ids from here on are ours: rewrites of known calls */

struct rawtp_helper {
	const char *name; /* without bpf_ */
	rawtp_helper_fn fn;
	uint32_t id;
	uint8_t ret;     /* enum rawtp_ret_kind */
	uint8_t args[5]; /* enum rawtp_arg_kind */
};

/* Whether it has a function of the program as its second argument. */
bool rawtp_helper_calls_back(uint32_t id);
/* NULL where there is no such helper for raw tracepoints here. */
const struct rawtp_helper *rawtp_helper(uint32_t id);
/* What to use instead of a helper that cannot be here, "there is no ...: use ..."; NULL: no word. */
const char *rawtp_helper_instead(uint32_t id);
/* The kernel's name of any helper it has ("get_stackid"), for messages; NULL if unknown. */
const char *rawtp_helper_name(uint32_t id);

#endif
