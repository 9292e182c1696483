/* SPDX-License-Identifier: MIT */
/*
 * The kernel is the oracle: the same operations on its maps, through bpf(2), and on ours give the
 * same errors and the same contents. Skipped where bpf(2) is not permitted.
 */
#include "bpf/maps/map.h"
#include "harness.h"

#include "base/err.h"
#include "bpf/maps/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NO_NODE 0xffffffffU

static int kernel_bpf(int cmd, union bpf_attr *attr)
{
	long ret = syscall(__NR_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : (int)ret;
}

static void need_kernel(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	int fd = kernel_bpf(BPF_MAP_CREATE, &attr);

	if (fd < 0)
		test_skip("bpf(2) is not permitted here: %s", strerror(-fd));
	test_need_kernel(6, 11);
	close(fd);
}

/* Creation. */

struct create_row {
	uint32_t type, key, value, entries, flags;
};

#define A BPF_MAP_TYPE_ARRAY
#define P BPF_MAP_TYPE_PERCPU_ARRAY
#define H BPF_MAP_TYPE_HASH
#define Q BPF_MAP_TYPE_PERCPU_HASH
#define R BPF_MAP_TYPE_RINGBUF
#define S BPF_MAP_TYPE_STACK_TRACE
#define L BPF_MAP_TYPE_LRU_HASH
#define M BPF_MAP_TYPE_LRU_PERCPU_HASH
#define U BPF_MAP_TYPE_QUEUE
#define T BPF_MAP_TYPE_STACK

static const struct create_row create_rows[] = {
	{A, 4, 8, 1, 0},
	{A, 4, 1, 3, 0},
	{A, 4, 8, 0, 0},
	{A, 8, 8, 1, 0},
	{A, 0, 8, 1, 0},
	{A, 4, 0, 1, 0},
	{A, 4, 1 << 20, 1, 0},
	{A, 4, 0x80000000, 1, 0},
	{A, 4, 0xffffffff, 1, 0},
	{A, 4, 8, 1, BPF_F_MMAPABLE},
	{A, 4, 8, 1, BPF_F_RDONLY},
	{A, 4, 8, 1, BPF_F_WRONLY},
	{A, 4, 8, 1, BPF_F_RDONLY | BPF_F_WRONLY},
	{A, 4, 8, 1, BPF_F_RDONLY_PROG},
	{A, 4, 8, 1, BPF_F_WRONLY_PROG},
	{A, 4, 8, 1, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG},
	{A, 4, 8, 1, BPF_F_NO_PREALLOC},
	{A, 4, 8, 1, BPF_F_ZERO_SEED},
	{A, 4, 8, 1, BPF_F_NUMA_NODE},
	{A, 4, 8, 1, BPF_F_INNER_MAP},
	{A, 4, 8, 1, BPF_F_STACK_BUILD_ID},
	{A, 4, 8, 1, BPF_F_PRESERVE_ELEMS},
	{A, 4, 8, 1, BPF_F_CLONE},
	{A, 4, 8, 1, 1U << 30},
	{P, 4, 8, 2, 0},
	{P, 4, 12, 2, 0},
	{P, 4, 32768, 1, 0},
	{P, 4, 32769, 1, 0},
	{P, 4, 8, 2, BPF_F_MMAPABLE},
	{P, 4, 8, 2, BPF_F_INNER_MAP},
	{P, 4, 8, 2, BPF_F_NUMA_NODE},
	{P, 4, 8, 2, BPF_F_RDONLY_PROG},
	{P, 8, 8, 2, 0},
	{P, 4, 8, 0, 0},
	{H, 4, 8, 10, 0},
	{H, 1, 1, 1, 0},
	{H, 0, 8, 10, 0},
	{H, 4, 0, 10, 0},
	{H, 4, 8, 0, 0},
	{H, 4, 8, 10, BPF_F_NO_PREALLOC},
	{H, 4, 8, 10, BPF_F_NO_COMMON_LRU},
	{H, 4, 8, 10, BPF_F_NUMA_NODE},
	{H, 4, 8, 10, BPF_F_ZERO_SEED},
	{H, 4, 8, 10, BPF_F_MMAPABLE},
	{H, 4, 8, 10, BPF_F_INNER_MAP},
	{H, 4, 8, 10, BPF_F_RDONLY_PROG},
	{H, 4, 8, 10, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG},
	{H, 512, 8, 10, 0},
	{H, 4096, 8, 10, 0},
	{H, 4, 1 << 20, 2, BPF_F_NO_PREALLOC},
	{H, 4, 8 << 20, 2, BPF_F_NO_PREALLOC},
	{H, 8 << 20, 4, 2, BPF_F_NO_PREALLOC},
	{H, 0xfffffff8, 16, 2, BPF_F_NO_PREALLOC},
	{H, 4, 8, 0x80000001, BPF_F_NO_PREALLOC},
	{Q, 4, 8, 10, 0},
	{Q, 4, 32768, 1, BPF_F_NO_PREALLOC},
	{Q, 4, 32769, 1, BPF_F_NO_PREALLOC},
	{Q, 4, 8, 10, BPF_F_NUMA_NODE},
	{Q, 0, 8, 10, 0},
	{R, 0, 0, 4096, 0},
	{R, 0, 0, 65536, 0},
	{R, 0, 0, 0, 0},
	{R, 0, 0, 2048, 0},
	{R, 0, 0, 4096 * 3, 0},
	{R, 4, 0, 4096, 0},
	{R, 0, 4, 4096, 0},
	{R, 0, 0, 4096, BPF_F_NUMA_NODE},
	{R, 0, 0, 4096, BPF_F_MMAPABLE},
	{R, 0, 0, 4096, BPF_F_RDONLY_PROG},
	{R, 0, 0, 4096, BPF_F_RDONLY},
	{S, 4, 8, 1, 0},
	{S, 4, 127 * 8, 3, 0},
	{S, 4, 128 * 8, 3, 0},
	{S, 4, 12, 3, 0},
	{S, 4, 0, 3, 0},
	{S, 8, 8, 3, 0},
	{S, 4, 8, 0, 0},
	{S, 4, 8, 0x80000001, 0},
	{S, 4, 8, 1, BPF_F_RDONLY},
	{S, 4, 8, 1, BPF_F_RDONLY_PROG},
	{S, 4, 8, 1, BPF_F_NO_PREALLOC},
	{S, 4, 8, 1, BPF_F_NUMA_NODE},
	{L, 4, 8, 10, 0},
	{L, 4, 8, 0, 0},
	{L, 0, 8, 10, 0},
	{L, 4, 0, 10, 0},
	{L, 4, 8, 10, BPF_F_NO_PREALLOC},
	{L, 4, 8, 10, BPF_F_NO_COMMON_LRU},
	{L, 4, 8, 10, BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU},
	{L, 4, 8, 10, BPF_F_NUMA_NODE},
	{L, 4, 8, 10, BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE},
	{L, 4, 8, 10, BPF_F_MMAPABLE},
	{L, 4, 8, 10, BPF_F_MMAPABLE | BPF_F_NO_PREALLOC},
	{L, 4, 32769, 10, 0},
	{L, 4, 8, 10, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG},
	{M, 4, 8, 10, 0},
	{M, 4, 8, 0, 0},
	{M, 0, 8, 10, 0},
	{M, 4, 0, 10, 0},
	{M, 4, 8, 10, BPF_F_NO_PREALLOC},
	{M, 4, 8, 10, BPF_F_NO_COMMON_LRU},
	{M, 4, 8, 10, BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU},
	{M, 4, 8, 10, BPF_F_NUMA_NODE},
	{M, 4, 8, 10, BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE},
	{M, 4, 8, 10, BPF_F_MMAPABLE},
	{M, 4, 8, 10, BPF_F_MMAPABLE | BPF_F_NO_PREALLOC},
	{M, 4, 32769, 10, 0},
	{M, 4, 8, 10, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG},
	{U, 0, 8, 10, 0},
	{U, 4, 8, 10, 0},
	{U, 0, 0, 10, 0},
	{U, 0, 8, 0, 0},
	{U, 0, 5, 1, 0},
	{U, 0, 8, 10, BPF_F_NO_PREALLOC},
	{U, 0, 8, 10, BPF_F_RDONLY},
	{U, 0, 8, 10, BPF_F_RDONLY_PROG},
	{U, 0, 8, 10, BPF_F_WRONLY_PROG},
	{U, 0, 8, 10, BPF_F_RDONLY | BPF_F_WRONLY},
	{U, 0, 8, 10, BPF_F_NUMA_NODE},
	{U, 0, 8, 10, BPF_F_ZERO_SEED},
	{U, 0, 5 << 20, 1, 0},
	{U, 0, 0xffffffff, 1, 0},
	{T, 0, 8, 10, 0},
	{T, 4, 8, 10, 0},
	{T, 0, 0, 10, 0},
	{T, 0, 8, 0, 0},
	{T, 0, 5, 1, 0},
	{T, 0, 8, 10, BPF_F_NO_PREALLOC},
	{T, 0, 8, 10, BPF_F_RDONLY},
	{T, 0, 8, 10, BPF_F_RDONLY_PROG},
	{T, 0, 8, 10, BPF_F_WRONLY_PROG},
	{T, 0, 8, 10, BPF_F_RDONLY | BPF_F_WRONLY},
	{T, 0, 8, 10, BPF_F_NUMA_NODE},
	{T, 0, 8, 10, BPF_F_ZERO_SEED},
	{T, 0, 5 << 20, 1, 0},
	{T, 0, 0xffffffff, 1, 0},
};

TEST(map_kernel_create)
{
	size_t i;

	need_kernel();
	for (i = 0; i < sizeof(create_rows) / sizeof(create_rows[0]); i++) {
		const struct create_row *row = &create_rows[i];
		union bpf_attr attr = {.map_type = row->type,
				       .key_size = row->key,
				       .value_size = row->value,
				       .max_entries = row->entries,
				       .map_flags = row->flags};
		int theirs = kernel_bpf(BPF_MAP_CREATE, &attr), ours = rawtp_map_create(&attr);

		test_case("row %zu: type %u key %u value %u entries %u flags %x", i, row->type,
			  row->key, row->value, row->entries, row->flags);
		CHECK_EQ(ours < 0 ? ours : 0, theirs < 0 ? theirs : 0);
		if (ours >= 0)
			close(ours);
		if (theirs >= 0)
			close(theirs);
	}
}

TEST(map_kernel_create_names)
{
	static const struct {
		char name[BPF_OBJ_NAME_LEN];
		uint32_t key_id, value_id, extra, ifindex;
	} table[] = {
		{"", 0, 0, 0, 0},
		{"a.b_C9", 0, 0, 0, 0},
		{"fifteen_letters", 0, 0, 0, 0},
		{{'s', 'i', 'x', 't', 'e', 'e', 'n', '_', 'l', 'e', 't', 't', 'e', 'r', 's', '!'},
		 0,
		 0,
		 0,
		 0},
		{{'s', 'i', 'x', 't', 'e', 'e', 'n', '_', 'l', 'e', 't', 't', 'e', 'r', 's', 's'},
		 0,
		 0,
		 0,
		 0},
		{"a b", 0, 0, 0, 0},
		{"a-b", 0, 0, 0, 0},
		{"a/b", 0, 0, 0, 0},
		{"x", 1, 0, 0, 0},
		{"x", 0, 0, 1, 0},
		{"x", 0, 0, 0, 1},
	};
	size_t i;

	need_kernel();
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		union bpf_attr attr = {.map_type = A,
				       .key_size = 4,
				       .value_size = 4,
				       .max_entries = 1,
				       .btf_key_type_id = table[i].key_id,
				       .btf_value_type_id = table[i].value_id,
				       .map_extra = table[i].extra,
				       .map_ifindex = table[i].ifindex};
		int theirs, ours;

		memcpy(attr.map_name, table[i].name, sizeof(attr.map_name));
		theirs = kernel_bpf(BPF_MAP_CREATE, &attr);
		ours = rawtp_map_create(&attr);
		test_case("row %zu: name %.16s", i, table[i].name);
		CHECK_EQ(ours < 0, theirs < 0);
		if (theirs == -EINVAL)
			CHECK_EQ(ours, theirs);
		close(ours);
		close(theirs);
	}
}

