/* SPDX-License-Identifier: MIT */
/*
 * Random programs, most of them nearly right, against this verifier and the kernel's: what is taken
 * here the kernel must take too. RAWTP_RANDOM_PROGRAMS and RAWTP_RANDOM_SEED change how many and
 * which; a program that breaks the rule is printed with both logs.
 */
#include "harness.h"

#include "base/err.h"
#include "bpf/disasm.h"
#include "bpf/maps/map.h"
#include "bpf/verifier/verifier.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_INSNS 256
#define N_MAPS    4

enum { CONFIG, COUNTS, EVENTS, RODATA };

static const struct {
	uint32_t type, key_size, value_size, max_entries, flags;
} map_shapes[N_MAPS] = {
	[CONFIG] = {BPF_MAP_TYPE_ARRAY, 4, 64, 1, 0},
	[COUNTS] = {BPF_MAP_TYPE_HASH, 4, 24, 16, 0},
	[EVENTS] = {BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0},
	[RODATA] = {BPF_MAP_TYPE_ARRAY, 4, 16, 1, BPF_F_RDONLY_PROG},
};

static const uint8_t rodata[16] = {1, 0, 0, 0, 7, 0, 0, 0, 63, 0, 0, 0, 200, 255, 255, 255};

static uint64_t seed = 88172645463325252ULL;

static uint32_t pick(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % n;
}

/* What a register probably holds: a hint for the generator, no more. */
enum hint { NUMBER, POINTER };

static struct {
	struct bpf_insn insns[MAX_INSNS];
	uint32_t n;
	enum hint hints[11];
} gen;

static void emit(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	if (gen.n < MAX_INSNS - 8)
		gen.insns[gen.n++] = (struct bpf_insn){code, dst, src, off, imm};
}

static void emit_map(uint8_t dst, uint8_t kind, int32_t map, int32_t off)
{
	emit(BPF_LD | BPF_IMM | BPF_DW, dst, kind, 0, map);
	emit(0, 0, 0, 0, off);
}

static uint8_t pick_reg(enum hint hint)
{
	uint8_t reg = pick(10), i;

	for (i = 0; i < 10; i++, reg = (reg + 1) % 10)
		if (gen.hints[reg] == hint && reg != BPF_REG_6)
			return reg;
	return pick(6);
}

static uint8_t pick_target(void)
{
	uint8_t reg = pick(9);

	return reg >= BPF_REG_6 ? reg + 1 : reg; /* R6 keeps the context */
}

static int32_t pick_imm(void)
{
	static const int32_t imms[] = {0,  1,  2,   3,      4,  7,         8,         15,
				       16, 31, 32,  56,     63, 64,        65,        255,
				       -1, -8, -64, 0xffff, 24, INT32_MIN, INT32_MAX, 100};

	return imms[pick(sizeof(imms) / sizeof(*imms))];
}

static uint8_t pick_size(void)
{
	static const uint8_t sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW, BPF_DW};

	return sizes[pick(5)];
}

/*
 * No division, and no shift by a register: here their results have bounds, in most kernels they have
 * none.
 */
static void gen_alu(void)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_OR,  BPF_AND, BPF_AND,
				      BPF_LSH, BPF_RSH, BPF_RSH, BPF_XOR, BPF_ARSH};
	uint8_t op = ops[pick(sizeof(ops))], class = pick(3) ? BPF_ALU64 : BPF_ALU;
	uint8_t dst = pick_reg(NUMBER);
	bool is_shift = op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
	int32_t imm = is_shift ? (int32_t)pick(class == BPF_ALU ? 32 : 64) : pick_imm();

	if (pick(3) || is_shift)
		emit(class | op | BPF_K, dst, 0, 0, imm);
	else
		emit(class | op | BPF_X, dst, pick_reg(NUMBER), 0, 0);
}

