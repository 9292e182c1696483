/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a program: refused or proved. One that is proved runs in the interpreter and as
 * machine code, which must agree. Under AddressSanitizer what lies behind the values of the maps is
 * out of bounds for the interpreter, so an access there is found.
 *
 * Input: log level, then instructions of 8 bytes; maps as tests/random_prog.h numbers them.
 */
#include "fuzz.h"

#include "bpf/interp.h"
#include "bpf/jit/jit.h"
#include "bpf/maps/map.h"
#include "bpf/verifier/verifier.h"
#include "random_insns.h"
#include "rawtp/thread.h"
#include "world.h"

#include <alloca.h>

#define MAX_INSNS RANDOM_PROG_MAX
#define LOG_SIZE  (1 << 16)
#define N_ARGS    12

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size) ((void)(addr), (void)(size))
#endif

static struct world world;
static struct rawtp_map *maps[RANDOM_N_MAPS];

static void open_maps(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint32_t i;

	FUZZ_CHECK(world_open(&world, false) == 0);
	for (i = 0; i < RANDOM_N_MAPS; i++) {
		const struct random_prog_shape *shape = &random_prog_shapes[i];
		size_t used = (size_t)shape->value_size * shape->max_entries;

		maps[i] = rawtp_map_open(world.fds[i]);
		if (shape->type == BPF_MAP_TYPE_ARRAY)
			ASAN_POISON_MEMORY_REGION(maps[i]->base + used, page - used);
	}
}

/* What is the same whenever it is asked, and does nothing outside of the maps. */
static bool is_repeatable(const struct bpf_insn *insn)
{
	static const int32_t helpers[] = {
		BPF_FUNC_map_lookup_elem,
		BPF_FUNC_map_update_elem,
		BPF_FUNC_map_delete_elem,
		BPF_FUNC_ringbuf_output,
		BPF_FUNC_ringbuf_reserve,
		BPF_FUNC_ringbuf_submit,
		BPF_FUNC_ringbuf_discard,
		BPF_FUNC_ktime_get_ns,
		BPF_FUNC_get_prandom_u32,
		BPF_FUNC_get_current_comm,
		BPF_FUNC_strtol,
		BPF_FUNC_strtoul,
		BPF_FUNC_probe_read_kernel,
		BPF_FUNC_strncmp,
		BPF_FUNC_probe_read_kernel_str,
		BPF_FUNC_snprintf,
	};
	size_t i;

	if (insn->code == (BPF_LD | BPF_IMM | BPF_DW))
		return insn->src_reg != BPF_PSEUDO_FUNC; /* called back for long */
	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg)
		return true;
	for (i = 0; i < sizeof(helpers) / sizeof(*helpers); i++)
		if (insn->imm == helpers[i])
			return true;
	return false;
}

struct outcome {
	uint64_t r0, sums[RANDOM_N_MAPS];
};

static struct outcome run(const struct rawtp_prog *prog, uint32_t used, rawtp_prog_fn engine)
{
	struct rawtp_thread *self;
	struct outcome outcome = {0};
	uint64_t args[N_ARGS], state = 7;
	uint32_t i;

	for (i = 0; i < N_ARGS; i++)
		args[i] = random_u64(&state) >> (8 * i % 64);
	world_reset(&world, used, 3);
	self = rawtp_read_lock();
	((struct rawtp_prog *)(uintptr_t)prog)->run = engine;
	FUZZ_CHECK(rawtp_prog_run(self, prog, args, &outcome.r0));
	rawtp_read_unlock(self);
	for (i = 0; i < RANDOM_N_MAPS; i++)
		if (used & 1u << i)
			outcome.sums[i] = world_sum(&world, i);
	return outcome;
}

/* The same with the stack elsewhere: a result that depends on addresses is another one. */
__attribute__((noinline)) static struct outcome run_deeper(const struct rawtp_prog *prog,
							   uint32_t used, size_t by)
{
	volatile char *room = alloca(by);

	room[0] = 1;
	return run(prog, used, rawtp_interpret);
}

static bool is_same(const struct outcome *a, const struct outcome *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void check_engines(struct rawtp_prog *prog, uint32_t used)
{
	struct outcome first = run(prog, used, rawtp_interpret), again, compiled;

	again = run_deeper(prog, used, 3344);
	if (!is_same(&first, &again) || rawtp_jit_compile(prog))
		return;
	compiled = run(prog, used, prog->run);
	if (is_same(&first, &compiled))
		return;
	again = run_deeper(prog, used, 720);
	FUZZ_CHECK(!is_same(&first, &again) && "the engines agree");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[LOG_SIZE];
	struct fuzz_input input = {data, size};
	struct rawtp_verifier_log log = {text, sizeof(text), fuzz_u8(&input) & 7};
	uint32_t n = (uint32_t)(input.left / sizeof(struct bpf_insn)), i, used;
	struct rawtp_prog *prog;
	bool repeatable = true;

	if (!maps[0])
		open_maps();
	if (!n || n > MAX_INSNS)
		return 0;
	prog = rawtp_prog_new(n);
	prog->type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	fuzz_take(&input, prog->insns, n * sizeof(*prog->insns));
	prog->maps = calloc(RANDOM_N_MAPS, sizeof(struct rawtp_map *));
	for (i = 0; i < RANDOM_N_MAPS; i++) {
		rawtp_map_get(maps[i]);
		prog->maps[prog->n_maps++] = maps[i];
	}
	used = random_prog_maps(prog->insns, n);
	for (i = 0; i < n; i++)
		repeatable &= is_repeatable(&prog->insns[i]);
	if (rawtp_verify(prog, &log) == 0 && repeatable)
		check_engines(prog, used);
	rawtp_prog_put(prog);
	return 0;
}

#ifdef RAWTP_FUZZING
/* Now and then a new program, or a part of one: libFuzzer alone finds few that are proved. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct random_prog random;
	uint32_t n = size ? (uint32_t)(size - 1) / sizeof(struct bpf_insn) : 0, at, from, count;

	if (seed % 16 > 2 || max_size < 1 + sizeof(random.insns))
		return LLVMFuzzerMutate(data, size, max_size);
	random_prog(seed, &random);
	if (!n || n > RANDOM_PROG_MAX || seed % 16 == 0) {
		data[0] = (uint8_t)(seed >> 8);
		memcpy(data + 1, random.insns, random.n * sizeof(*random.insns));
		return 1 + random.n * sizeof(*random.insns);
	}
	at = seed / 16 % n;
	from = seed / 256 % random.n;
	count = 1 + seed / 4096 % 8;
	if (count > n - at)
		count = n - at;
	if (count > random.n - from)
		count = random.n - from;
	memcpy(data + 1 + at * sizeof(struct bpf_insn), random.insns + from,
	       count * sizeof(struct bpf_insn));
	return size;
}
#endif
