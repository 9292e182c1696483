/* SPDX-License-Identifier: MIT */
/*
 * BPF_PROG_TEST_RUN for raw tracepoints, with the kernel's rules: the arguments are ctx_in, one
 * 64-bit number each; there is no data, no repetition, no context out.
 */
#include "bpf/syscall/commands.h"
#include "base/err.h"
#include "base/nofault.h"
#include "bpf/run.h"
#include "bpf/syscall/handle.h"

#include <sched.h>
#include <string.h>

static int check_attr(const union bpf_attr *attr)
{
	if (!attr->test.ctx_size_in != !attr->test.ctx_in ||
	    !attr->test.ctx_size_out != !attr->test.ctx_out)
		return -EINVAL;
	return 0;
}

static int check_raw_tracepoint(const union bpf_attr *attr, const struct rawtp_prog *prog)
{
	if (attr->test.data_in || attr->test.data_out || attr->test.ctx_out ||
	    attr->test.duration || attr->test.repeat || attr->test.batch_size)
		return -EINVAL;
	if (attr->test.ctx_size_in < prog->max_ctx_access ||
	    attr->test.ctx_size_in > RAWTP_MAX_ARGS * sizeof(uint64_t))
		return -EINVAL;
	if (!(attr->test.flags & BPF_F_TEST_RUN_ON_CPU) && attr->test.cpu)
		return -EINVAL;
	return 0;
}

static int run(const struct rawtp_prog *prog, const void *ctx, uint64_t *ret)
{
	struct rawtp_thread *self = rawtp_read_lock();
	bool done;

	if (!self)
		return -ENOMEM;
	done = rawtp_prog_run(self, prog, ctx, ret);
	rawtp_read_unlock(self);
	return done ? 0 : -EBUSY;
}

/* The thread goes to the CPU and comes back. */
static int run_on_cpu(const struct rawtp_prog *prog, uint32_t cpu, const void *ctx, uint64_t *ret)
{
	cpu_set_t before, there;
	int err;

	CPU_ZERO(&there);
	if (cpu >= CPU_SETSIZE)
		return -ENXIO;
	CPU_SET(cpu, &there);
	if (sched_getaffinity(0, sizeof(before), &before) != 0)
		return -errno;
	if (sched_setaffinity(0, sizeof(there), &there) != 0)
		return errno == EINVAL ? -ENXIO : -errno;
	err = run(prog, ctx, ret);
	sched_setaffinity(0, sizeof(before), &before);
	return err;
}

static int test_run(const union bpf_attr *attr, union bpf_attr *user, const struct rawtp_prog *prog)
{
	uint64_t ctx[RAWTP_MAX_ARGS] = {0}, ret = 0;
	uint32_t retval;
	int err;

	/* Beyond the kernel, which runs no TRACING of this kind: what is read of the context survives. */
	if (!rawtp_prog_is_attachable(prog))
		return -RAWTP_ENOTSUPP;
	err = check_raw_tracepoint(attr, prog);
	if (!err)
		err = rawtp_nofault_read(ctx, rawtp_user_ptr(attr->test.ctx_in),
					 attr->test.ctx_size_in);
	if (err)
		return err;
	if (attr->test.flags & BPF_F_TEST_RUN_ON_CPU)
		err = run_on_cpu(prog, attr->test.cpu, ctx, &ret);
	else
		err = run(prog, ctx, &ret);
	if (err)
		return err;
	retval = (uint32_t)ret;
	return rawtp_nofault_write(&user->test.retval, &retval, sizeof(retval));
}

int rawtp_cmd_prog_test_run(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	struct rawtp_prog *prog;
	int err = check_attr(attr);

	if (err)
		return err;
	prog = rawtp_prog_from_fd((int)attr->test.prog_fd);
	if (rawtp_is_err(prog))
		return (int)rawtp_ptr_err(prog);
	err = test_run(attr, user, prog);
	rawtp_prog_put(prog);
	return err;
}
