/* SPDX-License-Identifier: MIT */
/* The way in: who is let in, and that frames are left as they were found. */
#include "harness.h"

#include "asm.h"
#include "base/rcu.h"
#include "bpf/run.h"
#include "vm.h"

#include <pthread.h>

static struct rawtp_prog *answer(unsigned int value)
{
	struct bpf_insn insns[4];
	char text[40], err[80];

	snprintf(text, sizeof(text), "r0 = %u; exit", value);
	return vm_prog(insns, asm_program(text, insns, 4, err, sizeof(err)));
}

TEST(engine_run_enters_and_leaves)
{
	struct rawtp_prog *prog = answer(41);
	struct rawtp_thread *self = rawtp_read_lock();
	uint64_t ret = 0;

	CHECK(rawtp_prog_run(self, prog, NULL, &ret));
	CHECK_EQ(ret, 41);
	CHECK(!self->frame);
	rawtp_read_unlock(self);
	rawtp_prog_put(prog);
}

TEST(engine_run_not_inside_itself)
{
	struct rawtp_prog *prog = answer(1), *other = answer(2);
	struct rawtp_thread *self = rawtp_read_lock();
	struct rawtp_frame outer = {.prog = prog}, inner = {.prev = &outer, .prog = other};
	uint64_t ret = 77;

	self->frame = &outer;
	CHECK(!rawtp_prog_run(self, prog, NULL, &ret));
	CHECK_EQ(ret, 77);
	CHECK(self->frame == &outer);
	CHECK(rawtp_prog_run(self, other, NULL, &ret));
	CHECK_EQ(ret, 2);
	/* Also through a program between them. */
	self->frame = &inner;
	CHECK(!rawtp_prog_run(self, prog, NULL, &ret));
	CHECK(self->frame == &inner);
	self->frame = NULL;
	CHECK(rawtp_prog_run(self, prog, NULL, &ret));
	rawtp_read_unlock(self);
	rawtp_prog_put(prog);
	rawtp_prog_put(other);
}

static void *muted_thread(void *arg)
{
	struct rawtp_prog *prog = arg;
	struct rawtp_thread *self;
	uint64_t ret;
	bool ran;

	rawtp_thread_mute();
	self = rawtp_read_lock();
	ran = rawtp_prog_run(self, prog, NULL, &ret);
	rawtp_read_unlock(self);
	return ran ? prog : NULL;
}

TEST(engine_run_muted_thread_runs_nothing)
{
	struct rawtp_prog *prog = answer(3);
	struct rawtp_thread *self;
	pthread_t thread;
	void *ran = prog;
	uint64_t ret;

	CHECK_EQ(pthread_create(&thread, NULL, muted_thread, prog), 0);
	pthread_join(thread, &ran);
	CHECK(!ran);
	/* The others are not concerned. */
	self = rawtp_read_lock();
	CHECK(rawtp_prog_run(self, prog, NULL, &ret));
	rawtp_read_unlock(self);
	rawtp_prog_put(prog);
}
