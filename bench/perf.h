/* SPDX-License-Identifier: MIT */
/* Programs at what perf_event_open(2) knows: the kernel's copying tracepoints, and uprobes. */
#ifndef RAWTP_BENCH_PERF_H
#define RAWTP_BENCH_PERF_H

#include <stdint.h>

/*
 * The number of SYSTEM/NAME ("task/task_rename"), from tracefs: where it is mounted, else from a
 * mount that only a child of ours sees. -errno.
 */
int bench_perf_tracepoint(const char *name);
/* Runs the program @prog_fd there from now until the descriptor is closed. -errno. */
int bench_perf_attach_tracepoint(int id, int prog_fd);
/* The same for each pass of byte @offset of the file @path. */
int bench_perf_attach_uprobe(const char *path, uint64_t offset, int prog_fd);

/* Where an address of this process lies in its file. 0 or -ENOENT. */
int bench_perf_file_offset(const void *address, char *path, unsigned long size, uint64_t *offset);
/* Of the probe PROVIDER:NAME of <sys/sdt.h> in an ELF64 file of this machine. 0 or -errno. */
int bench_perf_sdt_offset(const char *path, const char *provider, const char *name,
			  uint64_t *offset);

#endif
