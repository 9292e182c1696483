/* SPDX-License-Identifier: MIT */
/*
 * Callbacks whose rounds move a few numbers between a few places, set them, compare them, and use them
 * as an index. There are so few states that all that rounds can lead to, in any order, is computed
 * beside; a program that could leave its map's value must be refused. RANDOM_SEED and RANDOM_COUNT
 * choose others and more.
 */
#include "asm.h"
#include "harness.h"

#include "base/err.h"
#include "bpf/maps/map.h"
#include "bpf/verifier/verifier.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define N_SLOTS   3
#define N_VALUES  5
#define N_STATES  (N_VALUES * N_VALUES * N_VALUES)
#define MAX_CASES 5
#define MAX_STEPS 3
#define LIMIT     64 /* bytes of the map's value */

static const uint32_t values[N_VALUES] = {0, 1, 63, 64, 100};

enum kind { COPY, SET, USE, SKIP_ABOVE, SKIP_EQUAL, INNER, N_KINDS };

struct step {
	enum kind kind;
	uint32_t slot, other, value; /* value: an index into values */
};

/* One of the cases, by chance, in each round. */
struct body {
	uint32_t n_cases, n_steps[MAX_CASES];
	struct step steps[MAX_CASES][MAX_STEPS];
};

struct model {
	struct body outer, inner;
	struct step after[MAX_STEPS];
	uint32_t n_after;
	bool has_inner;
};

static uint64_t seed = 88172645463325252ULL;

static uint32_t pick(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % n;
}

static struct step make_step(bool has_inner)
{
	static const enum kind kinds[] = {COPY, COPY, COPY,       SET,       SET,
					  USE,  USE,  SKIP_ABOVE, SKIP_EQUAL};
	struct step step = {kinds[pick(9)], pick(N_SLOTS), pick(N_SLOTS), pick(N_VALUES)};

	if (has_inner && !pick(6))
		step.kind = INNER;
	/* Large values are rare, so that some programs are good. */
	if (step.kind == SET && pick(2))
		step.value = pick(3);
	return step;
}

static void make_body(struct body *body, bool has_inner)
{
	uint32_t i, k;

	body->n_cases = 1 + pick(MAX_CASES);
	for (i = 0; i < body->n_cases; i++) {
		body->n_steps[i] = 1 + pick(MAX_STEPS);
		for (k = 0; k < body->n_steps[i]; k++)
			body->steps[i][k] = make_step(has_inner);
	}
}

static void make_model(struct model *model)
{
	uint32_t i;

	model->has_inner = !pick(3);
	make_body(&model->outer, model->has_inner);
	make_body(&model->inner, false);
	model->n_after = pick(MAX_STEPS);
	for (i = 0; i < model->n_after; i++)
		model->after[i] = make_step(false);
}

/* What can happen: a bit for each state, a state is the numbers' indices. */
struct reached {
	bool states[N_STATES];
	bool is_bad;
};

static uint32_t slot_of(uint32_t state, uint32_t slot)
{
	while (slot--)
		state /= N_VALUES;
	return state % N_VALUES;
}

static uint32_t with_slot(uint32_t state, uint32_t slot, uint32_t value)
{
	uint32_t unit = 1, i;

	for (i = 0; i < slot; i++)
		unit *= N_VALUES;
	return state + (value - slot_of(state, slot)) * unit;
}

static void run_body(const struct model *model, const struct body *body, struct reached *reached);

/* From @state on, steps @at to @n; what comes out is added to @out. */
static void run_steps(const struct model *model, const struct step *steps, uint32_t at, uint32_t n,
		      uint32_t state, struct reached *out)
{
	for (; at < n; at++) {
		const struct step *step = &steps[at];
		uint32_t index = slot_of(state, step->slot), i;

		if (step->kind == COPY)
			state = with_slot(state, step->other, index);
		else if (step->kind == SET)
			state = with_slot(state, step->slot, step->value);
		else if (step->kind == USE)
			out->is_bad |= values[index] >= LIMIT;
		else if (step->kind == SKIP_ABOVE && values[index] >= LIMIT)
			break;
		else if (step->kind == SKIP_EQUAL && index == step->value)
			break;
		else if (step->kind == INNER) {
			struct reached inner = {.is_bad = false};

			inner.states[state] = true;
			run_body(model, &model->inner, &inner);
			out->is_bad |= inner.is_bad;
			for (i = 0; i < N_STATES; i++)
				if (inner.states[i])
					run_steps(model, steps, at + 1, n, i, out);
			return;
		}
	}
	out->states[state] = true;
}

/* Any number of rounds, from each state of @reached. */
static void run_body(const struct model *model, const struct body *body, struct reached *reached)
{
	bool done[N_STATES] = {false}, changed = true;
	uint32_t state, i;

	while (changed) {
		changed = false;
		for (state = 0; state < N_STATES; state++) {
			if (!reached->states[state] || done[state])
				continue;
			done[state] = changed = true;
			for (i = 0; i < body->n_cases; i++)
				run_steps(model, body->steps[i], 0, body->n_steps[i], state,
					  reached);
		}
	}
}

