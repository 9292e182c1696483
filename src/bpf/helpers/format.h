/* SPDX-License-Identifier: MIT */
/*
 * The kernel's formats for bpf_trace_printk() and bpf_snprintf(): %d %i %u %x %X with l or ll, %c, %s, %p, %pK, %px,
 * %ps, %pS, %pB (an address, as there are no symbols here), %pks, %pus (strings), %pi4 %pI4 %pi6
 * %pI6; flags "0+- " and a width; %%. Everything else is refused, as in the kernel.
 */
#ifndef RAWTP_BPF_HELPERS_FORMAT_H
#define RAWTP_BPF_HELPERS_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes to @out (of @size, more than 0), always terminated, cut where it is longer. @format is good
 * memory of @format_size bytes, with a NUL in it; what the values point to may be bad, and is then
 * shown as nothing. Returns the length that it would have, without NUL; -EINVAL.
 *
 * Async-signal-safe: no malloc, no locale, no stdio.
 */
int rawtp_format(char *out, size_t size, const char *format, size_t format_size,
		 const uint64_t *values, unsigned int n_values);

/* -EINVAL where rawtp_format() would refuse @format with @n_values, whatever those are; else 0. */
int rawtp_format_check(const char *format, size_t format_size, unsigned int n_values);

#endif
