/* SPDX-License-Identifier: MIT */
/* Statements that other statements stand in, and calls. */
#include "random_prog_internal.h"

#include <string.h>

#define MAX_DEPTH 4
#define MAX_HELD  2

static bool room(const struct gen *g)
{
	return g->depth < MAX_DEPTH && g->out->n < g->limit;
}

/* One of R6 to R9 that may be written, or 0. */
static uint32_t kept_target(struct gen *g)
{
	uint32_t reg = gen_below(g, 4), i;

	for (i = 0; i < 4; i++, reg = (reg + 1) % 4)
		if (!g->now.regs[BPF_REG_6 + reg].is_locked)
			return BPF_REG_6 + reg;
	return 0;
}

static void gen_condition(struct gen *g)
{
	static const uint8_t jumps[] = {BPF_JEQ,  BPF_JNE,  BPF_JGT,  BPF_JGE,  BPF_JLT, BPF_JLE,
					BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET};
	uint8_t op = jumps[gen_below(g, sizeof(jumps))];
	uint8_t code = (gen_one_in(g, 3) ? BPF_JMP32 : BPF_JMP) | op;
	uint32_t reg = gen_number(g);
	int32_t imm = gen_imm(g);

	if (gen_one_in(g, op == BPF_JSET ? 12 : 4)) {
		gen_emit(g, code | BPF_X, reg, gen_number(g), 0, 0);
		return;
	}
	gen_emit(g, code | BPF_K, reg, 0, 0, imm);
	if (BPF_CLASS(code) == BPF_JMP && op == BPF_JGT && imm >= 0 &&
	    g->now.regs[reg].max > (uint32_t)imm)
		g->now.regs[reg].max = (uint32_t)imm;
}

void gen_step_branch(struct gen *g)
{
	struct state before = g->now, after;
	uint32_t at, over;

	if (!room(g))
		return;
	gen_condition(g);
	at = g->out->n - 1;
	/* A number that had to be made stands before the jump. */
	for (over = 0; over < 10; over++)
		if (before.regs[over].kind != g->now.regs[over].kind)
			before.regs[over] = g->now.regs[over];
	gen_block(g, 1 + gen_below(g, 4));
	if (gen_one_in(g, 2)) {
		gen_land(g, at);
		gen_merge(&g->now, &before);
		return;
	}
	over = g->out->n;
	gen_emit(g, gen_one_in(g, 8) ? BPF_JMP32 | BPF_JA : BPF_JMP | BPF_JA, 0, 0, 0, 0);
	gen_land(g, at);
	after = g->now;
	g->now = before;
	gen_block(g, 1 + gen_below(g, 3));
	if (BPF_CLASS(g->out->insns[over].code) == BPF_JMP32)
		g->out->insns[over].imm = (int32_t)(g->out->n - over - 1);
	else
		gen_land(g, over);
	gen_merge(&g->now, &after);
}

/* for (i = 0; i < n; i++), the condition at the end. */
void gen_step_loop(struct gen *g)
{
	uint32_t counter = kept_target(g), start, n = 2 + gen_below(g, g->loops ? 2 : 5);
	struct state head;
	int32_t by = gen_one_in(g, 4) ? 2 : 1;

	if (!counter || !room(g) || g->loops == 2)
		return;
	if (!g->loops && !g->call_depth && gen_one_in(g, 12))
		n = 8 + gen_below(g, 24);
	g->loops++;
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, counter, 0, 0, 0);
	gen_set_number(g, counter, n * (uint32_t)by, 1);
	gen_begin_loop(g, &head);
	g->now.regs[counter].max = head.regs[counter].max = (n - 1) * (uint32_t)by;
	g->now.regs[counter].is_locked = true;
	start = g->out->n;
	gen_block(g, 1 + gen_below(g, n > 7 ? 2 : 4));
	gen_end_loop(g, &head);
	if (!g->spoil || gen_below(g, 2000))
		gen_emit(g, BPF_ALU64 | BPF_ADD | BPF_K, counter, 0, 0, by);
	gen_emit(g,
		 (gen_one_in(g, 4) ? BPF_JMP32 : BPF_JMP) |
			 (gen_one_in(g, 3) ? BPF_JSLT : BPF_JLT) | BPF_K,
		 counter, 0, (int32_t)(start - g->out->n - 1), (int32_t)n * by);
	gen_set_number(g, counter, ANY_NUMBER, 1);
	g->loops--;
}

/* The function to call: one that is not made yet, or a new one. */
static struct function *pick_function(struct gen *g, uint32_t first)
{
	struct function *function;
	uint32_t i;

