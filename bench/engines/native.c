/* SPDX-License-Identifier: MIT */
/* The programs as C. */
#include "native.h"

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* As the library calls its machine code; the rest of the body takes the arguments as they are. */
#define PROGRAM(name)                                                        \
	static inline uint64_t name##_of(const __u64 *ctx);                  \
	static uint64_t name(const void *ctx, const struct rawtp_prog *prog) \
	{                                                                    \
		return name##_of(ctx);                                       \
	}                                                                    \
	static inline uint64_t name##_of(const __u64 *ctx)

struct rawtp_map *bench_hash, *bench_ring;

static __u64 counters[256];

/* The helpers themselves: what is compared is the way to them. */
uint64_t rawtp_helper_map_update_elem(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
				      uint64_t r5);
uint64_t rawtp_helper_ringbuf_reserve(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
				      uint64_t r5);
uint64_t rawtp_helper_ringbuf_submit(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
				     uint64_t r5);

static inline __u64 *lookup_counter(const __u32 *key)
{
	return *key < sizeof(counters) / sizeof(counters[0]) ? &counters[*key] : NULL;
}

#define LOOKUP_COUNTER(key) lookup_counter(key)
#define UPDATE_HASH(key, value)                                                                   \
	rawtp_helper_map_update_elem((uintptr_t)bench_hash, (uintptr_t)(key), (uintptr_t)(value), \
				     BPF_ANY, 0)
#define RESERVE(size)  (void *)rawtp_helper_ringbuf_reserve((uintptr_t)bench_ring, size, 0, 0, 0)
#define SUBMIT(record) rawtp_helper_ringbuf_submit((uintptr_t)(record), BPF_RB_NO_WAKEUP, 0, 0, 0)

#include "programs.h"

uint64_t (*bench_native(const char *name))(const void *ctx, const struct rawtp_prog *prog)
{
	static const struct {
		const char *name;
		uint64_t (*fn)(const void *ctx, const struct rawtp_prog *prog);
	} programs[] = {{"empty", empty},
			{"arithmetic", arithmetic},
			{"array_counter", array_counter},
			{"hash_update", hash_update},
			{"ring_record", ring_record}};
	size_t i;

	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (!strcmp(programs[i].name, name))
			return programs[i].fn;
	return NULL;
}