static void gen_mov(void)
{
	uint8_t dst = pick_target(), src = pick_reg(pick(3) ? NUMBER : POINTER);

	if (pick(3) == 0) {
		emit((pick(2) ? BPF_ALU64 : BPF_ALU) | BPF_MOV | BPF_K, dst, 0, 0, pick_imm());
		gen.hints[dst] = NUMBER;
	} else if (pick(5)) {
		emit(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
		gen.hints[dst] = gen.hints[src];
	} else {
		emit(BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0);
		gen.hints[dst] = NUMBER;
	}
}

static void gen_context(void)
{
	uint8_t dst = pick_target();

	emit(BPF_LDX | BPF_MEM | BPF_DW, dst, BPF_REG_6, 8 * pick(12), 0);
	gen.hints[dst] = NUMBER;
}

static void gen_stack(void)
{
	uint8_t size = pick_size(), reg = pick_reg(pick(2) ? NUMBER : POINTER);
	int16_t off = -8 * (int16_t)(1 + pick(4)) + (size == BPF_W ? 4 * pick(2) : 0);

	switch (pick(3)) {
	case 0:
		emit(BPF_STX | BPF_MEM | size, BPF_REG_10, reg, off, 0);
		break;
	case 1:
		emit(BPF_ST | BPF_MEM | size, BPF_REG_10, 0, off, pick_imm());
		break;
	default:
		reg = pick_target();
		emit(BPF_LDX | BPF_MEM | size, reg, BPF_REG_10, off, 0);
		gen.hints[reg] = NUMBER;
	}
}

static void gen_pointer(void)
{
	uint8_t dst = pick_target();

	if (pick(3))
		emit_map(dst, BPF_PSEUDO_MAP_IDX_VALUE, pick(2) ? CONFIG : RODATA, 4 * pick(4));
	else {
		emit(BPF_ALU64 | BPF_MOV | BPF_X, dst, BPF_REG_10, 0, 0);
		emit(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, -8 * (int32_t)(1 + pick(4)));
	}
	gen.hints[dst] = POINTER;
}

static void gen_bound(void)
{
	static const uint8_t jumps[] = {BPF_JGT, BPF_JGE, BPF_JSGT, BPF_JSGE};
	uint8_t reg = pick_reg(NUMBER);

	if (pick(2))
		emit(BPF_ALU64 | BPF_AND | BPF_K, reg, 0, 0, (1 << pick(7)) - 1);
	else
		emit((pick(3) ? BPF_JMP : BPF_JMP32) | jumps[pick(4)] | BPF_K, reg, 0, 1 + pick(6),
		     pick(66));
}

static void gen_move_pointer(void)
{
	uint8_t ptr = pick_reg(POINTER);

	emit(BPF_ALU64 | (pick(6) ? BPF_ADD : BPF_SUB) | BPF_X, ptr, pick_reg(NUMBER), 0, 0);
}

static void gen_access(void)
{
	uint8_t ptr = pick_reg(POINTER), reg = pick_target();

	switch (pick(4)) {
	case 0:
		emit(BPF_STX | BPF_MEM | pick_size(), ptr, pick_reg(NUMBER), pick(16), 0);
		break;
	case 1:
		emit(BPF_STX | BPF_ATOMIC | (pick(2) ? BPF_DW : BPF_W), ptr, pick_reg(NUMBER),
		     8 * pick(3), pick(2) ? BPF_ADD : BPF_ADD | BPF_FETCH);
		break;
	default:
		emit(BPF_LDX | BPF_MEM | pick_size(), reg, ptr, pick(12), 0);
		gen.hints[reg] = NUMBER;
	}
}

static void gen_jump(void)
{
	static const uint8_t jumps[] = {BPF_JEQ,  BPF_JNE,  BPF_JGT,  BPF_JGE,  BPF_JLT, BPF_JLE,
					BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET};
	uint8_t code = (pick(3) ? BPF_JMP : BPF_JMP32) | jumps[pick(sizeof(jumps))];
	uint8_t dst = pick_reg(pick(8) ? NUMBER : POINTER);
	int16_t off = pick(60) ? 1 + (int16_t)pick(8) : -(int16_t)(2 + pick(8));

	/* Common bits of two registers are followed here, and not in most kernels. */
	if (pick(3) || BPF_OP(code) == BPF_JSET)
		emit(code | BPF_K, dst, 0, off, pick_imm());
	else
		emit(code | BPF_X, dst, pick_reg(NUMBER), off, 0);
}

/* A call leaves R1 to R5 unset: set again most of them. */
static void gen_after_call(void)
{
	uint8_t i;

	for (i = BPF_REG_1; i <= BPF_REG_5; i++) {
		if (pick(30))
			emit(BPF_ALU64 | BPF_MOV | BPF_K, i, 0, 0, pick_imm());
		gen.hints[i] = NUMBER;
	}
}

static void gen_lookup(void)
{
	emit(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, pick(3));
	emit(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0);
	emit(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, pick(12) ? -4 : -8);
	emit_map(BPF_REG_1, BPF_PSEUDO_MAP_IDX, pick(4) ? COUNTS : CONFIG, 0);
	emit(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem);
	gen_after_call();
	if (pick(8))
		emit(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 1 + pick(5), 0);
	gen.hints[BPF_REG_0] = POINTER;
}

static void gen_record(void)
{
	emit_map(BPF_REG_1, BPF_PSEUDO_MAP_IDX, EVENTS, 0);
	emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 8 * (1 + pick(3)));
	emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 0);
	emit(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ringbuf_reserve);
	emit(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 4 + (pick(6) == 0), 0);
	emit(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_0, pick(2) ? BPF_REG_7 : BPF_REG_6, 8 * pick(2),
	     0);
	emit(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_0, 0, 0);
	emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 0);
	emit(BPF_JMP | BPF_CALL, 0, 0, 0,
	     pick(2) ? BPF_FUNC_ringbuf_submit : BPF_FUNC_ringbuf_discard);
	emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1);
	gen_after_call();
	gen.hints[BPF_REG_0] = NUMBER;
}

