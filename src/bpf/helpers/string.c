/* SPDX-License-Identifier: MIT */
/*
 * Helpers: numbers out of text, text out of numbers, comparison. What the verifier has proved to be
 * memory may be a map's, which others write meanwhile: every byte is read once.
 */
#include "bpf/helpers/format.h"
#include "bpf/helpers/helper.h"
#include "bpf/helpers/print.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define BASE_MASK 0x1f

static inline char *pointer(uint64_t reg)
{
	return (char *)(uintptr_t)reg;
}

/*
 * The formatted values' length with the NUL, or -EINVAL. r1: buffer of r2 bytes, which may be NULL
 * and 0 to learn the length; r3: format, a constant of the program; r4: r5 bytes of values.
 */
uint64_t rawtp_helper_snprintf(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	uint64_t values[RAWTP_PRINT_VALUES];
	char none[1];
	int len;

	if (!rawtp_print_values(values, pointer(r4), r5))
		return (uint64_t)-EINVAL;
	len = rawtp_format(r2 ? pointer(r1) : none, r2 ? (size_t)r2 : sizeof(none), pointer(r3),
			   SIZE_MAX / 2, values, (unsigned int)(r5 / sizeof(*values)));
	return len < 0 ? (uint64_t)(int64_t)len : (uint64_t)len + 1;
}

/* r1: text of at most r2 bytes; r3: a constant string. Less than, equal to or more than 0. */
uint64_t rawtp_helper_strncmp(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	const unsigned char *one = (const unsigned char *)pointer(r1);
	const unsigned char *other = (const unsigned char *)pointer(r3);
	uint32_t i, size = (uint32_t)r2;

	for (i = 0; i < size; i++) {
		unsigned char a = *(const volatile unsigned char *)&one[i], b = other[i];

		if (a != b)
			return (uint64_t)(int64_t)(a < b ? -1 : 1);
		if (!a)
			break;
	}
	return 0;
}

struct number {
	uint64_t value;
	bool is_negative;
};

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : INT_MAX;
}

/* "  -0x1f...": how many bytes were used; -EINVAL: no number; -ERANGE: more than 64 bits. */
static int64_t parse(const char *text, size_t size, uint64_t flags, struct number *number)
{
	unsigned int base = (unsigned int)(flags & BASE_MASK);
	const volatile char *bytes = (const volatile char *)text;
	char copy[64];
	size_t n = 0, at = 0, start;

	if (!text || !size || flags & ~(uint64_t)BASE_MASK ||
	    (base != 0 && base != 8 && base != 10 && base != 16))
		return -EINVAL;
	while (at < size && (bytes[at] == ' ' || (bytes[at] >= '\t' && bytes[at] <= '\r')))
		at++;
	while (n < sizeof(copy) - 1 && at + n < size) {
		copy[n] = bytes[at + n];
		n++;
	}
	copy[n] = '\0';
	start = copy[0] == '-';
	number->is_negative = start;
	number->value = 0;
	if (!base)
		base = copy[start] != '0'                                                  ? 10
		       : (copy[start + 1] | 0x20) == 'x' && digit_of(copy[start + 2]) < 16 ? 16
											   : 8;
	if (base == 16 && copy[start] == '0' && (copy[start + 1] | 0x20) == 'x')
		start += 2;
	for (n = start; digit_of(copy[n]) < (int)base; n++)
		if (__builtin_mul_overflow(number->value, base, &number->value) ||
		    __builtin_add_overflow(number->value, (uint64_t)digit_of(copy[n]),
					   &number->value))
			return -ERANGE;
	return n == start ? -EINVAL : (int64_t)(at + n);
}

/* r1, r2: text and its size; r3: base, 0 for C's rules; r4: where the number goes, 0 on error. */
uint64_t rawtp_helper_strtol(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	int64_t *result = (int64_t *)pointer(r4), used;
	struct number number;

	*result = 0;
	used = parse(pointer(r1), (size_t)r2, r3, &number);
	if (used < 0)
		return (uint64_t)used;
	if (number.value > (uint64_t)INT64_MAX + number.is_negative)
		return (uint64_t)-ERANGE;
	*result = (int64_t)(number.is_negative ? 0 - number.value : number.value);
	return (uint64_t)used;
}

uint64_t rawtp_helper_strtoul(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	uint64_t *result = (uint64_t *)pointer(r4);
	struct number number;
	int64_t used;

	*result = 0;
	used = parse(pointer(r1), (size_t)r2, r3, &number);
	if (used >= 0 && number.is_negative)
		used = -EINVAL;
	if (used >= 0)
		*result = number.value;
	return (uint64_t)used;
}