/* Operations. */

enum op { LOOKUP, UPDATE, DELETE, NEXT, FIRST, TAKE };

struct op_row {
	enum op op;
	uint32_t key;
	uint64_t value; /* UPDATE: of CPU n, value + n */
	uint64_t flags;
};

static const struct op_row array_ops[] = {
	{LOOKUP, 0, 0, 0},
	{LOOKUP, 2, 0, 0},
	{LOOKUP, 3, 0, 0},
	{LOOKUP, 0xffffffff, 0, 0},
	{LOOKUP, 0, 0, BPF_F_LOCK},
	{LOOKUP, 0, 0, 1},
	{UPDATE, 0, 5, BPF_ANY},
	{UPDATE, 1, 6, BPF_EXIST},
	{UPDATE, 1, 7, BPF_NOEXIST},
	{UPDATE, 3, 7, BPF_ANY},
	{UPDATE, 3, 7, BPF_NOEXIST},
	{UPDATE, 0, 7, 3},
	{UPDATE, 3, 7, 3},
	{UPDATE, 0, 7, BPF_F_LOCK},
	{UPDATE, 0, 7, 1ULL << 33},
	{LOOKUP, 0, 0, 0},
	{LOOKUP, 1, 0, 0},
	{DELETE, 0, 0, 0},
	{DELETE, 3, 0, 0},
	{FIRST, 0, 0, 0},
	{NEXT, 0, 0, 0},
	{NEXT, 1, 0, 0},
	{NEXT, 2, 0, 0},
	{NEXT, 3, 0, 0},
	{NEXT, 0xffffffff, 0, 0},
};