static void gen_probe_read(void)
{
	uint8_t ptr = pick_reg(POINTER), size = pick_reg(NUMBER);

	emit(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, size, 0, 0);
	if (pick(2))
		emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 1 + pick(16));
	emit(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, ptr == BPF_REG_2 ? BPF_REG_7 : ptr, 0, 0);
	emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 64);
	emit(BPF_JMP | BPF_CALL, 0, 0, 0,
	     pick(2) ? BPF_FUNC_probe_read_kernel : BPF_FUNC_probe_read_kernel_str);
	gen_after_call();
	gen.hints[BPF_REG_0] = NUMBER;
}

static void gen_statement(void)
{
	static void (*const statements[])(void) = {
		gen_alu,   gen_alu,     gen_mov,          gen_mov,    gen_context, gen_stack,
		gen_stack, gen_pointer, gen_bound,        gen_bound,  gen_access,  gen_access,
		gen_jump,  gen_jump,    gen_move_pointer, gen_lookup, gen_record,  gen_probe_read,
	};

	statements[pick(sizeof(statements) / sizeof(*statements))]();
}

/* Calls a subprogram that stands at the end, with whatever R1 to R5 hold. */
static void gen_subprog(uint32_t call)
{
	uint32_t i, n = 2 + pick(6);

	gen.insns[call].imm = (int32_t)(gen.n - call - 1);
	for (i = 0; i < 6; i++)
		gen.hints[i] = NUMBER;
	emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
	for (i = BPF_REG_6; i < BPF_REG_10; i++)
		emit(BPF_ALU64 | BPF_MOV | BPF_X, i, BPF_REG_1 + pick(5), 0, 0);
	for (i = 0; i < n; i++)
		gen_statement();
	emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 0);
	emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void generate(void)
{
	uint32_t i, n = 2 + pick(20), call = 0, at = pick(n);

	memset(&gen, 0, sizeof(gen));
	emit(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0);
	for (i = 0; i < 10; i++) {
		if (i == BPF_REG_6)
			continue;
		if (pick(3) == 0)
			emit(BPF_ALU64 | BPF_MOV | BPF_K, i, 0, 0, pick_imm());
		else
			emit(BPF_LDX | BPF_MEM | BPF_DW, i, BPF_REG_6, 8 * pick(12), 0);
	}
	emit_map(BPF_REG_9, BPF_PSEUDO_MAP_IDX_VALUE, CONFIG, 0);
	gen.hints[BPF_REG_9] = POINTER;
	for (i = 0; i < 4; i++)
		if (pick(4))
			emit(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -8 * (int16_t)(i + 1), i);
	for (i = 0; i < n; i++) {
		if (i == at && pick(4) == 0 && gen.n < 100) {
			call = gen.n;
			emit(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
			gen_after_call();
			gen.hints[BPF_REG_0] = NUMBER;
		}
		gen_statement();
	}
	/* Jumps of the last statements land among these. */
	for (i = 0; i < 6; i++)
		emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, i);
	emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
	emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	if (call)
		gen_subprog(call);
}

static struct rawtp_map *our_maps[N_MAPS];
static int kernel_maps[N_MAPS];
static char our_log[1 << 16], kernel_log[1 << 16];

