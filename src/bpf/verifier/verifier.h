/* SPDX-License-Identifier: MIT */
/* The verifier's door. */
#ifndef RAWTP_BPF_VERIFIER_H
#define RAWTP_BPF_VERIFIER_H

#include "bpf/prog.h"

/* BPF_PROG_LOAD's log_buf, log_size, log_level. A log that is too small: -ENOSPC, text cut, NUL. */
struct rawtp_verifier_log {
	char *buf;
	uint32_t size;
	uint32_t level; /* 0: none; 1: a report of a refusal; 2: and each step; 4: statistics */
};

/*
 * Proves @prog (stored form) safe for its type, and then rewrites it to its runnable form.
 * 0; -EINVAL, -EACCES, -E2BIG, -ENOMEM, -ENOSPC as the kernel's verifier. On refusal the program is
 * unchanged as far as its owner can see (it is to be freed) and the log says why.
 */
int rawtp_verify(struct rawtp_prog *prog, const struct rawtp_verifier_log *log);

/* The tracepoint of `typedef ... btf_trace_NAME`, type @id; NULL where it is no such type. */
const char *rawtp_btf_tracepoint(const struct rawtp_btf *btf, uint32_t id);

#endif
