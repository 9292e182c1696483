/* SPDX-License-Identifier: MIT */
/*
 * Second pass: the shape of the program.
 *
 *	find the subprograms: instruction 0, every target of a call, every function whose address is taken
 *	for each subprogram: jumps stay inside, its last instruction does not fall through
 *	from instruction 0, through jumps and calls: every instruction can be reached
 *	along the calls: nobody calls itself, at most eight functions are active
 *
 * Loops are allowed; the walk has to come to their end.
 */
#include "bpf/verifier/env.h"

#include <stdlib.h>
#include <string.h>

#define MAX_STACK_BEFORE_TAIL_CALL 256u

int rawtp_find_subprog(const struct rawtp_env *env, uint32_t start)
{
	uint32_t low = 0, high = env->n_subprogs;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (env->subprogs[middle].start == start)
			return middle;
		if (env->subprogs[middle].start < start)
			low = middle + 1;
		else
			high = middle;
	}
	return -ENOENT;
}

uint32_t rawtp_subprog_at(const struct rawtp_env *env, uint32_t insn)
{
	uint32_t low = 0, high = env->n_subprogs;

	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if (env->subprogs[middle].start <= insn)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static uint8_t kind_at(const struct rawtp_env *env, uint32_t i)
{
	return rawtp_opcodes[env->aux[i].op].kind;
}

static uint32_t insn_after(const struct rawtp_env *env, uint32_t i)
{
	return i + (kind_at(env, i) == RAWTP_KIND_LD_IMM64 ? 2 : 1);
}

/* Calls a subprogram, or takes the address of one for a helper that will. */
static bool names_function(const struct rawtp_env *env, uint32_t i)
{
	uint8_t kind = kind_at(env, i);

	return kind == RAWTP_KIND_CALL_LOCAL ||
	       (kind == RAWTP_KIND_LD_IMM64 && env->prog->insns[i].src_reg == BPF_PSEUDO_FUNC);
}

static int64_t goal_of(const struct rawtp_env *env, uint32_t i)
{
	const struct bpf_insn *insn = &env->prog->insns[i];
	bool is_wide = names_function(env, i) || insn->code == (BPF_JMP32 | BPF_JA);

	return (int64_t)i + 1 + (is_wide ? insn->imm : insn->off);
}

static bool is_jump(uint8_t kind)
{
	return kind == RAWTP_KIND_JUMP || kind == RAWTP_KIND_JUMP_IF;
}

static int check_goal(struct rawtp_env *env, int64_t goal, uint32_t start, uint32_t end)
{
	if (goal < start || goal >= end)
		return rawtp_refuse(env, JUMP_OUTSIDE, RAWTP_NO_REG, (long long)goal);
	/* The second half of a 64-bit immediate is not an instruction. */
	if (!env->aux[goal].op)
		return rawtp_refuse(env, JUMP_INTO_IMM64, RAWTP_NO_REG, (long long)goal);
	return 0;
}

static int add_subprog(struct rawtp_env *env, uint32_t start)
{
	uint32_t i = env->n_subprogs;

	if (rawtp_find_subprog(env, start) >= 0)
		return 0;
	if (i == RAWTP_MAX_SUBPROGS)
		return rawtp_refuse(env, TOO_MANY_SUBPROGS, RAWTP_NO_REG, RAWTP_MAX_SUBPROGS);
	for (; i && env->subprogs[i - 1].start > start; i--)
		env->subprogs[i] = env->subprogs[i - 1];
	env->subprogs[i] = (struct rawtp_subprog){.start = start};
	env->n_subprogs++;
	return 0;
}

static int find_subprogs(struct rawtp_env *env)
{
	uint32_t i;
	int err = add_subprog(env, 0);

	for (i = 0; !err && i < env->prog->n_insns; i = insn_after(env, i)) {
		if (!names_function(env, i))
			continue;
		env->pc = i;
		err = check_goal(env, goal_of(env, i), 0, env->prog->n_insns);
		if (!err)
			err = add_subprog(env, goal_of(env, i));
	}
	return err;
}

static int check_subprog(struct rawtp_env *env, uint32_t start, uint32_t end)
{
	uint32_t i, last = start;
	int err;

	env->aux[start].is_jump_goal = true;
	for (i = start; i < end; last = i, i = insn_after(env, i)) {
		uint8_t kind = kind_at(env, i);

		if (kind == RAWTP_KIND_CALL_LOCAL && i + 1 < end)
			env->aux[i + 1].is_jump_goal = true;
		if (kind == RAWTP_KIND_CALL && rawtp_helper_calls_back(env->prog->insns[i].imm))
			env->aux[i].is_jump_goal = env->aux[i].is_loop = true;
		if (!is_jump(kind))
			continue;
		env->pc = i;
		err = check_goal(env, goal_of(env, i), start, end);
		if (err)
			return err;
		env->aux[goal_of(env, i)].is_jump_goal = true;
	}
	env->pc = last;
	if (kind_at(env, last) != RAWTP_KIND_EXIT && kind_at(env, last) != RAWTP_KIND_JUMP)
		return rawtp_refuse(env, FALLS_OFF, RAWTP_NO_REG);
	return 0;
}

/* Each instruction enters the list once at most. */
static void mark_reached(struct rawtp_env *env, uint32_t *list)
{
	uint32_t n = 0, i, next;

	list[n++] = 0;
	env->aux[0].is_reachable = true;
	while (n) {
		uint8_t kind;

		i = list[--n];
		kind = kind_at(env, i);
		if (is_jump(kind) || names_function(env, i)) {
			next = goal_of(env, i);
			if (!env->aux[next].is_reachable) {
				env->aux[next].is_reachable = true;
				list[n++] = next;
			}
		}
		next = insn_after(env, i);
		if (kind == RAWTP_KIND_EXIT || kind == RAWTP_KIND_JUMP ||
		    env->aux[next].is_reachable)
			continue;
		env->aux[next].is_reachable = true;
		list[n++] = next;
	}
}

static int check_reachable(struct rawtp_env *env)
{
	uint32_t *list = malloc((env->prog->n_insns + 1) * sizeof(*list));
	uint32_t i;

	if (!list)
		return -ENOMEM;
	mark_reached(env, list);
	free(list);
	for (i = 0; i < env->prog->n_insns; i = insn_after(env, i)) {
		env->pc = i;
		if (!env->aux[i].is_reachable)
			return rawtp_refuse(env, UNREACHABLE, RAWTP_NO_REG);
	}
	return 0;
}

/*
 * The longest way from instruction 0 to each subprogram, where subprogram i costs cost[i]. Along a
 * cycle it would grow for ever: more than RAWTP_MAX_CALL_FRAMES rounds mean a cycle, or too deep.
 */
static uint32_t longest_call_path(const struct rawtp_env *env, const uint32_t *cost,
				  uint32_t *total, bool *is_deep)
{
	uint32_t longest = cost[0], round, i;
	bool changed = true;

	memset(total, 0, RAWTP_MAX_SUBPROGS * sizeof(*total));
	total[0] = cost[0];
	for (round = 0; changed && round <= RAWTP_MAX_CALL_FRAMES; round++) {
		changed = false;
		for (i = 0; i < env->prog->n_insns; i = insn_after(env, i)) {
			uint32_t callee, sum;

			if (!names_function(env, i))
				continue;
			callee = rawtp_find_subprog(env, goal_of(env, i));
			sum = total[rawtp_subprog_at(env, i)] + cost[callee];
			if (sum <= total[callee])
				continue;
			total[callee] = sum;
			longest = sum > longest ? sum : longest;
			changed = true;
		}
	}
	*is_deep = changed;
	return longest;
}

static int check_call_depth(struct rawtp_env *env)
{
	uint32_t cost[RAWTP_MAX_SUBPROGS], total[RAWTP_MAX_SUBPROGS], i;
	bool is_deep;

	for (i = 0; i < RAWTP_MAX_SUBPROGS; i++)
		cost[i] = 1;
	env->pc = 0;
	if (longest_call_path(env, cost, total, &is_deep) > RAWTP_MAX_CALL_FRAMES || is_deep)
		return rawtp_refuse(env, CALLS_TOO_DEEP, RAWTP_NO_REG, RAWTP_MAX_CALL_FRAMES);
	return 0;
}

int rawtp_check_shape(struct rawtp_env *env)
{
	uint32_t i;
	int err = find_subprogs(env);

	for (i = 0; !err && i < env->n_subprogs; i++)
		err = check_subprog(env, env->subprogs[i].start,
				    i + 1 < env->n_subprogs ? env->subprogs[i + 1].start
							    : env->prog->n_insns);
	if (!err)
		err = check_reachable(env);
	if (!err)
		err = check_call_depth(env);
	return err;
}

/* After the walk, which found how deep each stack is: no chain of calls may need too much. */
int rawtp_check_stack_depth(struct rawtp_env *env)
{
	uint32_t cost[RAWTP_MAX_SUBPROGS] = {0}, total[RAWTP_MAX_SUBPROGS], i, most;
	bool is_deep;

	/* As the kernel counts: a frame takes 16 bytes at least, and a multiple of them. */
	for (i = 0; i < env->n_subprogs; i++)
		cost[i] = env->subprogs[i].stack_depth
				  ? (env->subprogs[i].stack_depth + 15) / 16 * 16
				  : 16;
	env->pc = 0;
	most = longest_call_path(env, cost, total, &is_deep);
	if (most > RAWTP_MAX_STACK)
		return rawtp_refuse(env, STACKS_TOO_DEEP, RAWTP_NO_REG, most, RAWTP_MAX_STACK);
	for (i = 1; i < env->n_subprogs; i++)
		if (env->subprogs[i].goes_on && total[i] - cost[i] >= MAX_STACK_BEFORE_TAIL_CALL)
			return rawtp_refuse(env, TAIL_CALL_TOO_DEEP, RAWTP_NO_REG,
					    total[i] - cost[i], MAX_STACK_BEFORE_TAIL_CALL);
	return 0;
}
