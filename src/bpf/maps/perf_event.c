/* SPDX-License-Identifier: MIT */
/* BPF_MAP_TYPE_PERF_EVENT_ARRAY as a map, and the reader's side of it. See perf_event.h. */
#include "bpf/maps/perf_event.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/membarrier.h"
#include "bpf/maps/array.h"
#include "bpf/maps/owner.h"
#include "bpf/syscall/handle.h"

#define PERF_FLAGS (BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_PRESERVE_ELEMS)
#define SLICE_MS   100 /* longest sleep of a reader */
#define UNSURE_MS  5   /* of one that cannot be sure to be woken */

/* Which event is in which map. A leaf: maps are put after it is released. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void lock_it(void)
{
	pthread_mutex_lock(&lock);
}

static void unlock_it(void)
{
	pthread_mutex_unlock(&lock);
}

__attribute__((constructor(105))) static void init_early(void)
{
	pthread_atfork(lock_it, unlock_it, unlock_it);
}

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static int perf_check(const union bpf_attr *attr)
{
	if (attr->map_flags & ~(uint32_t)PERF_FLAGS || !attr->max_entries || attr->key_size != 4 ||
	    attr->value_size != 4)
		return -EINVAL;
	return rawtp_map_check_flags(attr, PERF_FLAGS);
}

static uint64_t perf_layout(const struct rawtp_map *map)
{
	uint64_t stride = page_size() + RAWTP_PERF_MAX_DATA;

	return map->max_entries * (stride + sizeof(struct rawtp_perf_ring)) + sizeof(uint64_t);
}

static int perf_open(struct rawtp_map *map)
{
	struct rawtp_perf_array *array = calloc(1, sizeof(*array));
	uint32_t open = RAWTP_PERF_OPEN;

	if (!array)
		return -ENOMEM;
	array->page = page_size();
	array->stride = array->page + RAWTP_PERF_MAX_DATA;
	array->rings = (struct rawtp_perf_ring *)(map->base + map->max_entries * array->stride);
	array->mode = (uint32_t *)&array->rings[map->max_entries];
	array->in_reach = rawtp_membarrier_join_all();
	map->priv = array;
	if (!rawtp_perf_has_rseq())
		__atomic_compare_exchange_n(array->mode, &open, RAWTP_PERF_LOCKED, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	return 0;
}

static void perf_close(struct rawtp_map *map)
{
	free(map->priv);
	map->priv = NULL;
}

/* Making it says nothing about who will write. */
static int perf_init(struct rawtp_map *map)
{
	struct rawtp_perf_array *array = rawtp_perf_array_of(map);

	return rawtp_map_populate(map, map->max_entries * array->stride,
				  map->max_entries * sizeof(struct rawtp_perf_ring) + 8);
}

/* What dead processes locked. */
static void perf_recover(struct rawtp_map *map)
{
	uint32_t i;

	for (i = 0; i < map->max_entries; i++) {
		uint64_t *word = &rawtp_perf_ring_at(map, i)->owner;
		uint64_t owner = __atomic_load_n(word, __ATOMIC_RELAXED);

		if (owner && rawtp_owner_is_dead(owner))
			__atomic_compare_exchange_n(word, &owner, 0, false, __ATOMIC_ACQ_REL,
						    __ATOMIC_RELAXED);
	}
}

struct rawtp_perf_event *rawtp_perf_event_new(int fd, uint32_t cpu, bool disabled)
{
	struct rawtp_perf_event *event = calloc(1, sizeof(*event));
	struct stat st;

	if (!event || fstat(fd, &st)) {
		free(event);
		return rawtp_err_ptr(-ENOMEM);
	}
	event->refcount = 1;
	event->cpu = cpu;
	event->disabled = disabled;
	event->dev = st.st_dev;
	event->ino = st.st_ino;
	return event;
}

void rawtp_perf_event_get(struct rawtp_perf_event *event)
{
	__atomic_add_fetch(&event->refcount, 1, __ATOMIC_RELAXED);
}

static void set_size(struct rawtp_perf_event *event, uint64_t size)
{
	struct rawtp_perf_ring *ring;

	if (!event->map)
		return;
	ring = rawtp_perf_ring_at(event->map, event->index);
	if (__atomic_load_n(&ring->reader, __ATOMIC_RELAXED) == event->ino)
		__atomic_store_n(&ring->size, size, __ATOMIC_RELEASE);
}