static bool is_good(const struct model *model)
{
	struct reached reached = {.states = {true}}, after = {.is_bad = false};
	uint32_t state;

	run_body(model, &model->outer, &reached);
	for (state = 0; state < N_STATES; state++)
		if (reached.states[state])
			run_steps(model, model->after, 0, model->n_after, state, &after);
	return !reached.is_bad && !after.is_bad;
}

static char text[16384];

__attribute__((format(printf, 1, 2))) static void put(const char *format, ...)
{
	size_t used = strlen(text);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + used, sizeof(text) - used, format, ap);
	va_end(ap);
}

static void put_call(const char *function)
{
	put("r1 = *(u64 *)(r10 - 8); r2 = func %s; r3 = r6; r4 = 0; call loop\n", function);
}

/* R6 points to the numbers; @end is where a step skips to. */
static void put_steps(const struct step *steps, uint32_t n, const char *end, uint32_t number)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		const struct step *step = &steps[i];

		if (step->kind == INNER) {
			put("*(u64 *)(r10 - 8) = r7\n");
			put_call("inner");
			continue;
		}
		put("r1 = *(u64 *)(r6 + %u)\n", 8 * step->slot);
		if (step->kind == COPY)
			put("*(u64 *)(r6 + %u) = r1\n", 8 * step->other);
		else if (step->kind == SET)
			put("*(u64 *)(r6 + %u) = %u\n", 8 * step->slot, values[step->value]);
		else if (step->kind == USE)
			put("r2 = map_value[0] + 0; r2 += r1; r0 = *(u8 *)(r2 + 0)\n");
		else if (step->kind == SKIP_ABOVE)
			put("if r1 > %u goto %s%u\n", LIMIT - 1, end, number);
		else
			put("if r1 == %u goto %s%u\n", values[step->value], end, number);
	}
}

/* R7 is a number that nobody knows, for how often and for which case. */
static void put_body(const struct body *body, const char *name)
{
	uint32_t i;

	put("%s:\nr6 = r2; call get_prandom_u32; r7 = r0; call get_prandom_u32\n", name);
	for (i = 0; i < body->n_cases; i++) {
		put("if r0 != %u goto %s_%u\n", i, name, i);
		put_steps(body->steps[i], body->n_steps[i], name, 90);
		put("goto %s90\n%s_%u:\n", name, name, i);
	}
	put("%s90:\nr0 = 0; exit\n", name);
}

static void put_program(const struct model *model)
{
	uint32_t i;

	text[0] = '\0';
	put("r1 = *(u64 *)(r1 + 0); *(u64 *)(r10 - 8) = r1\n");
	for (i = 0; i < N_SLOTS; i++)
		put("*(u64 *)(r10 - %u) = 0\n", 16 + 8 * i);
	put("r6 = r10; r6 += -%u\n", 16 + 8 * (N_SLOTS - 1));
	put_call("outer");
	put_steps(model->after, model->n_after, "end", 0);
	put("end0: r0 = 0; exit\n");
	put_body(&model->outer, "outer");
	if (model->has_inner)
		put_body(&model->inner, "inner");
}

static struct rawtp_map *map;

static void make_map(void)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY,
			       .key_size = 4,
			       .value_size = LIMIT,
			       .max_entries = 1};
	int fd = rawtp_map_create(&attr);

	map = rawtp_map_open(fd);
	CHECK(!rawtp_is_err(map));
	close(fd);
}

static bool is_accepted(void)
{
	static struct bpf_insn insns[1024];
	char err[200] = "";
	int n = asm_program(text, insns, 1024, err, sizeof(err)), ret;
	struct rawtp_prog *prog;

	if (n < 0) {
		test_fail(__FILE__, __LINE__, "%s in\n%s", err, text);
		return false;
	}
	prog = rawtp_prog_new((uint32_t)n);
	memcpy(prog->insns, insns, (size_t)n * sizeof(*insns));
	prog->type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	prog->maps = calloc(1, sizeof(*prog->maps));
	rawtp_map_get(map);
	prog->maps[prog->n_maps++] = map;
	ret = rawtp_verify(prog, NULL);
	rawtp_prog_put(prog);
	return !ret;
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value ? strtoull(value, NULL, 0) : otherwise;
}

TEST(verifier_loops_are_sound)
{
	uint64_t n = from_environment("RANDOM_COUNT", 1000), i, good = 0, accepted = 0, bad = 0;
	struct model model;

	seed ^= from_environment("RANDOM_SEED", 0) * 0x9e3779b97f4a7c15ULL;
	make_map();
	for (i = 0; i < n && bad < 3; i++) {
		bool is_taken, is_safe;

		make_model(&model);
		put_program(&model);
		is_taken = is_accepted();
		is_safe = is_good(&model);
		good += is_safe;
		accepted += is_taken;
		if (is_taken && !is_safe) {
			bad++;
			test_fail(__FILE__, __LINE__, "program %llu is taken, and not safe:\n%s",
				  (unsigned long long)i, text);
		}
	}
	printf("# %llu programs: %llu are safe, %llu of these are taken\n", (unsigned long long)i,
	       (unsigned long long)good, (unsigned long long)accepted);
	/* A verifier that refuses everything would be sound. */
	CHECK(accepted * 2 > good);
	CHECK(good * 10 > n && good * 10 < n * 9);
	rawtp_map_put(map);
}
