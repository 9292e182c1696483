/* SPDX-License-Identifier: MIT */
/*
 * A tracing session: loaded objects, the processes that they are attached to, and the figures of
 * each attachment. What is attached is detached by rawtp_session_detach(), or by the end of this
 * process, however it ends.
 */
#ifndef RAWTP_CLI_SESSION_H
#define RAWTP_CLI_SESSION_H

#include "cli.h"
#include "client/client.h"
#include "link/raw_tracepoint.h"
#include "kernel_target.h"
#include "object.h"

#define RAWTP_SESSION_MAX_OBJECTS 16
#define RAWTP_SESSION_MAX_TARGETS 256
#define RAWTP_SESSION_SAMPLE      128

/* One program of one object: at the kernel's tracepoint, or in all processes. */
struct rawtp_session_program {
	const struct rawtp_object *object;
	const char *name, *tracepoint;
	int fd;
	int kernel_link; /* or -1 */
	bool uncounted;  /* the kernel counts no runs: misses alone are known */
	bool is_typed;   /* SEC("tp_btf/NAME") */
	uint32_t n_args; /* that it reads at least */
	struct rawtp_stats_block now, before; /* sums over all targets and blocks */
};

struct rawtp_session_target {
	pid_t pid;
	char comm[64];
	struct rawtp_client *client;
	int link; /* our end; at its end of file the target has gone, or somebody detached it */
	bool gone;
	struct rawtp_link_stats **stats; /* one a program; NULL: none */
};

/* An array of the kernel that both sides of an object use. */
struct rawtp_shared_map {
	const char *path; /* of the object */
	char *name;
	int fd;
};

struct rawtp_session {
	const struct rawtp_cli *cli;
	/* One that goes to both sides is here twice: first for the processes, then for the kernel. */
	struct rawtp_object objects[2 * RAWTP_SESSION_MAX_OBJECTS];
	struct rawtp_session_program *programs;
	struct rawtp_session_target targets[RAWTP_SESSION_MAX_TARGETS];
	unsigned int n_objects, n_programs, n_targets;
	uint32_t sample; /* time one run in so many; 0: none */
	bool to_kernel;  /* set before rawtp_session_load() */
	bool has_types;  /* the processes have BTF */
	struct rawtp_kernel kernel;
	struct rawtp_shared_map *shared;
	unsigned int n_shared;
	bool started; /* the target is a command of ours, which nobody can look at afterwards */
};

/*
 * All of these return 0 or an exit status, and have printed the error then. With to_kernel, processes
 * that have been added before rawtp_session_load() are targets beside the kernel: each program goes
 * to the side that has its tracepoint. Each side has maps of its own, but for arrays with
 * BPF_F_MMAPABLE, which both share.
 */
int rawtp_session_load(struct rawtp_session *session, const struct rawtp_cli *cli, char **paths,
		       unsigned int n);
/* Leaves out the programs of @object that are not for its side. */
int rawtp_session_choose(struct rawtp_session *session, const struct rawtp_object *object,
			 unsigned int *n_chosen);
/*
 * Are all programs of these objects the kernel's, by their sections or since the kernel has their
 * tracepoints? Then a command need not be traced itself.
 */
int rawtp_session_only_kernel(const struct rawtp_cli *cli, char **paths, unsigned int n,
			      bool *only);
/* Gives @object, before it is loaded, the maps that it shares with its twin. */
int rawtp_session_share(struct rawtp_session *session, const struct rawtp_object *object);
bool rawtp_session_shares(const struct rawtp_object *object, const struct bpf_map *map);
int rawtp_session_add_pid(struct rawtp_session *session, pid_t pid);
int rawtp_session_add_client(struct rawtp_session *session, pid_t pid, struct rawtp_client *client);
/* Attaches every program to every target: all or nothing. */
int rawtp_session_attach(struct rawtp_session *session);

/*
 * Marks targets whose link has ended; calls @fn for each that is new. Returns how many are left; the
 * kernel is one.
 */
unsigned int rawtp_session_check(struct rawtp_session *session,
				 void (*fn)(const struct rawtp_session_target *target, void *data),
				 void *data);
/* Moves now to before and reads the sums over all targets. */
void rawtp_session_read(struct rawtp_session *session);
/* Returns when every target has detached, or after 2 seconds: one that is stopped detaches later. */
void rawtp_session_detach(struct rawtp_session *session);
void rawtp_session_free(struct rawtp_session *session);

#endif
