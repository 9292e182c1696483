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

#define RAWTP_MAP_MAGIC   0x70616d7074776172ULL /* "rawtpmap" */
#define RAWTP_MAP_VERSION 1

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
	uint32_t elem_size; /* value_size rounded up to 8 */
	uint32_t n_slots;   /* per-CPU types: n_cpus + RAWTP_OVERFLOW_SLOTS */
	uint64_t *slot_owners; /* per-CPU types: n_slots words in shared memory, else NULL */
	void *priv;         /* of the type */

	char name[BPF_OBJ_NAME_LEN];
	uint32_t btf_key_type_id, btf_value_type_id;
	struct rawtp_btf *btf; /* known in the process that made it, or NULL */
	uint64_t dev, ino;     /* identity */
	uint32_t refcount;     /* atomic */
};

/*
 * One per map type, registered by maps/types.h. 0 or -errno throughout.
 * Programs call lookup, update, delete, on the hot path: lock-free, no allocation, no system call.
 * The system-call side calls the sys_ forms where a type has them (per-CPU types: value is n_cpus
 * times elem_size), else the same as programs.
 */
struct rawtp_map_ops {
	/* System call side only. */
	int (*check)(const union bpf_attr *attr);                      /* create: is it legal? */
	size_t (*layout)(const struct rawtp_map *map);                 /* bytes before the header */
	int (*open)(struct rawtp_map *map);                            /* set priv, check memory */
	void (*close)(struct rawtp_map *map);                          /* may be NULL */
	int (*init)(struct rawtp_map *map);                            /* fill a new one; may be NULL */
	int (*get_next_key)(struct rawtp_map *map, const void *key, void *next);
	int (*sys_lookup)(struct rawtp_map *map, const void *key, void *value, uint64_t flags);
	int (*sys_update)(struct rawtp_map *map, const void *key, const void *value, uint64_t flags);
	int (*sys_lookup_and_delete)(struct rawtp_map *map, const void *key, void *value);
	/* Address of the values for BPF_PSEUDO_MAP_VALUE (arrays with one entry); NULL: refused. */
	int (*value_addr)(struct rawtp_map *map, uint32_t off, uint64_t *addr);
	/* Programs too. */
	void *(*lookup)(struct rawtp_map *map, const void *key);
	long (*update)(struct rawtp_map *map, const void *key, const void *value, uint64_t flags);
	long (*delete)(struct rawtp_map *map, const void *key);
};

const struct rawtp_map_ops *rawtp_map_ops(uint32_t type); /* NULL: not a type we have */
bool rawtp_map_is_percpu(uint32_t type);

/* Makes a map from BPF_MAP_CREATE's attr. Returns the memfd (O_CLOEXEC) or -errno. */
int rawtp_map_create(const union bpf_attr *attr);
/*
 * Opens the map behind @fd: a new reference to the object of the same file where this process has
 * it mapped already, else a new mapping after every check. Err-pointer: EBADF not a map, EINVAL a
 * map that is damaged or of another version.
 */
struct rawtp_map *rawtp_map_open(int fd);
void rawtp_map_get(struct rawtp_map *map);
void rawtp_map_put(struct rawtp_map *map);

#endif
