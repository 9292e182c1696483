/* SPDX-License-Identifier: MIT */
/*
 * ELF files that do not run: the tracepoints in executables and libraries (through the note that
 * their objects carry), and a check of BPF objects before anything else reads them.
 *
 * Files are hostile: every offset is checked against the file. 0, or -errno with one line that says
 * why in @reason.
 */
#ifndef RAWTP_CLI_ELF_FILE_H
#define RAWTP_CLI_ELF_FILE_H

#include "client/client.h"
#include <stdbool.h>
#include <stddef.h>

/* Calls @fn for each event of the file until it returns nonzero. -ENOENT: it has no tracepoints. */
int rawtp_elf_list(const char *path, int (*fn)(const struct rawtp_client_event *event, void *data),
		   void *data, char *reason, size_t size);

/* What `rawtp run` must know of a command before it starts it. All false for what is no ELF file. */
struct rawtp_elf_facts {
	bool is_elf;
	bool is_dynamic; /* a dynamic linker loads it: libraries can be preloaded */
	bool has_tracepoints;
};
void rawtp_elf_inspect(const char *path, struct rawtp_elf_facts *facts);

int rawtp_elf_check_object(const char *path, char *reason, size_t size);

#endif