	for (i = first; i < g->n_functions; i++)
		if (!g->functions[i].is_callback && g->functions[i].n_calls < MAX_CALLS &&
		    gen_one_in(g, 2))
			return &g->functions[i];
	if (g->n_functions == MAX_FUNCTIONS)
		return NULL;
	function = &g->functions[g->n_functions++];
	memset(function, 0, sizeof(*function));
	return function;
}

/* One argument: what a register that calls do not write holds, the buffer's address, a number. */
static void pass(struct gen *g, uint32_t reg, bool is_first, struct known *known)
{
	uint32_t from = BPF_REG_6 + gen_below(g, 4);
	const struct known *k = &g->now.regs[from];
	struct known passed;

	if (!is_first && known->kind > NUMBER && known->kind != k->kind)
		for (from = BPF_REG_6; from < BPF_REG_9 && g->now.regs[from].kind != known->kind;)
			from++;
	k = &g->now.regs[from];
	if (k->kind != UNSET && k->kind != RECORD && (is_first || k->kind == known->kind)) {
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, reg, from, 0, 0);
		passed = *k;
		passed.is_locked = false;
	} else if (gen_one_in(g, 3) && (is_first || known->kind == STACK)) {
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, reg, BPF_REG_10, 0, 0);
		gen_emit(g, BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, BUFFER);
		passed = (struct known){.kind = STACK, .size = BUFFER_SIZE, .align = 8};
	} else {
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, gen_imm(g));
		passed = (struct known){.kind = NUMBER, .max = ANY_NUMBER, .align = 1};
	}
	g->now.regs[reg] = passed;
	if (is_first) {
		*known = passed;
	} else {
		struct state merged = {.regs = {*known}}, other = {.regs = {passed}};

		gen_merge(&merged, &other);
		*known = merged.regs[0];
	}
}

void gen_step_function(struct gen *g)
{
	struct function *function;
	uint32_t i;

	if (g->call_depth == 3 || !room(g))
		return;
	function = pick_function(g, g->n_made);
	if (!function)
		return;
	for (i = 0; i < 5; i++)
		pass(g, BPF_REG_1 + i, function->n_calls == 0, &function->args[i]);
	if (function->depth < g->call_depth + 1)
		function->depth = g->call_depth + 1;
	function->calls[function->n_calls++] = g->out->n;
	gen_call(g, 0);
	g->out->insns[g->out->n - 1].src_reg = BPF_PSEUDO_CALL;
}

/* What bpf_loop() gives its function, and what bpf_for_each_map_elem(). */
static void begin_callback(struct gen *g, struct function *function, int map)
{
	const struct known data = g->now.regs[BPF_REG_3];
	struct known *args = function->args;

	if (map < 0) {
		args[0] = (struct known){.kind = NUMBER, .max = ANY_NUMBER, .align = 1};
		args[1] = data;
		return;
	}
	/* The key may only be read, as what lies in the read-only map. */
	args[1] = (struct known){.kind = VALUE, .map = RANDOM_RODATA, .size = 4, .align = 8};
	args[2] = (struct known){.kind = VALUE,
				 .map = (uint8_t)map,
				 .size = (int32_t)random_prog_shapes[map].value_size,
				 .align = 8};
	args[3] = data;
	/* In which order a hash is walked is nobody's promise. */
	if (map == RANDOM_COUNTS)
		g->out->is_exact = false;
}

static void pass_data(struct gen *g)
{
	if (gen_one_in(g, 3)) {
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 0);
		gen_set_number(g, BPF_REG_3, 0, 8);
		return;
	}
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_10, 0, 0);
	gen_emit(g, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_3, 0, 0, BUFFER);
	g->now.regs[BPF_REG_3] = (struct known){.kind = STACK, .size = BUFFER_SIZE, .align = 8};
}

void gen_step_callback(struct gen *g)
{
	static const int maps[] = {RANDOM_TABLE, RANDOM_PERCPU, RANDOM_COUNTS};
	int map = gen_one_in(g, 2) ? -1 : maps[gen_below(g, 3)];
	struct function *function;

	if (g->call_depth == 2 || g->loops || !room(g) || g->n_functions == MAX_FUNCTIONS)
		return;
	function = &g->functions[g->n_functions++];
	memset(function, 0, sizeof(*function));
	function->is_callback = true;
	function->depth = g->call_depth + 1;
	pass_data(g);
	begin_callback(g, function, map);
	if (map < 0)
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, (int32_t)gen_below(g, 6));
	else
		gen_map(g, BPF_REG_1, BPF_PSEUDO_MAP_IDX, (uint32_t)map, 0);
	function->calls[function->n_calls++] = g->out->n;
	gen_map(g, BPF_REG_2, BPF_PSEUDO_FUNC, 0, 0);
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_4, 0, 0, gen_spoils(g));
	gen_call(g, map < 0 ? BPF_FUNC_loop : BPF_FUNC_for_each_map_elem);
}