void rawtp_perf_event_put(struct rawtp_perf_event *event)
{
	if (__atomic_sub_fetch(&event->refcount, 1, __ATOMIC_ACQ_REL))
		return;
	set_size(event, 0);
	if (event->map)
		rawtp_map_put(event->map);
	free(event);
}

void rawtp_perf_event_enable(struct rawtp_perf_event *event, bool enable)
{
	pthread_mutex_lock(&lock);
	event->disabled = !enable;
	set_size(event, enable ? event->size : 0);
	pthread_mutex_unlock(&lock);
}

struct mapping {
	char *start;
	uint64_t bytes;
	int prot;
};

/* Where this process has the event mapped, from its first byte on: perf_event_open(2) and mmap(2). */
static bool find_mapping(const struct rawtp_perf_event *event, struct mapping *mapping)
{
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned int major, minor;
	uint64_t start, end, offset, ino;
	char line[512], rights[8];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %x:%x %" SCNu64, &start,
			   &end, rights, &offset, &major, &minor, &ino) != 7 ||
		    ino != event->ino || makedev(major, minor) != event->dev || offset)
			continue;
		mapping->start = (char *)(uintptr_t)start;
		mapping->bytes = end - start;
		mapping->prot =
			(rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0);
		found = true;
	}
	if (file)
		fclose(file);
	return found;
}

/* The entry's memory in place of the event's. Returns the data's size, or -errno. */
static int64_t take_place(struct rawtp_map *map, uint32_t index, const struct mapping *mapping)
{
	const struct rawtp_perf_array *array = rawtp_perf_array_of(map);
	uint64_t size = mapping->bytes - array->page;
	int fd = rawtp_map_dup_fd(map);
	int64_t ret;

	if (fd < 0)
		return fd;
	if (mapping->bytes <= array->page || !rawtp_is_power_of_2(size))
		ret = -EINVAL;
	else if (size > RAWTP_PERF_MAX_DATA)
		ret = -E2BIG;
	else if (fallocate(fd, 0, (off_t)(index * array->stride), (off_t)mapping->bytes) ||
		 mmap(mapping->start, mapping->bytes, mapping->prot, MAP_SHARED | MAP_FIXED, fd,
		      (off_t)(index * array->stride)) == MAP_FAILED)
		ret = -ENOMEM;
	else
		ret = (int64_t)size;
	close(fd);
	return ret;
}

