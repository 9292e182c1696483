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

bool rawtp_fault_resume(void *context)
{
	greg_t *pc = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

	if ((uintptr_t)*pc < (uintptr_t)rawtp_fault_begin ||
	    (uintptr_t)*pc >= (uintptr_t)rawtp_fault_end)
		return false;
	*pc = (greg_t)(uintptr_t)rawtp_fault_end;
	return true;
}
