/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU slots. In the kernel a program that runs cannot be preempted, so the CPU's number alone
 * makes per-CPU data its own. Here a thread may be preempted or moved in the middle of a program,
 * so a run owns a slot of each per-CPU map it uses, from entry to exit:
 *
 *  - slots [0, n_cpus) belong to the CPUs. A slot is claimed by a thread on its CPU (rseq: one
 *    plain store, no lock prefix) and by nobody else;
 *  - slots [n_cpus, n_cpus + RAWTP_OVERFLOW_SLOTS) are claimed with compare-and-exchange by whoever
 *    finds its CPU's slot taken (its owner was preempted, or interrupted by a signal), and by
 *    everybody where rseq is missing.
 *
 * An owner releases with one store-release from wherever it runs. The owner words lie in the map's
 * shared memory, since several processes may run programs on one map; a word names its owner
 * (owner.h), so that what a killed process held can be taken back.
 *
 * BPF_MAP_LOOKUP_ELEM gives n_cpus values, as in the kernel: an overflow slot's value is added to
 * that of CPU (slot % n_cpus). doc/decisions.md says why, and what that means for values that are
 * not sums.
 */
#ifndef RAWTP_BPF_MAPS_SLOTS_H
#define RAWTP_BPF_MAPS_SLOTS_H

#include "rawtp/thread.h"
#include <stdbool.h>
#include <stdint.h>

struct rawtp_prog;
struct rawtp_map;

#define RAWTP_OVERFLOW_SLOTS 64
#define RAWTP_NO_SLOT        UINT32_MAX
#define RAWTP_SLOT_STRIDE    8 /* words from owner to owner: each has a cache line */

/*
 * Shared memory of the owner words, in bytes, and behind them a word with a bit for each overflow
 * slot that was ever used: the others' values need not be looked at (which would give them memory).
 */
#define RAWTP_SLOTS_BYTES(n_slots) \
	(((uint64_t)(n_slots) + 1) * RAWTP_SLOT_STRIDE * sizeof(uint64_t))

/* Claims a slot in each of prog->percpu_maps. False (and nothing held) where one has none free. */
bool rawtp_slots_claim(const struct rawtp_prog *prog, struct rawtp_thread *self, uint32_t *slots);
void rawtp_slots_release(const struct rawtp_prog *prog, const uint32_t *slots);

/* The slot that the innermost running program of this thread holds in @map, or RAWTP_NO_SLOT. */
uint32_t rawtp_slot_of(const struct rawtp_map *map);

/* Was overflow slot @slot (n_cpus and up) ever used? */
bool rawtp_slot_was_used(const struct rawtp_map *map, uint32_t slot);

/* Takes back the slots of @map whose owners are dead. Not for the hot path. */
void rawtp_slots_recover(struct rawtp_map *map);

/* Possible CPUs of this machine: the kernel's /sys/devices/system/cpu/possible. */
uint32_t rawtp_possible_cpus(void);

#endif
