/* SPDX-License-Identifier: MIT */
/* Life and death of the program object. */
#include "bpf/prog.h"

#include "bpf/btf.h"
#include "bpf/interp.h"
#include "bpf/jit/jit.h"
#include "bpf/maps/map.h"

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

void rawtp_prog_put(struct rawtp_prog *prog)
{
	uint32_t i;

	if (!prog || __atomic_sub_fetch(&prog->refcount, 1, __ATOMIC_ACQ_REL))
		return;
	rawtp_jit_free(prog);
	for (i = 0; i < prog->n_maps; i++)
		rawtp_map_put(prog->maps[i]);
	if (prog->btf)
		rawtp_btf_put(prog->btf);
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
