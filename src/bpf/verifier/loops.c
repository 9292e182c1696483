/* SPDX-License-Identifier: MIT */
/*
 * Loops that end by themselves: a helper calls a function of the program back, so often and no more.
 * How often is not known, so walking each round would not come to an end; instead the walk shows that
 * one more round leads to nothing new.
 *
 *	at the call	first the way on, as if no round were left; then, later, one round, whose
 *			end leads to the call again
 *	a round ends	numbers that this round changed, and no proof depended on, become "any number"
 *	at the call	a state that is included, in everything that is live (IN_ALL), in that of an
 *			earlier round needs no walk: whatever follows follows from that one, too
 *
 * That may be said though the earlier round is not walked to its end, for if anything bad could
 * follow, its first occurrence is found on a path without such a step. And no run takes such steps
 * for ever, for each is a round of one execution of the helper (activation): a path that leaves the
 * helper and comes back is another one, for which the rule of endless loops holds. This needs that
 * the way on is walked before the rounds.
 *
 * What is read and precise is not known in full for a checkpoint whose walk ended in such a step: the
 * loop may read later what that state has. So each such end of a path is kept (a backedge), and the
 * checkpoints above it are known as incomplete, until the last path from the first such call has ended
 * (a region). A state that is included in an incomplete one as far as is known ends its path, too,
 * but that is optimism, and makes another backedge. When the region ends, marks are carried over all
 * backedges until nothing changes; then each optimistic one is looked at again, and where it does not
 * hold any more, its path is walked after all. Where none is left, the marks are complete.
 *
 * A path that is walked after all belongs to a new generation, and no other may end at an incomplete
 * checkpoint of an older one: else paths could be closed to a circle without a round in it. If all
 * this takes too long, it is done with: everything counts as read and precise, and nothing is
 * optimistic any more.
 */
#include "bpf/verifier/env.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SWEEPS  64
#define MAX_CARRIED 1000000

void rawtp_enter_loop(struct rawtp_env *env)
{
	if (!env->cur.is_returning)
		rawtp_state_top(&env->cur)->activation = ++env->n_activations;
}

bool rawtp_is_same_loop(const struct rawtp_env *env, const struct rawtp_checkpoint *old)
{
	const struct rawtp_state *now = &env->cur;

	return now->is_returning && env->aux[env->pc].is_loop && old->state.depth == now->depth &&
	       old->state.functions[now->depth]->activation ==
		       now->functions[now->depth]->activation;
}

static bool is_precise(const struct rawtp_env *env, const struct rawtp_reg *reg)
{
	return env->values[reg->value].is_precise;
}

static void forget_difference(struct rawtp_env *env, const struct rawtp_reg *old,
			      struct rawtp_reg *new)
{
	if (old->type != RAWTP_REG_SCALAR || new->type != RAWTP_REG_SCALAR ||
	    is_precise(env, old) || is_precise(env, new) ||
	    memcmp(&old->var, &new->var, sizeof(old->var)) == 0)
		return;
	rawtp_mark_unknown(env, new);
}

void rawtp_forget_differences(struct rawtp_env *env, uint32_t pc)
{
	const struct rawtp_checkpoint *old = env->visited[pc];
	struct rawtp_state *now = &env->cur;
	uint32_t frame, i;

	while (old && (!old->open || old->state.depth != now->depth ||
		       old->state.functions[now->depth]->activation !=
			       now->functions[now->depth]->activation))
		old = old->next;
	for (frame = 0; old && frame <= now->depth; frame++) {
		const struct rawtp_function *a = old->state.functions[frame];
		struct rawtp_function *b = now->functions[frame];

		for (i = 0; i < BPF_REG_10; i++)
			forget_difference(env, &a->regs[i], &b->regs[i]);
		for (i = 0; i < a->n_slots && i < b->n_slots; i++)
			if (rawtp_slot_spill_size(&a->slots[i]) == 8 &&
			    rawtp_slot_spill_size(&b->slots[i]) == 8)
				forget_difference(env, &a->slots[i].reg, &b->slots[i].reg);
	}
}

void rawtp_begin_region(struct rawtp_env *env)
{
	if (env->region)
		return;
	env->region = ++env->n_regions;
	env->region_pending = env->n_pending;
	env->is_strict = false;
}

