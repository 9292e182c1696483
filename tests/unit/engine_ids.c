/* SPDX-License-Identifier: MIT */
/* Who runs and where, as machine code finds it: in threads, and in children of fork(). */
#include "harness.h"

#include "asm.h"
#include "bpf/jit/jit.h"
#include "bpf/prog.h"
#include "vm.h"

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rawtp_prog *compile(const char *text)
{
	struct bpf_insn insns[16];
	char err[200];
	int n = asm_program(text, insns, 16, err, sizeof(err));
	struct rawtp_prog *prog = vm_prog(insns, (unsigned int)n);

	if (rawtp_jit_compile(prog)) {
		rawtp_prog_put(prog);
		test_skip("no JIT for this CPU, or executable memory is refused");
	}
	return prog;
}

static uint64_t ids(void)
{
	return (uint64_t)getpid() << 32 | (uint32_t)gettid();
}

/* Twice: the second time it is known. */
static void *check_ids(void *data)
{
	struct rawtp_prog *prog = data;
	unsigned int i;

	for (i = 0; i < 3; i++)
		CHECK_EQ(prog->run(NULL, prog), ids());
	return NULL;
}

TEST(engine_ids_of_threads_and_children)
{
	struct rawtp_prog *prog = compile("call get_current_pid_tgid; exit");
	pthread_t thread;
	int status, i;

	check_ids(prog);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(pthread_create(&thread, NULL, check_ids, prog), 0);
		pthread_join(thread, NULL);
		pid_t pid = fork();

		if (!pid) {
			uint64_t first = prog->run(NULL, prog), second = prog->run(NULL, prog);

			_exit(first == ids() && second == ids() ? 0 : 1);
		}
		CHECK(waitpid(pid, &status, 0) == pid && !status);
		check_ids(prog);
	}
	rawtp_prog_put(prog);
}

/* What was in the other registers but R0 to R5 is there still. */
TEST(engine_ids_keep_registers)
{
	struct rawtp_prog *prog = compile(
		"r6 = 6; r7 = 7; r8 = 8; r9 = 9; *(u64 *)(r10 - 8) = 10;"
		"call get_current_pid_tgid; call get_smp_processor_id;"
		"r0 = r6; r0 += r7; r0 += r8; r0 += r9; r1 = *(u64 *)(r10 - 8); r0 += r1; exit");

	CHECK_EQ(prog->run(NULL, prog), 40);
	rawtp_prog_put(prog);
}

TEST(engine_ids_cpu)
{
	struct rawtp_prog *prog = compile("call get_smp_processor_id; exit");
	long cpu, n = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t before, one;

	CHECK_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
	for (cpu = 0; cpu < n; cpu++) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (CPU_ISSET(cpu, &before) && !sched_setaffinity(0, sizeof(one), &one))
			CHECK_EQ(prog->run(NULL, prog), cpu);
	}
	sched_setaffinity(0, sizeof(before), &before);
	rawtp_prog_put(prog);
}
