/* SPDX-License-Identifier: MIT */
/* What walking a stack needs to know of the CPU: numbers of registers in .eh_frame. */
#ifndef RAWTP_BASE_CPU_UNWIND_H
#define RAWTP_BASE_CPU_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#define RAWTP_UNWIND_FP 6
#define RAWTP_UNWIND_SP 7
#define RAWTP_UNWIND_RA 16
#elif defined(__aarch64__)
#define RAWTP_UNWIND_FP 29
#define RAWTP_UNWIND_SP 31
#define RAWTP_UNWIND_RA 30
#endif

#ifdef RAWTP_UNWIND_FP
#define RAWTP_CAN_UNWIND 1
#else /* nobody has said how: stacks cannot be walked */
#define RAWTP_CAN_UNWIND 0
#define RAWTP_UNWIND_FP  0
#define RAWTP_UNWIND_SP  1
#define RAWTP_UNWIND_RA  2
#endif

/* A return address as it is, without a signature in its high bits. */
static inline uintptr_t rawtp_unwind_strip(uintptr_t pc)
{
#if defined(__aarch64__)
	return pc & ((1ULL << 48) - 1);
#else
	return pc;
#endif
}

/*
 * Was the call that returns to the instruction behind @code (8 bytes) made through a pointer? False
 * where it cannot be told.
 */
static inline bool rawtp_unwind_is_indirect(const uint8_t *code)
{
#if defined(__x86_64__)
	/* ff /2: modrm alone, with a byte of displacement, with four; never "e8" and four bytes. */
	return code[3] != 0xe8 && ((code[6] == 0xff && (code[7] & 0x38) == 0x10) ||
				   (code[5] == 0xff && (code[6] & 0xf8) == 0x50) ||
				   (code[2] == 0xff && (code[3] & 0xf8) == 0x90));
#elif defined(__aarch64__)
	uint32_t insn = (uint32_t)code[4] | (uint32_t)code[5] << 8 | (uint32_t)code[6] << 16 |
			(uint32_t)code[7] << 24;

	return (insn & 0xfffffc1f) == 0xd63f0000; /* blr */
#else
	return false;
#endif
}

#endif
