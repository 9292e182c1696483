/* SPDX-License-Identifier: MIT */
/* RAWTP_CPU_HAS_FAULT_COPY: there is a base/fault_copy_<cpu>.c. */
#ifndef RAWTP_BASE_CPU_FAULT_COPY_H
#define RAWTP_BASE_CPU_FAULT_COPY_H

#if defined(__x86_64__) || defined(__aarch64__)
#define RAWTP_CPU_HAS_FAULT_COPY 1
#else
#define RAWTP_CPU_HAS_FAULT_COPY 0
#endif

#endif
