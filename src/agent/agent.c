/* SPDX-License-Identifier: MIT */
/*
 * Thread and lifetime.
 *
 * One thread waits in poll() for clients and for links to hang up. The program around it may close
 * any descriptor at any time: poll() holds what it waits for, so closing wakes nobody, but the next
 * client or the holder's end does, and then every descriptor is looked at before it is used, and
 * what is gone is made again. Whatever fails here is recorded and leaves the program alone.
 *
 * Order of locks: agent, registry, links, RCU.
 */
#include "agent/internal.h"
#include "agent/listener.h"
#include "base/rcu.h"
#include "bpf/run.h"
#include "rawtp/agent.h"
#include "tracepoint/registry.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The verifier runs on it; its big objects are on the heap. */
#ifdef RAWTP_SANITIZED
#define STACK_SIZE (4 << 20)
#else
#define STACK_SIZE (512 << 10)
#endif
/* A child that lives shorter than this makes no socket: most of them call exec or end at once. */
#define CHILD_GRACE_MS 20
/* For the first words of who started us; after these we wait for as long as it lives. */
#define START_LIMIT_MS 10000
/* Between two tries where descriptors or memory are short. */
#define RETRY_MS 100

static struct {
	pthread_mutex_t lock;
	pthread_cond_t gone_on; /* with the lock: starting or stopping has become false */
	pthread_t thread;
	bool running;      /* there is a thread */
	bool stopping;     /* it is to end */
	bool listening;    /* it is to have a socket */
	bool starting;     /* the program waits in the constructor */
	int error;         /* positive errno: why there is no socket */
	int64_t bind_at;   /* rawtp_now_ms(); 0: at once */
	int64_t accept_at; /* no client is taken before: there was no descriptor for it */
	int64_t start_limit;
	/*
	 * A pair, and no eventfd: these share one inode with each other and with the program's, so
	 * that it could not be told whose one is.
	 */
	struct rawtp_fd wake, waker;
} agent = {.lock = PTHREAD_MUTEX_INITIALIZER,
	   .gone_on = PTHREAD_COND_INITIALIZER,
	   .error = ECANCELED,
	   .wake = {.fd = -1},
	   .waker = {.fd = -1}};

/* Apart, and zero at first: its paths would be 8 kB of the file. Descriptor 0 is then not ours. */
static struct rawtp_listener listener;

void rawtp_agent_go(void)
{
	agent.starting = false;
	pthread_cond_broadcast(&agent.gone_on);
}

