/* SPDX-License-Identifier: MIT */
/*
 * x86-64: the instruction of a site, and the object's constructor.
 *
 * A site that is off is "test $imm32,%eax" (a9 imm32), one that is on is "jmp rel32" (e9 rel32).
 * They have the same length and the same four bytes behind the opcode, so one byte, stored at once,
 * switches the site; src/base/text_patch_x86_64.c argues why that is safe. test changes the flags
 * alone, which no compiler keeps over an asm statement on this CPU.
 */
#ifndef RAWTP_CPU_X86_64_H
#define RAWTP_CPU_X86_64_H

#define RAWTP_SITE_CODE                \
	"1:\t.byte 0xa9\n"             \
	"\t.4byte %l[rawtp_on] - 2f\n" \
	"2:\n"
#define RAWTP_SITE_CLOBBER "cc"

#define RAWTP_OBJECT_ENTRY(object, function) \
	"\tendbr64\n"                        \
	"\tleaq " object "(%rip), %rdi\n"    \
	"\tjmp " function "@PLT\n"

#endif
