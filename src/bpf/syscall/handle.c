/* SPDX-License-Identifier: MIT */
#include "bpf/syscall/handle.h"
#include "base/err.h"
#include "base/list.h"
#include "bpf/maps/kernel_array.h"
#include "bpf/maps/prog_array.h"
#include "bpf/syscall/prog_file.h"
#include "bpf/syscall/syscall.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_BUCKETS 128

struct entry {
	struct rawtp_list node;
	enum rawtp_handle_kind kind;
	int fd; /* was on the file when last looked at */
	uint64_t dev, ino;
	void *object; /* one reference */
};

/*
 * A leaf: nothing of the library is called with it held, but for counting a reference. Objects are
 * put after it is released, since their ends may wait for readers.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct rawtp_list buckets[N_BUCKETS];

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

static void init(void)
{
	unsigned int i;

	for (i = 0; i < N_BUCKETS; i++)
		rawtp_list_init(&buckets[i]);
	pthread_atfork(before_fork, after_fork, after_fork);
}

/* Before the agent's handlers are registered, so that fork() runs ours after them. */
__attribute__((constructor(105))) static void init_early(void)
{
	pthread_once(&once, init);
}

static void object_get(enum rawtp_handle_kind kind, void *object)
{
	switch (kind) {
	case RAWTP_HANDLE_MAP:
		rawtp_map_get(object);
		break;
	case RAWTP_HANDLE_PROG:
		__atomic_add_fetch(&((struct rawtp_prog_object *)object)->refcount, 1,
				   __ATOMIC_RELAXED);
		break;
	case RAWTP_HANDLE_BTF:
		rawtp_btf_get(object);
		break;
	case RAWTP_HANDLE_PERF:
		rawtp_perf_event_get(object);
		break;
	}
}

static void object_put(enum rawtp_handle_kind kind, void *object)
{
	switch (kind) {
	case RAWTP_HANDLE_MAP:
		rawtp_map_put(object);
		break;
	case RAWTP_HANDLE_PROG:
		rawtp_prog_object_put(object);
		break;
	case RAWTP_HANDLE_BTF:
		rawtp_btf_put(object);
		break;
	case RAWTP_HANDLE_PERF:
		rawtp_perf_event_put(object);
		break;
	}
}

