/* SPDX-License-Identifier: MIT */
/*
 * bpf_trace_run1() .. bpf_trace_run12(): from the thunk into the program.
 *
 * The caller is inside the tracepoint's read-side section, so rawtp_self is set, and link, program
 * and figures stay until it leaves. A thread with an index below link->own_blocks has a block of its
 * own; the last block is atomic and everybody else's. An event is counted after its program has
 * run, hits before misses, so that a reader that takes misses first never sees more misses than hits.
 */
#include "base/cpu/counter.h"
#include "bpf/run.h"
#include "link/link.h"

#include <time.h>

#define always_inline inline __attribute__((always_inline))

static __attribute__((noinline, cold)) void count_miss(struct rawtp_thread *self,
						       const struct rawtp_link *link)
{
	bool recursion = self->frame && rawtp_frame_blocks(self->frame, link->prog);
	struct rawtp_stats_block *block = &link->stats->block[RAWTP_STATS_SHARED];
	const struct rawtp_frame *frame;

	/* The library's own threads are no part of the program: their events are none. */
	for (frame = self->frame; frame; frame = frame->prev)
		if (!frame->prog)
			return;
	rawtp_counter_add_shared(&block->hits, 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	rawtp_counter_add_shared(&block->misses, 1);
	if (recursion)
		rawtp_counter_add_shared(&block->recursion_misses, 1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static __attribute__((noinline)) void run_timed(struct rawtp_thread *self,
						const struct rawtp_link *link, const uint64_t *args,
						struct rawtp_stats_block *block, uint32_t sample)
{
	uint64_t start, ret;

	/* Only when: the count to come is due. What the holder writes there spoils its sample only. */
	__atomic_store_n(&block->pad[0], rawtp_counter_read(&block->hits) + sample,
			 __ATOMIC_RELAXED);
	start = now_ns();
	if (!rawtp_prog_run_with(self, link->prog, link->cookie, args, &ret)) {
		count_miss(self, link);
		return;
	}
	start = now_ns() - start;
	rawtp_counter_add_shared(&block->nsecs, start);
	rawtp_counter_add_shared(&block->timed, 1);
	rawtp_counter_add_shared(&block->hits, 1);
}

static always_inline void run(const struct rawtp_link *link, const uint64_t *args)
{
	struct rawtp_thread *self = rawtp_self;
	struct rawtp_link_stats *stats = link->stats;
	uint32_t sample = __atomic_load_n(&stats->sample, __ATOMIC_RELAXED);
	bool own = self->index < link->own_blocks;
	struct rawtp_stats_block *block = &stats->block[own ? self->index : RAWTP_STATS_SHARED];
	uint64_t ret;

	if (__builtin_expect(sample, 0) &&
	    (int64_t)(rawtp_counter_read(&block->hits) -
		      __atomic_load_n(&block->pad[0], __ATOMIC_RELAXED)) >= 0) {
		run_timed(self, link, args, block, sample);
		return;
	}
	if (__builtin_expect(!rawtp_prog_run_with(self, link->prog, link->cookie, args, &ret), 0)) {
		count_miss(self, link);
		return;
	}
	if (__builtin_expect(own, 1))
		rawtp_counter_add_own(&block->hits, 1);
	else
		rawtp_counter_add_shared(&block->hits, 1);
}

void rawtp_link_run(void *link, const uint64_t *args)
{
	run(link, args);
}

/* In a static program this file, which every thunk needs, brings the commands of links with it. */
__attribute__((used)) static void (*const keep_link_cmds)(void) = rawtp_link_ops_local;

#define U64(i) uint64_t a##i
#define P1     U64(1)
#define P2     P1, U64(2)
#define P3     P2, U64(3)
#define P4     P3, U64(4)
#define P5     P4, U64(5)
#define P6     P5, U64(6)
#define P7     P6, U64(7)
#define P8     P7, U64(8)
#define P9     P8, U64(9)
#define P10    P9, U64(10)
#define P11    P10, U64(11)
#define P12    P11, U64(12)
#define A1     a1
#define A2     A1, a2
#define A3     A2, a3
#define A4     A3, a4
#define A5     A4, a5
#define A6     A5, a6
#define A7     A6, a7
#define A8     A7, a8
#define A9     A8, a9
#define A10    A9, a10
#define A11    A10, a11
#define A12    A11, a12

#define RUN(n)                                                                          \
	__attribute__((visibility("default"))) void bpf_trace_run##n(void *data, P##n); \
	void bpf_trace_run##n(void *data, P##n)                                         \
	{                                                                               \
		const uint64_t args[] = {A##n};                                         \
                                                                                        \
		run(data, args);                                                        \
	}

RUN(1)
RUN(2)
RUN(3)
RUN(4)
RUN(5)
RUN(6)
RUN(7)
RUN(8)
RUN(9)
RUN(10)
RUN(11)
RUN(12)
