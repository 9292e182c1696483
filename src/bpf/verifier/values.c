/* SPDX-License-Identifier: MIT */
/*
 * The graph of values, from which pruning learns what matters.
 *
 * A state S that was walked to its end proves another state T at the same instruction if T's numbers
 * are among S's. It need not hold for numbers whose size no proof depended on: the walk from S would
 * have been the same with any other number there. "Depended" means: used as an offset, a length, or
 * decided a branch. The graph follows each number back to those it was computed from, so that
 * marking one marks everything, in every earlier state, that had a part in it. A branch narrowed by
 * a comparison with a register gets a new node that depends on that register too; narrowed by a
 * constant it need not, for the other state takes the same comparison.
 */
#include "bpf/verifier/env.h"

#include <stdlib.h>
#include <string.h>

static int values_grow(struct rawtp_env *env)
{
	uint32_t max = env->max_values ? env->max_values * 2 : 256;
	struct rawtp_value *values = realloc(env->values, max * sizeof(*values));
	uint32_t *worklist;

	if (!values)
		return -ENOMEM;
	env->values = values;
	worklist = realloc(env->worklist, max * sizeof(*worklist));
	if (!worklist)
		return -ENOMEM;
	env->worklist = worklist;
	env->max_values = max;
	return 0;
}

static uint32_t value_new(struct rawtp_env *env, uint32_t from, uint32_t also_from)
{
	if (!env->n_values)
		env->n_values = 1; /* 0 stands for "none" */
	if (env->n_values >= env->max_values && values_grow(env)) {
		env->no_memory = true;
		return 0;
	}
	env->values[env->n_values] =
		(struct rawtp_value){.from = {from, also_from}, .insn = env->pc};
	return env->n_values++;
}

void rawtp_mark_scalar(struct rawtp_env *env, struct rawtp_reg *reg, struct rawtp_scalar var,
		       uint32_t from, uint32_t also_from)
{
	memset(reg, 0, sizeof(*reg));
	reg->type = RAWTP_REG_SCALAR;
	reg->var = var;
	reg->value = value_new(env, from, also_from);
}

/* Each node is put on the list once in its life, so the list is never longer than the graph. */
bool rawtp_mark_precise(struct rawtp_env *env, const struct rawtp_reg *reg)
{
	uint32_t n = 0, i;

	if (reg->type != RAWTP_REG_SCALAR || !reg->value || env->values[reg->value].is_precise)
		return false;
	env->values[reg->value].is_precise = true;
	env->worklist[n++] = reg->value;
	while (n) {
		const struct rawtp_value *value = &env->values[env->worklist[--n]];

		for (i = 0; i < 2; i++) {
			if (!value->from[i] || env->values[value->from[i]].is_precise)
				continue;
			env->values[value->from[i]].is_precise = true;
			env->worklist[n++] = value->from[i];
		}
	}
	return true;
}
