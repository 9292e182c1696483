/* SPDX-License-Identifier: MIT */
/*
 * Where the lines of bpf_trace_printk() go.
 *
 * A program must not write to the streams or the files of the process it runs in. So who loads
 * programs has a ring buffer for all of them; a program that prints takes it along, as it takes its
 * maps, to each target. Nothing blocks: where nobody reads, the ring fills up, and lines are dropped
 * and counted in it (rawtp_ringbuf_drops()).
 */
#ifndef RAWTP_BPF_HELPERS_PRINT_H
#define RAWTP_BPF_HELPERS_PRINT_H

#include "rawtp/bpf.h" /* struct rawtp_trace_line */

#include <stdbool.h>
#include <stdint.h>

#define RAWTP_TRACE_RING_SIZE (1U << 18) /* bytes */
#define RAWTP_TRACE_LINE_MAX  1024       /* of text, NUL included */
#define RAWTP_TRACE_RING_NAME "trace_printk"

#define RAWTP_PRINT_VALUES 12 /* MAX_BPRINTF_VARARGS */

/* The values of bpf_snprintf() and its like: false where @size is not that of at most 12 words. */
bool rawtp_print_values(uint64_t *values, const void *data, uint64_t size);

#endif