static void put_key(struct gen *g)
{
	if (gen_one_in(g, 3)) {
		uint32_t reg = gen_own_number(g);

		gen_emit(g, BPF_ALU64 | BPF_AND | BPF_K, reg, 0, 0, 7);
		gen_set_number(g, reg, 7, 1);
		gen_emit(g, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, reg, KEY, 0);
	} else {
		gen_emit(g, BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, KEY, (int32_t)gen_below(g, 9));
	}
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0);
	gen_emit(g, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, gen_spoils(g) ? KEY - 8 : KEY);
}

static uint32_t pick_map(struct gen *g)
{
	static const uint8_t maps[] = {RANDOM_TABLE, RANDOM_TABLE, RANDOM_PERCPU, RANDOM_COUNTS,
				       RANDOM_COUNTS};

	if (gen_spoils(g))
		return gen_below(g, RANDOM_N_MAPS);
	return maps[gen_below(g, sizeof(maps))];
}

static void found(struct gen *g, uint32_t map)
{
	uint32_t copy = kept_target(g);

	g->now.regs[BPF_REG_0] = (struct known){
		.kind = VALUE,
		.map = map,
		.size = (int32_t)random_prog_shapes[map].value_size,
		.align = 8,
	};
	if (!copy || gen_one_in(g, 2))
		return;
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, copy, BPF_REG_0, 0, 0);
	g->now.regs[copy] = g->now.regs[BPF_REG_0];
}

void gen_step_lookup(struct gen *g)
{
	uint32_t map = pick_map(g), at;
	struct state before;

	put_key(g);
	gen_map(g, BPF_REG_1, BPF_PSEUDO_MAP_IDX, map, 0);
	gen_call(g, BPF_FUNC_map_lookup_elem);
	if (map == RANDOM_EVENTS || gen_spoils(g)) {
		found(g, map);
		return;
	}
	at = g->out->n;
	if (!g->n_held && gen_one_in(g, 2)) {
		gen_emit(g, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 0, 0);
		gen_exit(g);
		gen_land(g, at);
		found(g, map);
		return;
	}
	g->now.regs[BPF_REG_0].kind = UNSET;
	before = g->now;
	gen_emit(g, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 0, 0);
	found(g, map);
	gen_block(g, 1 + gen_below(g, 4));
	gen_land(g, at);
	gen_merge(&g->now, &before);
}

/* Memory of @n bytes from a register's place on, in @reg; false where there is none. */
static bool pass_memory(struct gen *g, uint32_t reg, int32_t n)
{
	uint32_t from = gen_memory(g);
	const struct known *p = &g->now.regs[from];

	if ((from <= BPF_REG_5 && from != reg) || p->low < 0 || p->high + n > p->size ||
	    (p->kind == VALUE && p->map == RANDOM_RODATA) || (p->kind == STACK && p->align < 8)) {
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, reg, BPF_REG_10, 0, 0);
		gen_emit(g, BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0,
			 gen_spoils(g) ? BUFFER + 8 : BUFFER);
		return n <= BUFFER_SIZE;
	}
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, reg, from, 0, 0);
	return true;
}

/* Update or delete. */
void gen_step_change_map(struct gen *g)
{
	uint32_t map = pick_map(g);
	int32_t n = (int32_t)random_prog_shapes[map].value_size;

	if (!pass_memory(g, BPF_REG_3, n))
		return;
	g->now.regs[BPF_REG_3] = (struct known){.kind = UNSET, .is_locked = true};
	put_key(g);
	g->now.regs[BPF_REG_3].is_locked = false;
	gen_map(g, BPF_REG_1, BPF_PSEUDO_MAP_IDX, map, 0);
	if (gen_one_in(g, 4)) {
		gen_call(g, BPF_FUNC_map_delete_elem);
		return;
	}
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_4, 0, 0, (int32_t)gen_below(g, 4));
	gen_call(g, BPF_FUNC_map_update_elem);
}

static void forget_record(struct known *known, uint32_t id)
{
	if (known->kind == RECORD && known->map == id)
		*known = (struct known){.kind = UNSET};
}

