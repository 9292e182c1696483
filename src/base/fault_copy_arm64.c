/* SPDX-License-Identifier: MIT */
/* The copies that may fault, for arm64. */
#include "base/fault_copy.h"

#include <stdint.h>
#include <ucontext.h>

extern const char rawtp_fault_begin[] __attribute__((visibility("hidden")));
extern const char rawtp_fault_end[] __attribute__((visibility("hidden")));

/* Behind the end lies where a fault goes on. */
__asm__(".text\n\t"
	".balign 64\n\t"
	".globl rawtp_fault_begin, rawtp_fault_end, rawtp_fault_copy, rawtp_fault_string\n\t"
	".hidden rawtp_fault_begin, rawtp_fault_end, rawtp_fault_copy, rawtp_fault_string\n\t"
	".type rawtp_fault_copy, %function\n\t"
	".type rawtp_fault_string, %function\n"
	"rawtp_fault_begin:\n"
	"rawtp_fault_copy:\n\t"
	".cfi_startproc\n"
	"1:\n\t"
	"cmp x2, #8\n\t"
	"b.lo 2f\n\t"
	"ldr x4, [x1], #8\n\t"
	"str x4, [x0], #8\n\t"
	"sub x2, x2, #8\n\t"
	"b 1b\n"
	"2:\n\t"
	"cbz x2, 3f\n\t"
	"ldrb w4, [x1], #1\n\t"
	"strb w4, [x0], #1\n\t"
	"sub x2, x2, #1\n\t"
	"b 2b\n"
	"3:\n\t"
	"mov x0, #0\n\t"
	"ret\n\t"
	".size rawtp_fault_copy, . - rawtp_fault_copy\n"
	"rawtp_fault_string:\n\t"
	"mov x3, #0\n"
	"4:\n\t"
	"cmp x3, x2\n\t"
	"b.hs 5f\n\t"
	"ldrb w4, [x1, x3]\n\t"
	"strb w4, [x0, x3]\n\t"
	"add x3, x3, #1\n\t"
	"cbnz w4, 4b\n\t"
	"mov x0, x3\n\t"
	"ret\n"
	"5:\n\t"
	"sub x4, x3, #1\n\t"
	"strb wzr, [x0, x4]\n\t"
	"mov x0, x3\n\t"
	"ret\n"
	"rawtp_fault_end:\n\t"
	"mov x0, #-14\n\t" /* -EFAULT */
	"ret\n\t"
	".cfi_endproc\n\t"
	".size rawtp_fault_string, . - rawtp_fault_string\n");

bool rawtp_fault_resume(void *context)
{
	mcontext_t *at = &((ucontext_t *)context)->uc_mcontext;

	if ((uintptr_t)at->pc < (uintptr_t)rawtp_fault_begin ||
	    (uintptr_t)at->pc >= (uintptr_t)rawtp_fault_end)
		return false;
	at->pc = (uintptr_t)rawtp_fault_end;
	return true;
}
