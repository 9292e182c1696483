/* SPDX-License-Identifier: MIT */
/* RAWTP_CPU_PATCHES_TEXT: there is a text_patch_<cpu>.c, and sites in rawtp/cpu/. */
#ifndef RAWTP_BASE_CPU_PATCH_H
#define RAWTP_BASE_CPU_PATCH_H

#if defined(__x86_64__) || defined(__aarch64__)
#define RAWTP_CPU_PATCHES_TEXT 1
#else
#define RAWTP_CPU_PATCHES_TEXT 0
#endif

#endif
