/* SPDX-License-Identifier: MIT */
/*
 * BPF object files: opened and loaded through libbpf, with its messages kept for the one line that
 * says what went wrong. Files are hostile until proved otherwise: they are checked before libbpf
 * sees them, and should libbpf crash on one all the same, the command says so and exits with 1.
 */
#ifndef RAWTP_CLI_OBJECT_H
#define RAWTP_CLI_OBJECT_H

#include "cli.h"
#include <bpf/libbpf.h>

struct rawtp_object {
	const char *path;
	struct bpf_object *bpf;
	bool kernel; /* it is for the kernel; else for processes. Set before it is opened */
	/* The targets have BTF, which preload/route_btf.c shows to libbpf. Set before it is opened. */
	bool has_types;
	bool mixed; /* it has a twin for the other side */
};

/* Which side a program asks for: SEC("raw_tp/kernel:NAME"), SEC("raw_tp/user:NAME"), or neither. */
enum rawtp_side { RAWTP_SIDE_ANY, RAWTP_SIDE_KERNEL, RAWTP_SIDE_USER };
enum rawtp_side rawtp_object_side(const struct bpf_program *program);

/* SEC("tp_btf/NAME"): arguments with the target's types. */
bool rawtp_object_is_typed(const struct bpf_program *program);

/* Of a mixed object, "kernel" or "user"; NULL where there is one side only. */
const char *rawtp_object_side_name(const struct rawtp_object *object);

/* From now on bpf(2) of this process goes to the side that the object is for. */
void rawtp_object_target(const struct rawtp_object *object);

/* Where libbpf's words go: nowhere but into error lines, or (verbose) to standard error. */
void rawtp_object_init(const struct rawtp_cli *cli);

/*
 * Opens @path. Programs other than raw tracepoints, and those that ask for the other side, are left
 * out, and it is an error where none is left. CO-RE: an object for processes is relocated against
 * their BTF, or where they have none against its own, since the types of a process are then those
 * that the object declares; one for the kernel against the kernel's. 0, or an exit status: the error has been printed.
 */
int rawtp_object_open(const struct rawtp_cli *cli, const char *path, struct rawtp_object *object);
/* Maps, BTF, programs: through bpf(2) of the object's side. The same result. */
int rawtp_object_load(const struct rawtp_cli *cli, struct rawtp_object *object);
void rawtp_object_close(struct rawtp_object *object);

/*
 * The tracepoint of SEC("raw_tp/NAME"), SEC("raw_tracepoint/NAME") or SEC("tp_btf/NAME"), without the side before it; ""
 * where the section has no name behind the slash; NULL where it is no raw tracepoint.
 */
const char *rawtp_object_tracepoint(const struct bpf_program *program);

#endif
