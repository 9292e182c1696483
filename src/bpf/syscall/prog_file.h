/* SPDX-License-Identifier: MIT */
/*
 * The memfd of a program: its stored form and what is needed to load it again elsewhere.
 *
 *   struct rawtp_prog_file
 *   struct bpf_insn[n_insns]
 *   struct rawtp_prog_file_map[n_maps]
 *   struct bpf_func_info[n_func_info]
 *   struct bpf_line_info[n_line_info]
 *   BTF, btf_size bytes
 *   BTF of the target, attach_btf_size bytes
 *
 * Each part begins where the one before it ends, rounded up to 8 bytes; the file ends with the last.
 * So there are counts to check, but no offsets. All seals are set: what was checked stays so.
 */
#ifndef RAWTP_BPF_SYSCALL_PROG_FILE_H
#define RAWTP_BPF_SYSCALL_PROG_FILE_H

#include "bpf/syscall/handle.h"
#include "bpf/verifier/verifier.h"

#define RAWTP_PROG_FILE_MAGIC   0x676f727074776172ULL /* "rawtprog" */
#define RAWTP_PROG_FILE_VERSION 2

struct rawtp_prog_file {
	uint64_t magic;
	uint32_t version;
	uint32_t header_size;
	uint32_t type; /* enum bpf_prog_type */
	uint32_t n_insns;
	uint32_t n_maps;
	uint32_t n_func_info;
	uint32_t n_line_info;
	uint32_t btf_size;
	uint32_t btf_id;
	uint32_t trace_ring; /* index of prog->trace_ring in the maps, plus 1; 0: none */
	uint32_t attach_btf_size;
	uint32_t attach_btf_id;
	struct rawtp_prog_facts facts;
	char name[BPF_OBJ_NAME_LEN];
};

/* Which map belongs at this place: descriptors travel beside the file. */
struct rawtp_prog_file_map {
	uint64_t dev, ino;
};

/* Writes @object (whose prog->insns may be of any form) to a new sealed memfd; returns it. */
int rawtp_prog_file_write(const struct rawtp_prog_object *object);

/*
 * Reads one, trusting nothing. @map_fds: the maps in the file's order, or NULL, to look for them
 * among the descriptors of this process. The program is in stored form, not verified.
 * Err-pointer: EBADF no program, EINVAL a damaged one or another version's, ENOENT a map is missing.
 */
struct rawtp_prog_object *rawtp_prog_file_read(int fd, const int *map_fds, uint32_t n_maps);

/* Verifies and compiles a program in stored form, and takes from it what only that tells. */
int rawtp_prog_finish(struct rawtp_prog *prog, const struct rawtp_verifier_log *log);

/*
 * Where a program in stored form calls bpf_trace_printk(), gives it this process's ring buffer for
 * that, as its last map. Without memory, or with RAWTP_MAX_MAPS maps, it prints to nowhere.
 * prog->maps has room for RAWTP_MAX_MAPS.
 */
void rawtp_prog_add_trace_ring(struct rawtp_prog *prog);

/*
 * func_info and line_info of a program in stored form, with the kernel's rules. 0 or -EINVAL, and
 * *@why is what is wrong.
 */
int rawtp_prog_check_info(const struct rawtp_prog *prog, const char **why);

/* A sealed memfd that holds @size bytes of @data; or -errno. */
int rawtp_sealed_memfd(const char *name, const void *data, size_t size);
/* Size of a memfd with all seals, -EINVAL for any other file. */
int64_t rawtp_sealed_size(int fd);

#endif
