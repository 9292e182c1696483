/* SPDX-License-Identifier: MIT */
/*
 * bpf_get_stack() and bpf_get_stackid() at tracepoints of this process. backtrace(3), which has an
 * unwinder of its own, is the oracle: all but the innermost address must be equal.
 */
#include "agent_common.h"
#include "base/err.h"
#include "base/unwind.h"
#include "bpf/maps/stack_trace.h"
#include "bpf/syscall/syscall.h"
#include "link/raw_tracepoint.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <sys/mman.h>

#define DEPTH 64

DECLARE_TRACE(stack_here, TP_PROTO(int a, long b), TP_ARGS(a, b));
DEFINE_TRACE(stack_here, TP_PROTO(int a, long b), TP_ARGS(a, b));

struct stacks {
	int64_t used;
	uint64_t addresses[DEPTH];
};

/* The value: what the helper returned, and the addresses. */
#define GET_STACK(flags, bytes)                                                                  \
	"r6 = r1; *(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map[0]; call map_lookup_elem;" \
	"if r0 == 0 goto out; r7 = r0; r1 = r6; r2 = r7; r2 += 8; r3 = " #bytes "; r4 = " #flags \
	";"                                                                                      \
	"call get_stack; *(u64 *)(r7 + 0) = r0; out: r0 = 0; exit"

static struct rawtp_link *attach(const char *text, int map)
{
	int fd = load_prog(text, map), n_args;
	struct rawtp_prog *prog = rawtp_prog_from_fd(fd);
	struct rawtp_link *link;

	CHECK(!rawtp_is_err(prog));
	link = rawtp_link_attach(prog, "stack_here", -1, 0, &n_args);
	CHECK(!rawtp_is_err(link));
	rawtp_prog_put(prog);
	close(fd);
	return link;
}

static int make_stacks(void)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY,
			       .key_size = 4,
			       .value_size = sizeof(struct stacks),
			       .max_entries = 1};

	return rawtp_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int map_lookup(int map, uint32_t key, void *value)
{
	union bpf_attr attr = {
		.map_fd = (uint32_t)map, .key = (uintptr_t)&key, .value = (uintptr_t)value};

	return rawtp_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) ? -errno : 0;
}

static void *expected[DEPTH];
static int n_expected;

/* Not inlined, no tail call: each is a frame. */
#define FRAME      __attribute__((noinline, noclone)) static
#define KEEP_FRAME __asm__ volatile("" ::: "memory")

FRAME void fire(void)
{
	n_expected = backtrace(expected, DEPTH);
	trace_stack_here(1, 2);
	KEEP_FRAME;
}

FRAME void plain(void)
{
	fire();
	KEEP_FRAME;
}

/* A frame whose size is not known: found from the frame pointer. */
FRAME void with_array(int n)
{
	char array[n];

	memset(array, 0, (size_t)n);
	__asm__ volatile("" ::"r"(array) : "memory");
	fire();
	KEEP_FRAME;
}

/* A stack that is aligned to more than the ABI's 16 bytes. */
FRAME void aligned(void)
{
	char array[64] __attribute__((aligned(64))) = {0};

	__asm__ volatile("" ::"r"(array) : "memory");
	fire();
	KEEP_FRAME;
}

FRAME void deep(int n)
{
	if (n)
		deep(n - 1);
	else
		fire();
	KEEP_FRAME;
}

static int compare(const void *a, const void *b)
{
	if (*(const int *)a < 2)
		fire();
	return *(const int *)a - *(const int *)b;
}

/* Through a function of libc. */
FRAME void from_libc(void)
{
	int numbers[] = {1, 2};

	qsort(numbers, 2, sizeof(*numbers), compare);
	KEEP_FRAME;
}

static void handler(int signal)
{
	fire();
}

FRAME void from_handler(void)
{
	raise(SIGUSR1);
	KEEP_FRAME;
}

static const struct {
	const char *name;
	void (*fn)(void);
} ways[] = {
	{"plain", plain},
	{"through libc", from_libc},
	{"aligned", aligned},
	{"in a signal handler", from_handler},
};

