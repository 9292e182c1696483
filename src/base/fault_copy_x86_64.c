/* SPDX-License-Identifier: MIT */
/* The copies that may fault, for x86-64. */
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
	".type rawtp_fault_copy, @function\n\t"
	".type rawtp_fault_string, @function\n"
	"rawtp_fault_begin:\n"
	"rawtp_fault_copy:\n\t"
	".cfi_startproc\n\t"
	"cmp $128, %rdx\n\t"
	"jae 5f\n\t"
	"sub $8, %rdx\n\t"
	"jb 2f\n"
	"1:\n\t"
	"mov (%rsi), %rax\n\t"
	"mov %rax, (%rdi)\n\t"
	"add $8, %rsi\n\t"
	"add $8, %rdi\n\t"
	"sub $8, %rdx\n\t"
	"jae 1b\n"
	"2:\n\t" /* rdx: -8 .. -1, of which the low bits are what is left */
	"test $4, %dl\n\t"
	"je 3f\n\t"
	"mov (%rsi), %eax\n\t"
	"mov %eax, (%rdi)\n\t"
	"add $4, %rsi\n\t"
	"add $4, %rdi\n"
	"3:\n\t"
	"and $3, %edx\n\t"
	"je 6f\n"
	"4:\n\t"
	"movzbl (%rsi), %eax\n\t"
	"mov %al, (%rdi)\n\t"
	"inc %rsi\n\t"
	"inc %rdi\n\t"
	"dec %edx\n\t"
	"jne 4b\n\t"
	"jmp 6f\n"
	"5:\n\t"
	"mov %rdx, %rcx\n\t"
	"rep movsb\n"
	"6:\n\t"
	"xor %eax, %eax\n\t"
	"ret\n\t"
	".size rawtp_fault_copy, . - rawtp_fault_copy\n"
	"rawtp_fault_string:\n\t"
	"xor %eax, %eax\n"
	"7:\n\t"
	"cmp %rdx, %rax\n\t"
	"jae 8f\n\t"
	"movzbl (%rsi,%rax), %ecx\n\t"
	"mov %cl, (%rdi,%rax)\n\t"
	"inc %rax\n\t"
	"test %cl, %cl\n\t"
	"jne 7b\n\t"
	"ret\n"
	"8:\n\t"
	"movb $0, -1(%rdi,%rax)\n\t"
	"ret\n"
	"rawtp_fault_end:\n\t"
	"mov $-14, %rax\n\t" /* -EFAULT */
	"ret\n\t"
	".cfi_endproc\n\t"
	".size rawtp_fault_string, . - rawtp_fault_string\n");

/* r9 is 0 where the load may fault, and the size where it does not begin. */
#define LOAD(size, load)                                 \
	".balign 64\n\t"                                 \
	"mov rawtp_signal_room@gottpoff(%rip), %r10\n\t" \
	"mov %rsp, %r9\n\t"                              \
	"sub %fs:(%r10), %r9\n\t"                        \
	"cmp %fs:8(%r10), %r9\n\t"                       \
	"jae 1f\n\t"                                     \
	"mov %r11, %r9\n\t"                              \
	"shr $16, %r9\n\t"                               \
	"je 1f\n\t"                                      \
	"shr $32, %r9\n\t"                               \
	"jne 1f\n\t" load "\n\t"                         \
	"ret\n"                                          \
	"1:\n\t"                                         \
	"mov $" #size ", %r9d\n\t"                       \
	"jmp rawtp_fault_loads_end\n\t"

__asm__(".text\n\t"
	".balign 64\n\t"
	".globl rawtp_fault_loads, rawtp_fault_loads_end\n\t"
	".hidden rawtp_fault_loads, rawtp_fault_loads_end, rawtp_signal_room, "
	"rawtp_fault_load_slow\n\t"
	".type rawtp_fault_loads, @function\n"
	"rawtp_fault_loads:\n\t"
	".cfi_startproc\n\t" LOAD(1, "movzbl (%r11), %r11d") LOAD(2, "movzwl (%r11), %r11d")
		LOAD(4, "mov (%r11), %r11d") LOAD(8, "mov (%r11), %r11") /* */
	"rawtp_fault_loads_end:\n\t"
	"push %rbp\n\t"
	".cfi_adjust_cfa_offset 8\n\t"
	".cfi_rel_offset rbp, 0\n\t"
	"mov %rsp, %rbp\n\t"
	".cfi_def_cfa_register rbp\n\t"
	"push %rax\n\t"
	"push %rcx\n\t"
	"push %rdx\n\t"
	"push %rsi\n\t"
	"push %rdi\n\t"
	"push %r8\n\t"
	"and $-16, %rsp\n\t"
	"mov %r11, %rdi\n\t"
	"mov %r9d, %esi\n\t"
	"call rawtp_fault_load_slow\n\t"
	"mov %rax, %r11\n\t"
	"lea -48(%rbp), %rsp\n\t"
	"pop %r8\n\t"
	"pop %rdi\n\t"
	"pop %rsi\n\t"
	"pop %rdx\n\t"
	"pop %rcx\n\t"
	"pop %rax\n\t"
	"pop %rbp\n\t"
	".cfi_def_cfa rsp, 8\n\t"
	"ret\n\t"
	".cfi_endproc\n\t"
	".size rawtp_fault_loads, . - rawtp_fault_loads\n");

extern const char rawtp_fault_loads_end[] __attribute__((visibility("hidden")));

static bool is_inside(greg_t pc, const char *begin, const char *end)
{
	return (uintptr_t)pc >= (uintptr_t)begin && (uintptr_t)pc < (uintptr_t)end;
}

bool rawtp_fault_resume(void *context)
{
	greg_t *pc = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

	if (is_inside(*pc, rawtp_fault_begin, rawtp_fault_end))
		*pc = (greg_t)(uintptr_t)rawtp_fault_end;
	else if (is_inside(*pc, rawtp_fault_loads, rawtp_fault_loads_end))
		*pc = (greg_t)(uintptr_t)rawtp_fault_loads_end;
	else
		return false;
	return true;
}
