/* SPDX-License-Identifier: MIT */
/*
 * Ring buffers in an epoll set, and perf events, of which the same is true.
 *
 * A ring buffer is a memfd, which epoll refuses (EPERM). In its place an eventfd goes into the set,
 * with the caller's flags and data. It is readable while the ring has something to read:
 *
 *  - a thread for each ring sleeps on the ring's futex and makes the eventfd readable;
 *  - epoll_wait() looks at the rings before it sleeps, and drains the eventfds of empty ones, so
 *    that it is level-triggered as in the kernel, and no wake-up is lost;
 *  - the thread's sleeps are bounded, so that nobody hangs when a producer dies, and records of the
 *    dead are skipped.
 *
 * Whoever waits in another way (poll() on the set, a set in a set) is served by the thread alone,
 * which looks again every PARK_MS.
 *
 * close() is not interposed: the thread finds in /proc that its eventfd is in the set no more, and
 * ends, within CHECK_MS.
 */
#include "rawtp/bpf.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SLICE_MS     200         /* longest sleep on a ring */
#define PARK_MS      100         /* and beside a ring that nobody reads */
#define CHECK_MS     1000        /* between two looks at /proc */
#define STACK_SIZE   (256 << 10) /* of a thread, with the program's TLS in it */
#define NSEC_PER_SEC 1000000000L

struct ring {
	struct ring *next;
	int epoll_fd;
	int event_fd;
	int map_fd; /* our own: the caller may close theirs */
	dev_t dev;
	ino_t ino;
	bool removed; /* EPOLL_CTL_DEL: the thread is to end */
	bool wanted;  /* somebody waits: the thread is to watch the ring */
	pthread_cond_t changed;
};

/* Protects the list, and removed and wanted of each. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ring *rings;

typedef int (*epoll_ctl_fn)(int, int, int, struct epoll_event *);
typedef int (*epoll_pwait_fn)(int, struct epoll_event *, int, int, const sigset_t *);

static epoll_ctl_fn libc_epoll_ctl;
static epoll_pwait_fn libc_epoll_pwait;

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork_parent(void)
{
	pthread_mutex_unlock(&lock);
}

/* A child has no threads, and must not drain the eventfds that it shares with its parent. */
static void after_fork_child(void)
{
	rings = NULL;
	pthread_mutex_unlock(&lock);
}

static void *find(const char *name)
{
	void *fn = dlsym(RTLD_NEXT, name);

	if (!fn)
		abort();
	return fn;
}

__attribute__((constructor(101))) static void init(void)
{
	if (libc_epoll_ctl)
		return;
	libc_epoll_pwait = (epoll_pwait_fn)find("epoll_pwait");
	libc_epoll_ctl = (epoll_ctl_fn)find("epoll_ctl");
}

/*
 * After the library's own handlers are registered (constructors with a number), so that fork() takes
 * our lock first: with it held, we ask the library for its maps.
 */
__attribute__((constructor)) static void init_fork(void)
{
	pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

static bool has_data(const struct ring *ring)
{
	return rawtp_ringbuf_poll(ring->map_fd, 0) == 1;
}

static void make_readable(const struct ring *ring)
{
	uint64_t one = 1;

	/* EAGAIN after 2^64 - 2 of them: it is readable then. */
	if (write(ring->event_fd, &one, sizeof(one)) < 0)
		return;
}

/*
 * With the lock held, or the ring in nobody else's hands: else a thread that saw a record could
 * announce it after another has consumed it. Looks again afterwards: a record may have come between
 * the look and the drain.
 */
static void refresh(const struct ring *ring)
{
	uint64_t count;

	if (!has_data(ring) && read(ring->event_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	if (has_data(ring))
		make_readable(ring);
}

/* Does the kernel still have our eventfd in the set? Without /proc: yes. */
static bool in_set(const struct ring *ring)
{
	char path[64], line[256];
	bool found = false;
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ring->epoll_fd);
	file = fopen(path, "re");
	if (!file)
		return access("/proc/self/fdinfo", F_OK) != 0;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "tfd: %d", &fd) == 1 && fd == ring->event_fd;
	fclose(file);
	return found;
}

static struct timespec now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts;
}

static long ms_since(const struct timespec *then)
{
	struct timespec ts = now();

	return (ts.tv_sec - then->tv_sec) * 1000 + (ts.tv_nsec - then->tv_nsec) / 1000000;
}

/* Until somebody waits for the ring again, or PARK_MS. False where the thread is to end. */
static bool park(struct ring *ring)
{
	struct timespec until = now();
	bool go_on;

	until.tv_nsec += PARK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / NSEC_PER_SEC;
	until.tv_nsec %= NSEC_PER_SEC;
	pthread_mutex_lock(&lock);
	while (!ring->wanted && !ring->removed &&
	       pthread_cond_timedwait(&ring->changed, &lock, &until) == 0)
		;
	ring->wanted = false;
	go_on = !ring->removed;
	pthread_mutex_unlock(&lock);
	return go_on;
}

static void free_ring(struct ring *ring)
{
	close(ring->event_fd);
	close(ring->map_fd);
	pthread_cond_destroy(&ring->changed);
	free(ring);
}

static void unlist(struct ring *ring)
{
	struct ring **at;

	pthread_mutex_lock(&lock);
	for (at = &rings; *at; at = &(*at)->next) {
		if (*at != ring)
			continue;
		/* epoll_pwait() looks whether there is any without the lock. */
		__atomic_store_n(at, ring->next, __ATOMIC_RELAXED);
		break;
	}
	pthread_mutex_unlock(&lock);
}

