/* SPDX-License-Identifier: MIT */
/* Who owns what in shared memory, and whether they still live. See proc(5), /proc/pid/stat. */
#include "bpf/maps/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PID_BITS    22
#define START_BITS  22
#define FIELD(bits) ((1ULL << (bits)) - 1)

/* Fields of /proc/pid/stat, counted from the state, which follows the name. */
#define STAT_THREADS 17
#define STAT_START   19

uint64_t rawtp_owner_word;

struct process_state {
	char state;
	uint64_t threads;
	uint64_t start; /* clock ticks after boot */
};

/* A few numbers out of one line, without stdio: this runs in forked children of any program. */
static bool read_state(const char *path, struct process_state *state)
{
	char line[1024], *at;
	int fd = open(path, O_RDONLY | O_CLOEXEC), field;
	uint64_t value = 0;
	ssize_t size;

	if (fd < 0)
		return false;
	size = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (size <= 0)
		return false;
	line[size] = '\0';
	at = strrchr(line, ')'); /* the name may hold anything, parentheses too */
	if (!at || at[1] != ' ' || !at[2])
		return false;
	state->state = at[2];
	at += 3;
	for (field = 1; field <= STAT_START; field++) {
		while (*at == ' ' || *at == '-')
			at++;
		for (value = 0; *at >= '0' && *at <= '9'; at++)
			value = value * 10 + (uint64_t)(*at - '0');
		if (field == STAT_THREADS)
			state->threads = value;
	}
	state->start = value;
	return true;
}

static uint64_t namespaces(void)
{
	struct stat pid = {0}, time = {0};

	if (stat("/proc/self/ns/pid", &pid))
		return 0;
	if (stat("/proc/self/ns/time", &time)) /* before Linux 5.6 */
		time.st_ino = 0;
	return ((uint64_t)pid.st_ino * 0x9e3779b97f4a7c15ULL +
		(uint64_t)time.st_ino * 0xc2b2ae3d27d4eb4fULL) >>
	       (PID_BITS + START_BITS);
}

static uint64_t make_word(void)
{
	struct process_state state = {0};

	read_state("/proc/self/stat", &state);
	return ((uint64_t)getpid() & FIELD(PID_BITS)) |
	       (state.start & FIELD(START_BITS)) << PID_BITS |
	       namespaces() << (PID_BITS + START_BITS);
}

void rawtp_owner_after_fork(void)
{
	int saved = errno;

	__atomic_store_n(&rawtp_owner_word, make_word(), __ATOMIC_RELAXED);
	errno = saved;
}

void rawtp_owner_forget(void)
{
	__atomic_store_n(&rawtp_owner_word, 0, __ATOMIC_RELAXED);
}

void rawtp_owner_init(void)
{
	if (!rawtp_owner_self())
		rawtp_owner_after_fork();
}

static void stat_path(char *path, uint64_t pid)
{
	char digits[24], *at = digits + sizeof(digits);
	size_t size;

	*--at = '\0';
	do
		*--at = (char)('0' + pid % 10);
	while (pid /= 10);
	size = strlen(at);
	memcpy(path, "/proc/", 6);
	memcpy(path + 6, at, size);
	memcpy(path + 6 + size, "/stat", 6);
}

bool rawtp_owner_is_dead(uint64_t word)
{
	uint64_t self = rawtp_owner_self(), pid = word & FIELD(PID_BITS);
	uint64_t start = word >> PID_BITS & FIELD(START_BITS);
	struct process_state state = {0};
	int saved = errno;
	char path[48];
	bool dead;

	/* Without /proc nobody knows its namespaces: these 0 are not the same. */
	if (!pid || word == self || !(word >> (PID_BITS + START_BITS)) ||
	    word >> (PID_BITS + START_BITS) != self >> (PID_BITS + START_BITS))
		return false;
	stat_path(path, pid);
	if (kill((pid_t)pid, 0) && errno == ESRCH)
		dead = true;
	else if (!read_state(path, &state))
		dead = false;
	else if (start && (state.start & FIELD(START_BITS)) != start)
		dead = true; /* the number belongs to somebody else now */
	else /* a first thread that has ended before its fellows looks like a zombie too */
		dead = (state.state == 'Z' || state.state == 'X') && state.threads <= 1;
	errno = saved;
	return dead;
}
