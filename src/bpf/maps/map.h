/* SPDX-License-Identifier: MIT */
/*
 * The map object.
 *
 * A map is a memfd. Its first pages are what the kernel would let a reader mmap (array values at
 * offset 0 with an 8-byte stride; a ring buffer's consumer page, producer page and data); behind
 * them lies what the type needs besides (slots, buckets), and in the last page struct
 * rawtp_map_header. Everything inside is an offset, never a pointer.
 *
 * The memory is shared with processes that may die at any instruction and, in the worst case, lie.
 * So what bounds an access (sizes, counts, masks) is copied into struct rawtp_map when the map is
 * opened, checked once against the size of the file, and read from there only; an index that comes
 * out of shared memory is checked before use, every time.
 */
#ifndef RAWTP_BPF_MAPS_MAP_H
#define RAWTP_BPF_MAPS_MAP_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

#define RAWTP_MAP_MAGIC   0x70616d7074776172ULL /* "rawtpmap" */
#define RAWTP_MAP_VERSION 2

/* Lies at the end of the file, page aligned. Written once before the memfd is handed out. */
struct rawtp_map_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_size;
	uint32_t map_type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t map_flags;
	uint32_t n_cpus; /* possible CPUs when it was made */
	char name[BPF_OBJ_NAME_LEN];
	uint32_t btf_key_type_id;
	uint32_t btf_value_type_id;
	uint32_t frozen; /* atomic, 0 -> 1 */
	uint32_t pad;
};

struct rawtp_map {
	const struct rawtp_map_ops *ops;
	char *base;  /* the whole file, MAP_SHARED */
	size_t size; /* bytes */
	struct rawtp_map_header *header;

	/* Private copies of what the header says; the only ones that bounds come from. */
	uint32_t type, key_size, value_size, max_entries, flags, n_cpus;
	uint32_t elem_size;    /* value_size rounded up to 8 */
	uint32_t n_slots;      /* per-CPU types: n_cpus + RAWTP_OVERFLOW_SLOTS */
	uint64_t *slot_owners; /* per-CPU types: n_slots * RAWTP_SLOT_STRIDE words, else NULL */
	void *priv;            /* of the type */

	char name[BPF_OBJ_NAME_LEN];
	uint32_t btf_key_type_id, btf_value_type_id;
	struct rawtp_btf *btf;  /* known in the process that made it, or NULL */
	uint32_t btf_id;        /* of btf, or 0 */
	uint64_t dev, ino;      /* identity */
	int fd;                 /* our own, see rawtp_map_dup_fd(); -1: none */
	bool constant;          /* see rawtp_map_is_constant() */
	bool of_kernel;         /* maps/kernel_array.h; the header is memory of ours */
	uint32_t refcount;      /* atomic */
	struct rawtp_list node; /* of the process's maps */
};

/* Bits of bpf_attr.map_flags that say what the system call may do; not shown in bpf_map_info. */
#define RAWTP_MAP_ACCESS_FLAGS (BPF_F_RDONLY | BPF_F_WRONLY)

/* How far a walk over all elements has come; begins as zeros. */
struct rawtp_map_cursor {
	uint32_t at;
	uint32_t key; /* an array's */
};

/*
 * One per map type, registered by maps/types.h. 0 or -errno throughout.
 * Programs call lookup, update, delete, on the hot path: lock-free, no allocation, no system call.
 * The system-call side calls the sys_ forms where a type has them (per-CPU types: value is n_cpus
 * times elem_size), else the same as programs.
 */
struct rawtp_map_ops {
	/* System call side only. */
	int (*check)(const union bpf_attr *attr);        /* create: is it legal? */
	uint64_t (*layout)(const struct rawtp_map *map); /* bytes before the header */
	int (*open)(struct rawtp_map *map);              /* set priv, check memory */
	void (*close)(struct rawtp_map *map);            /* may be NULL */
	int (*init)(struct rawtp_map *map); /* fill a new one, after open(); may be NULL */
	int (*get_next_key)(struct rawtp_map *map, const void *key, void *next);
	int (*sys_lookup)(struct rawtp_map *map, const void *key, void *value, uint64_t flags);
	int (*sys_update)(struct rawtp_map *map, const void *key, const void *value,
			  uint64_t flags);
	int (*sys_lookup_and_delete)(struct rawtp_map *map, const void *key, void *value);
	/* Takes back what processes that died in the middle held; may be NULL. */
	void (*recover)(struct rawtp_map *map);
	/* In a forked child, before anything else of it runs; async-signal-safe; may be NULL. */
	void (*after_fork)(struct rawtp_map *map);
	/*
	 * Address of byte @off of the value, for BPF_PSEUDO_MAP_VALUE (arrays with one entry);
	 * NULL: refused. -EINVAL: @off is not in the value. -ENOTSUPP (524): more entries than one.
	 */
	int (*value_addr)(struct rawtp_map *map, uint32_t off, uint64_t *addr);
	/* Programs too. */
	/*
	 * The key of the next element, in memory that stays; NULL: no more. Elements that are there
	 * all the time are met once. For bpf_for_each_map_elem(); NULL: the type has no such walk.
	 */
	const void *(*walk)(struct rawtp_map *map, struct rawtp_map_cursor *cursor);
	void *(*lookup)(struct rawtp_map *map, const void *key);
	long (*update)(struct rawtp_map *map, const void *key, const void *value, uint64_t flags);
	long (*delete)(struct rawtp_map *map, const void *key);
	/* NULL where a type has no such operation. */
	void *(*lookup_percpu)(struct rawtp_map *map, const void *key, uint32_t cpu);
	long (*push)(struct rawtp_map *map, const void *value, uint64_t flags);
	long (*pop)(struct rawtp_map *map, void *value);
	long (*peek)(struct rawtp_map *map, void *value);
};