/* Fills the record in @reg, works on, and gives it up. */
static void use_record(struct gen *g, uint32_t reg, int32_t size)
{
	uint32_t id = ++g->n_held, i;
	int32_t off;

	g->now.regs[reg] = (struct known){
		.kind = RECORD, .map = id, .size = size, .align = 8, .is_locked = true};
	for (off = 0; off < size; off += 8) {
		if (gen_one_in(g, 2))
			gen_emit(g, BPF_ST | BPF_MEM | BPF_DW, reg, 0, off, gen_imm(g));
		else
			gen_emit(g, BPF_STX | BPF_MEM | BPF_DW, reg, gen_number(g), off, 0);
	}
	if (room(g))
		gen_block(g, gen_below(g, 3));
	if (!gen_spoils(g)) {
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, reg, 0, 0);
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 0);
		gen_call(g, gen_one_in(g, 3) ? BPF_FUNC_ringbuf_discard : BPF_FUNC_ringbuf_submit);
		g->now.regs[BPF_REG_0].kind = UNSET;
	}
	g->n_held--;
	g->now.regs[reg].is_locked = false;
	for (i = 0; i < 10 && !gen_spoils(g); i++)
		forget_record(&g->now.regs[i], id);
	for (i = 0; i < N_SLOTS; i++)
		forget_record(&g->now.slots[i], id);
}

void gen_step_record(struct gen *g)
{
	uint32_t reg = kept_target(g), at;
	int32_t size = 8 * (int32_t)(1 + gen_below(g, 4));
	struct state before;

	if (!reg || !room(g) || g->n_held == MAX_HELD)
		return;
	gen_map(g, BPF_REG_1, BPF_PSEUDO_MAP_IDX, RANDOM_EVENTS, 0);
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, size);
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 0);
	gen_call(g, BPF_FUNC_ringbuf_reserve);
	g->now.regs[BPF_REG_0].kind = UNSET;
	before = g->now;
	before.regs[reg].kind = UNSET;
	at = g->out->n;
	gen_emit(g, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 0, 0);
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, reg, BPF_REG_0, 0, 0);
	use_record(g, reg, size);
	gen_land(g, at);
	gen_merge(&g->now, &before);
}

/* A length in @reg of at most @max, constant or not, and not 0. */
static void pass_length(struct gen *g, uint32_t reg, int32_t max)
{
	uint32_t from = gen_number(g);

	if (gen_spoils(g))
		max += 8;
	if (from <= BPF_REG_5 || gen_one_in(g, 2)) {
		gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0,
			 1 + (int32_t)gen_below(g, (uint32_t)max));
		return;
	}
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_X, reg, from, 0, 0);
	gen_emit(g, BPF_ALU64 | BPF_AND | BPF_K, reg, 0, 0, max >= 16 ? 15 : 7);
	gen_emit(g, BPF_ALU64 | BPF_OR | BPF_K, reg, 0, 0, 1);
}

void gen_step_output(struct gen *g)
{
	if (!pass_memory(g, BPF_REG_2, 16))
		return;
	g->now.regs[BPF_REG_2] = (struct known){.kind = UNSET, .is_locked = true};
	pass_length(g, BPF_REG_3, 16);
	g->now.regs[BPF_REG_2].is_locked = false;
	gen_map(g, BPF_REG_1, BPF_PSEUDO_MAP_IDX, RANDOM_EVENTS, 0);
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_4, 0, 0, 0);
	gen_call(g, BPF_FUNC_ringbuf_output);
}

/* Of an address that nowhere is mapped: zeros and an error, whose number may differ. */
void gen_step_probe_read(struct gen *g)
{
	if (!pass_memory(g, BPF_REG_1, 16))
		return;
	g->now.regs[BPF_REG_1] = (struct known){.kind = UNSET, .is_locked = true};
	pass_length(g, BPF_REG_2, 16);
	g->now.regs[BPF_REG_1].is_locked = false;
	gen_emit(g, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 64);
	gen_call(g, gen_one_in(g, 3) ? BPF_FUNC_probe_read_kernel_str : BPF_FUNC_probe_read_kernel);
	gen_emit(g, BPF_ALU64 | BPF_ARSH | BPF_K, BPF_REG_0, 0, 0, 63);
}

/* What is another at each call is not looked at. */
void gen_step_ask(struct gen *g)
{
	static const int32_t helpers[] = {
		BPF_FUNC_ktime_get_ns, BPF_FUNC_get_prandom_u32, BPF_FUNC_get_smp_processor_id,
		BPF_FUNC_get_current_pid_tgid, BPF_FUNC_get_current_uid_gid};

	gen_call(g, helpers[gen_below(g, sizeof(helpers) / sizeof(*helpers))]);
	gen_emit(g, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_0, 0, 0, 63);
	gen_set_number(g, BPF_REG_0, 1, 1);
}

void gen_step(struct gen *g)
{
	static const struct {
		void (*step)(struct gen *g);
		uint32_t weight;
	} steps[] = {
#define GEN_STEP_ROW(name, weight) {gen_step_##name, weight},
		GEN_STEPS(GEN_STEP_ROW)
#undef GEN_STEP_ROW
	};
	uint32_t at = gen_below(g, 100), i = 0;

	while (at >= steps[i].weight)
		at -= steps[i++].weight;
	steps[i].step(g);
}
