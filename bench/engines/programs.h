/* SPDX-License-Identifier: MIT */
/*
 * The programs whose machine code is compared: this text is compiled as BPF (programs.bpf.c) and as C
 * (native.c), both by clang -O2. What a program asks of the library is the same function for both; an
 * array is an array in C.
 */
#ifndef BENCH_ENGINES_PROGRAMS_H
#define BENCH_ENGINES_PROGRAMS_H

#define COUNTERS  256
#define HASH_KEYS 1024

struct record {
	__u64 a, b, c;
};

PROGRAM(empty)
{
	return 0;
}

/* Eight rounds of a mixer: multiply, shift, rotate, a branch that nobody can foretell. */
PROGRAM(arithmetic)
{
	__u64 hash = ctx[0], other = ctx[1];
	int i;

#pragma clang loop unroll(disable)
	for (i = 0; i < 8; i++) {
		hash = (hash ^ other) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
		other = (other << 13 | other >> 51) + (__u32)hash;
		if ((__s64)hash < 0)
			other ^= ctx[2];
	}
	return hash ^ other;
}

PROGRAM(array_counter)
{
	__u32 key = ctx[0] % COUNTERS;
	__u64 *counter = LOOKUP_COUNTER(&key);

	if (counter)
		++*counter;
	return 0;
}

PROGRAM(hash_update)
{
	__u32 key = ctx[0] % HASH_KEYS;
	__u64 value = ctx[1];

	return UPDATE_HASH(&key, &value);
}

PROGRAM(ring_record)
{
	struct record *record = RESERVE(sizeof(*record));

	if (!record)
		return 1;
	record->a = ctx[0];
	record->b = ctx[1];
	record->c = ctx[2];
	SUBMIT(record);
	return 0;
}

#endif