int rawtp_add_backedge(struct rawtp_env *env, const struct rawtp_checkpoint *to, bool is_optimistic)
{
	struct rawtp_backedge *edge;
	struct rawtp_checkpoint *at;

	if (env->checkpoint_bytes > RAWTP_CHECKPOINT_BYTES)
		return -E2BIG;
	edge = malloc(sizeof(*edge));
	if (!edge || rawtp_state_copy(&edge->from, &env->cur)) {
		free(edge);
		env->no_memory = true;
		return -ENOMEM;
	}
	env->checkpoint_bytes += sizeof(*edge) + rawtp_state_size(&edge->from);
	for (at = env->cur.parent; at && at->region != env->region; at = at->parent)
		at->region = env->region;
	edge->to = to;
	edge->is_optimistic = is_optimistic;
	edge->next = env->backedges;
	env->backedges = edge;
	return 0;
}

void rawtp_free_backedges(struct rawtp_env *env)
{
	while (env->backedges) {
		struct rawtp_backedge *edge = env->backedges;

		env->backedges = edge->next;
		env->checkpoint_bytes -= sizeof(*edge) + rawtp_state_size(&edge->from);
		rawtp_state_clear(&edge->from);
		free(edge);
	}
}

static bool sweep(struct rawtp_env *env)
{
	struct rawtp_backedge *edge;
	bool is_new = false;

	for (edge = env->backedges; edge; edge = edge->next, env->n_carried++)
		is_new |= rawtp_carry_marks_over(env, edge->to, &edge->from);
	return is_new;
}

static void mark_reg_precise(struct rawtp_reg *reg, void *arg)
{
	rawtp_mark_precise(arg, reg);
}

static void mark_everything(struct rawtp_env *env)
{
	struct rawtp_backedge *edge;
	uint32_t frame, i;

	for (edge = env->backedges; edge; edge = edge->next) {
		rawtp_state_each_reg(&edge->from, mark_reg_precise, env);
		for (frame = 0; frame <= edge->from.depth; frame++) {
			struct rawtp_function *function = edge->from.functions[frame];

			for (i = 0; i < function->n_slots; i++) {
				env->subprogs[function->subprog].cleared |= 1ULL << i;
				rawtp_mark_slot_read(&edge->from, frame, i);
			}
		}
	}
}

static void complete_marks(struct rawtp_env *env)
{
	uint32_t i;

	for (i = 0; i < MAX_SWEEPS && env->n_carried < MAX_CARRIED; i++)
		if (!sweep(env))
			return;
	env->is_strict = true;
	mark_everything(env);
}

/* The path that ended in *@link is walked after all. */
static int walk_again(struct rawtp_env *env, struct rawtp_backedge **link)
{
	struct rawtp_pending *pending = calloc(1, sizeof(*pending));
	struct rawtp_backedge *edge = *link;

	if (!pending)
		return -ENOMEM;
	*link = edge->next;
	env->checkpoint_bytes -= sizeof(*edge) + rawtp_state_size(&edge->from);
	pending->state = edge->from;
	pending->pc = edge->to->pc;
	pending->is_again = true;
	pending->next = env->pending;
	env->pending = pending;
	env->n_pending++;
	free(edge);
	return 0;
}

/* Those that do not hold leave the list. */
static int check_optimistic(struct rawtp_env *env)
{
	enum rawtp_inclusion inclusion = env->is_strict ? RAWTP_IN_ALL : RAWTP_IN_USED;
	struct rawtp_backedge **link = &env->backedges, *edge;
	int err = 0;

	while (!err && (edge = *link)) {
		env->n_carried++;
		if (!edge->is_optimistic ||
		    rawtp_state_included(env, edge->to, &edge->from, inclusion))
			link = &edge->next;
		else
			err = walk_again(env, link);
	}
	return err;
}

int rawtp_end_region(struct rawtp_env *env)
{
	int err;

	if (!env->region || env->n_pending != env->region_pending)
		return 0;
	complete_marks(env);
	err = check_optimistic(env);
	if (err || env->n_pending != env->region_pending) {
		env->generation++;
		return err;
	}
	rawtp_free_backedges(env);
	env->region = 0;
	rawtp_free_retired(env);
	return 0;
}
