/* SPDX-License-Identifier: MIT */
/* Lookups that the JIT compiles to code of its own, against the interpreter's calls. */
#include "harness.h"

#include "asm.h"
#include "base/err.h"
#include "base/rcu.h"
#include "bpf/interp.h"
#include "bpf/jit/jit.h"
#include "bpf/maps/map.h"
#include "bpf/run.h"
#include "vm.h"

#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct rawtp_map *new_map(uint32_t type, uint32_t value_size, uint32_t max_entries)
{
	union bpf_attr attr;
	struct rawtp_map *map;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = 4;
	attr.value_size = value_size;
	attr.max_entries = max_entries;
	fd = rawtp_map_create(&attr);
	if (fd < 0)
		return NULL;
	map = rawtp_map_open(fd);
	close(fd);
	return rawtp_is_err(map) ? NULL : map;
}

/* @text with each map[0] replaced by @map; takes the reference. */
static struct rawtp_prog *program(const char *text, struct rawtp_map *map)
{
	struct bpf_insn insns[200];
	struct rawtp_prog *prog;
	char err[200];
	int n = asm_program(text, insns, 200, err, sizeof(err)), i;

	for (i = 0; i < n; i++) {
		if (insns[i].code != (BPF_LD | BPF_IMM | BPF_DW) ||
		    insns[i].src_reg != BPF_PSEUDO_MAP_IDX)
			continue;
		insns[i].src_reg = 0;
		insns[i].imm = (uintptr_t)map;
		insns[i + 1].imm = (uintptr_t)map >> 32;
	}
	prog = vm_prog(insns, n);
	prog->maps = calloc(1, sizeof(*prog->maps));
	prog->maps[0] = map;
	prog->n_maps = 1;
	if (rawtp_map_is_percpu(map->type)) {
		prog->percpu_maps[0] = map;
		prog->n_percpu_maps = 1;
	}
	return prog;
}

static uint64_t run(const struct rawtp_prog *prog, uint32_t key)
{
	struct rawtp_thread *self = rawtp_read_lock();
	uint64_t args[1] = {key}, ret = 0;

	CHECK(rawtp_prog_run(self, prog, args, &ret));
	rawtp_read_unlock(self);
	return ret;
}

/* Adds 1 to the value of the key in the first argument; returns what it is then, or 0. */
static const char count[] = "r6 = *(u64 *)(r1 + 0)\n"
			    "*(u32 *)(r10 - 4) = r6\n"
			    "r2 = r10\n"
			    "r2 += -4\n"
			    "r1 = map[0]\n"
			    "call map_lookup_elem\n"
			    "if r0 == 0 goto out\n"
			    "r1 = *(u64 *)(r0 + 0)\n"
			    "r1 += 1\n"
			    "*(u64 *)(r0 + 0) = r1\n"
			    "r0 = r1\n"
			    "out: exit\n";

static void check_map(uint32_t type, uint32_t value_size, uint32_t max_entries)
{
	static const uint32_t odd[] = {0, 1, 2, 127, 128, 255, 256, 99999, INT32_MAX, UINT32_MAX};
	struct rawtp_map *map = new_map(type, value_size, max_entries);
	struct rawtp_prog *interpreted, *compiled;
	uint32_t i, expected;

	test_case("type %u, values of %u, %u entries", type, value_size, max_entries);
	CHECK(map != NULL);
	if (!map)
		return;
	rawtp_map_get(map);
	interpreted = program(count, map);
	compiled = program(count, map);
	if (rawtp_jit_compile(compiled)) {
		rawtp_prog_put(interpreted);
		rawtp_prog_put(compiled);
		test_skip("no JIT for this CPU, or executable memory is refused");
	}
	for (i = 0; i < 10 + 3; i++) {
		uint32_t key = i < 10 ? odd[i] : max_entries - 2 + (i - 10);

		/* The one sees what the other wrote: they agree on where each value is. */
		expected = key < max_entries ? run(interpreted, key) + 1 : 0;
		CHECK_EQ(run(compiled, key), expected);
		expected = key < max_entries ? expected + 1 : 0;
		CHECK_EQ(run(interpreted, key), expected);
	}
	rawtp_prog_put(interpreted);
	rawtp_prog_put(compiled);
}

static void check_type(uint32_t type)
{
	static const uint32_t value_sizes[] = {8, 12, 16, 24, 100, 256};
	static const uint32_t entries[] = {1, 2, 3, 128, 255, 300};
	unsigned int i, j;

	for (i = 0; i < sizeof(value_sizes) / sizeof(value_sizes[0]); i++)
		for (j = 0; j < sizeof(entries) / sizeof(entries[0]); j++)
			check_map(type, value_sizes[i], entries[j]);
}

TEST(engine_lookup_array)
{
	check_type(BPF_MAP_TYPE_ARRAY);
}

TEST(engine_lookup_percpu_array)
{
	check_type(BPF_MAP_TYPE_PERCPU_ARRAY);
}

/* A call that is jumped to, or that has another map on another path, is a call. */
TEST(engine_lookup_jumped_to)
{
	static const char text[] = "r6 = *(u64 *)(r1 + 0)\n"
				   "*(u32 *)(r10 - 4) = 0\n"
				   "r2 = r10\n"
				   "r2 += -4\n"
				   "r1 = map[0]\n"
				   "if r6 == 1 goto look\n"
				   "r2 = r10\n"
				   "r2 += -4\n"
				   "r1 = map[0]\n"
				   "look: call map_lookup_elem\n"
				   "if r0 == 0 goto out\n"
				   "r0 = *(u64 *)(r0 + 0)\n"
				   "out: exit\n";
	struct rawtp_map *map = new_map(BPF_MAP_TYPE_ARRAY, 8, 4);
	struct rawtp_prog *prog = program(text, map);

	memset(map->base, 0x11, 8);
	if (rawtp_jit_compile(prog)) {
		rawtp_prog_put(prog);
		test_skip("no JIT for this CPU, or executable memory is refused");
	}
	CHECK_EQ(run(prog, 0), 0x1111111111111111);
	CHECK_EQ(run(prog, 1), 0x1111111111111111);
	rawtp_prog_put(prog);
}

/* On x86-64 the lookup alone is 26 bytes, and what is left calls nothing, so it has no frame. */
TEST(engine_lookup_is_inlined)
{
	static const char text[] = "r2 = r1; r1 = map[0]; call map_lookup_elem; exit";
	struct rawtp_map *map = new_map(BPF_MAP_TYPE_ARRAY, 8, 100);
	struct rawtp_prog *prog = program(text, map);
	struct utsname uts;
	uint32_t key = 99;

	if (uname(&uts) || strcmp(uts.machine, "x86_64") || rawtp_jit_compile(prog)) {
		rawtp_prog_put(prog);
		test_skip("sizes are those of x86-64");
	}
	CHECK_EQ(prog->jit_size, 4 + 3 + 26 + 1);
	CHECK_EQ(prog->run(&key, prog), (uintptr_t)map->base + 99 * 8);
	key = 100;
	CHECK_EQ(prog->run(&key, prog), 0);
	rawtp_prog_put(prog);
}
