/* SPDX-License-Identifier: MIT */
/*
 * BPF_MAP_TYPE_PROG_ARRAY. The shared memory names programs (by the inode of their memfds), for all
 * processes alike; a process can go only to programs that it has loaded and verified itself. Which
 * these are is noted in the map's private part: programs that came with an attached one
 * (rawtp_prog_adopt()), and those that this process put into the map. A name that is none of them is
 * an empty entry to the programs of this process.
 */
#ifndef RAWTP_BPF_MAPS_PROG_ARRAY_H
#define RAWTP_BPF_MAPS_PROG_ARRAY_H

#include "bpf/maps/map.h"
#include "bpf/prog.h"

/* The program to go to; NULL: none. In a read-side section, which keeps it. */
const struct rawtp_prog *rawtp_prog_array_get(const struct rawtp_map *map, uint32_t index);

/*
 * Puts @prog into entry @index and keeps a reference as long as it is there. 0; -E2BIG: no such entry;
 * -EINVAL: a program of another type than those before; -ENOMEM. Not in a read-side section.
 */
int rawtp_prog_array_set(struct rawtp_map *map, uint32_t index, struct rawtp_prog *prog);
/* The process has closed the map: the references of its entries go. Not in a read-side section. */
void rawtp_prog_array_forget(struct rawtp_map *map);
/* The inode of the program in entry @index; 0: none. */
uint64_t rawtp_prog_array_id(const struct rawtp_map *map, uint32_t index);

/*
 * Programs of this process may go to @prog, if an entry names it, until @owner withdraws what it
 * offered. Withdrawing waits for readers. The owner keeps the programs.
 */
int rawtp_prog_array_offer(struct rawtp_map *map, struct rawtp_prog *prog, const void *owner);
void rawtp_prog_array_withdraw(struct rawtp_map *map, const void *owner);

#endif
