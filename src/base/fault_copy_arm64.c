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

/* x12 is 0 where the load may fault, and the size where it does not begin. */
#define LOAD(size, load)                                                      \
	".balign 64\n\t"                                                      \
	"adrp x10, :gottprel:rawtp_signal_room\n\t"                           \
	"ldr x10, [x10, #:gottprel_lo12:rawtp_signal_room]\n\t"               \
	"mrs x12, tpidr_el0\n\t"                                              \
	"add x10, x10, x12\n\t"                                               \
	"ldp x12, x10, [x10]\n\t"                                             \
	"mov x16, sp\n\t"                                                     \
	"sub x12, x16, x12\n\t"                                               \
	"cmp x12, x10\n\t"                                                    \
	"mov w12, #" #size "\n\t"                                             \
	"b.hs rawtp_fault_loads_end\n\t"                                      \
	"sub x10, x9, #16, lsl #12\n\t" /* not below 64 kB, nor above 2^48 */ \
	"lsr x10, x10, #48\n\t"                                               \
	"cbnz x10, rawtp_fault_loads_end\n\t"                                 \
	"mov w12, #0\n\t" load "\n\t"                                         \
	"ret\n\t"

__asm__(".text\n\t"
	".balign 64\n\t"
	".globl rawtp_fault_loads, rawtp_fault_loads_end\n\t"
	".hidden rawtp_fault_loads, rawtp_fault_loads_end, rawtp_signal_room, "
	"rawtp_fault_load_slow\n\t"
	".type rawtp_fault_loads, %function\n"
	"rawtp_fault_loads:\n\t"
	".cfi_startproc\n\t" LOAD(1, "ldrb w9, [x9]") LOAD(2, "ldrh w9, [x9]")
		LOAD(4, "ldr w9, [x9]") LOAD(8, "ldr x9, [x9]") /* */
	"rawtp_fault_loads_end:\n\t"
	"stp x29, x30, [sp, #-112]!\n\t"
	".cfi_adjust_cfa_offset 112\n\t"
	".cfi_rel_offset x29, 0\n\t"
	".cfi_rel_offset x30, 8\n\t"
	"mov x29, sp\n\t"
	"stp x0, x1, [sp, #16]\n\t"
	"stp x2, x3, [sp, #32]\n\t"
	"stp x4, x5, [sp, #48]\n\t"
	"stp x6, x7, [sp, #64]\n\t"
	"stp x8, x11, [sp, #80]\n\t"
	"stp x13, x14, [sp, #96]\n\t"
	"mov x0, x9\n\t"
	"mov w1, w12\n\t"
	"bl rawtp_fault_load_slow\n\t"
	"mov x9, x0\n\t"
	"ldp x0, x1, [sp, #16]\n\t"
	"ldp x2, x3, [sp, #32]\n\t"
	"ldp x4, x5, [sp, #48]\n\t"
	"ldp x6, x7, [sp, #64]\n\t"
	"ldp x8, x11, [sp, #80]\n\t"
	"ldp x13, x14, [sp, #96]\n\t"
	"ldp x29, x30, [sp], #112\n\t"
	".cfi_adjust_cfa_offset -112\n\t"
	".cfi_restore x29\n\t"
	".cfi_restore x30\n\t"
	"ret\n\t"
	".cfi_endproc\n\t"
	".size rawtp_fault_loads, . - rawtp_fault_loads\n");

extern const char rawtp_fault_loads_end[] __attribute__((visibility("hidden")));

static bool is_inside(uint64_t pc, const char *begin, const char *end)
{
	return pc >= (uintptr_t)begin && pc < (uintptr_t)end;
}

bool rawtp_fault_resume(void *context)
{
	mcontext_t *at = &((ucontext_t *)context)->uc_mcontext;

	if (is_inside(at->pc, rawtp_fault_begin, rawtp_fault_end))
		at->pc = (uintptr_t)rawtp_fault_end;
	else if (is_inside(at->pc, rawtp_fault_loads, rawtp_fault_loads_end))
		at->pc = (uintptr_t)rawtp_fault_loads_end;
	else
		return false;
	return true;
}
