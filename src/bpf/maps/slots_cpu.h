/* SPDX-License-Identifier: MIT */
/* Claiming the slot of the CPU that we run on. One file per CPU architecture has the body. */
#ifndef RAWTP_BPF_MAPS_SLOTS_CPU_H
#define RAWTP_BPF_MAPS_SLOTS_CPU_H

#include <stdbool.h>
#include <stdint.h>

#define RAWTP_NO_SLOT UINT32_MAX

/*
 * Claims the current CPU's word of @owners (stride RAWTP_SLOT_STRIDE) for @owner if it is 0. False
 * where it is taken, where the thread was preempted, moved or interrupted meanwhile, or where there
 * is no rseq(2): then an overflow slot will do.
 */
static inline bool rawtp_slot_claim_cpu(uint64_t *owners, uint32_t n_cpus, uint64_t owner,
					uint32_t *slot)
{
	return false;
}

#endif
