/* SPDX-License-Identifier: MIT */
/*
 * A program that traces itself with libbpf, a skeleton, and nothing of ours in its source but the
 * tracepoint. Every event must be found: in global data, in each map, in the ring buffer.
 */
#define CREATE_TRACE_POINTS
#include "counts_events.h"
#include "counts.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define N_EVENTS  20000 /* a thread */
#define N_THREADS 2

struct record {
	__u64 number;
	__u32 size;
	__u32 pid;
	char text[16];
};

static unsigned long records, bad_records;
static int failures;

#define EXPECT(what, got, want)                                                            \
	do {                                                                               \
		unsigned long long expect_got = (got), expect_want = (want);               \
		if (expect_got != expect_want) {                                           \
			printf("# %s is %llu, not %llu\n", what, expect_got, expect_want); \
			failures++;                                                        \
		}                                                                          \
	} while (0)

static int on_record(void *ctx, void *data, size_t size)
{
	const struct record *record = data;

	records++;
	if (size != sizeof(*record) || record->pid != (__u32)getpid() ||
	    strcmp(record->text, "a text longer t") != 0)
		bad_records++;
	return 0;
}

static void *fire(void *data)
{
	unsigned int i;

	for (i = 0; i < N_EVENTS; i++)
		trace_counts_event("a text longer than the record", i % 32);
	return NULL;
}

static void run_threads(struct ring_buffer *ring, struct counts_bpf *skel)
{
	pthread_t threads[N_THREADS];
	int i;

	for (i = 0; i < N_THREADS; i++)
		pthread_create(&threads[i], NULL, fire, NULL);
	/* What finds no room is counted by the program; the reader sleeps in between. */
	while (records + skel->bss->refused < (unsigned long)N_THREADS * N_EVENTS)
		if (ring_buffer__poll(ring, 1000) == 0)
			break;
	for (i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	while (ring_buffer__consume(ring) > 0)
		;
}

static void check_maps(struct counts_bpf *skel)
{
	int cpus = libbpf_num_possible_cpus(), i;
	__u64 total = 0, value, values[1024];
	__u32 key, next, n_keys = 0, *at = NULL;
	unsigned long events = (unsigned long)N_THREADS * N_EVENTS;

	EXPECT("events", skel->bss->events, events);
	EXPECT("sum", skel->data->sum, 1000 + events / 32 * (31 * 32 / 2));
	for (key = 0; key < 16; key++)
		if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.by_bucket), &key, &value) == 0)
			total += value;
	EXPECT("sum of by_bucket", total, events);
	total = 0;
	key = 0;
	if (cpus <= 1024 && bpf_map_lookup_elem(bpf_map__fd(skel->maps.per_cpu), &key, values) == 0)
		for (i = 0; i < cpus; i++)
			total += values[i];
	EXPECT("sum of per_cpu", total, events);
	total = 0;
	while (bpf_map_get_next_key(bpf_map__fd(skel->maps.by_size), at, &next) == 0) {
		key = next;
		at = &key;
		n_keys++;
		if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.by_size), &key, &value) == 0)
			total += value;
	}
	EXPECT("keys of by_size", n_keys, 32);
	/* Two threads may both find no key and set it to 1. */
	if (total > events || total + 32 < events)
		EXPECT("sum of by_size", total, events);
	EXPECT("records and refusals", records + skel->bss->refused, events);
	EXPECT("bad records", bad_records, 0);
	if (records == 0)
		EXPECT("records", records, events);
}

static void check_info(struct counts_bpf *skel)
{
	struct bpf_prog_info prog = {0};
	struct bpf_link_info link = {0};
	struct bpf_map_info map = {0};
	char name[64] = "";
	__u32 size = sizeof(prog), ids[16];

	prog.nr_map_ids = 16;
	prog.map_ids = (__u64)(unsigned long)ids;
	EXPECT("prog info",
	       bpf_obj_get_info_by_fd(bpf_program__fd(skel->progs.on_event), &prog, &size), 0);
	EXPECT("type", prog.type, BPF_PROG_TYPE_RAW_TRACEPOINT);
	EXPECT("name", strcmp(prog.name, "on_event"), 0);
	EXPECT("maps", prog.nr_map_ids, 7);
	size = sizeof(link);
	link.raw_tracepoint.tp_name = (__u64)(unsigned long)name;
	link.raw_tracepoint.tp_name_len = sizeof(name);
	EXPECT("link info",
	       bpf_obj_get_info_by_fd(bpf_link__fd(skel->links.on_event), &link, &size), 0);
	EXPECT("tracepoint", strcmp(name, "counts_event"), 0);
	EXPECT("program of the link", link.prog_id, prog.id);
	size = sizeof(map);
	EXPECT("map info", bpf_obj_get_info_by_fd(bpf_map__fd(skel->maps.records), &map, &size), 0);
	EXPECT("entries", map.max_entries, 65536);
}

static void check_test_run(struct counts_bpf *skel)
{
	__u64 args[2] = {0, 5};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));

	EXPECT("test run", bpf_prog_test_run_opts(bpf_program__fd(skel->progs.on_event), &opts), 0);
	EXPECT("its result", opts.retval, 1);
	opts.ctx_size_in = 8;
	EXPECT("test run with one argument",
	       bpf_prog_test_run_opts(bpf_program__fd(skel->progs.on_event), &opts), -EINVAL);
}

/* The link's end is seen by another thread: soon, not at once. */
static int stopped(struct counts_bpf *skel)
{
	unsigned int i;
	__u64 before;

	for (i = 0; i < 1000; i++) {
		before = skel->bss->events;
		trace_counts_event("after", 1);
		if (skel->bss->events == before)
			return 1;
		usleep(10000);
	}
	return 0;
}

int main(void)
{
	struct ring_buffer *ring;
	struct counts_bpf *skel = counts_bpf__open();

	if (!skel)
		return 1;
	skel->rodata->wanted_pid = (__u32)getpid();
	if (counts_bpf__load(skel) || counts_bpf__attach(skel)) {
		printf("# %s\n", strerror(errno));
		return 1;
	}
	ring = ring_buffer__new(bpf_map__fd(skel->maps.records), on_record, NULL, NULL);
	if (!ring) {
		printf("# ring_buffer__new: %s\n", strerror(errno));
		return 1;
	}
	run_threads(ring, skel);
	check_maps(skel);
	check_info(skel);
	counts_bpf__detach(skel);
	EXPECT("detached", stopped(skel), 1);
	check_test_run(skel);
	ring_buffer__free(ring);
	counts_bpf__destroy(skel);
	return failures ? 1 : 0;
}
