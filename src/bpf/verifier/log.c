/* SPDX-License-Identifier: MIT */
/* The caller's log buffer: always a string, never written past its end. */
#include "bpf/verifier/env.h"
#include "bpf/disasm.h"

#include <stdio.h>

void rawtp_log(struct rawtp_env *env, const char *format, ...)
{
	struct rawtp_text_log *log = &env->log;
	va_list ap;
	int n;

	if (!log->level || !log->size || log->is_full)
		return;
	va_start(ap, format);
	n = vsnprintf(log->buf + log->used, log->size - log->used, format, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((uint32_t)n >= log->size - log->used) {
		log->is_full = true;
		log->used = log->size - 1;
		return;
	}
	log->used += n;
}

void rawtp_log_insn(struct rawtp_env *env, uint32_t pc)
{
	char text[128];

	rawtp_disasm(&env->prog->insns[pc], env->prog->n_insns - pc, text, sizeof(text));
	rawtp_log(env, "%u: (%02x) %s", pc, env->prog->insns[pc].code, text);
}

static void log_registers(struct rawtp_env *env)
{
	char text[160];
	uint32_t i;

	for (i = 0; i < RAWTP_N_REGS; i++)
		if (rawtp_reg(env, i)->type != RAWTP_REG_NOT_INIT)
			rawtp_log(env, " R%u=%s", i,
				  rawtp_describe(env, rawtp_reg(env, i), text, sizeof(text)));
}

/* Level 2: what is known, wherever paths meet, and each instruction. */
void rawtp_log_step(struct rawtp_env *env)
{
	if (!(env->log.level & 2) || env->log.is_full)
		return;
	if (env->aux[env->pc].is_jump_goal) {
		rawtp_log(env, "; function %u:", rawtp_state_top(&env->cur)->subprog);
		log_registers(env);
		rawtp_log(env, "\n");
	}
	rawtp_log_insn(env, env->pc);
	rawtp_log(env, "\n");
}

void rawtp_log_statistics(struct rawtp_env *env)
{
	uint32_t i, most = 0;

	if (!env->log.level)
		return;
	for (i = 0; env->visited && i < env->prog->n_insns; i++) {
		const struct rawtp_checkpoint *at;
		uint32_t n = 0;

		for (at = env->visited[i]; at; at = at->next)
			n++;
		most = n > most ? n : most;
	}
	rawtp_log(env,
		  "processed %u insns (limit %u) max_states_per_insn %u total_states %u "
		  "peak_pending %u mark_values %u\n",
		  env->n_walked, RAWTP_MAX_INSNS, most, env->n_checkpoints, env->max_pending,
		  env->n_values);
}
