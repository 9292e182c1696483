/* SPDX-License-Identifier: MIT */
/*
 * Fuzz targets: each file here defines LLVMFuzzerTestOneInput(). `make fuzz` builds them with
 * libFuzzer, `make test` replays fuzz/corpus/NAME.pack. An input is cut into numbers and bytes by
 * these functions; behind its end there are zeros.
 */
#ifndef RAWTP_FUZZ_H
#define RAWTP_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* libFuzzer's own mutations, for a target that adds some of its own. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline void fuzz_take(struct fuzz_input *input, void *out, size_t n)
{
	size_t have = n < input->left ? n : input->left;

	memset(out, 0, n);
	memcpy(out, input->at, have);
	input->at += have;
	input->left -= have;
}

static inline uint8_t fuzz_u8(struct fuzz_input *input)
{
	uint8_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

static inline uint16_t fuzz_u16(struct fuzz_input *input)
{
	uint16_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

/* A property does not hold: the fuzzer keeps the input. */
#define FUZZ_CHECK(cond)                                                           \
	do {                                                                       \
		if (!(cond)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                   \
		}                                                                  \
	} while (0)

#endif