/* Three entries. NEXT is left to the walk at the end: the order is the map's own. */
static const struct op_row hash_ops[] = {
	{FIRST, 0, 0, 0},
	{NEXT, 7, 0, 0},
	{LOOKUP, 1, 0, 0},
	{DELETE, 1, 0, 0},
	{TAKE, 1, 0, 0},
	{UPDATE, 1, 10, BPF_EXIST},
	{UPDATE, 1, 10, BPF_NOEXIST},
	{UPDATE, 1, 11, BPF_NOEXIST},
	{LOOKUP, 1, 0, 0},
	{FIRST, 0, 0, 0},
	{NEXT, 1, 0, 0},
	{NEXT, 99, 0, 0},
	{UPDATE, 1, 12, BPF_EXIST},
	{UPDATE, 1, 13, BPF_ANY},
	{LOOKUP, 1, 0, 0},
	{UPDATE, 2, 20, BPF_ANY},
	{UPDATE, 3, 30, BPF_ANY},
	{UPDATE, 4, 40, BPF_ANY},
	{UPDATE, 4, 40, BPF_NOEXIST},
	{UPDATE, 4, 40, BPF_EXIST},
	{UPDATE, 3, 31, BPF_ANY},
	{UPDATE, 3, 32, BPF_EXIST},
	{LOOKUP, 3, 0, 0},
	{LOOKUP, 4, 0, 0},
	{UPDATE, 1, 0, 3},
	{UPDATE, 1, 0, BPF_F_LOCK},
	{LOOKUP, 1, 0, BPF_F_LOCK},
	{LOOKUP, 1, 0, 1},
	{DELETE, 2, 0, 0},
	{DELETE, 2, 0, 0},
	{UPDATE, 4, 40, BPF_ANY},
	{UPDATE, 5, 50, BPF_ANY},
	{LOOKUP, 4, 0, 0},
	{TAKE, 4, 0, 0},
	{LOOKUP, 4, 0, 0},
	{UPDATE, 5, 50, BPF_ANY},
};

