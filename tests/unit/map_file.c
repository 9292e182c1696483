/* SPDX-License-Identifier: MIT */
/* Maps as files: identity, references, what is refused, freezing, descriptors of our own. */
#include "bpf/maps/map.h"
#include "harness.h"

#include "base/err.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int make_array(uint32_t value_size, uint32_t entries, uint32_t flags)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY,
			       .key_size = 4,
			       .value_size = value_size,
			       .max_entries = entries,
			       .map_flags = flags,
			       .map_name = "an.array_1"};
	int fd = rawtp_map_create(&attr);

	CHECK(fd >= 0);
	return fd;
}

static uint32_t open_fds(void)
{
	uint32_t n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

TEST(map_file_identity)
{
	uint32_t before = open_fds(), key = 1;
	int fd = make_array(4, 3, 0), dup_fd = dup(fd), other;
	struct rawtp_map *map = rawtp_map_open(fd), *same = rawtp_map_open(dup_fd), *second;
	uint64_t value = 77, seen = 0;

	CHECK(!rawtp_is_err(map));
	CHECK(map == same);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK_STR(map->name, "an.array_1");
	other = make_array(4, 3, 0);
	second = rawtp_map_open(other);
	CHECK(second != map);
	rawtp_map_put(second);
	close(other);
	close(fd);
	close(dup_fd);
	/* The file lives on, and can be handed out. */
	fd = rawtp_map_dup_fd(map);
	CHECK(fd >= 0);
	CHECK_EQ(map->ops->update(map, &key, &value, BPF_ANY), 0);
	CHECK_EQ(pread(fd, &seen, 4, 8), 4); /* the kernel's stride */
	CHECK_EQ(seen, 77);
	rawtp_map_put(map);
	rawtp_map_put(same);
	/* All is released: opened again, without a descriptor of our own. */
	map = rawtp_map_open_quiet(fd);
	CHECK(!rawtp_is_err(map));
	CHECK_EQ(rawtp_map_dup_fd(map), -EBADF);
	CHECK_EQ(map->ops->sys_lookup(map, &key, &seen, 0), 0);
	CHECK_EQ(seen, 77);
	rawtp_map_put(map);
	close(fd);
	CHECK_EQ(open_fds(), before);
}

/* Somebody closes all fds of the process, and others come to stand at their numbers. */
TEST(map_file_closed_fds)
{
	int fd = make_array(4, 3, 0), mine;
	struct rawtp_map *map = rawtp_map_open(fd);

	mine = map->fd;
	close(mine);
	CHECK_EQ(rawtp_map_dup_fd(map), -EBADF);
	CHECK_EQ(dup2(0, mine), mine);
	CHECK_EQ(rawtp_map_dup_fd(map), -EBADF);
	rawtp_map_put(map);
	CHECK(fcntl(mine, F_GETFD) >= 0); /* not ours to close */
	close(mine);
	close(fd);
}

/* A header at the end of an otherwise empty file of @size bytes. */
static int forge(const struct rawtp_map_header *header, size_t size, int seals)
{
	int fd = memfd_create("bpf-map", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(!ftruncate(fd, (off_t)size));
	CHECK(pwrite(fd, header, sizeof(*header), (off_t)(size - 4096)) == sizeof(*header));
	CHECK(!fcntl(fd, F_ADD_SEALS, seals));
	return fd;
}

TEST(map_file_refused)
{
	static const struct rawtp_map_header good = {.magic = RAWTP_MAP_MAGIC,
						     .version = RAWTP_MAP_VERSION,
						     .header_size = sizeof(good),
						     .map_type = BPF_MAP_TYPE_ARRAY,
						     .key_size = 4,
						     .value_size = 8,
						     .max_entries = 4,
						     .n_cpus = 2};
	static const struct {
		const char *what;
		size_t offset;
		uint32_t value;
	} table[] = {
		{"nothing", 0, (uint32_t)RAWTP_MAP_MAGIC},
		{"magic", 0, 1},
		{"version", offsetof(struct rawtp_map_header, version), 99},
		{"header size", offsetof(struct rawtp_map_header, header_size), 4},
		{"type", offsetof(struct rawtp_map_header, map_type), 200},
		{"hash in an array's file", offsetof(struct rawtp_map_header, map_type), 1},
		{"ring in an array's file", offsetof(struct rawtp_map_header, map_type), 27},
		{"key size", offsetof(struct rawtp_map_header, key_size), 8},
		{"value size", offsetof(struct rawtp_map_header, value_size), 1 << 20},
		{"no value", offsetof(struct rawtp_map_header, value_size), 0},
		{"too many entries", offsetof(struct rawtp_map_header, max_entries), 1 << 20},
		{"all entries", offsetof(struct rawtp_map_header, max_entries), 0xffffffff},
		{"flags", offsetof(struct rawtp_map_header, map_flags), 0x80000000},
		{"no CPUs", offsetof(struct rawtp_map_header, n_cpus), 0},
		{"too many CPUs", offsetof(struct rawtp_map_header, n_cpus), 0xffffffff},
	};
	int fd, seals = F_SEAL_SHRINK | F_SEAL_GROW;
	struct rawtp_map *map;
	size_t i;

	if (sysconf(_SC_PAGESIZE) != 4096)
		test_skip("the forged files are for pages of 4096 bytes");
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rawtp_map_header header = good;

		test_case("%s", table[i].what);
		memcpy((char *)&header + table[i].offset, &table[i].value, 4);
		fd = forge(&header, 8192, seals);
		map = rawtp_map_open(fd);
		CHECK_EQ(rawtp_is_err(map) ? rawtp_ptr_err(map) : 0, i ? -EINVAL : 0);
		if (!rawtp_is_err(map))
			rawtp_map_put(map);
		close(fd);
	}
	for (i = 0; i < 3; i++) {
		test_case("seals %zu", i);
		fd = forge(&good, 8192, i == 0 ? 0 : i == 1 ? F_SEAL_SHRINK : F_SEAL_GROW);
		CHECK_EQ(rawtp_ptr_err(rawtp_map_open(fd)), -EINVAL);
		close(fd);
	}
}

TEST(map_file_other_files)
{
	int fd, pipes[2];

	CHECK_EQ(rawtp_ptr_err(rawtp_map_open(-1)), -EBADF);
	CHECK_EQ(rawtp_ptr_err(rawtp_map_open(250)), -EBADF);
	CHECK(!pipe(pipes));
	CHECK_EQ(rawtp_ptr_err(rawtp_map_open(pipes[0])), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	CHECK_EQ(rawtp_ptr_err(rawtp_map_open(fd)), -EINVAL);
	close(fd);
	fd = memfd_create("empty", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	CHECK_EQ(rawtp_ptr_err(rawtp_map_open(fd)), -EINVAL);
	close(fd);
}

/* Nobody can cut a map short under a running program. */
TEST(map_file_size_is_sealed)
{
	static const uint32_t flags[] = {0, BPF_F_RDONLY_PROG};
	size_t i;

	for (i = 0; i < 2; i++) {
		int fd = make_array(4, 1, flags[i]);

		CHECK(ftruncate(fd, 0) && errno == EPERM);
		CHECK(ftruncate(fd, 1 << 20) && errno == EPERM);
		close(fd);
	}
}

TEST(map_file_freeze)
{
	int fd = make_array(4, 1, BPF_F_RDONLY_PROG);
	struct rawtp_map *map = rawtp_map_open(fd);
	uint32_t key = 0, value = 5, seen = 0;
	uint64_t addr = 0;
	void *address;

	CHECK_EQ(map->ops->sys_update(map, &key, &value, 0), 0);
	CHECK_EQ(map->ops->value_addr(map, 0, &addr), 0);
	CHECK(!rawtp_map_is_constant(map));
	CHECK(rawtp_map_sys_may_write(map));
	CHECK_EQ(rawtp_map_freeze(map, fd), 0);
	CHECK_EQ(rawtp_map_freeze(map, fd), -EBUSY);
	CHECK(rawtp_map_is_frozen(map));
	CHECK(!rawtp_map_sys_may_write(map));
	CHECK(rawtp_map_is_constant(map));
	CHECK_EQ(*(const uint32_t *)(uintptr_t)addr, 5); /* the same address */
	/* As libbpf's skeletons do, and what must not be possible any more. */
	address = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(address != MAP_FAILED);
	CHECK(mprotect(address, 4096, PROT_READ | PROT_WRITE));
	munmap(address, 4096);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK(pwrite(fd, &key, 4, 0) < 0);
	rawtp_map_put(map);
	map = rawtp_map_open(fd);
	CHECK(!rawtp_is_err(map));
	CHECK(rawtp_map_is_constant(map));
	CHECK_EQ(map->ops->sys_lookup(map, &key, &seen, 0), 0);
	CHECK_EQ(seen, 5);
	rawtp_map_put(map);
	close(fd);
}

/* Too large for a private copy: mapped read-only by who opens it frozen. */
TEST(map_file_freeze_large)
{
	int fd = make_array(1 << 20, 65, BPF_F_RDONLY_PROG);
	struct rawtp_map *map = rawtp_map_open(fd);

	CHECK_EQ(rawtp_map_freeze(map, fd), 0);
	rawtp_map_put(map);
	map = rawtp_map_open(fd);
	CHECK(!rawtp_is_err(map));
	CHECK(!rawtp_map_is_constant(map));
	CHECK_EQ(rawtp_map_freeze(map, fd), -EBUSY);
	rawtp_map_put(map);
	close(fd);
}

/* Frozen, but programs may write: no constant. */
TEST(map_file_freeze_writable)
{
	int fd = make_array(4, 1, 0);
	struct rawtp_map *map = rawtp_map_open(fd);
	uint32_t key = 0, value = 5;

	CHECK_EQ(rawtp_map_freeze(map, fd), 0);
	CHECK(!rawtp_map_is_constant(map));
	CHECK(!rawtp_map_sys_may_write(map));
	CHECK_EQ(map->ops->update(map, &key, &value, 0), 0);
	rawtp_map_put(map);
	map = rawtp_map_open(fd);
	CHECK(rawtp_map_is_frozen(map));
	CHECK(!rawtp_map_is_constant(map));
	rawtp_map_put(map);
	close(fd);
}

TEST(map_file_fork)
{
	int fd = make_array(8, 1, 0), status;
	struct rawtp_map *map = rawtp_map_open(fd);
	uint32_t key = 0;
	uint64_t value = 9, seen = 0;
	pid_t pid = fork();

	if (!pid) {
		struct rawtp_map *mine = rawtp_map_open(fd);

		_exit(mine != map || map->ops->update(map, &key, &value, 0));
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	CHECK_EQ(map->ops->sys_lookup(map, &key, &seen, 0), 0);
	CHECK_EQ(seen, 9);
	rawtp_map_put(map);
	close(fd);
}
