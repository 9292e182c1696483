/* SPDX-License-Identifier: MIT */
/*
 * Maps as files: making, opening, counting references, freezing.
 *
 * A process has one object per map file, found by device and inode, so that equal maps are equal
 * pointers and one process maps one file once. map_lock protects the list of them and the reference
 * counts' way to zero; nothing on the hot path takes it, and nothing that locks is called under it.
 */
#include "bpf/maps/map.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "bpf/btf.h"
#include "bpf/maps/kernel_array.h"
#include "bpf/maps/owner.h"
#include "bpf/maps/slots.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define SIZE_SEALS       (F_SEAL_SHRINK | F_SEAL_GROW)
#define MAX_FILE_SIZE    (1ULL << 45) /* a third of what an address space of 47 bits has */
#define MAX_PRIVATE_COPY (64ULL << 20)
#define MAX_CPUS         65536

static struct rawtp_list maps = RAWTP_LIST_INIT(maps);
static pthread_mutex_t map_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t map_once = PTHREAD_ONCE_INIT;

#define RAWTP_MAP_TYPE(type, name, ops, percpu) extern const struct rawtp_map_ops ops;
#include "bpf/maps/types.h"

static const struct {
	const struct rawtp_map_ops *ops;
	bool percpu;
} types[] = {
#define RAWTP_MAP_TYPE(type, name, map_ops, is_percpu) \
	[BPF_MAP_TYPE_##type] = {.ops = &map_ops, .percpu = is_percpu},
#include "bpf/maps/types.h"
};

#define N_TYPES (sizeof(types) / sizeof(types[0]))

const struct rawtp_map_ops *rawtp_map_ops(uint32_t type)
{
	return type < N_TYPES ? types[type].ops : NULL;
}

bool rawtp_map_is_percpu(uint32_t type)
{
	return type < N_TYPES && types[type].percpu;
}

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* fork(): the child must not find the list half changed, nor the lock taken for ever. */
static void before_fork(void)
{
	pthread_mutex_lock(&map_lock);
}

static void after_fork_parent(void)
{
	pthread_mutex_unlock(&map_lock);
}

static void after_fork_child(void)
{
	struct rawtp_map *map;

	if (rawtp_list_empty(&maps))
		rawtp_owner_forget(); /* a fork without maps pays nothing; map_open() asks again */
	else
		rawtp_owner_after_fork();
	rawtp_list_for_each (map, &maps, node)
		if (map->ops->after_fork)
			map->ops->after_fork(map);
	pthread_mutex_unlock(&map_lock);
}

static void init_once(void)
{
	pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

/*
 * fork() runs the handlers that were registered last first: ours come after the agent's, whose
 * thread may hold its lock and wait for this one.
 */
__attribute__((constructor(105))) static void init_early(void)
{
	pthread_once(&map_once, init_once);
}

/* What opening and making have in common: @map from a header that may say anything. */
static int map_from_header(struct rawtp_map *map, const struct rawtp_map_header *header)
{
	union bpf_attr attr = {
		.map_type = header->map_type,
		.key_size = header->key_size,
		.value_size = header->value_size,
		.max_entries = header->max_entries,
		.map_flags = header->map_flags & ~BPF_F_NUMA_NODE,
		.btf_key_type_id = header->btf_key_type_id,
		.btf_value_type_id = header->btf_value_type_id,
	};
	uint64_t size;
	int err;

	map->ops = rawtp_map_ops(header->map_type);
	if (!map->ops || !header->n_cpus || header->n_cpus > MAX_CPUS)
		return -EINVAL;
	err = map->ops->check(&attr);
	if (err)
		return err;
	map->type = header->map_type;
	map->key_size = header->key_size;
	map->value_size = header->value_size;
	map->max_entries = header->max_entries;
	map->flags = header->map_flags;
	map->n_cpus = header->n_cpus;
	map->elem_size = (uint32_t)rawtp_round_up(header->value_size, 8);
	map->n_slots = rawtp_map_is_percpu(map->type) ? map->n_cpus + RAWTP_OVERFLOW_SLOTS : 0;
	memcpy(map->name, header->name, sizeof(map->name));
	map->name[sizeof(map->name) - 1] = '\0';
	map->btf_key_type_id = header->btf_key_type_id;
	map->btf_value_type_id = header->btf_value_type_id;
	map->fd = -1;
	map->refcount = 1;
	rawtp_list_init(&map->node);
	size = map->ops->layout(map);
	if (!size || size > MAX_FILE_SIZE)
		return -ENOMEM;
	size = rawtp_round_up(size, page_size()) + page_size();
	map->size = (size_t)size;
	return 0;
}

/* BPF_F_NUMA_NODE is advice here: where memory lies is the business of whoever touches it first. */
static int check_numa_node(const union bpf_attr *attr)
{
	char path[64];

	if (!(attr->map_flags & BPF_F_NUMA_NODE) || !attr->numa_node || attr->numa_node == ~0U)
		return 0;
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u", attr->numa_node);
	return access(path, F_OK) ? -EINVAL : 0;
}

int rawtp_map_check_flags(const union bpf_attr *attr, uint32_t allowed)
{
	const uint32_t prog = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
	const uint32_t sys = BPF_F_RDONLY | BPF_F_WRONLY;

	if (attr->map_flags & ~allowed)
		return -EINVAL;
	if ((attr->map_flags & prog) == prog || (attr->map_flags & sys) == sys)
		return -EINVAL;
	if (rawtp_map_is_percpu(attr->map_type) && (attr->map_flags & BPF_F_NUMA_NODE) &&
	    attr->numa_node != ~0U)
		return -EINVAL;
	return check_numa_node(attr);
}

static bool name_is_legal(const char *name)
{
	size_t i;

	for (i = 0; i < BPF_OBJ_NAME_LEN && name[i]; i++) {
		char c = name[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '.'))
			return false;
	}
	return i < BPF_OBJ_NAME_LEN;
}

static int header_from_attr(struct rawtp_map_header *header, const union bpf_attr *attr)
{
	const struct rawtp_map_ops *ops = rawtp_map_ops(attr->map_type);
	int err;

	if (!name_is_legal(attr->map_name) || attr->map_extra || attr->map_ifindex ||
	    attr->btf_vmlinux_value_type_id || (attr->btf_key_type_id && !attr->btf_value_type_id))
		return -EINVAL;
	if (!ops)
		return -EINVAL;
	err = ops->check(attr);
	if (err)
		return err;
	*header = (struct rawtp_map_header){
		.magic = RAWTP_MAP_MAGIC,
		.version = RAWTP_MAP_VERSION,
		.header_size = sizeof(*header),
		.map_type = attr->map_type,
		.key_size = attr->key_size,
		.value_size = attr->value_size,
		.max_entries = attr->max_entries,
		.map_flags = attr->map_flags,
		.n_cpus = rawtp_possible_cpus(),
		.btf_key_type_id = attr->btf_key_type_id,
		.btf_value_type_id = attr->btf_value_type_id,
	};
	memcpy(header->name, attr->map_name, BPF_OBJ_NAME_LEN);
	return 0;
}

static int make_file(const char *map_name)
{
	char name[8 + BPF_OBJ_NAME_LEN]; /* bpftool knows maps by "bpf-map" in the fd's link */
	int fd;

	snprintf(name, sizeof(name), "bpf-map%s%.15s", *map_name ? ":" : "", map_name);
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

/*
 * Pages of a memfd are found at first touch, and where there are none then, the toucher gets SIGBUS:
 * a program in somebody else's process. Small maps, which are most, are given theirs when they are
 * made. The rest runs the risk that every process runs with memory of its own under overcommit.
 */
int rawtp_map_populate(struct rawtp_map *map, uint64_t offset, uint64_t size)
{
	if (map->fd < 0 || !size || size > (1 << 20))
		return 0;
	if (fallocate(map->fd, 0, (off_t)offset, (off_t)size) &&
	    (errno == ENOSPC || errno == ENOMEM))
		return -ENOMEM;
	return 0;
}

static int fill_file(struct rawtp_map *map, const struct rawtp_map_header *header)
{
	int err;

	if (ftruncate(map->fd, (off_t)map->size))
		return -ENOMEM;
	map->base = mmap(NULL, map->size, PROT_READ | PROT_WRITE, MAP_SHARED, map->fd, 0);
	if (map->base == MAP_FAILED)
		return -ENOMEM;
	map->header = (struct rawtp_map_header *)(map->base + map->size - page_size());
	err = rawtp_map_populate(map, map->size - page_size(), page_size());
	if (!err) {
		*map->header = *header;
		err = map->ops->open(map);
	}
	if (!err) {
		if (map->ops->init)
			err = map->ops->init(map);
		if (map->ops->close)
			map->ops->close(map);
	}
	munmap(map->base, map->size);
	return err;
}

int rawtp_map_create(const union bpf_attr *attr)
{
	struct rawtp_map_header header;
	struct rawtp_map map = {0};
	int err, seals = SIZE_SEALS;

	pthread_once(&map_once, init_once);
	rawtp_owner_init();
	err = header_from_attr(&header, attr);
	if (!err)
		err = map_from_header(&map, &header);
	if (err)
		return err;
	map.fd = make_file(header.name);
	if (map.fd < 0)
		return map.fd;
	err = fill_file(&map, &header);
	/* What can be frozen into a constant takes one more seal then. */
	if (!(header.map_flags & BPF_F_RDONLY_PROG))
		seals |= F_SEAL_SEAL;
	if (!err && fcntl(map.fd, F_ADD_SEALS, seals))
		err = -errno;
	if (err) {
		close(map.fd);
		return err;
	}
	return map.fd;
}

static bool is_same_file(int fd, const struct rawtp_map *map)
{
	struct stat st;

	return fd >= 0 && !rawtp_map_stat(fd, &st) && st.st_dev == map->dev &&
	       st.st_ino == map->ino;
}

static void keep_fd(struct rawtp_map *map, int fd)
{
	if (!is_same_file(map->fd, map))
		map->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* Maps the file: for good and shared, or, once nobody may write it, as a private copy. */
static int map_memory(struct rawtp_map *map, int fd, const struct rawtp_map_header *header,
		      int seals)
{
	bool fixed = (seals & F_SEAL_FUTURE_WRITE) && header->frozen &&
		     (map->flags & BPF_F_RDONLY_PROG) && map->type == BPF_MAP_TYPE_ARRAY;
	bool copy = fixed && map->size <= MAX_PRIVATE_COPY;
	int prot = PROT_READ | (fixed && !copy ? 0 : PROT_WRITE);

	map->base = mmap(NULL, map->size, prot, copy ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED,
			 copy ? -1 : fd, 0);
	if (map->base == MAP_FAILED) {
		map->base = NULL;
		return errno == EPERM || errno == EACCES ? -EPERM : -ENOMEM;
	}
	map->header = (struct rawtp_map_header *)(map->base + map->size - page_size());
	if (!copy)
		return 0;
	if (pread(fd, map->base, map->size, 0) != (ssize_t)map->size)
		return -EINVAL;
	*map->header = *header;
	if (mprotect(map->base, map->size, PROT_READ))
		return -ENOMEM;
	map->constant = true;
	return 0;
}

static int map_open_file(struct rawtp_map *map, int fd, const struct stat *st)
{
	struct rawtp_map_header header;
	int seals = fcntl(fd, F_GET_SEALS), err;
	uint64_t page = page_size();

	if (seals < 0 || (seals & SIZE_SEALS) != SIZE_SEALS || (uint64_t)st->st_size < 2 * page ||
	    st->st_size & (off_t)(page - 1))
		return -EINVAL;
	if (pread(fd, &header, sizeof(header), st->st_size - (off_t)page) != sizeof(header) ||
	    header.magic != RAWTP_MAP_MAGIC || header.version != RAWTP_MAP_VERSION ||
	    header.header_size != sizeof(header))
		return -EINVAL;
	err = map_from_header(map, &header);
	if (err || map->size != (uint64_t)st->st_size)
		return -EINVAL;
	map->dev = st->st_dev;
	map->ino = st->st_ino;
	err = map_memory(map, fd, &header, seals);
	if (!err)
		err = map->ops->open(map);
	if (err && map->base)
		munmap(map->base, map->size);
	return err;
}

/* The kernel sees to it that the memory stays, and that nobody maps more of it than there is. */
static int map_open_kernel(struct rawtp_map *map, int fd, const struct stat *st)
{
	struct rawtp_map_header *header = calloc(1, sizeof(*header));
	int err = header ? rawtp_kernel_array_header(fd, header) : -ENOMEM;

	if (!err)
		err = map_from_header(map, header);
	if (!err) {
		map->size -= (size_t)page_size(); /* that of the header */
		map->base = mmap(NULL, map->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map->base == MAP_FAILED)
			err = errno == ENOMEM ? -ENOMEM : -EPERM;
	}
	if (err) {
		free(header);
		return err;
	}
	map->header = header;
	map->of_kernel = true;
	map->dev = st->st_dev;
	map->ino = st->st_ino;
	return map->ops->open(map);
}

static struct rawtp_map *map_find(const struct stat *st)
{
	struct rawtp_map *map;

	rawtp_list_for_each (map, &maps, node)
		if (map->dev == st->st_dev && map->ino == st->st_ino)
			return map;
	return NULL;
}

static struct rawtp_map *map_open(int fd, bool keep)
{
	struct rawtp_map *map;
	struct stat st;
	bool fresh = false;
	int err = -ENOMEM;

	pthread_once(&map_once, init_once);
	if (rawtp_map_stat(fd, &st))
		return rawtp_err_ptr(-EBADF);
	if (!S_ISREG(st.st_mode) && st.st_dev != RAWTP_KERNEL_MAP_DEV)
		return rawtp_err_ptr(-EINVAL);
	pthread_mutex_lock(&map_lock);
	rawtp_owner_init();
	map = map_find(&st);
	if (map) {
		rawtp_map_get(map);
	} else {
		map = calloc(1, sizeof(*map));
		if (!map)
			goto unlock;
		err = S_ISREG(st.st_mode) ? map_open_file(map, fd, &st)
					  : map_open_kernel(map, fd, &st);
		if (err) {
			free(map);
			goto unlock;
		}
		rawtp_list_add_tail(&map->node, &maps);
		fresh = !map->constant;
	}
	if (keep)
		keep_fd(map, fd);
	err = 0;
unlock:
	pthread_mutex_unlock(&map_lock);
	if (fresh) /* a program starts with what those before it left */
		rawtp_map_recover(map);
	return err ? rawtp_err_ptr(err) : map;
}

struct rawtp_map *rawtp_map_open(int fd)
{
	return map_open(fd, true);
}

struct rawtp_map *rawtp_map_open_quiet(int fd)
{
	return map_open(fd, false);
}

void rawtp_map_get(struct rawtp_map *map)
{
	__atomic_fetch_add(&map->refcount, 1, __ATOMIC_RELAXED);
}

void rawtp_map_put(struct rawtp_map *map)
{
	pthread_mutex_lock(&map_lock);
	if (__atomic_sub_fetch(&map->refcount, 1, __ATOMIC_ACQ_REL)) {
		pthread_mutex_unlock(&map_lock);
		return;
	}
	rawtp_list_del(&map->node);
	pthread_mutex_unlock(&map_lock);
	if (map->ops->close)
		map->ops->close(map);
	if (is_same_file(map->fd, map)) /* a daemon may have closed all fds and opened others */
		close(map->fd);
	if (map->btf)
		rawtp_btf_put(map->btf);
	munmap(map->base, map->size);
	if (map->of_kernel)
		free(map->header);
	free(map);
}

int rawtp_map_dup_fd(const struct rawtp_map *map)
{
	int fd = map->fd < 0 ? -1 : fcntl(map->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return map->fd >= 0 && errno == EMFILE ? -EMFILE : -EBADF;
	if (!is_same_file(fd, map)) {
		close(fd);
		return -EBADF;
	}
	return fd;
}

bool rawtp_map_is_frozen(const struct rawtp_map *map)
{
	return __atomic_load_n(&map->header->frozen, __ATOMIC_ACQUIRE);
}

bool rawtp_map_is_constant(const struct rawtp_map *map)
{
	return __atomic_load_n(&map->constant, __ATOMIC_ACQUIRE);
}

/*
 * Puts a private read-only copy under the same addresses. Readers that run meanwhile see the one or
 * the other, which are equal: writers are the system call's (frozen) or break the map's own rules.
 */
static void make_constant(struct rawtp_map *map)
{
	char *copy;

	if (map->type != BPF_MAP_TYPE_ARRAY || map->size > MAX_PRIVATE_COPY)
		return;
	copy = mmap(NULL, map->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED)
		return;
	memcpy(copy, map->base, map->size);
	if (mprotect(copy, map->size, PROT_READ) ||
	    mremap(copy, map->size, map->size, MREMAP_MAYMOVE | MREMAP_FIXED, map->base) !=
		    map->base) {
		munmap(copy, map->size);
		return;
	}
	__atomic_store_n(&map->constant, true, __ATOMIC_RELEASE);
}

int rawtp_map_freeze(struct rawtp_map *map, int fd)
{
	uint32_t thawed = 0;

	if (map->of_kernel)
		return -EPERM;
	/* Looked at first: the header may be mapped read-only, and an exchange that fails writes too. */
	if (rawtp_map_is_frozen(map) ||
	    !__atomic_compare_exchange_n(&map->header->frozen, &thawed, 1, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return -EBUSY;
	if (!(map->flags & BPF_F_RDONLY_PROG))
		return 0;
	if (is_same_file(fd, map) && !fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)) {
		pthread_mutex_lock(&map_lock);
		make_constant(map);
		pthread_mutex_unlock(&map_lock);
	}
	return 0;
}

void rawtp_map_recover(struct rawtp_map *map)
{
	if (map->slot_owners)
		rawtp_slots_recover(map);
	if (map->ops->recover)
		map->ops->recover(map);
}