static void compare_with_oracle(int map, const char *name, const char *way)
{
	struct stacks stacks = {0};
	Dl_info info, own;
	int i, n;

	dladdr(expected[0], &own);
	test_case("%s, %s", way, name);
	CHECK_EQ(map_lookup(map, 0, &stacks), 0);
	n = (int)(stacks.used / 8);
	CHECK(n > 3);
	/* The same function, perhaps its cold part, and above it the same calls. */
	CHECK(dladdr((void *)(uintptr_t)stacks.addresses[0], &info) &&
	      info.dli_fbase == own.dli_fbase);
	for (i = 1; i < n && i < n_expected; i++)
		if (stacks.addresses[i] != (uintptr_t)expected[i])
			test_fail(__FILE__, __LINE__, "frame %d of %d is %#llx, not %p", i, n,
				  (unsigned long long)stacks.addresses[i], expected[i]);
	CHECK_EQ(n, n_expected);
	for (; n < DEPTH; n++)
		CHECK_EQ(stacks.addresses[n], 0);
	test_case(NULL);
}

static void go_all_ways(int map, const char *way)
{
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		ways[i].fn();
		compare_with_oracle(map, ways[i].name, way);
	}
	with_array(100);
	compare_with_oracle(map, "variable size", way);
	deep(100);
	compare_with_oracle(map, "deep", way);
}

static bool can_unwind(void)
{
#if defined(__x86_64__) && !defined(RAWTP_SANITIZED)
	return true;
#else
	return false; /* sanitizers' backtrace(3) and red zones are their own */
#endif
}

static void count(void *data, int a, long b)
{
	++*(int *)data;
}

TEST(stack_is_that_of_backtrace)
{
	struct sigaction action = {.sa_handler = handler}, before;
	int map = make_stacks(), calls = 0;
	struct rawtp_link *link, *second;

	if (!can_unwind())
		test_skip("stacks are compared on x86-64, without sanitizers");
	sigaction(SIGUSR1, &action, &before);
	link = attach(GET_STACK(256, 512), map);
	go_all_ways(map, "direct");
	/* Beside another probe: by the thunk, from the list of probes. */
	CHECK_EQ(register_trace_stack_here(count, &calls), 0);
	go_all_ways(map, "thunk");
	CHECK_EQ(calls, 6);
	unregister_trace_stack_here(count, &calls);
	tracepoint_synchronize_unregister();
	second = attach("r0 = 0; exit", map);
	go_all_ways(map, "two programs");
	rawtp_link_detach(second);
	/* Without BPF_F_USER_STACK it is the same stack. */
	rawtp_link_detach(link);
	link = attach(GET_STACK(0, 512), map);
	go_all_ways(map, "no flag");
	rawtp_link_detach(link);
	sigaction(SIGUSR1, &before, NULL);
	close(map);
}

static struct stacks stack_with(const char *text, int map)
{
	struct stacks stacks = {0};
	struct rawtp_link *link = attach(text, map);

	deep(10);
	rawtp_link_detach(link);
	CHECK_EQ(map_lookup(map, 0, &stacks), 0);
	return stacks;
}

TEST(stack_flags_and_sizes)
{
	struct stacks all, part;
	int map = make_stacks();

	if (!can_unwind())
		test_skip("stacks are compared on x86-64, without sanitizers");
	all = stack_with(GET_STACK(256, 512), map);
	CHECK(all.used > 8 * 12);
	part = stack_with(GET_STACK(258, 512), map);
	CHECK_EQ(part.used, all.used - 16);
	CHECK(!memcmp(part.addresses, all.addresses + 2, 8 * 8)); /* the functions' own part */
	part = stack_with(GET_STACK(256, 24), map);
	CHECK_EQ(part.used, 24);
	CHECK(!memcmp(part.addresses, all.addresses, 24));
	CHECK_EQ(stack_with(GET_STACK(511, 512), map).used, -EFAULT);
	CHECK_EQ(stack_with(GET_STACK(256, 0), map).used, -EFAULT);
	part = stack_with(GET_STACK(256, 20), map);
	CHECK_EQ(part.used, -EINVAL);
	CHECK_EQ(part.addresses[0], 0);
	CHECK_EQ(stack_with(GET_STACK(4096, 512), map).used, -EINVAL);
	close(map);
}

static int make_traces(uint32_t entries)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_STACK_TRACE,
			       .key_size = 4,
			       .value_size = DEPTH * 8,
			       .max_entries = entries};

	return rawtp_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