/* The program is short of something for now. */
static bool is_passing(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static void close_wake(void)
{
	rawtp_fd_close(&agent.wake);
	rawtp_fd_close(&agent.waker);
}

static void make_wake(void)
{
	int ends[2];

	close_wake();
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		return;
	if (rawtp_fd_keep(&agent.wake, ends[0]))
		close(ends[1]);
	else if (rawtp_fd_keep(&agent.waker, ends[1]))
		close_wake();
}

/* Makes what is missing of the agent's own descriptors. */
static void refresh(void)
{
	if (!rawtp_fd_is_ours(&agent.wake) || !rawtp_fd_is_ours(&agent.waker))
		make_wake();
	if (!agent.listening || rawtp_now_ms() < agent.bind_at)
		return;
	if (listener.path[0] && rawtp_fd_is_ours(&listener.sock))
		return;
	agent.error = -rawtp_listener_open(&listener);
	if (is_passing(agent.error))
		agent.bind_at = rawtp_now_ms() + RETRY_MS;
	else if (agent.error)
		agent.listening = false;
}

static void accept_clients(void)
{
	int sock, i;

	if (!listener.path[0] || !rawtp_fd_is_ours(&listener.sock))
		return;
	for (i = 0; i < RAWTP_SESSIONS; i++) {
		sock = accept4(listener.sock.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (sock < 0)
			break;
		rawtp_session_add(sock);
	}
	/* The client stays in the queue, and poll() would say so without end. */
	if (i < RAWTP_SESSIONS && is_passing(errno))
		agent.accept_at = rawtp_now_ms() + RETRY_MS;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < 0 || b < a ? b : a;
}

#define FIXED (2 + RAWTP_SESSIONS)

/*
 * poll() refuses more entries than the program may have descriptors, and sandboxes set that limit to
 * 0: then we look at all of them, now and then.
 */
static void wait_without_poll(struct pollfd *fds, unsigned int n)
{
	struct timespec pause = {.tv_nsec = RETRY_MS * 1000000};
	unsigned int i;

	nanosleep(&pause, NULL);
	for (i = 0; i < n; i++)
		fds[i].revents = fds[i].fd >= 0 ? POLLIN : 0;
}

/* Waits without the lock. @fds holds FIXED entries and those of the links. */
static void wait_for_work(struct pollfd *fds, unsigned int n)
{
	int64_t now = rawtp_now_ms(), until = -1;

	bool accepts = listener.path[0] && agent.accept_at <= now;

	if (agent.listening && agent.bind_at > now)
		until = agent.bind_at;
	if (agent.accept_at > now)
		until = earlier(until, agent.accept_at);
	if (agent.starting)
		until = earlier(until, agent.start_limit);
	fds[0] = (struct pollfd){.fd = agent.wake.fd, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = accepts ? listener.sock.fd : -1, .events = POLLIN};
	rawtp_session_poll(fds + 2);
	rawtp_kept_poll(fds + FIXED);
	pthread_mutex_unlock(&agent.lock);
	if (poll(fds, n,
		 until < 0      ? -1
		 : until <= now ? 0
				: (int)(until - now)) < 0 &&
	    errno != EINTR)
		wait_without_poll(fds, n);
	pthread_mutex_lock(&agent.lock);
}

static void work(const struct pollfd *fds)
{
	char word;

	if (fds[0].revents & POLLIN && rawtp_fd_is_ours(&agent.wake))
		while (recv(agent.wake.fd, &word, sizeof(word), MSG_DONTWAIT) > 0)
			;
	/* Links first: who reconnects after it has detached must find it so. */
	while (rawtp_kept_reap()) {
		/* Each may wait for a grace period, and the program may want to fork meanwhile. */
		pthread_mutex_unlock(&agent.lock);
		sched_yield();
		pthread_mutex_lock(&agent.lock);
	}
	if (fds[1].revents)
		accept_clients();
	rawtp_session_serve(fds + 2);
	rawtp_session_expire(agent.start_limit);
}

static void pause_unlocked(void)
{
	struct timespec pause = {.tv_nsec = RETRY_MS * 1000000};

	pthread_mutex_unlock(&agent.lock);
	nanosleep(&pause, NULL);
	pthread_mutex_lock(&agent.lock);
}

static void *agent_main(void *arg)
{
	struct pollfd *fds = NULL, *grown;
	unsigned int n, capacity = 0;

	rawtp_thread_mute();
	pthread_setname_np(pthread_self(), "rawtp-agent");
	pthread_mutex_lock(&agent.lock);
	while (!agent.stopping) {
		refresh();
		n = FIXED + rawtp_kept_count();
		if (n > capacity) {
			grown = realloc(fds, 2 * n * sizeof(*fds));
			if (!grown) {
				pause_unlocked();
				continue;
			}
			fds = grown;
			capacity = 2 * n;
		}
		wait_for_work(fds, n);
		work(fds);
	}
	free(fds);
	pthread_mutex_unlock(&agent.lock);
	return NULL;
}

/* With the lock held. Signals are the program's: none is to be handled in our thread. */
static int start_thread(void)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int err;

	if (agent.running)
		return 0;
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	/* Not with the priority of a real-time thread that happens to load or start us. */
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&agent.thread, &attr, agent_main, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	agent.running = !err;
	return -err;
}

/* With the lock held. */
static void wake_thread(void)
{
	int sock;

	/* Full: it has been woken often enough. */
	if (rawtp_fd_is_ours(&agent.waker) &&
	    (send(agent.waker.fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 || errno == EAGAIN))
		return;
	/* The program has closed it; poll() still has the socket. */
	sock = listener.path[0] ? rawtp_unix_connect(listener.path) : -1;
	if (sock >= 0)
		close(sock);
}

static int keep_link(struct rawtp_link *link, int end)
{
	int err;

	pthread_mutex_lock(&agent.lock);
	refresh();
	err = start_thread();
	if (err) {
		rawtp_link_detach(link);
		close(end);
	} else {
		err = rawtp_kept_add(link, end, getpid());
		wake_thread();
	}
	pthread_mutex_unlock(&agent.lock);
	return err;
}

static int start(void)
{
	const char *dir;
	int err;

	if (getauxval(AT_SECURE))
		return -EPERM;
	pthread_mutex_lock(&agent.lock);
	/* Here, and not in our thread later: the program may be changing its environment then. */
	dir = getenv("RAWTP_RUN_DIR");
	snprintf(listener.dir, sizeof(listener.dir), "%s", dir ? dir : "");
	agent.listening = true;
	agent.error = 0;
	refresh();
	/* A session that waits for GO is reason enough for a thread without a socket. */
	err = !agent.error || agent.starting ? start_thread() : -agent.error;
	if (err) {
		rawtp_listener_close(&listener);
		agent.listening = false;
		agent.error = -err;
	} else {
		wake_thread();
		err = -agent.error;
	}
	pthread_mutex_unlock(&agent.lock);
	return err;
}

static void before_fork(void)
{
	pthread_mutex_lock(&agent.lock);
	rawtp_registry_before_fork();
	rawtp_link_before_fork();
	rawtp_rcu_before_fork();
}

static void after_fork_parent(void)
{
	rawtp_rcu_after_fork_parent();
	rawtp_link_after_fork_parent();
	rawtp_registry_after_fork();
	pthread_mutex_unlock(&agent.lock);
}

/*
 * The child has what is attached, the far ends of the links, and no agent: it gets one of its own.
 * Its descriptors are made here, where no other thread of the child can close or reuse a number.
 */
static void after_fork_child(void)
{
	bool ran = agent.running;

	rawtp_rcu_after_fork_child();
	rawtp_link_after_fork_child();
	rawtp_registry_after_fork();
	agent.running = agent.starting = agent.stopping = false;
	rawtp_session_close_all();
	rawtp_fd_close(&listener.sock);
	close_wake();
	listener.path[0] = '\0';
	if (ran) {
		agent.bind_at = rawtp_now_ms() + CHILD_GRACE_MS;
		if (agent.listening)
			rawtp_listener_reserve(&listener);
		refresh();
		if (start_thread()) {
			rawtp_fd_close(&listener.sock);
			agent.error = EAGAIN;
		}
	}
	pthread_mutex_unlock(&agent.lock);
}

/* The socket of `rawtp run`, if we were started by it; the variable is not for our children. */
static bool take_start_session(void)
{
	const char *text = getenv("RAWTP_START_FD");
	struct rawtp_session *session;
	int type, domain;
	socklen_t len = sizeof(int);
	char *end;
	long fd;

	if (!text)
		return false;
	fd = strtol(text, &end, 10);
	if (*end || end == text || fd < 0 || fd > INT_MAX)
		fd = -1;
	unsetenv("RAWTP_START_FD");
	if (getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &len) || type != SOCK_SEQPACKET ||
	    getsockopt((int)fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) || domain != AF_UNIX)
		return false;
	session = rawtp_session_add((int)fd);
	if (!session)
		return false;
	session->starts = true;
	agent.start_limit = rawtp_now_ms() + START_LIMIT_MS;
	agent.starting = true;
	return true;
}

/* After the registry's, and before those of the program. */
__attribute__((constructor(110))) static void agent_init(void)
{
	const char *off = getenv("RAWTP_AGENT");

	rawtp_rcu_init();
	rawtp_session_init();
	pthread_atfork(before_fork, after_fork_parent, after_fork_child);
	rawtp_link_set_keeper(keep_link);
	if ((off && !strcmp(off, "0")) || getauxval(AT_SECURE)) {
		agent.error = getauxval(AT_SECURE) ? EPERM : ECANCELED;
		return;
	}
	if (take_start_session())
		rawtp_registry_scan();
	start();
	pthread_mutex_lock(&agent.lock);
	while (agent.starting && agent.running)
		pthread_cond_wait(&agent.gone_on, &agent.lock);
	pthread_mutex_unlock(&agent.lock);
}

/*
 * Not more: other threads still run, and the links are theirs until the end. The limit is for a
 * program that calls exit() in a signal handler, in the middle of a call to us.
 */
__attribute__((destructor)) static void agent_exit(void)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec++;
	if (pthread_mutex_timedlock(&agent.lock, &limit))
		return;
	agent.listening = false;
	rawtp_listener_unlink(&listener);
	pthread_mutex_unlock(&agent.lock);
}

