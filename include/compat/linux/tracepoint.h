/* SPDX-License-Identifier: MIT */
/*
 * For the kernel's event headers, unmodified, with -I<include>/compat before other folders: what
 * they expect of <linux/tracepoint.h>. The types of their arguments are the program's to give.
 */
#ifndef RAWTP_COMPAT_LINUX_TRACEPOINT_H
#define RAWTP_COMPAT_LINUX_TRACEPOINT_H
#include <linux/types.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#endif

#include <rawtp/tracepoint.h>