static void refresh_alone(struct ring *ring)
{
	pthread_mutex_lock(&lock);
	refresh(ring);
	pthread_mutex_unlock(&lock);
}

static void *watch(void *data)
{
	struct timespec checked = now();
	struct ring *ring = data;
	bool go_on = true;

	while (go_on) {
		refresh_alone(ring);
		if (rawtp_ringbuf_poll(ring->map_fd, SLICE_MS) == 1) {
			refresh_alone(ring);
			go_on = park(ring);
		}
		if (go_on && ms_since(&checked) >= CHECK_MS) {
			go_on = in_set(ring);
			checked = now();
		}
	}
	unlist(ring);
	free_ring(ring);
	return NULL;
}

/* No signal of the program is to run on our thread. */
static int start(struct ring *ring)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, &attr, watch, ring);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

static struct ring *new_ring(int epoll_fd, int map_fd)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	pthread_condattr_t attr;
	struct stat st;

	if (!ring)
		return NULL;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&ring->changed, &attr);
	pthread_condattr_destroy(&attr);
	ring->epoll_fd = epoll_fd;
	ring->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ring->map_fd = fcntl(map_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (ring->event_fd < 0 || ring->map_fd < 0 || fstat(map_fd, &st) != 0) {
		int err = errno;

		free_ring(ring);
		errno = err;
		return NULL;
	}
	ring->dev = st.st_dev;
	ring->ino = st.st_ino;
	return ring;
}

/* With the lock held. */
static struct ring *find_ring(int epoll_fd, int map_fd)
{
	struct ring *ring;
	struct stat st;

	if (!rings || fstat(map_fd, &st) != 0)
		return NULL;
	for (ring = rings; ring; ring = ring->next)
		if (ring->epoll_fd == epoll_fd && ring->ino == st.st_ino &&
		    ring->dev == st.st_dev && !ring->removed && in_set(ring))
			return ring;
	return NULL;
}

static int add_ring(int epoll_fd, int map_fd, struct epoll_event *event)
{
	struct ring *ring;
	bool there;
	int err;

	pthread_mutex_lock(&lock);
	there = find_ring(epoll_fd, map_fd) != NULL;
	pthread_mutex_unlock(&lock);
	if (there) {
		errno = EEXIST;
		return -1;
	}
	ring = new_ring(epoll_fd, map_fd);
	if (!ring)
		return -1;
	if (has_data(ring))
		make_readable(ring);
	if (libc_epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ring->event_fd, event) != 0) {
		err = errno;
		free_ring(ring);
		errno = err;
		return -1;
	}
	pthread_mutex_lock(&lock);
	ring->next = rings;
	__atomic_store_n(&rings, ring, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock);
	err = start(ring);
	if (!err)
		return 0;
	unlist(ring);
	free_ring(ring);
	errno = err;
	return -1;
}

/* EPOLL_CTL_MOD and EPOLL_CTL_DEL. False: the descriptor is no ring of ours in this set. */
static bool change_ring(int epoll_fd, int op, int map_fd, struct epoll_event *event, int *ret)
{
	struct ring *ring;

	pthread_mutex_lock(&lock);
	ring = find_ring(epoll_fd, map_fd);
	if (ring) {
		*ret = libc_epoll_ctl(epoll_fd, op, ring->event_fd, event);
		if (*ret == 0 && op == EPOLL_CTL_DEL) {
			ring->removed = true;
			pthread_cond_signal(&ring->changed);
		}
	}
	pthread_mutex_unlock(&lock);
	return ring != NULL;
}

static int control(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	int ret;

	if (op != EPOLL_CTL_ADD && __atomic_load_n(&rings, __ATOMIC_RELAXED) &&
	    change_ring(epoll_fd, op, fd, event, &ret))
		return ret;
	ret = libc_epoll_ctl(epoll_fd, op, fd, event);
	if (ret == 0 || errno != EPERM)
		return ret;
	if (rawtp_ringbuf_poll(fd, 0) < 0) {
		errno = EPERM;
		return -1;
	}
	if (op == EPOLL_CTL_ADD)
		return add_ring(epoll_fd, fd, event);
	errno = ENOENT; /* a ring, but not in this set */
	return -1;
}

__attribute__((visibility("default"))) int epoll_ctl(int epoll_fd, int op, int fd,
						     struct epoll_event *event)
{
	int cancel, ret;

	init();
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	ret = control(epoll_fd, op, fd, event);
	pthread_setcancelstate(cancel, NULL);
	return ret;
}

/* Whatever set is waited on: it may contain the one that has the ring. */
static void refresh_all(void)
{
	int saved = errno, cancel;
	struct ring *ring;

	/* Who is cancelled is so in libc's epoll_wait(), and not with the lock held. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&lock);
	for (ring = rings; ring; ring = ring->next) {
		refresh(ring);
		ring->wanted = true;
		pthread_cond_signal(&ring->changed);
	}
	pthread_mutex_unlock(&lock);
	pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

__attribute__((visibility("default"))) int epoll_pwait(int epoll_fd, struct epoll_event *events,
						       int max, int timeout, const sigset_t *mask)
{
	init();
	if (__atomic_load_n(&rings, __ATOMIC_RELAXED))
		refresh_all();
	return libc_epoll_pwait(epoll_fd, events, max, timeout, mask);
}

__attribute__((visibility("default"))) int epoll_wait(int epoll_fd, struct epoll_event *events,
						      int max, int timeout)
{
	return epoll_pwait(epoll_fd, events, max, timeout, NULL);
}
