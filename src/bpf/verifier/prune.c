/* SPDX-License-Identifier: MIT */
/*
 * Have we been here before?
 *
 * A checkpoint keeps the state at an instruction. If everything that follows it has been walked
 * (open is 0), it proves each state that is included in it: every register and slot that was read
 * later holds no more in the new state than it held in the old one. Three things need not agree:
 *  - registers that are dead here (liveness.c);
 *  - slots that nothing after the checkpoint read before writing it (read);
 *  - numbers whose size no proof depended on (values.c).
 * What the old walk relied on, the new path relies on as well from then on; so the marks are carried
 * over. A checkpoint that is still open lies on the current path: the same state again there is a
 * loop that may never end, unless it is one of those that end by themselves (loops.c).
 */
#include "bpf/verifier/env.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PAIRS 256

/* What a name of a state stands for. */
enum name { NAME_ID, NAME_VALUE, NAME_BASE };

/* Names of the old state and what they are in the new. */
struct naming {
	struct {
		uint32_t before, now;
		int64_t shift; /* of a base: deltas of the new state less those of the old */
		enum name kind;
	} pairs[MAX_PAIRS];
	uint32_t n;
};

struct comparison {
	struct rawtp_env *env;
	struct naming names;
	enum rawtp_inclusion inclusion;
};

/*
 * If two places had the same name before, they must have the same name now. For pointers the
 * reverse holds too: one null check must not settle two pointers that were checked one by one.
 */
static bool same_name(struct comparison *cmp, uint32_t before, uint32_t now, enum name kind,
		      int64_t shift)
{
	struct naming *names = &cmp->names;
	uint32_t i;

	if (!before || !now)
		return before == now;
	for (i = 0; i < names->n; i++) {
		if (names->pairs[i].kind != kind)
			continue;
		if (names->pairs[i].before == before)
			return names->pairs[i].now == now && names->pairs[i].shift == shift;
		if (kind == NAME_ID && names->pairs[i].now == now)
			return false;
	}
	if (names->n == MAX_PAIRS)
		return false;
	names->pairs[names->n].before = before;
	names->pairs[names->n].now = now;
	names->pairs[names->n].shift = shift;
	names->pairs[names->n++].kind = kind;
	return true;
}

static bool same_id(struct comparison *cmp, uint32_t before, uint32_t now)
{
	return same_name(cmp, before, now, NAME_ID, 0);
}

/* Places that held the same number, or numbers of a known distance, do so now. */
static bool same_number(struct comparison *cmp, const struct rawtp_reg *old,
			const struct rawtp_reg *new)
{
	return same_name(cmp, old->value, new->value, NAME_VALUE, 0) &&
	       same_name(cmp, rawtp_reg_base(old), rawtp_reg_base(new), NAME_BASE,
			 (int64_t) new->delta - old->delta);
}

static bool is_precise(const struct rawtp_env *env, const struct rawtp_reg *reg)
{
	return reg->type == RAWTP_REG_SCALAR && env->values[reg->value].is_precise;
}

static bool scalar_included(struct comparison *cmp, const struct rawtp_reg *old,
			    const struct rawtp_reg *new)
{
	if (new->type != RAWTP_REG_SCALAR)
		return false;
	if (cmp->inclusion == RAWTP_SAME)
		return memcmp(&old->var, &new->var, sizeof(old->var)) == 0;
	if (cmp->inclusion == RAWTP_IN_USED && !is_precise(cmp->env, old))
		return true;
	if (!rawtp_scalar_in(&old->var, &new->var))
		return false;
	return rawtp_scalar_is_const(&old->var) || same_number(cmp, old, new);
}

static bool reg_included(struct comparison *cmp, const struct rawtp_reg *old,
			 const struct rawtp_reg *new)
{
	if (old->type == RAWTP_REG_NOT_INIT)
		return cmp->inclusion != RAWTP_SAME || new->type == RAWTP_REG_NOT_INIT;
	if (old->type == RAWTP_REG_SCALAR)
		return scalar_included(cmp, old, new);
	if (old->type != new->type || old->map != new->map || old->off != new->off ||
	    old->is_direct != new->is_direct || old->btf_id != new->btf_id ||
	    old->frame != new->frame || old->size != new->size)
		return false;
	if (cmp->inclusion == RAWTP_SAME ? memcmp(&old->var, &new->var, sizeof(old->var)) != 0
					 : !rawtp_scalar_in(&old->var, &new->var))
		return false;
	return same_id(cmp, old->id, new->id) && same_id(cmp, old->ref, new->ref);
}

