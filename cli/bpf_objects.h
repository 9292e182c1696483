/* SPDX-License-Identifier: MIT */
/*
 * Maps, programs and links that exist, whoever made them. The kernel's are asked for by their ids.
 * Those of user space are files in memory that some process holds or has mapped: found through
 * /proc, as far as the caller may look, and opened like any that came from elsewhere.
 */
#ifndef RAWTP_CLI_BPF_OBJECTS_H
#define RAWTP_CLI_BPF_OBJECTS_H

#include "cli.h"
#include <linux/bpf.h>

enum rawtp_bpf_kind { RAWTP_BPF_MAP, RAWTP_BPF_PROG, RAWTP_BPF_LINK };

struct rawtp_bpf_object {
	enum rawtp_bpf_kind kind;
	bool kernel;
	int fd;       /* valid for the time of the call */
	pid_t holder; /* of user space: a process that holds it */
	union {
		struct bpf_map_info map;
		struct bpf_prog_info prog;
		struct bpf_link_info link;
	};
	char tracepoint[128]; /* of a link */
};

typedef int (*rawtp_bpf_object_fn)(const struct rawtp_bpf_object *object, void *data);

/* Calls @fn until it returns other than 0. 0 or an exit status: the error has been printed. */
int rawtp_bpf_objects_kernel(const struct rawtp_cli *cli, enum rawtp_bpf_kind kind,
			     rawtp_bpf_object_fn fn, void *data);
/* Maps or programs of user space. @pid: those that this process has mapped or holds; 0: all. */
int rawtp_bpf_objects_user(const struct rawtp_cli *cli, enum rawtp_bpf_kind kind, pid_t pid,
			   rawtp_bpf_object_fn fn, void *data);

/* Is @text the id or the name? */
bool rawtp_bpf_object_is(const char *text, uint32_t id, const char *name);

#endif
