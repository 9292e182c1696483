/* SPDX-License-Identifier: MIT */
/* The door: the passes, in order. Proof passes never edit, edit passes never prove. */
#include "bpf/verifier/env.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t program_types[] = {
	BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_TRACEPOINT, BPF_PROG_TYPE_KPROBE,
	BPF_PROG_TYPE_SOCKET_FILTER,  BPF_PROG_TYPE_TRACING,
};

static int check_program(struct rawtp_env *env)
{
	const struct rawtp_prog *prog = env->prog;
	size_t i;

	if (!prog->n_insns || prog->n_insns > RAWTP_MAX_INSNS) {
		env->pc = RAWTP_NO_INSN;
		return rawtp_refuse(env, BAD_LENGTH, RAWTP_NO_REG, prog->n_insns, RAWTP_MAX_INSNS);
	}
	for (i = 0; i < sizeof(program_types) / sizeof(*program_types); i++)
		if (prog->type == program_types[i])
			return 0;
	return rawtp_refuse(env, UNKNOWN_TYPE, RAWTP_NO_REG, prog->type);
}

/* A run holds a slot in each per-CPU map that the program can reach. */
int rawtp_check_percpu_maps(struct rawtp_env *env)
{
	struct rawtp_prog *prog = env->prog;
	const uint32_t limit = sizeof(prog->percpu_maps) / sizeof(*prog->percpu_maps);
	bool is_used[RAWTP_MAX_MAPS] = {false};
	uint32_t i, n = 0;

	for (i = 0; i < prog->n_insns; i++)
		if (env->aux[i].is_walked && rawtp_names_map(env, i))
			is_used[prog->insns[i].imm] = true;
	for (i = 0; i < prog->n_maps && i < RAWTP_MAX_MAPS; i++)
		n += is_used[i] && rawtp_map_is_percpu(prog->maps[i]->type);
	env->pc = RAWTP_NO_INSN;
	if (n > limit)
		return rawtp_refuse(env, TOO_MANY_PERCPU_MAPS, RAWTP_NO_REG, n, limit);
	prog->n_percpu_maps = 0;
	for (i = 0; i < prog->n_maps && i < RAWTP_MAX_MAPS; i++)
		if (is_used[i] && rawtp_map_is_percpu(prog->maps[i]->type))
			prog->percpu_maps[prog->n_percpu_maps++] = prog->maps[i];
	return 0;
}

static int prepare(struct rawtp_env *env)
{
	env->aux = calloc(env->prog->n_insns, sizeof(*env->aux));
	env->visited = calloc(env->prog->n_insns, sizeof(*env->visited));
	return env->aux && env->visited ? 0 : -ENOMEM;
}

static void release(struct rawtp_env *env)
{
	while (rawtp_pop_pending(env))
		;
	rawtp_state_clear(&env->cur);
	rawtp_free_backedges(env);
	if (env->visited)
		rawtp_free_checkpoints(env);
	free(env->visited);
	free(env->aux);
	free(env->values);
	free(env->worklist);
	free(env);
}

/* The program gets its own copy of each array that nobody may change any more: its constants. */
int rawtp_copy_frozen(struct rawtp_env *env)
{
	struct rawtp_prog *prog = env->prog;
	uint32_t i;

	prog->frozen_values = calloc(prog->n_maps + 1, sizeof(*prog->frozen_values));
	if (!prog->frozen_values)
		return -ENOMEM;
	for (i = 0; i < prog->n_maps; i++) {
		struct rawtp_map *map = prog->maps[i];
		uint64_t address;

		if (!(map->flags & BPF_F_RDONLY_PROG) || !map->ops->value_addr ||
		    !__atomic_load_n(&map->header->frozen, __ATOMIC_ACQUIRE) ||
		    map->value_size > RAWTP_MAX_FROZEN || map->ops->value_addr(map, 0, &address))
			continue;
		prog->frozen_values[i] = malloc(map->value_size);
		if (!prog->frozen_values[i])
			return -ENOMEM;
		memcpy(prog->frozen_values[i], (const void *)(uintptr_t)address, map->value_size);
	}
	return 0;
}

typedef int (*pass_fn)(struct rawtp_env *env);

static const pass_fn passes[] = {
	check_program,           rawtp_check_attach_type, prepare,
	rawtp_copy_frozen,       rawtp_check_decode,      rawtp_check_shape,
	rawtp_mark_liveness,     rawtp_check_walk,        rawtp_check_stack_depth,
	rawtp_check_percpu_maps, rawtp_rewrite,
};

int rawtp_verify(struct rawtp_prog *prog, const struct rawtp_verifier_log *log)
{
	struct rawtp_env *env = calloc(1, sizeof(*env));
	size_t i;
	int err = 0;

	if (!env)
		return -ENOMEM;
	env->prog = prog;
	if (log && log->buf && log->size) {
		env->log.buf = log->buf;
		env->log.size = log->size;
		env->log.level = log->level;
		log->buf[0] = '\0';
	}
	for (i = 0; !err && i < sizeof(passes) / sizeof(*passes); i++)
		err = passes[i](env);
	rawtp_log_statistics(env);
	if (env->log.is_full)
		err = -ENOSPC;
	release(env);
	return err;
}
