/* SPDX-License-Identifier: MIT */
/*
 * The kernel's raw tracepoints, from its BTF: vmlinux and the modules under /sys/kernel/btf. Reads
 * files alone, needs no privilege, and makes no bpf(2).
 */
#ifndef RAWTP_CLI_KERNEL_EVENTS_H
#define RAWTP_CLI_KERNEL_EVENTS_H

#include "cli.h"
#include "client/client.h"

/*
 * Calls @fn for each, until it returns other than 0; a name may come twice, from two modules. Types
 * are as C has them; the name of an argument is "argN" where the BTF does not tell it; the system
 * is "" where tracefs is not mounted or cannot be read; class and site kind are "" and there are no
 * sites. Returns 0 or an exit status: the error has been printed.
 */
int rawtp_kernel_events(const struct rawtp_cli *cli,
			int (*fn)(const struct rawtp_client_event *event, void *data), void *data);

/* Where tracefs is mounted. False: nowhere that we can see and read. */
bool rawtp_kernel_tracefs(char *path, size_t size);

#endif
