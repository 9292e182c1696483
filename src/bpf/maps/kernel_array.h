/* SPDX-License-Identifier: MIT */
/*
 * An array of the kernel as an array of ours: where it was made with BPF_F_MMAPABLE, whoever has its
 * descriptor may map its values, and so programs of a process and of the kernel share them. Nothing
 * here is bpf(2): the kernel tells what the descriptor is in /proc/self/fdinfo, and bounds and
 * permits the mapping.
 */
#ifndef RAWTP_BPF_MAPS_KERNEL_ARRAY_H
#define RAWTP_BPF_MAPS_KERNEL_ARRAY_H

#include "bpf/maps/map.h"

#include <sys/stat.h>

/* The device of st_dev for maps of the kernel, whose number is st_ino. No file system has it. */
#define RAWTP_KERNEL_MAP_DEV ((dev_t)-1)

/*
 * fstat(2), but for maps of the kernel, which all share one inode: they get RAWTP_KERNEL_MAP_DEV
 * and their id, so that (st_dev, st_ino) tells them apart as it does files. 0 or -1 with errno.
 */
int rawtp_map_stat(int fd, struct stat *st);

/*
 * What the map behind @fd, which rawtp_map_stat() found to be the kernel's, is: as the header of one
 * of ours. 0; -EINVAL: no array, not mmapable, one that programs may not write, or frozen.
 */
int rawtp_kernel_array_header(int fd, struct rawtp_map_header *header);

#endif
