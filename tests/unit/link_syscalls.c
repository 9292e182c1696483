/* SPDX-License-Identifier: MIT */
/* An event makes no system call: in a process where any but exit_group(2) kills. */
#include "agent_common.h"
#include "base/err.h"
#include "bpf/syscall/syscall.h"
#include "link/raw_tracepoint.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define UPDATE                                                                         \
	"*(u32 *)(r10 - 4) = 0; *(u64 *)(r10 - 16) = 7; r2 = r10; r2 += -4; r3 = r10;" \
	"r3 += -16; r1 = map[0]; r4 = 0; call map_update_elem; r0 = 0; exit"
#define RECORD                                                                    \
	"r1 = map[0]; r2 = 8; r3 = 0; call ringbuf_reserve; if r0 == 0 goto out;" \
	"*(u64 *)(r0 + 0) = 1; r1 = r0; r2 = 1; call ringbuf_submit; out: r0 = 0; exit"

static const struct kind {
	const char *name, *text;
	uint32_t type, key_size, value_size, max_entries;
} kinds[] = {
	{"none", NOTHING, BPF_MAP_TYPE_ARRAY, 4, 8, 1},
	{"array", COUNT, BPF_MAP_TYPE_ARRAY, 4, 8, 1},
	{"array, per CPU", COUNT_PERCPU, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1},
	{"hash", COUNT, BPF_MAP_TYPE_HASH, 4, 8, 16},
	{"hash, update", UPDATE, BPF_MAP_TYPE_HASH, 4, 8, 16},
	{"hash, per CPU, update", UPDATE, BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 16},
	{"ring buffer", RECORD, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096},
};

static int kill_on_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* In a child, whose end says how it went: killed by SIGSYS, or 0. */
static void fire_alone(const struct kind *kind, bool call)
{
	union bpf_attr attr = {.map_type = kind->type,
			       .key_size = kind->key_size,
			       .value_size = kind->value_size,
			       .max_entries = kind->max_entries};
	int map = rawtp_bpf(BPF_MAP_CREATE, &attr, sizeof(attr)), n_args, i;
	struct rawtp_prog *prog = rawtp_prog_from_fd(load_prog(kind->text, map));

	if (map < 0 || rawtp_is_err(prog) ||
	    rawtp_is_err(rawtp_link_attach(prog, "agent_one", -1, 0, &n_args)))
		_exit(1);
	trace_agent_one(1); /* the thread's first */
	if (kill_on_calls())
		_exit(77);
	for (i = 0; i < 20000; i++)
		trace_agent_one(1);
	if (call)
		syscall(SYS_gettid);
	_exit(0);
}

static int status_of(const struct kind *kind, bool call)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		fire_alone(kind, call);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

TEST(link_makes_no_system_call)
{
	unsigned int i;
	int status;

#ifdef RAWTP_SANITIZED
	test_skip("a sanitizer's own calls");
#endif
	/* The filter works. */
	status = status_of(&kinds[0], true);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		test_skip("no seccomp filters here");
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		test_case("%s", kinds[i].name);
		CHECK_EQ(status_of(&kinds[i], false), 0);
	}
	test_case(NULL);
}
