/* SPDX-License-Identifier: MIT */
/*
 * The interpreter against the JIT on random programs. RANDOM_SEED and RANDOM_COUNT choose others;
 * RANDOM_SUM names a file for the sum of their results, which another CPU's run must have as well.
 */
#include "harness.h"

#include "bpf/interp.h"
#include "bpf/jit/jit.h"
#include "random_insns.h"
#include "vm.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef RAWTP_SANITIZED
#define COUNT 20000
#else
#define COUNT 100000
#endif

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value ? strtoull(value, NULL, 0) : otherwise;
}

/* 0: equal; 1: not; -1: not compiled. Adds the result to *@sum. */
static int differs(uint64_t seed, uint64_t *sum)
{
	struct bpf_insn insns[RANDOM_MAX_INSNS];
	unsigned int n = random_program(seed, insns);
	struct rawtp_prog *prog = vm_prog(insns, n);
	uint64_t interpreted, compiled;
	int ret = -1;

	interpreted = rawtp_interpret(NULL, prog);
	*sum = *sum * 31 + interpreted;
	if (!rawtp_jit_compile(prog)) {
		compiled = prog->run(NULL, prog);
		ret = interpreted != compiled;
		if (ret)
			test_fail(__FILE__, __LINE__,
				  "seed %llu: interpreter %#llx, machine code %#llx",
				  (unsigned long long)seed, (unsigned long long)interpreted,
				  (unsigned long long)compiled);
	}
	rawtp_prog_put(prog);
	return ret;
}

static void write_sum(uint64_t sum)
{
	const char *path = getenv("RANDOM_SUM");
	FILE *file = path ? fopen(path, "w") : NULL;

	if (!file)
		return;
	fprintf(file, "%#llx\n", (unsigned long long)sum);
	fclose(file);
}

TEST(engine_random_programs)
{
	uint64_t first = from_environment("RANDOM_SEED", 1);
	uint64_t count = from_environment("RANDOM_COUNT", COUNT), i;
	unsigned int failed = 0;
	uint64_t sum = 0;

	for (i = 0; i < count && failed < 5; i++) {
		int ret = differs(first + i, &sum);

		if (ret < 0 && !i)
			test_skip("no JIT for this CPU, or executable memory is refused");
		if (ret < 0)
			test_fail(__FILE__, __LINE__, "seed %llu is not compiled",
				  (unsigned long long)(first + i));
		failed += ret != 0;
	}
	if (!failed)
		write_sum(sum);
}

/* Of the first programs, on any CPU. It changes with the generator and the list of instructions. */
#define EXPECTED_SUM 0xd69b2f24379542adULL

TEST(engine_random_programs_are_the_same_on_each_cpu)
{
	struct bpf_insn insns[RANDOM_MAX_INSNS];
	unsigned int i, same = 0, calls = 0;
	uint64_t last = 0, sum = 0;

	for (i = 1; i <= 1000; i++) {
		struct rawtp_prog *prog = vm_prog(insns, random_program(i, insns));
		uint64_t r0 = rawtp_interpret(NULL, prog);

		sum = sum * 31 + r0;
		same += r0 == last;
		last = r0;
		calls += prog->n_subprogs > 1;
		rawtp_prog_put(prog);
	}
	if (sum != EXPECTED_SUM)
		test_fail(__FILE__, __LINE__, "the sum is %#llx", (unsigned long long)sum);
	/* They are not all alike. */
	CHECK_EQ(same, 0);
	CHECK(calls > 100);
}