#define API __attribute__((visibility("default")))

API int rawtp_agent_start(void)
{
	int cancel, err;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	err = start();
	pthread_setcancelstate(cancel, NULL);
	if (err)
		errno = -err;
	return err ? -1 : 0;
}

API void rawtp_agent_stop(void)
{
	int cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&agent.lock);
	while (agent.stopping) /* by another thread: a thread can be joined once */
		pthread_cond_wait(&agent.gone_on, &agent.lock);
	agent.listening = false;
	if (agent.running) {
		agent.stopping = true;
		wake_thread();
		pthread_mutex_unlock(&agent.lock);
		pthread_join(agent.thread, NULL);
		pthread_mutex_lock(&agent.lock);
		agent.running = agent.stopping = false;
		pthread_cond_broadcast(&agent.gone_on);
	}
	rawtp_kept_detach_all();
	rawtp_session_close_all();
	rawtp_listener_close(&listener);
	close_wake();
	agent.error = ECANCELED;
	pthread_mutex_unlock(&agent.lock);
	pthread_setcancelstate(cancel, NULL);
}

API int rawtp_agent_error(void)
{
	int err;

	pthread_mutex_lock(&agent.lock);
	err = agent.error;
	pthread_mutex_unlock(&agent.lock);
	return err;
}
