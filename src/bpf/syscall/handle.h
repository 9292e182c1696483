/* SPDX-License-Identifier: MIT */
/*
 * File descriptors -> objects.
 *
 * What a descriptor stands for is kept from call to call, by its number, and believed only while
 * fstat(2) says that the number still means the same file. So close() needs no interposing: what a
 * closed descriptor held is found and dropped when the next object is made, and a file that moved to
 * another number (dup3) keeps its object.
 *
 * Every lookup returns a reference. Thread-safe; not async-signal-safe.
 */
#ifndef RAWTP_BPF_SYSCALL_HANDLE_H
#define RAWTP_BPF_SYSCALL_HANDLE_H

#include "bpf/btf.h"
#include "bpf/maps/map.h"
#include "bpf/maps/perf_event.h"
#include "bpf/prog.h"

#include <linux/bpf.h>
#include <stdint.h>
#include <sys/types.h>

/* What BPF_PROG_LOAD knows of a program besides what runs. */
struct rawtp_prog_facts {
	uint32_t uid;
	uint32_t gpl_compatible;
	uint32_t expected_attach_type;
	uint32_t prog_flags;
	uint64_t load_time; /* ns, CLOCK_BOOTTIME */
	uint8_t tag[BPF_TAG_SIZE];
};

/* A program with what the system-call side needs of it. */
struct rawtp_prog_object {
	uint32_t refcount; /* atomic */
	struct rawtp_prog *prog;
	struct rawtp_prog_facts facts;
	struct bpf_insn *stored; /* n_stored of them */
	uint32_t n_stored;
	/* Of BPF_PROG_BIND_MAP: added under a lock, never removed. */
	struct rawtp_map *bound[RAWTP_MAX_MAPS];
	uint32_t n_bound; /* atomic */
	uint32_t btf_id;
};

enum rawtp_handle_kind {
	RAWTP_HANDLE_MAP,
	RAWTP_HANDLE_PROG,
	RAWTP_HANDLE_BTF,
	RAWTP_HANDLE_PERF, /* of perf_event_open(2): known to the process that made it */
};

/* Err-pointers: EBADF where @fd is not open, EINVAL where it is something else. */
struct rawtp_map *rawtp_map_from_fd(int fd);
struct rawtp_prog_object *rawtp_prog_object_from_fd(int fd);
struct rawtp_btf *rawtp_btf_from_fd(int fd, uint32_t *id);
/* EBADF where it is anything else. */
struct rawtp_perf_event *rawtp_perf_event_from_fd(int fd);

void rawtp_prog_object_put(struct rawtp_prog_object *object);

/* What @fd is: an enum rawtp_handle_kind, -EBADF, or -EINVAL for anything else. */
int rawtp_handle_kind(int fd);

/*
 * Remembers the object of a descriptor that was just made; takes the caller's reference, and drops
 * it where memory is short (the object is then opened again from its file).
 */
void rawtp_handle_add(int fd, enum rawtp_handle_kind kind, void *object);

/* Drops what belongs to descriptors that are gone. */
void rawtp_handle_sweep(void);

/* A descriptor of this process on the file (@dev, @ino), not the caller's to close; or -ENOENT. */
int rawtp_handle_find_fd(uint64_t dev, uint64_t ino);

/*
 * A descriptor may be a low one where the application closed its standard streams: moves it to 3 or
 * above. Returns @fd, another (@fd is closed then), or -errno.
 */
int rawtp_handle_fd_above_stdio(int fd);

/* Of an open file; 0: @fd is not open. Its low half is the object's id in bpf_*_info. */
uint64_t rawtp_handle_inode(int fd);

#endif