/* Empty: only programs add stacks. */
static const struct op_row stack_trace_ops[] = {
	{LOOKUP, 0, 0, 0}, {LOOKUP, 3, 0, 0}, {LOOKUP, 4, 0, 0},        {LOOKUP, 0, 0, BPF_F_LOCK},
	{UPDATE, 0, 5, 0}, {UPDATE, 9, 5, 7}, {DELETE, 0, 0, 0},        {DELETE, 3, 0, 0},
	{DELETE, 4, 0, 0}, {FIRST, 0, 0, 0},  {NEXT, 0xffffffff, 0, 0}, {NEXT, 2, 0, 0},
};

/* As hash_ops, where nothing has to be removed: which key that would be is nobody's promise. */
static const struct op_row lru_ops[] = {
	{FIRST, 0, 0, 0},
	{LOOKUP, 1, 0, 0},
	{DELETE, 1, 0, 0},
	{TAKE, 1, 0, 0},
	{UPDATE, 1, 10, BPF_EXIST},
	{UPDATE, 1, 10, BPF_NOEXIST},
	{UPDATE, 1, 11, BPF_NOEXIST},
	{LOOKUP, 1, 0, 0},
	{UPDATE, 1, 12, BPF_EXIST},
	{UPDATE, 1, 13, BPF_ANY},
	{LOOKUP, 1, 0, 0},
	{UPDATE, 2, 20, BPF_ANY},
	{UPDATE, 1, 0, 3},
	{UPDATE, 1, 0, BPF_F_LOCK},
	{LOOKUP, 1, 0, 1},
	{LOOKUP, 2, 0, 0},
	{TAKE, 2, 0, 0},
	{DELETE, 1, 0, 0},
	{DELETE, 1, 0, 0},
	{FIRST, 0, 0, 0},
};