static long kernel_bpf(int cmd, union bpf_attr *attr)
{
	return syscall(__NR_bpf, cmd, attr, sizeof(*attr));
}

static bool make_maps(void)
{
	uint32_t i, key = 0;
	uint64_t addr;
	int fd;

	for (i = 0; i < N_MAPS; i++) {
		union bpf_attr attr = {
			.map_type = map_shapes[i].type,
			.key_size = map_shapes[i].key_size,
			.value_size = map_shapes[i].value_size,
			.max_entries = map_shapes[i].max_entries,
			.map_flags = map_shapes[i].flags,
		};

		kernel_maps[i] = kernel_bpf(BPF_MAP_CREATE, &attr);
		fd = rawtp_map_create(&attr);
		our_maps[i] = fd < 0 ? NULL : rawtp_map_open(fd);
		close(fd);
		if (kernel_maps[i] < 0)
			return false;
	}
	{
		union bpf_attr attr = {.map_fd = kernel_maps[RODATA],
				       .key = (uintptr_t)&key,
				       .value = (uintptr_t)rodata};
		union bpf_attr freeze = {.map_fd = kernel_maps[RODATA]};

		CHECK_EQ(kernel_bpf(BPF_MAP_UPDATE_ELEM, &attr), 0);
		CHECK_EQ(kernel_bpf(BPF_MAP_FREEZE, &freeze), 0);
	}
	CHECK_EQ(our_maps[RODATA]->ops->value_addr(our_maps[RODATA], 0, &addr), 0);
	memcpy((void *)(uintptr_t)addr, rodata, sizeof(rodata));
	our_maps[RODATA]->header->frozen = 1;
	return true;
}

static bool accepted_here(void)
{
	struct rawtp_verifier_log log = {our_log, sizeof(our_log), 1};
	struct rawtp_prog *prog = rawtp_prog_new(gen.n);
	uint32_t i;
	int err;

	prog->type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	memcpy(prog->insns, gen.insns, gen.n * sizeof(*gen.insns));
	prog->maps = calloc(N_MAPS, sizeof(*prog->maps));
	for (i = 0; i < N_MAPS; i++) {
		rawtp_map_get(our_maps[i]);
		prog->maps[prog->n_maps++] = our_maps[i];
	}
	err = rawtp_verify(prog, &log);
	rawtp_prog_put(prog);
	return err == 0;
}

static bool accepted_by_kernel(void)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insns = (uintptr_t)gen.insns,
		.insn_cnt = gen.n,
		.license = (uintptr_t) "GPL",
		.fd_array = (uintptr_t)kernel_maps,
		.log_buf = (uintptr_t)kernel_log,
		.log_size = sizeof(kernel_log),
		.log_level = 1,
	};
	int fd = kernel_bpf(BPF_PROG_LOAD, &attr);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void print_program(void)
{
	char text[200];
	uint32_t i;

	for (i = 0; i < gen.n;) {
		int n = rawtp_disasm(&gen.insns[i], gen.n - i, text, sizeof(text));

		fprintf(stderr, "%u: %s\n", i, text);
		i += n;
	}
}

TEST(verifier_random)
{
	const char *count = getenv("RAWTP_RANDOM_PROGRAMS"), *from = getenv("RAWTP_RANDOM_SEED");
	uint32_t i, n = count ? atoi(count) : 2000, here = 0, there = 0, bad = 0;
	const char *missed = getenv("RAWTP_RANDOM_MISSED");

	if (!make_maps())
		test_skip("bpf(2) is not permitted here: %s", strerror(errno));
	test_need_kernel(6, 15);
	if (from)
		seed ^= strtoull(from, NULL, 0) * 0x9e3779b97f4a7c15ULL;
	for (i = 0; i < n && bad < 3; i++) {
		bool mine, theirs;

		generate();
		mine = accepted_here();
		theirs = accepted_by_kernel();
		here += mine;
		there += theirs;
		if (missed && theirs && !mine) {
			print_program();
			fprintf(stderr, "%s\n", our_log);
		}
		if (!mine || theirs)
			continue;
		bad++;
		print_program();
		test_fail(__FILE__, __LINE__, "program %u is taken here only: %s", i, kernel_log);
	}
	printf("# %u programs: %u taken here, %u by the kernel\n", i, here, there);
	/* A generator of refused programs would show nothing. */
	CHECK(here > n / 20);
}
