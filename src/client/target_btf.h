/* SPDX-License-Identifier: MIT */
/*
 * The types of the processes that programs are attached to: what libbpf is given for the kernel's
 * BTF, and what programs with typed arguments are proved by (attach_btf_id).
 */
#ifndef RAWTP_CLIENT_TARGET_BTF_H
#define RAWTP_CLIENT_TARGET_BTF_H

#include "bpf/btf.h"
#include "client/client.h"

/*
 * Takes the BTF of @client's process, of all objects with tracepoints, and a type btf_trace_NAME for
 * each of these. From now on it is that of the targets. 0; -ENOENT none of them has BTF; -EINVAL it
 * is damaged. Thread-safe.
 */
int rawtp_target_btf_use(struct rawtp_client *client);
/* Whether @client's process has the very same types, or none as they have none. */
bool rawtp_target_btf_is(struct rawtp_client *client);
/* Not known: it is looked for, in the targets of rawtp_client_set_targets(), when it is needed. */
void rawtp_target_btf_forget(void);
/* With a reference; NULL where there is none. */
struct rawtp_btf *rawtp_target_btf(void);

#endif
