/* SPDX-License-Identifier: MIT */
/* Small arithmetic, and copies in and out of memory that others write at the same time. */
#ifndef RAWTP_BASE_BITS_H
#define RAWTP_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* @to is a power of two. */
static inline uint64_t rawtp_round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) & ~(to - 1);
}

static inline bool rawtp_is_power_of_2(uint64_t value)
{
	return value && !(value & (value - 1));
}

/* The smallest power of two that is not below @value (1 <= value <= 2^63). */
static inline uint64_t rawtp_power_of_2_up(uint64_t value)
{
	return value <= 1 ? 1 : 1ULL << (64 - __builtin_clzll(value - 1));
}

/* How many bits hold the numbers 0 to @value. */
static inline unsigned int rawtp_bits_for(uint64_t value)
{
	return value ? 64 - (unsigned int)__builtin_clzll(value) : 0;
}

/*
 * Up to 8 bytes of private memory of any alignment as a word, the missing ones zero; and back. The
 * first byte in memory is the first of the word's representation on every CPU.
 */
static inline uint64_t rawtp_get_word(const void *from, size_t size)
{
	uint64_t word = 0;

	if (size >= 8)
		memcpy(&word, from, 8);
	else
		memcpy(&word, from, size);
	return word;
}

static inline void rawtp_put_word(void *to, uint64_t word, size_t size)
{
	if (size >= 8)
		memcpy(to, &word, 8);
	else
		memcpy(to, &word, size);
}

/*
 * The shared side of the three below is 8-byte aligned and has @size rounded up to 8 bytes of room;
 * what is beyond @size is zero. Each word is moved whole. Stores are releases and loads acquires, so
 * that a reader who finds a word of a new owner also finds what that owner did before, and can tell
 * by a version that it must start again; on x86-64 they are plain moves.
 */
static inline void rawtp_store_words(void *shared, const void *from, size_t size)
{
	uint64_t *to = (uint64_t *)shared;
	size_t i;

	for (i = 0; i < size; i += 8)
		__atomic_store_n(to++, rawtp_get_word((const char *)from + i, size - i),
				 __ATOMIC_RELEASE);
}

static inline void rawtp_load_words(void *to, const void *shared, size_t size)
{
	const uint64_t *from = (const uint64_t *)shared;
	size_t i;

	for (i = 0; i < size; i += 8)
		rawtp_put_word((char *)to + i, __atomic_load_n(from++, __ATOMIC_ACQUIRE), size - i);
}

static inline bool rawtp_words_equal(const void *shared, const void *with, size_t size)
{
	const uint64_t *word = (const uint64_t *)shared;
	size_t i;

	for (i = 0; i < size; i += 8)
		if (__atomic_load_n(word++, __ATOMIC_ACQUIRE) !=
		    rawtp_get_word((const char *)with + i, size - i))
			return false;
	return true;
}

#endif