/* Bytes of a new slot that were part of a number before. What was never written is any number. */
static bool is_plain_byte(const struct rawtp_slot *slot, int i)
{
	return slot->bytes[i] != RAWTP_BYTE_SPILL || !rawtp_reg_is_pointer(&slot->reg);
}

static bool slot_included(struct comparison *cmp, const struct rawtp_slot *old,
			  const struct rawtp_slot *new)
{
	unsigned int spilled = rawtp_slot_is_spill(old) ? rawtp_slot_spill_size(old) : 0;
	bool is_number = cmp->inclusion == RAWTP_IN_USED && spilled &&
			 old->reg.type == RAWTP_REG_SCALAR && !is_precise(cmp->env, &old->reg);
	unsigned int i;

	if (cmp->inclusion == RAWTP_SAME && memcmp(old->bytes, new->bytes, sizeof(old->bytes)) != 0)
		return false;
	if (spilled && !is_number) {
		if (!rawtp_slot_is_spill(new) || rawtp_slot_spill_size(new) != spilled ||
		    !reg_included(cmp, &old->reg, &new->reg))
			return false;
	}
	for (i = 0; i < 8; i++) {
		if (i < spilled && !is_number)
			continue;
		if (old->bytes[i] == RAWTP_BYTE_ZERO && new->bytes[i] != RAWTP_BYTE_ZERO)
			return false;
		if (old->bytes[i] == RAWTP_BYTE_SPILL && !is_plain_byte(new, i))
			return false;
	}
	return true;
}

static bool stack_included(struct comparison *cmp, const struct rawtp_function *old,
			   const struct rawtp_function *new, uint64_t read)
{
	static const struct rawtp_slot nothing;
	uint32_t i;

	if (cmp->inclusion == RAWTP_SAME && old->n_slots != new->n_slots)
		return false;
	for (i = 0; i < old->n_slots; i++) {
		if (cmp->inclusion == RAWTP_IN_USED && !(read >> i & 1))
			continue;
		if (!slot_included(cmp, &old->slots[i],
				   i < new->n_slots ? &new->slots[i] : &nothing))
			return false;
	}
	return true;
}

/*
 * In a function that waits for another to return, only R6 to R9 live on; where it waits for a
 * callback, it is as it was before the call.
 */
static uint16_t live_regs(const struct rawtp_env *env, const struct rawtp_checkpoint *at,
			  uint32_t frame)
{
	const struct rawtp_function *callee;

	if (frame == at->state.depth)
		return env->aux[at->pc].live;
	callee = at->state.functions[frame + 1];
	return env->aux[callee->call_site].live & (callee->is_callback ? 0x3ff : 0x3c0);
}

static bool same_function(const struct rawtp_function *old, const struct rawtp_function *new)
{
	/* A callback that was called more often before was not called as often after. */
	return old->call_site == new->call_site && old->subprog == new->subprog &&
	       old->is_callback == new->is_callback && old->n_callbacks <= new->n_callbacks;
}

bool rawtp_state_included(struct rawtp_env *env, const struct rawtp_checkpoint *old,
			  const struct rawtp_state *now, enum rawtp_inclusion inclusion)
{
	const struct rawtp_state *was = &old->state;
	struct comparison cmp;
	uint32_t frame, i;

	cmp.env = env;
	cmp.inclusion = inclusion;
	cmp.names.n = 0;
	if (was->depth != now->depth || was->n_refs != now->n_refs)
		return false;
	if (inclusion == RAWTP_SAME && was->n_rounds != now->n_rounds)
		return false;
	for (frame = 0; frame <= was->depth; frame++) {
		const struct rawtp_function *a = was->functions[frame], *b = now->functions[frame];
		uint16_t live = live_regs(env, old, frame);

		if (!same_function(a, b))
			return false;
		for (i = 0; i < BPF_REG_10; i++)
			if ((live >> i & 1) && !reg_included(&cmp, &a->regs[i], &b->regs[i]))
				return false;
		if (!stack_included(&cmp, a, b, old->read[frame]))
			return false;
	}
	for (i = 0; i < was->n_refs; i++)
		if (!same_id(&cmp, was->refs[i], now->refs[i]))
			return false;
	return true;
}

