/* SPDX-License-Identifier: MIT */
/* Functions that a helper calls back: what they begin with, what they may return. */
#include "bpf/verifier/env.h"

#include <string.h>

typedef void (*begin_fn)(struct rawtp_env *env, const struct rawtp_function *caller,
			 struct rawtp_function *callee, uint32_t map);

/* long (*)(u64 index, void *data) */
static void begin_loop(struct rawtp_env *env, const struct rawtp_function *caller,
		       struct rawtp_function *callee, uint32_t map)
{
	rawtp_mark_unknown(env, &callee->regs[BPF_REG_1]);
	callee->regs[BPF_REG_2] = caller->regs[BPF_REG_3];
}

/* long (*)(struct bpf_map *map, const void *key, void *value, void *data) */
static void begin_map_elem(struct rawtp_env *env, const struct rawtp_function *caller,
			   struct rawtp_function *callee, uint32_t map)
{
	struct rawtp_reg place = {.map = (uint8_t)map, .var = rawtp_scalar_const(0)};

	callee->regs[BPF_REG_1] = caller->regs[BPF_REG_1];
	place.type = RAWTP_REG_KEY;
	callee->regs[BPF_REG_2] = place;
	place.type = RAWTP_REG_VALUE;
	callee->regs[BPF_REG_3] = place;
	callee->regs[BPF_REG_4] = caller->regs[BPF_REG_3];
}

static const struct {
	uint32_t helper;
	begin_fn begin;
} rules[] = {
	{BPF_FUNC_loop, begin_loop},
	{BPF_FUNC_for_each_map_elem, begin_map_elem},
};

/* bpf_loop() of a known number: all its rounds, and no more, are walked if none is like another. */
static bool is_last_round(struct rawtp_env *env, uint32_t helper)
{
	struct rawtp_function *caller = rawtp_state_top(&env->cur);

	if (helper != BPF_FUNC_loop)
		return false;
	rawtp_mark_precise(env, &caller->regs[BPF_REG_1]);
	return caller->regs[BPF_REG_1].type == RAWTP_REG_SCALAR &&
	       caller->n_callbacks >= caller->regs[BPF_REG_1].var.r64.umax;
}

int rawtp_push_callback(struct rawtp_env *env, uint32_t helper, uint32_t map)
{
	struct rawtp_function *caller = rawtp_state_top(&env->cur), *callee;
	uint32_t subprog = caller->regs[BPF_REG_2].size, i = 0;
	struct rawtp_state *round;
	int err;

	env->cur.is_returning = false;
	if (is_last_round(env, helper)) {
		caller->n_callbacks = 0;
		return 0;
	}
	if (env->cur.depth + 1 >= RAWTP_MAX_CALL_FRAMES)
		return rawtp_refuse(env, CALLS_TOO_DEEP, RAWTP_NO_REG, RAWTP_MAX_CALL_FRAMES);
	err = rawtp_push_pending(env, env->subprogs[subprog].start, &round);
	if (err)
		return err;
	callee = rawtp_function_new(env->cur.depth + 1, subprog, env->pc);
	if (!callee)
		return -ENOMEM;
	while (rules[i].helper != helper)
		i++;
	rules[i].begin(env, caller, callee, map);
	callee->is_callback = true;
	round->functions[round->depth]->n_callbacks++;
	round->functions[++round->depth] = callee;
	round->n_rounds++;
	caller->n_callbacks = 0;
	return 0;
}

int rawtp_check_callback_exit(struct rawtp_env *env)
{
	struct rawtp_function *callee = rawtp_state_top(&env->cur);
	const struct rawtp_reg *r0 = &callee->regs[BPF_REG_0];

	if (r0->type != RAWTP_REG_SCALAR)
		return rawtp_refuse(env, CALLBACK_RETURNS_POINTER, BPF_REG_0);
	rawtp_mark_precise(env, r0);
	if (r0->var.r64.smin < 0 || r0->var.r64.smax > 1)
		return rawtp_refuse(env, CALLBACK_RETURNS, BPF_REG_0, (long long)r0->var.r64.smin,
				    (long long)r0->var.r64.smax);
	env->next_pc = callee->call_site;
	env->cur.functions[env->cur.depth--] = NULL;
	rawtp_function_free(callee);
	rawtp_forget_differences(env, env->next_pc);
	env->cur.is_returning = true;
	return 0;
}
