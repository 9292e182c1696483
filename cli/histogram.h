/* SPDX-License-Identifier: MIT */
/*
 * Power-of-two histograms, as tracing tools have them: slot 0 counts the values 0 and 1, slot i
 * those from 2^i to 2^(i+1) - 1.
 */
#ifndef RAWTP_CLI_HISTOGRAM_H
#define RAWTP_CLI_HISTOGRAM_H

#include "output.h"
#include <bpf/btf.h>

#define RAWTP_HISTOGRAM_MIN_SLOTS 8
#define RAWTP_HISTOGRAM_MAX_SLOTS 64

/* Does a map or variable of this name claim to be one ("hist", "slots" or "log2" in it)? */
bool rawtp_histogram_name(const char *name);

/*
 * Where the slots are in a value of type @id called @name: the value itself is an array of
 * counters and @name claims it, or it is a struct with such an array called slots. false: nowhere.
 */
struct rawtp_histogram_layout {
	uint32_t offset, n, size; /* bytes; slots; bytes of a slot */
};
bool rawtp_histogram_find(const struct btf *btf, uint32_t id, const char *name,
			  struct rawtp_histogram_layout *layout);

/* Text: a line for each slot from the first to the last that is not 0, after @indent blanks. */
void rawtp_histogram_print(FILE *file, const uint64_t *slots, uint32_t n, int indent);
/* JSON: array of {from, to, count} of slots that are not 0. */
void rawtp_histogram_json(struct rawtp_output *out, const char *key, const uint64_t *slots,
			  uint32_t n);

#endif