TEST(stack_ids)
{
	uint64_t addresses[4] = {1, 2, 3, 4}, got[DEPTH];
	int fd = make_traces(1024);
	struct rawtp_map *map = rawtp_map_open(fd);
	uint32_t key, next, seen = 0;
	long id, other;

	CHECK(!rawtp_is_err(map));
	id = rawtp_stack_trace_add(map, addresses, 4, 0);
	CHECK(id >= 0 && id < 1024);
	CHECK_EQ(rawtp_stack_trace_add(map, addresses, 4, 0), id);
	other = rawtp_stack_trace_add(map, addresses, 3, 0);
	CHECK(other >= 0 && other != id);
	CHECK_EQ(map_lookup(fd, (uint32_t)id, got), 0);
	CHECK(!memcmp(got, addresses, sizeof(addresses)));
	CHECK_EQ(got[4], 0);
	CHECK_EQ(map_lookup(fd, 5000, got), -ENOENT);
	for (key = 0; !map->ops->get_next_key(map, seen ? &key : NULL, &next); key = next)
		seen++;
	CHECK_EQ(seen, 2);
	key = (uint32_t)id;
	CHECK_EQ(map->ops->delete (map, &key), 0);
	CHECK_EQ(map->ops->delete (map, &key), -ENOENT);
	CHECK_EQ(map_lookup(fd, key, got), -ENOENT);
	rawtp_map_put(map);
	close(fd);
}

/* One place for all: the first stays, or the last. */
TEST(stack_ids_collide)
{
	uint64_t one[2] = {1, 2}, other[2] = {3, 4}, got[DEPTH];
	int fd = make_traces(1);
	struct rawtp_map *map = rawtp_map_open(fd);

	CHECK_EQ(rawtp_stack_trace_add(map, one, 2, 0), 0);
	CHECK_EQ(rawtp_stack_trace_add(map, other, 2, 0), -EEXIST);
	CHECK_EQ(rawtp_stack_trace_add(map, other, 2, BPF_F_FAST_STACK_CMP), -EEXIST);
	CHECK_EQ(rawtp_stack_trace_add(map, other, 2, BPF_F_REUSE_STACKID), 0);
	CHECK_EQ(map_lookup(fd, 0, got), 0);
	CHECK_EQ(got[0], 3);
	CHECK_EQ(rawtp_stack_trace_add(map, one, 2, 0), -EEXIST);
	/* Taken by somebody who died: recovered, and free again. */
	((uint64_t *)(void *)map->base)[0] = 0x3ffffe | (uint64_t)1 << 22;
	CHECK_EQ(rawtp_stack_trace_add(map, one, 2, BPF_F_REUSE_STACKID), -EEXIST);
	rawtp_map_put(map);
	close(fd);
}

/* Readers and writers of one place: what is read was written by one. */
static int race_fd;
static bool race_ends;

static void *race_writer(void *data)
{
	struct rawtp_map *map = rawtp_map_open(race_fd);
	uint64_t addresses[DEPTH], base = (uintptr_t)data, i, round;

	for (round = 0; !__atomic_load_n(&race_ends, __ATOMIC_RELAXED); round++) {
		for (i = 0; i < DEPTH; i++)
			addresses[i] = base + round % 64;
		rawtp_stack_trace_add(map, addresses, DEPTH, BPF_F_REUSE_STACKID);
	}
	rawtp_map_put(map);
	return NULL;
}

TEST(stack_ids_race)
{
	uint64_t got[DEPTH];
	unsigned int round, i, found = 0;
	pthread_t threads[2];

	race_fd = make_traces(1);
	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, race_writer, (void *)(uintptr_t)(1000 * (i + 1)));
	for (round = 0; round < 20000; round++) {
		if (map_lookup(race_fd, 0, got))
			continue;
		found++;
		for (i = 1; i < DEPTH; i++)
			if (got[i] != got[0])
				break;
		CHECK_EQ(i, DEPTH);
	}
	CHECK(found > 0);
	__atomic_store_n(&race_ends, true, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	close(race_fd);
}

/* What is on the stack, and where registers point, may be anything: the walk ends, and that is all. */
TEST(stack_of_garbage)
{
	uint64_t *stack =
		mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rawtp_unwind unwind;
	uint32_t random = 1, i, round, steps;

	for (round = 0; round < 20000; round++) {
		for (i = 0; i < 256; i++) {
			random = random * 1664525 + 1013904223;
			stack[i] = random >> 30 == 0   ? (uintptr_t)fire + (random >> 8) % 512
				   : random >> 30 == 1 ? (uintptr_t)stack + (random >> 8) % 70000
				   : random >> 30 == 2 ? (uintptr_t)qsort + (random >> 8) % 4096
						       : (uint64_t)random << 30;
		}
		rawtp_unwind_at(&unwind,
				(uintptr_t)(round & 1 ? (void *)qsort : (void *)fire) + round % 997,
				(uintptr_t)stack + (round % 64) * 8, stack[round % 256]);
		for (steps = 0; rawtp_unwind_step(&unwind); steps++)
			if (steps > 100000)
				break;
		CHECK(steps < 100000);
	}
	munmap(stack, 65536);
}