static const struct op_row queue_ops[] = {
	{LOOKUP, 0, 0, 0},
	{TAKE, 0, 0, 0},
	{UPDATE, 0, 1, BPF_ANY},
	{LOOKUP, 0, 0, 0},
	{UPDATE, 0, 2, BPF_ANY},
	{LOOKUP, 0, 0, 0},
	{UPDATE, 0, 3, BPF_NOEXIST},
	{UPDATE, 0, 3, 3},
	{UPDATE, 0, 3, BPF_EXIST},
	{UPDATE, 0, 4, BPF_ANY},
	{UPDATE, 0, 5, BPF_EXIST},
	{LOOKUP, 0, 0, 0},
	{LOOKUP, 0, 0, 1},
	{LOOKUP, 0, 0, BPF_F_LOCK},
	{TAKE, 0, 0, 0},
	{UPDATE, 0, 6, BPF_ANY},
	{TAKE, 0, 0, 0},
	{TAKE, 0, 0, 0},
	{TAKE, 0, 0, 0},
	{TAKE, 0, 0, 0},
	{LOOKUP, 0, 0, 0},
	{DELETE, 0, 0, 0},
	{FIRST, 0, 0, 0},
};

struct sides {
	struct rawtp_map *ours;
	int theirs;
	uint32_t values; /* of a lookup */
};

static int our_op(struct sides *sides, const struct op_row *row, uint64_t *key, uint64_t *values)
{
	struct rawtp_map *map = sides->ours;
	uint32_t number = (uint32_t)*key, next = 0;
	int err = -EINVAL;

	switch (row->op) {
	case LOOKUP:
		return map->ops->sys_lookup(map, &number, values, row->flags);
	case UPDATE:
		return map->ops->sys_update(map, &number, values, row->flags);
	case DELETE:
		return (int)map->ops->delete (map, &number);
	case TAKE:
		return map->ops->sys_lookup_and_delete(map, &number, values);
	case NEXT:
	case FIRST:
		err = map->ops->get_next_key(map, row->op == FIRST ? NULL : &number, &next);
		*key = err ? 0 : next;
		break;
	}
	return err;
}

static int their_op(struct sides *sides, const struct op_row *row, uint64_t *key, uint64_t *values)
{
	static const int commands[] = {
		[LOOKUP] = BPF_MAP_LOOKUP_ELEM, [UPDATE] = BPF_MAP_UPDATE_ELEM,
		[DELETE] = BPF_MAP_DELETE_ELEM, [NEXT] = BPF_MAP_GET_NEXT_KEY,
		[FIRST] = BPF_MAP_GET_NEXT_KEY, [TAKE] = BPF_MAP_LOOKUP_AND_DELETE_ELEM,
	};
	uint32_t number = (uint32_t)*key, next = 0;
	bool walks = row->op == NEXT || row->op == FIRST;
	union bpf_attr attr = {
		.map_fd = (uint32_t)sides->theirs,
		.key = row->op == FIRST || !sides->ours->key_size ? 0 : (uintptr_t)&number,
		.flags = row->flags};
	int err;

	if (row->op != DELETE)
		attr.value = walks ? (uintptr_t)&next : (uintptr_t)values;
	err = kernel_bpf(commands[row->op], &attr);
	if (walks)
		*key = err ? 0 : next;
	return err;
}

