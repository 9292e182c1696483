/* SPDX-License-Identifier: MIT */
/*
 * Calls of subprograms and exit. Every subprogram, static or global, is walked where it is called,
 * with the caller's own arguments: so a global one may take pointers as a static one may.
 */
#include "bpf/verifier/env.h"

#include <string.h>

int rawtp_check_subprog_call(struct rawtp_env *env, const struct bpf_insn *insn)
{
	uint32_t goal = env->pc + 1 + insn->imm, i;
	struct rawtp_function *caller = rawtp_state_top(&env->cur), *callee;

	/* check_shape() has seen that it cannot be deeper. */
	if (env->cur.depth + 1 >= RAWTP_MAX_CALL_FRAMES)
		return rawtp_refuse(env, CALLS_TOO_DEEP, RAWTP_NO_REG, RAWTP_MAX_CALL_FRAMES);
	callee = rawtp_function_new(env->cur.depth + 1, rawtp_find_subprog(env, goal), env->pc + 1);
	if (!callee)
		return -ENOMEM;
	for (i = BPF_REG_1; i <= BPF_REG_5; i++)
		callee->regs[i] = caller->regs[i];
	memset(caller->regs, 0, sizeof(caller->regs[0]) * (BPF_REG_5 + 1));
	env->cur.functions[++env->cur.depth] = callee;
	env->next_pc = goal;
	return 0;
}

static int check_program_exit(struct rawtp_env *env)
{
	int err = rawtp_check_reg_read(env, BPF_REG_0);

	if (err)
		return err;
	if (env->cur.n_refs)
		return rawtp_refuse(env, RECORD_LEAKED, RAWTP_NO_REG, env->cur.ref_insns[0]);
	env->next_pc = RAWTP_NO_INSN;
	return 0;
}

int rawtp_check_exit(struct rawtp_env *env)
{
	struct rawtp_function *callee = rawtp_state_top(&env->cur);

	if (!env->cur.depth)
		return check_program_exit(env);
	if (callee->is_callback)
		return rawtp_check_callback_exit(env);
	if (callee->regs[BPF_REG_0].type == RAWTP_REG_STACK)
		return rawtp_refuse(env, STACK_POINTER_RETURNED, BPF_REG_0);
	env->cur.functions[env->cur.depth--] = NULL;
	rawtp_state_top(&env->cur)->regs[BPF_REG_0] = callee->regs[BPF_REG_0];
	env->next_pc = callee->call_site;
	rawtp_function_free(callee);
	return 0;
}