const struct rawtp_map_ops *rawtp_map_ops(uint32_t type); /* NULL: not a type we have */
bool rawtp_map_is_percpu(uint32_t type);

/*
 * Makes a map from BPF_MAP_CREATE's attr. Returns the memfd (O_CLOEXEC, size sealed) or -errno, as
 * the kernel's. BTF ids are stored and not looked at; map_ifindex, inner maps, vmlinux value types
 * and map_extra are refused.
 */
int rawtp_map_create(const union bpf_attr *attr);
/*
 * Opens the map behind @fd: a new reference to the object of the same file where this process has
 * it mapped already, else a new mapping after every check. Err-pointer: EBADF not open, EINVAL not
 * a map, one that is damaged, of another version, or whose size is not sealed (a peer could cut it
 * short under a running program); ENOMEM. Just reference counting: @fd may be closed at once. An
 * array of the kernel that can be mapped is a map, too (maps/kernel_array.h).
 *
 * rawtp_map_open() also keeps a descriptor of its own for rawtp_map_dup_fd();
 * rawtp_map_open_quiet() does not: for the agent, which leaves nothing in the fd table of its host.
 *
 * None of these is async-signal-safe. All are thread-safe.
 */
struct rawtp_map *rawtp_map_open(int fd);
struct rawtp_map *rawtp_map_open_quiet(int fd);
void rawtp_map_get(struct rawtp_map *map);
/*
 * The caller sees to it that no program which uses it runs any more (rawtp_synchronize()), and is in
 * no read-side section: the last reference may wait for those of others.
 */
void rawtp_map_put(struct rawtp_map *map);
/*
 * A new fd (O_CLOEXEC) of the map, though whoever made it may have closed theirs. -EBADF where we
 * have none, or somebody closed all fds of the process.
 */
int rawtp_map_dup_fd(const struct rawtp_map *map);

/*
 * BPF_MAP_FREEZE: no more writes through the system call. An array with BPF_F_RDONLY_PROG, which
 * nobody may write from then on, is sealed against new writable mappings too; a process that opens
 * it frozen (or freezes it) reads a private copy from then on. 0, -EBUSY frozen already, -EPERM.
 */
int rawtp_map_freeze(struct rawtp_map *map, int fd);
bool rawtp_map_is_frozen(const struct rawtp_map *map);
/*
 * True where the values can not change any more, whatever any peer does: the verifier may take them
 * as constants. Once true it stays true.
 */
bool rawtp_map_is_constant(const struct rawtp_map *map);
/* May the system call read (lookup, next key) or write (update, delete)? Else -EPERM. */
static inline bool rawtp_map_sys_may_read(const struct rawtp_map *map)
{
	return !(map->flags & BPF_F_WRONLY);
}
static inline bool rawtp_map_sys_may_write(const struct rawtp_map *map)
{
	return !(map->flags & BPF_F_RDONLY) && !rawtp_map_is_frozen(map);
}
/* What the system call gives and takes as a value: bytes. */
static inline size_t rawtp_map_sys_value_size(const struct rawtp_map *map)
{
	return rawtp_map_is_percpu(map->type) ? (size_t)map->elem_size * map->n_cpus
					      : map->value_size;
}
/*
 * Takes back what processes that died in the middle of an operation held. Done when a process opens
 * a map that it had not open, and by a ring's reader that waits; else it is for readers and agents,
 * when they learn that a peer is gone, or find a ring buffer stuck; not for the hot path: looks into
 * /proc. Any number of processes may call it at any time.
 */
void rawtp_map_recover(struct rawtp_map *map);

/* For map types: the rest of the file's memory, made to be there now and not at first touch. */
int rawtp_map_populate(struct rawtp_map *map, uint64_t offset, uint64_t size);
/* For map types: checks shared by several. 0 or -errno. */
int rawtp_map_check_flags(const union bpf_attr *attr, uint32_t allowed);

#endif
