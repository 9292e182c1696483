/* SPDX-License-Identifier: MIT */
/*
 * Arrays of the kernel as maps of ours: what either side writes the other reads; they are told apart
 * though they have one inode; what cannot be shared is refused. Skipped where bpf(2) is not permitted.
 */
#include "bpf/maps/map.h"
#include "harness.h"
#include "oracle.h"

#include "base/err.h"
#include "bpf/maps/kernel_array.h"

static int make(uint32_t type, uint32_t value_size, uint32_t n, uint32_t flags)
{
	union bpf_attr attr = {.map_type = type,
			       .key_size = 4,
			       .value_size = value_size,
			       .max_entries = n,
			       .map_flags = flags};
	int fd;

	if (!oracle_has_kernel())
		test_skip("bpf(2) is not permitted here");
	fd = oracle_kernel(BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd == -EINVAL && flags & BPF_F_MMAPABLE)
		test_skip("BPF_F_MMAPABLE came with Linux 5.5");
	return fd;
}

static int element(oracle_bpf_fn bpf, int cmd, int fd, uint32_t key, void *value)
{
	union bpf_attr attr = {
		.map_fd = (uint32_t)fd, .key = oracle_ptr(&key), .value = oracle_ptr(value)};

	return bpf(cmd, &attr, sizeof(attr));
}

static uint64_t get(oracle_bpf_fn bpf, int fd, uint32_t key)
{
	uint64_t value = 0;
	int err = element(bpf, BPF_MAP_LOOKUP_ELEM, fd, key, &value);

	return err ? (uint64_t)err : value;
}

static int set(oracle_bpf_fn bpf, int fd, uint32_t key, uint64_t value)
{
	return element(bpf, BPF_MAP_UPDATE_ELEM, fd, key, &value);
}

TEST(both_sides_write_and_read)
{
	int fd = make(BPF_MAP_TYPE_ARRAY, 8, 1000, BPF_F_MMAPABLE);
	uint32_t i;

	for (i = 0; i < 1000; i++)
		CHECK_EQ(set(i % 2 ? oracle_kernel : oracle_rawtp, fd, i, i * 7), 0);
	for (i = 0; i < 1000; i++) {
		CHECK_EQ(get(oracle_rawtp, fd, i), i * 7);
		CHECK_EQ(get(oracle_kernel, fd, i), i * 7);
	}
	CHECK_EQ(get(oracle_rawtp, fd, 1000), -ENOENT);
	close(fd);
}

/* A value of 12 bytes lies 16 apart on both sides. */
TEST(stride)
{
	int fd = make(BPF_MAP_TYPE_ARRAY, 12, 3, BPF_F_MMAPABLE);
	uint32_t value[3] = {1, 2, 3}, got[3] = {0};

	CHECK_EQ(element(oracle_kernel, BPF_MAP_UPDATE_ELEM, fd, 2, value), 0);
	CHECK_EQ(element(oracle_rawtp, BPF_MAP_LOOKUP_ELEM, fd, 2, got), 0);
	CHECK(!memcmp(value, got, sizeof(got)));
	close(fd);
}

TEST(two_are_two)
{
	int one = make(BPF_MAP_TYPE_ARRAY, 8, 4, BPF_F_MMAPABLE);
	int two = make(BPF_MAP_TYPE_ARRAY, 8, 4, BPF_F_MMAPABLE);
	int again = dup(one);
	struct rawtp_map *maps[3] = {rawtp_map_open(one), rawtp_map_open(two),
				     rawtp_map_open_quiet(again)};
	struct stat st[2];
	unsigned int i;

	CHECK(maps[0] != maps[1]);
	CHECK(maps[0] == maps[2]);
	CHECK_EQ(set(oracle_rawtp, one, 0, 1), 0);
	CHECK_EQ(set(oracle_rawtp, two, 0, 2), 0);
	CHECK_EQ(get(oracle_kernel, one, 0), 1);
	CHECK_EQ(get(oracle_kernel, two, 0), 2);
	CHECK_EQ(rawtp_map_stat(one, &st[0]), 0);
	CHECK_EQ(rawtp_map_stat(two, &st[1]), 0);
	CHECK(st[0].st_dev == RAWTP_KERNEL_MAP_DEV && st[1].st_dev == RAWTP_KERNEL_MAP_DEV);
	CHECK(st[0].st_ino != st[1].st_ino);
	for (i = 0; i < 3; i++)
		rawtp_map_put(maps[i]);
	close(one);
	close(two);
	close(again);
}

/* What we have mapped stays, though every descriptor is closed; a frozen one of ours is none. */
TEST(lifetime_and_freeze)
{
	int fd = make(BPF_MAP_TYPE_ARRAY, 8, 4, BPF_F_MMAPABLE);
	struct rawtp_map *map = rawtp_map_open_quiet(fd);
	union bpf_attr attr = {.map_fd = (uint32_t)fd};
	uint32_t key = 3;
	uint64_t value = 5;

	CHECK_EQ(rawtp_map_freeze(map, fd), -EPERM);
	CHECK_EQ(oracle_kernel(BPF_MAP_FREEZE, &attr, sizeof(attr)), -EBUSY);
	close(fd);
	CHECK_EQ(map->ops->update(map, &key, &value, BPF_ANY), 0);
	CHECK_EQ(*(uint64_t *)map->ops->lookup(map, &key), 5);
	CHECK(!rawtp_map_is_constant(map));
	rawtp_map_put(map);
}

TEST(refused)
{
	static const struct {
		uint32_t type, flags;
		bool freeze;
	} rows[] = {
		{BPF_MAP_TYPE_ARRAY, 0, false},
		{BPF_MAP_TYPE_HASH, 0, false},
		{BPF_MAP_TYPE_PERCPU_ARRAY, 0, false},
		{BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG, false},
		{BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE | BPF_F_RDONLY, false},
		{BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, true},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = make(rows[i].type, 8, 4, rows[i].flags);
		union bpf_attr attr = {.map_fd = (uint32_t)fd};
		struct rawtp_map *map;

		test_case("row %zu", i);
		CHECK(fd >= 0);
		if (rows[i].freeze)
			CHECK_EQ(oracle_kernel(BPF_MAP_FREEZE, &attr, sizeof(attr)), 0);
		map = rawtp_map_open(fd);
		CHECK(rawtp_is_err(map));
		if (rawtp_is_err(map))
			CHECK(rawtp_ptr_err(map) == -EINVAL || rawtp_ptr_err(map) == -EPERM);
		close(fd);
	}
	test_case(NULL);
}