/* With the lock held. The data is empty then, and the reader the only one that counts. */
static void begin(struct rawtp_map *map, uint32_t index, struct rawtp_perf_event *event)
{
	struct rawtp_perf_ring *ring = rawtp_perf_ring_at(map, index);
	struct perf_event_mmap_page *page = rawtp_perf_page(map, index);

	page->data_offset = rawtp_perf_array_of(map)->page;
	page->data_size = event->size;
	__atomic_store_n((uint64_t *)&page->data_tail,
			 __atomic_load_n((uint64_t *)&page->data_head, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELEASE);
	__atomic_store_n(&ring->lost, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ring->reader, event->ino, __ATOMIC_RELAXED);
	set_size(event, event->disabled ? 0 : event->size);
}

/* Whoever was there first writes no more when this returns, unless it stood still for a millisecond. */
static uint64_t stop_writers(struct rawtp_perf_ring *ring)
{
	uint64_t size = __atomic_exchange_n(&ring->size, 0, __ATOMIC_SEQ_CST);
	struct timespec ms = {0, 1000000};

	if (size) {
		rawtp_membarrier_all();
		syscall(SYS_nanosleep, &ms, NULL);
	}
	return size;
}

static int put_event(struct rawtp_map *map, uint32_t index, struct rawtp_perf_event *event)
{
	struct rawtp_perf_ring *ring = rawtp_perf_ring_at(map, index);
	struct rawtp_map *old;
	struct mapping mapping;
	uint64_t before;
	int64_t size = 0;

	pthread_mutex_lock(&lock);
	old = event->map;
	before = stop_writers(ring);
	if (find_mapping(event, &mapping))
		size = take_place(map, index, &mapping);
	else if (old) /* its mapping shows an entry already, and no other */
		size = old == map && event->index == index ? (int64_t)event->size : -EBUSY;
	if (size < 0) {
		__atomic_store_n(&ring->size, before, __ATOMIC_RELEASE);
	} else {
		set_size(event, 0);
		rawtp_map_get(map);
		event->map = map;
		event->index = index;
		event->size = (uint64_t)size;
		begin(map, index, event);
	}
	pthread_mutex_unlock(&lock);
	if (size < 0)
		return (int)size;
	if (old)
		rawtp_map_put(old);
	return 0;
}

static int perf_sys_update(struct rawtp_map *map, const void *key, const void *value,
			   uint64_t flags)
{
	uint32_t index = rawtp_array_index(key);
	struct rawtp_perf_event *event;
	int fd, err;

	if (flags != BPF_ANY)
		return -EINVAL;
	if (index >= map->max_entries)
		return -E2BIG;
	memcpy(&fd, value, sizeof(fd));
	event = rawtp_perf_event_from_fd(fd);
	if (rawtp_is_err(event))
		return (int)rawtp_ptr_err(event);
	err = put_event(map, index, event);
	rawtp_perf_event_put(event);
	return err;
}

static long perf_delete(struct rawtp_map *map, const void *key)
{
	uint32_t index = rawtp_array_index(key);
	struct rawtp_perf_ring *ring;

	if (index >= map->max_entries)
		return -E2BIG;
	ring = rawtp_perf_ring_at(map, index);
	__atomic_store_n(&ring->size, 0, __ATOMIC_RELEASE);
	return __atomic_exchange_n(&ring->reader, 0, __ATOMIC_ACQ_REL) ? 0 : -ENOENT;
}

static int perf_sys_lookup(struct rawtp_map *map, const void *key, void *value, uint64_t flags)
{
	return -RAWTP_ENOTSUPP;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool has_records(const struct rawtp_map *map, uint32_t index)
{
	struct perf_event_mmap_page *page = rawtp_perf_page(map, index);

	return __atomic_load_n((uint64_t *)&page->data_head, __ATOMIC_SEQ_CST) !=
	       __atomic_load_n((uint64_t *)&page->data_tail, __ATOMIC_SEQ_CST);
}

static int wait_in(struct rawtp_map *map, uint32_t index, int timeout_ms)
{
	struct rawtp_perf_ring *ring = rawtp_perf_ring_at(map, index);
	int64_t end = now_ms() + timeout_ms;

	while (!has_records(map, index)) {
		uint32_t seen = __atomic_load_n(&ring->futex, __ATOMIC_SEQ_CST);
		int64_t left = timeout_ms < 0 ? SLICE_MS : end - now_ms(), most;
		struct timespec sleep;

		__atomic_store_n(&ring->armed, 1, __ATOMIC_SEQ_CST);
		most = rawtp_membarrier_all() ? SLICE_MS : UNSURE_MS;
		if (has_records(map, index) || left <= 0)
			break;
		left = left < most ? left : most;
		sleep = (struct timespec){.tv_nsec = left * 1000000};
		if (!syscall(SYS_futex, &ring->futex, FUTEX_WAIT, seen, &sleep, NULL, 0))
			continue;
		if (errno == EINTR)
			break;
		/* Nothing for a while, and yet somebody has the lock, who may be dead. */
		if (__atomic_load_n(&ring->owner, __ATOMIC_RELAXED))
			perf_recover(map);
	}
	__atomic_store_n(&ring->armed, 0, __ATOMIC_SEQ_CST);
	return has_records(map, index);
}

int rawtp_perf_event_wait(struct rawtp_perf_event *event, int timeout_ms)
{
	struct rawtp_map *map;
	uint32_t index;
	int ret;

	pthread_mutex_lock(&lock);
	map = event->map;
	index = event->index;
	if (map)
		rawtp_map_get(map);
	pthread_mutex_unlock(&lock);
	if (!map) {
		struct timespec sleep = {
			.tv_nsec =
				(timeout_ms < 0 || timeout_ms > SLICE_MS ? SLICE_MS : timeout_ms) *
				1000000L};

		syscall(SYS_nanosleep, &sleep, NULL);
		return 0;
	}
	ret = timeout_ms ? wait_in(map, index, timeout_ms) : has_records(map, index);
	rawtp_map_put(map);
	return ret;
}

const struct rawtp_map_ops rawtp_perf_event_ops = {
	.check = perf_check,
	.layout = perf_layout,
	.open = perf_open,
	.close = perf_close,
	.init = perf_init,
	.recover = perf_recover,
	.get_next_key = rawtp_array_get_next_key,
	.sys_lookup = perf_sys_lookup,
	.sys_update = perf_sys_update,
	.delete = perf_delete,
};