bool rawtp_mark_slot_read(struct rawtp_state *state, uint32_t frame, uint32_t slot)
{
	struct rawtp_checkpoint *at = state->parent;
	uint64_t written = state->functions[frame]->written;
	bool is_new = false;

	while (at && !(written >> slot & 1) && !(at->read[frame] >> slot & 1)) {
		at->read[frame] |= 1ULL << slot;
		is_new = true;
		/* A frame that was entered later than @at was wholly "written" on entry. */
		if (frame > at->state.depth)
			break;
		written = at->state.functions[frame]->written;
		at = at->parent;
	}
	return is_new;
}

static bool has_unwritten(const struct rawtp_function *function, uint32_t slot)
{
	return slot >= function->n_slots ||
	       memchr(function->slots[slot].bytes, RAWTP_BYTE_INVALID, 8) != NULL;
}

static bool carry_slots_over(struct rawtp_env *env, const struct rawtp_checkpoint *old,
			     struct rawtp_state *state, uint32_t frame)
{
	const struct rawtp_function *a = old->state.functions[frame], *b = state->functions[frame];
	bool is_new = false;
	uint32_t i;

	for (i = 0; i < RAWTP_MAX_SLOTS; i++) {
		if (!(old->read[frame] >> i & 1))
			continue;
		is_new |= rawtp_mark_slot_read(state, frame, i);
		if (has_unwritten(b, i))
			env->subprogs[b->subprog].cleared |= 1ULL << i;
		if (i < a->n_slots && i < b->n_slots && rawtp_slot_is_spill(&a->slots[i]) &&
		    is_precise(env, &a->slots[i].reg) && rawtp_slot_is_spill(&b->slots[i]))
			is_new |= rawtp_mark_precise(env, &b->slots[i].reg);
	}
	return is_new;
}

/* The rest of the path is @old's: it reads and depends on what that did. */
bool rawtp_carry_marks_over(struct rawtp_env *env, const struct rawtp_checkpoint *old,
			    struct rawtp_state *state)
{
	bool is_new = false;
	uint32_t frame, i;

	for (frame = 0; frame <= old->state.depth; frame++) {
		const struct rawtp_function *a = old->state.functions[frame];
		const struct rawtp_function *b = state->functions[frame];
		uint16_t live = live_regs(env, old, frame);

		for (i = 0; i < BPF_REG_10; i++)
			if ((live >> i & 1) && is_precise(env, &a->regs[i]))
				is_new |= rawtp_mark_precise(env, &b->regs[i]);
		is_new |= carry_slots_over(env, old, state, frame);
	}
	return is_new;
}

static void free_checkpoint(struct rawtp_env *env, struct rawtp_checkpoint *checkpoint)
{
	env->checkpoint_bytes -= sizeof(*checkpoint) + rawtp_state_size(&checkpoint->state);
	rawtp_state_clear(&checkpoint->state);
	free(checkpoint);
}

static int add_checkpoint(struct rawtp_env *env)
{
	struct rawtp_checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));
	uint32_t frame;

	if (!checkpoint || rawtp_state_copy(&checkpoint->state, &env->cur)) {
		free(checkpoint);
		return -ENOMEM;
	}
	env->n_checkpoints++;
	env->checkpoint_bytes += sizeof(*checkpoint) + rawtp_state_size(&checkpoint->state);
	checkpoint->parent = env->cur.parent;
	checkpoint->open = 1;
	checkpoint->pc = env->pc;
	checkpoint->generation = env->generation;
	checkpoint->next = env->visited[env->pc];
	env->visited[env->pc] = checkpoint;
	env->cur.parent = checkpoint;
	env->last_walked = env->n_walked;
	env->last_jumps = env->n_jumps;
	for (frame = 0; frame <= env->cur.depth; frame++)
		env->cur.functions[frame]->written = 0;
	return 0;
}

/*
 * A checkpoint that was often compared in vain leaves the list, so that a long loop does not compare
 * with all its earlier rounds. One that is still open is needed for its marks until it is closed.
 */
static bool is_useless(const struct rawtp_checkpoint *checkpoint)
{
	return checkpoint->misses > 16 + 4 * checkpoint->hits;
}

