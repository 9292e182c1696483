/* SPDX-License-Identifier: MIT */
/*
 * Behind rawtp_bpf(): the command table, and the objects behind file descriptors.
 */
#ifndef RAWTP_BPF_SYSCALL_H
#define RAWTP_BPF_SYSCALL_H

#include "bpf/prog.h"
#include "bpf/verifier/verifier.h"
#include "bpf/maps/map.h"

/* A command: returns a file descriptor, 0, or -errno. @attr is a whole, zero-filled copy. */
typedef int (*rawtp_bpf_cmd_fn)(union bpf_attr *attr, union bpf_attr *user, unsigned int size);

/*
 * Upper layers bring the commands that this one cannot have: BPF_RAW_TRACEPOINT_OPEN and
 * BPF_LINK_CREATE (src/link for this process, src/client for others). Replaces what was there;
 * @info answers BPF_OBJ_GET_INFO_BY_FD for fds that are neither map, program nor BTF.
 */
typedef int (*rawtp_link_open_fn)(int prog_fd, const char *tracepoint, uint64_t cookie);
typedef int (*rawtp_link_info_fn)(int link_fd, struct bpf_link_info *info, char *name, size_t size);
void rawtp_bpf_set_link_ops(rawtp_link_open_fn open, rawtp_link_info_fn info);

/*
 * The types that attach_btf_id means where attach_btf_obj_fd is 0, as the kernel's own BTF there: a
 * function of an upper layer, which returns a reference, or NULL where there are none.
 */
typedef struct rawtp_btf *(*rawtp_target_btf_fn)(void);
void rawtp_bpf_set_target_btf(rawtp_target_btf_fn fn);

/* The program behind @fd, with a reference. Err-pointer: EBADF, EINVAL. */
struct rawtp_prog *rawtp_prog_from_fd(int fd);

/*
 * A program's memfd: everything that another process needs to load it again, but for the maps
 * themselves, which travel beside it, in the order of prog->maps.
 *
 * rawtp_prog_load_file() is the target's side: checks seals, sizes and every offset of the file
 * (hostile until proved otherwise), opens the @n_maps maps, verifies, compiles. Err-pointer.
 * rawtp_prog_map_fds() is the sender's side: opens (O_CLOEXEC) fds of the program's maps in the same
 * order; returns how many, or -errno.
 */
struct rawtp_prog *rawtp_prog_load_file(int prog_fd, const int *map_fds, uint32_t n_maps,
					const struct rawtp_verifier_log *log);
int rawtp_prog_map_fds(int prog_fd, int *fds, uint32_t max);
/*
 * Descriptors, not the caller's to close, of the programs that a program can go to by tail calls, as
 * its program arrays are now and as far as this process has them open. Returns how many, -E2BIG,
 * or another -errno.
 */
int rawtp_prog_tail_fds(int prog_fd, int *fds, uint32_t max);

#endif
