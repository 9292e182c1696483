/* SPDX-License-Identifier: MIT */
/*
 * The walk: every path from the first instruction, one after the other, with all that is known at
 * each step, until it ends or meets a state that is proved already.
 */
#include "bpf/verifier/env.h"

#include <string.h>

/* Constants from read-only maps may make the walk begin anew; after this often, none is used. */
#define MAX_RESTARTS 4

static int walk_path(struct rawtp_env *env)
{
	int r;

	while (env->pc != RAWTP_NO_INSN) {
		struct rawtp_insn_aux *aux = &env->aux[env->pc];

		if (aux->is_jump_goal) {
			r = rawtp_check_visited(env);
			if (r)
				return r < 0 ? r : 0;
		}
		if (env->n_walked == RAWTP_MAX_INSNS)
			return rawtp_refuse(env, TOO_LONG, RAWTP_NO_REG, env->n_walked);
		env->n_walked++;
		rawtp_log_step(env);
		r = rawtp_check_insn(env, &env->prog->insns[env->pc]);
		if (r)
			return r;
		if (env->no_memory)
			return -ENOMEM;
		if (env->must_restart)
			return 0;
		aux->is_walked = true;
		env->cur.insns++;
		env->pc = env->next_pc;
	}
	return 0;
}

static int begin(struct rawtp_env *env)
{
	struct rawtp_reg *r1;

	rawtp_state_clear(&env->cur);
	env->cur.functions[0] = rawtp_function_new(0, 0, 0);
	if (!env->cur.functions[0])
		return -ENOMEM;
	r1 = &env->cur.functions[0]->regs[BPF_REG_1];
	r1->type = RAWTP_REG_CTX;
	r1->var = rawtp_scalar_const(0);
	env->pc = 0;
	return 0;
}

static int walk_all(struct rawtp_env *env)
{
	int err = begin(env);

	while (!err) {
		err = walk_path(env);
		if (err || env->must_restart)
			return err;
		rawtp_end_path(env);
		if (!rawtp_pop_pending(env))
			return 0;
	}
	return err;
}

static void forget(struct rawtp_env *env)
{
	uint32_t i;

	while (rawtp_pop_pending(env))
		;
	rawtp_free_checkpoints(env);
	for (i = 0; i < env->prog->n_insns; i++)
		env->aux[i].is_walked = false;
	env->n_values = 0;
	env->n_walked = 0;
	env->must_restart = false;
	if (++env->n_restarts < MAX_RESTARTS)
		return;
	env->fold_nothing = true;
	for (i = 0; i < env->prog->n_insns; i++)
		env->aux[i].folded = RAWTP_FOLD_NEVER;
}

int rawtp_check_walk(struct rawtp_env *env)
{
	int err;

	for (;;) {
		err = walk_all(env);
		if (err || !env->must_restart)
			return err;
		forget(env);
	}
}