static void run_op(struct sides *sides, const struct op_row *row)
{
	size_t bytes = sides->values * sizeof(uint64_t);
	uint64_t *ours = calloc(2, bytes), *theirs = ours + sides->values;
	uint64_t our_key = row->key, their_key = row->key;
	uint32_t i;

	for (i = 0; i < sides->values && row->op == UPDATE; i++)
		ours[i] = theirs[i] = row->value + i;
	CHECK_EQ(our_op(sides, row, &our_key, ours), their_op(sides, row, &their_key, theirs));
	CHECK_EQ(our_key, their_key);
	CHECK(!memcmp(ours, theirs, bytes));
	free(ours);
}

static bool open_sides(struct sides *sides, uint32_t type, uint32_t flags)
{
	union bpf_attr attr = {.map_type = type,
			       .key_size = type == U || type == T ? 0 : 4,
			       .value_size = 8,
			       .max_entries = 3,
			       .map_flags = flags};
	int fd = rawtp_map_create(&attr);

	sides->ours = rawtp_map_open(fd);
	sides->theirs = kernel_bpf(BPF_MAP_CREATE, &attr);
	CHECK(fd >= 0 && sides->theirs >= 0);
	sides->values = rawtp_map_is_percpu(type) ? rawtp_possible_cpus() : 1;
	close(fd);
	return fd >= 0 && sides->theirs >= 0;
}

static void close_sides(struct sides *sides)
{
	rawtp_map_put(sides->ours);
	close(sides->theirs);
}

static const struct {
	const char *name;
	uint32_t type, flags;
	const struct op_row *ops;
	size_t n_ops;
} sequences[] = {
	{"array", A, 0, array_ops, sizeof(array_ops) / sizeof(array_ops[0])},
	{"per-CPU array", P, 0, array_ops, sizeof(array_ops) / sizeof(array_ops[0])},
	{"hash", H, 0, hash_ops, sizeof(hash_ops) / sizeof(hash_ops[0])},
	{"hash, no prealloc", H, BPF_F_NO_PREALLOC, hash_ops,
	 sizeof(hash_ops) / sizeof(hash_ops[0])},
	{"LRU hash", L, 0, lru_ops, sizeof(lru_ops) / sizeof(lru_ops[0])},
	{"LRU per-CPU hash", M, 0, lru_ops, sizeof(lru_ops) / sizeof(lru_ops[0])},
	{"queue", U, 0, queue_ops, sizeof(queue_ops) / sizeof(queue_ops[0])},
	{"stack", T, 0, queue_ops, sizeof(queue_ops) / sizeof(queue_ops[0])},
	{"stack traces", S, 0, stack_trace_ops,
	 sizeof(stack_trace_ops) / sizeof(stack_trace_ops[0])},
	{"per-CPU hash", Q, 0, hash_ops, sizeof(hash_ops) / sizeof(hash_ops[0])},
};

TEST(map_kernel_operations)
{
	struct sides sides;
	size_t i, j;

	need_kernel();
	for (i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		if (!open_sides(&sides, sequences[i].type, sequences[i].flags))
			continue;
		for (j = 0; j < sequences[i].n_ops; j++) {
			const struct op_row *row = &sequences[i].ops[j];

			test_case("%s, step %zu (op %d key %u)", sequences[i].name, j, row->op,
				  row->key);
			run_op(&sides, row);
		}
		close_sides(&sides);
	}
}

/* The same random operations on both: the same answers, and at the end the same contents. */
TEST(map_kernel_random)
{
	static const uint32_t kinds[] = {H, Q, U, T};
	struct sides sides;
	uint32_t random = 4711, i, key;
	size_t kind;

	need_kernel();
	for (kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		if (!open_sides(&sides, kinds[kind], 0))
			continue;
		for (i = 0; i < 20000; i++) {
			struct op_row row = {.value = i};

			random = random * 1664525 + 1013904223;
			row.op = (enum op[]){LOOKUP, UPDATE, UPDATE, DELETE,
					     TAKE}[(random >> 8) % 5];
			row.key = (random >> 16) % 6;
			row.flags = row.op == UPDATE ? (random >> 24) % 4 : 0;
			test_case("type %u, step %u (op %d key %u)", kinds[kind], i, row.op,
				  row.key);
			run_op(&sides, &row);
		}
		for (key = 0; key < 6; key++)
			run_op(&sides, &(struct op_row){.op = LOOKUP, .key = key});
		close_sides(&sides);
	}
}
