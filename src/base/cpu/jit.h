/* SPDX-License-Identifier: MIT */
/* RAWTP_CPU_HAS_JIT: there is a bpf/jit/<cpu>/table.c. */
#ifndef RAWTP_BASE_CPU_JIT_H
#define RAWTP_BASE_CPU_JIT_H

#if defined(__x86_64__) || (defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define RAWTP_CPU_HAS_JIT 1
#else
#define RAWTP_CPU_HAS_JIT 0
#endif

#endif