static void retire(struct rawtp_env *env, struct rawtp_checkpoint *checkpoint)
{
	if (!checkpoint->open && !rawtp_is_incomplete(env, checkpoint)) {
		free_checkpoint(env, checkpoint);
		return;
	}
	checkpoint->is_retired = true;
	checkpoint->next = env->retired;
	checkpoint->link = &env->retired;
	if (env->retired)
		env->retired->link = &checkpoint->next;
	env->retired = checkpoint;
}

/* Not too many: a state costs more than the few instructions that it could save. */
static bool is_worth_a_checkpoint(const struct rawtp_env *env)
{
	uint32_t walked = env->n_walked - env->last_walked, jumps = env->n_jumps - env->last_jumps;

	return !env->cur.parent || env->aux[env->pc].is_loop || (walked >= 8 && jumps >= 2);
}

/*
 * 1: what follows is proved, or being proved, by @old; 0: it is not. Of checkpoints whose marks are not
 * complete those of one generation only are used: loops.c.
 */
static int check_proved(struct rawtp_env *env, struct rawtp_checkpoint *old)
{
	bool is_same_loop = old->open && rawtp_is_same_loop(env, old);
	bool is_incomplete = is_same_loop || rawtp_is_incomplete(env, old);
	bool is_all = is_same_loop || (is_incomplete && env->is_strict);

	if (old->open && !is_same_loop)
		return rawtp_state_included(env, old, &env->cur, RAWTP_SAME)
			       ? rawtp_refuse(env, ENDLESS_LOOP, RAWTP_NO_REG)
			       : 0;
	if (is_incomplete && !is_same_loop && old->generation != env->generation)
		return 0;
	if (!rawtp_state_included(env, old, &env->cur, is_all ? RAWTP_IN_ALL : RAWTP_IN_USED))
		return 0;
	if (is_incomplete && rawtp_add_backedge(env, old, !is_all))
		return 0;
	old->hits++;
	rawtp_carry_marks_over(env, old, &env->cur);
	return 1;
}

int rawtp_check_visited(struct rawtp_env *env)
{
	struct rawtp_checkpoint **link = &env->visited[env->pc], *old;
	bool is_worth = is_worth_a_checkpoint(env), is_looping = false;
	bool is_loop = env->aux[env->pc].is_loop;
	int r;

	if (is_loop)
		rawtp_enter_loop(env);
	while ((old = *link)) {
		is_looping |= old->open && !is_loop;
		r = check_proved(env, old);
		if (r)
			return r;
		old->misses += is_worth;
		if (is_useless(old)) {
			*link = old->next;
			retire(env, old);
			continue;
		}
		link = &old->next;
	}
	if (is_looping && env->n_walked - env->last_walked < 100 &&
	    env->n_jumps - env->last_jumps < 20)
		return 0;
	if (!is_worth || env->checkpoint_bytes > RAWTP_CHECKPOINT_BYTES)
		return 0;
	if (is_loop)
		rawtp_begin_region(env);
	return add_checkpoint(env);
}

static void free_retired(struct rawtp_env *env, struct rawtp_checkpoint *checkpoint)
{
	*checkpoint->link = checkpoint->next;
	if (checkpoint->next)
		checkpoint->next->link = checkpoint->link;
	free_checkpoint(env, checkpoint);
}

void rawtp_end_path(struct rawtp_env *env)
{
	struct rawtp_checkpoint *at = env->cur.parent, *parent;

	for (; at && --at->open == 0; at = parent) {
		parent = at->parent;
		if (at->is_retired && !rawtp_is_incomplete(env, at))
			free_retired(env, at);
	}
}

void rawtp_free_retired(struct rawtp_env *env)
{
	struct rawtp_checkpoint *at = env->retired, *next;

	for (; at; at = next) {
		next = at->next;
		if (!at->open)
			free_retired(env, at);
	}
}

void rawtp_reopen(struct rawtp_checkpoint *at)
{
	while (at && at->open++ == 0)
		at = at->parent;
}

static void free_list(struct rawtp_env *env, struct rawtp_checkpoint *list)
{
	while (list) {
		struct rawtp_checkpoint *next = list->next;

		free_checkpoint(env, list);
		list = next;
	}
}

void rawtp_free_checkpoints(struct rawtp_env *env)
{
	uint32_t i;

	free_list(env, env->retired);
	for (i = 0; i < env->prog->n_insns; i++)
		free_list(env, env->visited[i]);
}
