/* SPDX-License-Identifier: MIT */
/*
 * The file of the CPU that is compiled for. Each may define
 *
 *	RAWTP_SITE_CODE		the instruction of a site that is off, at label 1, which can be made a
 *				jump to %l[rawtp_on]; without it sites test a flag
 *	RAWTP_SITE_CLOBBER	what that instruction changes
 *	RAWTP_OBJECT_ENTRY	code that calls a function with the address of an object
 */
#ifndef RAWTP_CPU_CPU_H
#define RAWTP_CPU_CPU_H

#if defined(__x86_64__) && defined(__LP64__)
#include <rawtp/cpu/x86_64.h>
#elif defined(__aarch64__) && defined(__LP64__)
#include <rawtp/cpu/arm64.h>
#endif

#endif
