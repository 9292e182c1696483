/* SPDX-License-Identifier: MIT */
#include "bpf/verifier/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct rawtp_function *rawtp_function_new(uint32_t frame, uint32_t subprog, uint32_t call_site)
{
	struct rawtp_function *function = calloc(1, sizeof(*function));

	if (!function)
		return NULL;
	function->subprog = subprog;
	function->call_site = call_site;
	function->regs[BPF_REG_10].type = RAWTP_REG_STACK;
	function->regs[BPF_REG_10].frame = frame;
	function->regs[BPF_REG_10].var = rawtp_scalar_const(0);
	/* A new stack: nothing in it can have come from an earlier checkpoint. */
	function->written = ~0ULL;
	return function;
}

void rawtp_function_free(struct rawtp_function *function)
{
	if (function)
		free(function->slots);
	free(function);
}

int rawtp_function_grow(struct rawtp_function *function, uint32_t n)
{
	struct rawtp_slot *slots;
	uint32_t max;

	if (n > function->max_slots) {
		max = n + 4 < RAWTP_MAX_SLOTS ? n + 4 : RAWTP_MAX_SLOTS;
		slots = realloc(function->slots, max * sizeof(*slots));
		if (!slots)
			return -ENOMEM;
		function->slots = slots;
		function->max_slots = max;
	}
	if (n > function->n_slots) {
		memset(&function->slots[function->n_slots], 0,
		       (n - function->n_slots) * sizeof(*function->slots));
		function->n_slots = n;
	}
	return 0;
}

static struct rawtp_function *function_copy(const struct rawtp_function *from)
{
	struct rawtp_function *to = malloc(sizeof(*to));

	if (!to)
		return NULL;
	*to = *from;
	to->slots = NULL;
	to->max_slots = to->n_slots;
	if (!to->n_slots)
		return to;
	to->slots = malloc(to->n_slots * sizeof(*to->slots));
	if (!to->slots) {
		free(to);
		return NULL;
	}
	memcpy(to->slots, from->slots, to->n_slots * sizeof(*to->slots));
	return to;
}

int rawtp_state_copy(struct rawtp_state *to, const struct rawtp_state *from)
{
	uint32_t i;

	*to = *from;
	memset(to->functions, 0, sizeof(to->functions));
	for (i = 0; i <= from->depth; i++) {
		to->functions[i] = function_copy(from->functions[i]);
		if (!to->functions[i]) {
			rawtp_state_clear(to);
			return -ENOMEM;
		}
	}
	return 0;
}

void rawtp_state_clear(struct rawtp_state *state)
{
	uint32_t i;

	for (i = 0; i < RAWTP_MAX_CALL_FRAMES; i++)
		rawtp_function_free(state->functions[i]);
	memset(state, 0, sizeof(*state));
}

uint64_t rawtp_state_size(const struct rawtp_state *state)
{
	uint64_t size = sizeof(*state);
	uint32_t i;

	for (i = 0; i <= state->depth; i++)
		size += sizeof(struct rawtp_function) +
			state->functions[i]->max_slots * sizeof(struct rawtp_slot);
	return size;
}

unsigned int rawtp_slot_spill_size(const struct rawtp_slot *slot)
{
	unsigned int size = 0;

	while (size < 8 && slot->bytes[size] == RAWTP_BYTE_SPILL)
		size++;
	return size;
}

void rawtp_state_each_reg(struct rawtp_state *state, rawtp_reg_fn fn, void *arg)
{
	uint32_t frame, i;

	for (frame = 0; frame <= state->depth; frame++) {
		struct rawtp_function *function = state->functions[frame];

		for (i = 0; i < BPF_REG_10; i++)
			fn(&function->regs[i], arg);
		for (i = 0; i < function->n_slots; i++)
			if (rawtp_slot_is_spill(&function->slots[i]))
				fn(&function->slots[i].reg, arg);
	}
}
