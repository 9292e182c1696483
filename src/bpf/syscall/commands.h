/* SPDX-License-Identifier: MIT */
/* The commands of rawtp_bpf(), and what they share. Each is of type rawtp_bpf_cmd_fn. */
#ifndef RAWTP_BPF_SYSCALL_COMMANDS_H
#define RAWTP_BPF_SYSCALL_COMMANDS_H

#include "bpf/syscall/syscall.h"

/* raw_tracepoint.cookie of newer kernels: offset of 8 bytes in union bpf_attr. */
#define RAWTP_RAW_TP_COOKIE 16

/* The kernel's own number, which <errno.h> lacks: "this kind of object cannot do that". */
#define RAWTP_ENOTSUPP 524

int rawtp_cmd_map_create(union bpf_attr *attr, union bpf_attr *user, unsigned int size);
int rawtp_cmd_map_lookup(union bpf_attr *attr, union bpf_attr *user, unsigned int size);
int rawtp_cmd_map_update(union bpf_attr *attr, union bpf_attr *user, unsigned int size);
int rawtp_cmd_map_delete(union bpf_attr *attr, union bpf_attr *user, unsigned int size);
int rawtp_cmd_map_get_next_key(union bpf_attr *attr, union bpf_attr *user, unsigned int size);
int rawtp_cmd_map_lookup_and_delete(union bpf_attr *attr, union bpf_attr *user, unsigned int size);
int rawtp_cmd_map_freeze(union bpf_attr *attr, union bpf_attr *user, unsigned int size);
int rawtp_cmd_prog_load(union bpf_attr *attr, union bpf_attr *user, unsigned int size);
int rawtp_cmd_prog_bind_map(union bpf_attr *attr, union bpf_attr *user, unsigned int size);
int rawtp_cmd_prog_test_run(union bpf_attr *attr, union bpf_attr *user, unsigned int size);
int rawtp_cmd_raw_tracepoint_open(union bpf_attr *attr, union bpf_attr *user, unsigned int size);
int rawtp_cmd_link_create(union bpf_attr *attr, union bpf_attr *user, unsigned int size);
int rawtp_cmd_btf_load(union bpf_attr *attr, union bpf_attr *user, unsigned int size);
int rawtp_cmd_obj_get_info(union bpf_attr *attr, union bpf_attr *user, unsigned int size);

/* What src/link or src/client says of @fd; -EINVAL where it is no link. */
int rawtp_link_info(int fd, struct bpf_link_info *info, char *name, size_t size);

/* Addresses in union bpf_attr are numbers. */
static inline void *rawtp_user_ptr(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

/* Bytes [@from, @to) of @user must be zero: 0, -E2BIG, -EFAULT. */
int rawtp_check_zero_tail(const void *user, size_t from, size_t to);

/*
 * Copies and checks an object's name: letters, digits, '_' and '.', terminated, the rest zero.
 * Returns its length, or -EINVAL.
 */
int rawtp_copy_name(char *dst, const char *src);

/* A log that the caller asked for, kept here until it is complete: its memory may be bad. */
struct rawtp_user_log {
	struct rawtp_verifier_log log;
	char *user;
};

/* 0; -EINVAL where level, size and buffer do not fit together, as in the kernel; -ENOMEM. */
int rawtp_user_log_open(struct rawtp_user_log *log, uint32_t level, uint64_t buf, uint32_t size);
void rawtp_user_log_print(struct rawtp_user_log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * Gives the text to the caller and frees it. @ret: a new descriptor or -errno, which is returned;
 * where the buffer is bad the descriptor is closed, and -EFAULT returned.
 */
int rawtp_user_log_close(struct rawtp_user_log *log, int ret);

#endif