static bool fd_is(int fd, uint64_t dev, uint64_t ino)
{
	struct stat st;

	return fd >= 0 && rawtp_map_stat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void rawtp_prog_object_put(struct rawtp_prog_object *object)
{
	uint32_t i;

	if (__atomic_sub_fetch(&object->refcount, 1, __ATOMIC_ACQ_REL))
		return;
	for (i = 0; i < object->n_bound; i++)
		rawtp_map_put(object->bound[i]);
	if (object->prog)
		rawtp_prog_put(object->prog);
	free(object->stored);
	free(object);
}

/* With the lock held. */
static struct entry *find(uint64_t dev, uint64_t ino)
{
	struct rawtp_list *bucket = &buckets[ino % N_BUCKETS];
	struct entry *entry;

	rawtp_list_for_each (entry, bucket, node)
		if (entry->ino == ino && entry->dev == dev)
			return entry;
	return NULL;
}

void rawtp_handle_add(int fd, enum rawtp_handle_kind kind, void *object)
{
	struct entry *entry = calloc(1, sizeof(*entry)), *old = NULL;
	struct stat st;

	pthread_once(&once, init);
	if (!entry || rawtp_map_stat(fd, &st) != 0) {
		free(entry);
		object_put(kind, object);
		return;
	}
	entry->kind = kind;
	entry->fd = fd;
	entry->dev = st.st_dev;
	entry->ino = st.st_ino;
	entry->object = object;
	pthread_mutex_lock(&lock);
	old = find(entry->dev, entry->ino);
	if (old)
		rawtp_list_del(&old->node);
	rawtp_list_add_tail(&entry->node, &buckets[entry->ino % N_BUCKETS]);
	pthread_mutex_unlock(&lock);
	if (old) {
		object_put(old->kind, old->object);
		free(old);
	}
}

/* The object of @fd with a reference; NULL: not known. -EBADF; -EINVAL where it is of another kind. */
static void *lookup(int fd, enum rawtp_handle_kind kind)
{
	struct entry *entry;
	void *object = NULL;
	struct stat st;

	pthread_once(&once, init);
	if (rawtp_map_stat(fd, &st) != 0)
		return rawtp_err_ptr(-EBADF);
	pthread_mutex_lock(&lock);
	entry = find(st.st_dev, st.st_ino);
	if (entry && entry->kind == kind) {
		entry->fd = fd;
		object = entry->object;
		object_get(kind, object);
	} else if (entry) {
		object = rawtp_err_ptr(-EINVAL);
	}
	pthread_mutex_unlock(&lock);
	return object;
}

/* Counts one more reference, for the table, on an object that was opened from its file. */
static void *keep(int fd, enum rawtp_handle_kind kind, void *object)
{
	if (rawtp_is_err(object)) {
		long err = rawtp_ptr_err(object);

		return rawtp_err_ptr(err == -EBADF ? -EINVAL : err);
	}
	object_get(kind, object);
	rawtp_handle_add(fd, kind, object);
	return object;
}

struct rawtp_map *rawtp_map_from_fd(int fd)
{
	void *object = lookup(fd, RAWTP_HANDLE_MAP);

	return object ? object : keep(fd, RAWTP_HANDLE_MAP, rawtp_map_open(fd));
}

struct rawtp_prog_object *rawtp_prog_object_from_fd(int fd)
{
	struct rawtp_prog_object *object = lookup(fd, RAWTP_HANDLE_PROG);
	int err;

	if (object)
		return object;
	object = rawtp_prog_file_read(fd, NULL, 0);
	if (!rawtp_is_err(object)) {
		err = rawtp_prog_finish(object->prog, NULL);
		if (err) {
			rawtp_prog_object_put(object);
			object = rawtp_err_ptr(err);
		}
	}
	return keep(fd, RAWTP_HANDLE_PROG, object);
}

static struct rawtp_btf *open_btf(int fd)
{
	int64_t size = rawtp_sealed_size(fd);
	struct rawtp_btf *btf;
	char *data;

	if (size < 0 || size > RAWTP_BTF_MAX_SIZE)
		return rawtp_err_ptr(-EINVAL);
	data = malloc((size_t)size + 1);
	if (!data)
		return rawtp_err_ptr(-ENOMEM);
	if (pread(fd, data, (size_t)size, 0) == size)
		btf = rawtp_btf_new(data, (uint32_t)size);
	else
		btf = rawtp_err_ptr(-EINVAL);
	free(data);
	return btf;
}

struct rawtp_btf *rawtp_btf_from_fd(int fd, uint32_t *id)
{
	void *object = lookup(fd, RAWTP_HANDLE_BTF);

	*id = (uint32_t)rawtp_handle_inode(fd);
	return object ? object : keep(fd, RAWTP_HANDLE_BTF, open_btf(fd));
}

struct rawtp_perf_event *rawtp_perf_event_from_fd(int fd)
{
	void *object = lookup(fd, RAWTP_HANDLE_PERF);

	return !object || rawtp_is_err(object) ? rawtp_err_ptr(-EBADF) : object;
}

struct rawtp_prog *rawtp_prog_from_fd(int fd)
{
	struct rawtp_prog_object *object = rawtp_prog_object_from_fd(fd);
	struct rawtp_prog *prog;

	if (rawtp_is_err(object))
		return (struct rawtp_prog *)object;
	prog = object->prog;
	rawtp_prog_get(prog);
	rawtp_prog_object_put(object);
	return prog;
}

int rawtp_handle_kind(int fd)
{
	static const enum rawtp_handle_kind kinds[] = {RAWTP_HANDLE_MAP, RAWTP_HANDLE_PROG,
						       RAWTP_HANDLE_BTF};
	unsigned int i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		void *object;
		uint32_t id;

		if (kinds[i] == RAWTP_HANDLE_MAP)
			object = rawtp_map_from_fd(fd);
		else if (kinds[i] == RAWTP_HANDLE_PROG)
			object = rawtp_prog_object_from_fd(fd);
		else
			object = rawtp_btf_from_fd(fd, &id);
		if (!rawtp_is_err(object)) {
			object_put(kinds[i], object);
			return (int)kinds[i];
		}
		if (rawtp_ptr_err(object) != -EINVAL)
			return (int)rawtp_ptr_err(object);
	}
	return -EINVAL;
}

