/* SPDX-License-Identifier: MIT */
/*
 * The walk: every path from the first instruction, one after the other, with all that is known at
 * each step, until it ends or meets a state that is proved already.
 */
#include "bpf/verifier/env.h"

#include <string.h>

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
		aux->is_walked = true;
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

int rawtp_check_walk(struct rawtp_env *env)
{
	int err = begin(env);

	while (!err) {
		err = walk_path(env);
		if (err)
			break;
		err = rawtp_end_region(env);
		rawtp_end_path(env);
		if (!rawtp_pop_pending(env))
			break;
	}
	/* Later reports are not about this path. */
	rawtp_state_clear(&env->cur);
	return err;
}
