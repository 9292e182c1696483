/* SPDX-License-Identifier: MIT */
/*
 * arm64: the instruction of a site, and the object's constructor.
 *
 * A site that is off is NOP, one that is on is B. Both are among the instructions that may be
 * exchanged while other cores execute them (Arm Architecture Reference Manual, "Concurrent
 * modification and execution of instructions").
 */
#ifndef RAWTP_CPU_ARM64_H
#define RAWTP_CPU_ARM64_H

#define RAWTP_SITE_CODE    "1:\tnop\n"
#define RAWTP_SITE_CLOBBER "cc"

#define RAWTP_OBJECT_ENTRY(object, function) \
	"\thint #34\n" /* bti c */           \
	"\tadrp x0, " object "\n"            \
	"\tadd x0, x0, :lo12:" object "\n"   \
	"\tb " function "\n"

#endif