/* Calls @fn with each open descriptor until it returns nonzero, which is returned. */
static int for_each_fd(int (*fn)(int fd, const struct stat *st, void *data), void *data)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *dirent;
	struct stat st;
	int ret = 0;

	if (!dir)
		return 0;
	while (!ret && (dirent = readdir(dir))) {
		int fd = atoi(dirent->d_name);

		if (dirent->d_name[0] != '.' && fd != dirfd(dir) && rawtp_map_stat(fd, &st) == 0)
			ret = fn(fd, &st, data);
	}
	closedir(dir);
	return ret;
}

/* A map keeps a descriptor of its own, which says nothing about the caller's. */
static bool is_private_fd(const struct entry *entry, int fd)
{
	return entry->kind == RAWTP_HANDLE_MAP && ((struct rawtp_map *)entry->object)->fd == fd;
}

/* A stale entry whose file is open under another number lives on. */
static int revive(int fd, const struct stat *st, void *data)
{
	struct rawtp_list *stale = data;
	struct entry *entry, *next;

	rawtp_list_for_each_safe (entry, next, stale, node) {
		if (entry->ino != st->st_ino || entry->dev != st->st_dev ||
		    is_private_fd(entry, fd))
			continue;
		entry->fd = fd;
		rawtp_list_del(&entry->node);
		rawtp_list_add_tail(&entry->node, &buckets[entry->ino % N_BUCKETS]);
	}
	return rawtp_list_empty(stale);
}

void rawtp_handle_sweep(void)
{
	struct rawtp_list stale = RAWTP_LIST_INIT(stale);
	struct entry *entry, *next;
	unsigned int i;

	pthread_once(&once, init);
	pthread_mutex_lock(&lock);
	for (i = 0; i < N_BUCKETS; i++) {
		rawtp_list_for_each_safe (entry, next, &buckets[i], node) {
			if (fd_is(entry->fd, entry->dev, entry->ino))
				continue;
			rawtp_list_del(&entry->node);
			rawtp_list_add_tail(&entry->node, &stale);
		}
	}
	if (!rawtp_list_empty(&stale))
		for_each_fd(revive, &stale);
	pthread_mutex_unlock(&lock);
	rawtp_list_for_each_safe (entry, next, &stale, node) {
		/* Its programs may hold it: as in the kernel, they go with the last descriptor. */
		if (entry->kind == RAWTP_HANDLE_MAP &&
		    ((struct rawtp_map *)entry->object)->type == BPF_MAP_TYPE_PROG_ARRAY)
			rawtp_prog_array_forget(entry->object);
		object_put(entry->kind, entry->object);
		free(entry);
	}
}

struct file_id {
	uint64_t dev, ino;
	int fd;
};

static int is_file(int fd, const struct stat *st, void *data)
{
	struct file_id *file = data;

	if (st->st_dev != file->dev || st->st_ino != file->ino)
		return 0;
	file->fd = fd;
	return 1;
}

int rawtp_handle_find_fd(uint64_t dev, uint64_t ino)
{
	struct file_id file = {dev, ino, -ENOENT};

	for_each_fd(is_file, &file);
	return file.fd;
}

int rawtp_handle_fd_above_stdio(int fd)
{
	int high;

	if (fd > STDERR_FILENO || fd < 0)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (high < 0)
		high = -errno;
	close(fd);
	return high;
}

uint64_t rawtp_handle_inode(int fd)
{
	struct stat st;

	return rawtp_map_stat(fd, &st) == 0 ? st.st_ino : 0;
}
