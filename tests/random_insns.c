/* SPDX-License-Identifier: MIT */
#include "random_insns.h"

#include "bpf/opcodes.h"

#define STACK_WORDS 8 /* that a program uses: 64 bytes, so that eight frames fit */
#define N_REGS      10

struct random {
	struct bpf_insn *out;
	unsigned int n;
	uint64_t state;
	unsigned int call_fixups[16], n_calls;
	/* Where short jumps that are open will land. */
	unsigned int open_jumps[64], n_open;
};

uint64_t random_u64(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

static uint32_t below(struct random *random, uint32_t n)
{
	return (random_u64(&random->state) >> 32) % n;
}

static void emit(struct random *random, uint8_t code, unsigned int dst, unsigned int src,
		 int16_t off, int32_t imm)
{
	random->out[random->n++] = (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm};
}

/* Values at which something happens, and any others. */
static uint64_t interesting(struct random *random)
{
	static const uint64_t values[] = {0,
					  1,
					  2,
					  7,
					  31,
					  32,
					  63,
					  64,
					  127,
					  128,
					  255,
					  0x7fff,
					  0x8000,
					  0xffff,
					  INT32_MAX,
					  (uint64_t)INT32_MIN,
					  0x80000000,
					  UINT32_MAX,
					  1ULL << 32,
					  INT64_MAX,
					  (uint64_t)INT64_MIN,
					  UINT64_MAX};
	uint64_t value = random_u64(&random->state);

	if (value & 1)
		return values[below(random, sizeof(values) / sizeof(values[0]))];
	return value >> (value >> 1 & 63);
}

static void set(struct random *random, unsigned int reg, uint64_t value)
{
	emit(random, BPF_LD | BPF_IMM | BPF_DW, reg, 0, 0, value);
	emit(random, 0, 0, 0, 0, value >> 32);
}

static void begin(struct random *random, unsigned int first_reg)
{
	unsigned int i;

	for (i = 0; i < STACK_WORDS; i++)
		emit(random, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -8 * (int)(i + 1),
		     interesting(random));
	for (i = 0; i < N_REGS; i++)
		if (i == 0 || i >= first_reg)
			set(random, i, interesting(random));
}

/* Leaves in R0 what depends on each register and each word of the stack. */
static void end(struct random *random)
{
	unsigned int i;

	for (i = 1; i < N_REGS; i++) {
		emit(random, BPF_ALU64 | BPF_MUL | BPF_K, 0, 0, 0, 31);
		emit(random, BPF_ALU64 | BPF_ADD | BPF_X, 0, i, 0, 0);
	}
	for (i = 0; i < STACK_WORDS; i++) {
		emit(random, BPF_LDX | BPF_MEM | BPF_DW, 1, BPF_REG_10, -8 * (int)(i + 1), 0);
		emit(random, BPF_ALU64 | BPF_MUL | BPF_K, 0, 0, 0, 33);
		emit(random, BPF_ALU64 | BPF_XOR | BPF_X, 0, 1, 0, 0);
	}
	emit(random, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* An offset from R10 at which @bytes lie on the stack and are aligned. */
static int16_t stack_slot(struct random *random, unsigned int bytes)
{
	return -(int)(bytes * (1 + below(random, STACK_WORDS * 8 / bytes)));
}

static int32_t valid_imm(struct random *random, const struct rawtp_opcode *row)
{
	int32_t imm = interesting(random);

	switch (BPF_OP(row->code)) {
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH:
		return imm & (BPF_CLASS(row->code) == BPF_ALU64 ? 63 : 31);
	case BPF_DIV:
	case BPF_MOD:
		return imm ? imm : 3;
	default:
		return imm;
	}
}

static void memory_insn(struct random *random, const struct rawtp_opcode *row, unsigned int dst,
			unsigned int src)
{
	struct bpf_insn insn = {.code = row->code};
	int16_t off = stack_slot(random, rawtp_op_bytes(&insn));

	switch (row->kind) {
	case RAWTP_KIND_LOAD:
		emit(random, row->code, dst, BPF_REG_10, off, 0);
		break;
	case RAWTP_KIND_LOAD_ACQ:
		emit(random, row->code, dst, BPF_REG_10, off, row->value);
		break;
	case RAWTP_KIND_STORE_IMM:
		emit(random, row->code, BPF_REG_10, 0, off, interesting(random));
		break;
	default:
		emit(random, row->code, BPF_REG_10, src, off, row->value);
	}
}

/* One instruction of a random row; jumps go a few instructions ahead, to where bodies continue. */
static void random_insn(struct random *random)
{
	enum rawtp_op op = 1 + below(random, RAWTP_N_OPS - 1);
	const struct rawtp_opcode *row = &rawtp_opcodes[op];
	unsigned int dst = below(random, N_REGS), src = below(random, N_REGS);

	switch (row->kind) {
	case RAWTP_KIND_ALU:
	case RAWTP_KIND_MOV:
	case RAWTP_KIND_MOVSX:
	case RAWTP_KIND_NEG:
	case RAWTP_KIND_END:
		emit(random, row->code, dst, row->fields & RAWTP_FIELDS_S ? src : 0,
		     row->select == RAWTP_SELECT_OFF ? row->value : 0,
		     row->select == RAWTP_SELECT_IMM ? row->value
		     : row->fields & RAWTP_FIELDS_I  ? valid_imm(random, row)
						     : 0);
		break;
	case RAWTP_KIND_LD_IMM64:
		set(random, dst, interesting(random));
		break;
	case RAWTP_KIND_JUMP_IF:
		random->open_jumps[random->n_open++] = random->n;
		emit(random, row->code, dst, row->fields & RAWTP_FIELDS_S ? src : 0, 0,
		     row->fields & RAWTP_FIELDS_I ? (int32_t)interesting(random) : 0);
		break;
	case RAWTP_KIND_JUMP: /* farther, and dead code would follow */
		emit(random, row->code, 0, 0, 0, 0);
		break;
	case RAWTP_KIND_CALL: /* a result that is not the same everywhere */
	case RAWTP_KIND_CALL_LOCAL:
	case RAWTP_KIND_EXIT:
	case RAWTP_KIND_PROBE: /* nothing that can be loaded */
		break;
	default:
		memory_insn(random, row, dst, src);
	}
}

static void call(struct random *random)
{
	unsigned int i;

	random->call_fixups[random->n_calls++] = random->n;
	emit(random, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
	for (i = 1; i <= 5; i++)
		set(random, i, interesting(random));
}

static void close_jumps(struct random *random)
{
	while (random->n_open) {
		unsigned int at = random->open_jumps[--random->n_open];

		random->out[at].off = random->n - at - 1;
	}
}

static void body(struct random *random, unsigned int n, bool may_call)
{
	while (n--) {
		random_insn(random);
		if (below(random, 4) == 0)
			close_jumps(random);
		if (may_call && below(random, 16) == 0 && random->n_calls < 3)
			call(random);
	}
	close_jumps(random);
}

unsigned int random_program(uint64_t seed, struct bpf_insn *out)
{
	struct random random = {.out = out, .state = seed * 0x9e3779b97f4a7c15ULL | 1};
	unsigned int i, n_subprogs, starts[2];
	bool may_call = below(&random, 3) == 0;

	begin(&random, 0);
	body(&random, 4 + below(&random, 40), may_call);
	end(&random);
	n_subprogs = random.n_calls ? 1 + below(&random, 2) : 0;
	if (n_subprogs > random.n_calls)
		n_subprogs = random.n_calls;
	for (i = 0; i < n_subprogs; i++) {
		starts[i] = random.n;
		begin(&random, BPF_REG_6);
		body(&random, 4 + below(&random, 20), false);
		end(&random);
	}
	for (i = 0; i < random.n_calls; i++)
		out[random.call_fixups[i]].imm = starts[i % n_subprogs] - random.call_fixups[i] - 1;
	return random.n;
}
