/* SPDX-License-Identifier: MIT */
/* Life and death of the program object. */
#include "bpf/prog.h"

#include "bpf/btf.h"
#include "bpf/interp.h"
#include "bpf/jit/jit.h"
#include "bpf/maps/prog_array.h"

#include <errno.h>
#include <stdlib.h>

struct rawtp_prog *rawtp_prog_new(uint32_t n_insns)
{
	struct rawtp_prog *prog = calloc(1, sizeof(*prog));

	if (!prog)
		return NULL;
	prog->insns = calloc(n_insns, sizeof(*prog->insns));
	if (!prog->insns) {
		free(prog);
		return NULL;
	}
	prog->n_insns = n_insns;
	prog->refcount = 1;
	prog->run = rawtp_interpret;
	return prog;
}

void rawtp_prog_get(struct rawtp_prog *prog)
{
	__atomic_fetch_add(&prog->refcount, 1, __ATOMIC_RELAXED);
}

static int offer(const struct rawtp_prog *to, struct rawtp_prog *tail, const void *owner)
{
	uint32_t i;
	int err = 0;

	for (i = 0; !err && i < to->n_maps; i++)
		if (to->maps[i]->type == BPF_MAP_TYPE_PROG_ARRAY)
			err = rawtp_prog_array_offer(to->maps[i], tail, owner);
	return err;
}

int rawtp_prog_adopt(struct rawtp_prog *prog, struct rawtp_prog *tail)
{
	struct rawtp_prog **tails =
		realloc(prog->tails, (prog->n_tails + 1) * sizeof(*prog->tails));
	uint32_t i;
	int err;

	if (!tails)
		return -ENOMEM;
	prog->tails = tails;
	rawtp_prog_get(tail);
	tails[prog->n_tails++] = tail;
	err = offer(prog, tail, prog);
	for (i = 0; !err && i < prog->n_tails; i++) {
		err = offer(tails[i], tail, prog);
		if (!err)
			err = offer(tail, tails[i], prog);
	}
	if (tail->max_ctx_access > prog->max_ctx_access)
		prog->max_ctx_access = tail->max_ctx_access;
	return err;
}

static void withdraw(const struct rawtp_prog *from, const void *owner)
{
	uint32_t i;

	for (i = 0; i < from->n_maps; i++)
		if (from->maps[i]->type == BPF_MAP_TYPE_PROG_ARRAY)
			rawtp_prog_array_withdraw(from->maps[i], owner);
}

static void put_tails(struct rawtp_prog *prog)
{
	uint32_t i;

	if (!prog->n_tails)
		return;
	withdraw(prog, prog);
	for (i = 0; i < prog->n_tails; i++)
		withdraw(prog->tails[i], prog);
	for (i = 0; i < prog->n_tails; i++)
		rawtp_prog_put(prog->tails[i]);
	free(prog->tails);
}

void rawtp_prog_put(struct rawtp_prog *prog)
{
	uint32_t i;

	if (!prog || __atomic_sub_fetch(&prog->refcount, 1, __ATOMIC_ACQ_REL))
		return;
	rawtp_jit_free(prog);
	put_tails(prog);
	for (i = 0; i < prog->n_maps; i++)
		rawtp_map_put(prog->maps[i]);
	rawtp_btf_put(prog->btf);
	rawtp_btf_put(prog->attach_btf);
	for (i = 0; prog->frozen_values && i < prog->n_maps; i++)
		free(prog->frozen_values[i]);
	free(prog->frozen_values);
	free(prog->maps);
	free(prog->subprogs);
	free(prog->func_info);
	free(prog->line_info);
	free(prog->insns);
	free(prog);
}
