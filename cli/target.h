/* SPDX-License-Identifier: MIT */
/* Whose bpf(2) libbpf's calls reach in this process. */
#ifndef RAWTP_CLI_TARGET_H
#define RAWTP_CLI_TARGET_H

#include <stdbool.h>

/* true: the kernel's; false (the state after start): rawtp_bpf(). */
void rawtp_target_kernel(bool kernel);

#endif
