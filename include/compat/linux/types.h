/* SPDX-License-Identifier: MIT */
/* The system's <linux/types.h>, and the kernel's short names. */
#include_next <linux/types.h>
#ifndef RAWTP_COMPAT_LINUX_TYPES_H
#define RAWTP_COMPAT_LINUX_TYPES_H
#include <stddef.h>
#include <stdint.h>
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
#endif
