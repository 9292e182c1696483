/* SPDX-License-Identifier: MIT */
/* A refusal as a report: what, why, where, how it came to be, what to try. */
#include "bpf/verifier/env.h"
#include "bpf/btf.h"
#include "bpf/disasm.h"

#include <stdarg.h>
#include <stdio.h>

#define RAWTP_MESSAGE_TEXT(name, error, category, problem, reason, suggestion) \
	[RAWTP_MSG_##name] = {error, category, problem, reason, suggestion},
const struct rawtp_message_text rawtp_messages[RAWTP_N_MESSAGES] = {
	RAWTP_MESSAGES(RAWTP_MESSAGE_TEXT)};

#define HISTORY_LENGTH 6

const char *rawtp_map_name(const struct rawtp_env *env, uint32_t index)
{
	return index < env->prog->n_maps ? env->prog->maps[index]->name : "?";
}

static void describe_number(const struct rawtp_scalar *var, const char *unknown, char *buf,
			    size_t size)
{
	const struct rawtp_range *r = &var->r64;

	if (rawtp_scalar_is_const(var))
		snprintf(buf, size, "%lld", (long long)var->bits.value);
	else if (r->umin > 0 || r->umax != UINT64_MAX)
		snprintf(buf, size, "%llu..%llu", (unsigned long long)r->umin,
			 (unsigned long long)r->umax);
	else if (r->smin != INT64_MIN || r->smax != INT64_MAX)
		snprintf(buf, size, "%lld..%lld", (long long)r->smin, (long long)r->smax);
	else
		snprintf(buf, size, "%s", unknown);
}

const char *rawtp_describe(struct rawtp_env *env, const struct rawtp_reg *reg, char *buf,
			   size_t size)
{
	const struct btf_type *type;
	char number[64], at[80];

	describe_number(&reg->var, "any", number, sizeof(number));
	if (rawtp_scalar_is_const(&reg->var))
		snprintf(at, sizeof(at), "%+lld",
			 (long long)reg->off + (long long)reg->var.bits.value);
	else
		snprintf(at, sizeof(at), "%+d+(%s)", reg->off, number);
	switch (reg->type) {
	case RAWTP_REG_NOT_INIT:
		snprintf(buf, size, "unset");
		break;
	case RAWTP_REG_SCALAR:
		snprintf(buf, size, "number(%s)", number);
		break;
	case RAWTP_REG_CTX:
		snprintf(buf, size, "context%s", at);
		break;
	case RAWTP_REG_STACK:
		snprintf(buf, size, "stack[%u]%s", reg->frame, at);
		break;
	case RAWTP_REG_MAP:
		snprintf(buf, size, "map(%s)", rawtp_map_name(env, reg->map));
		break;
	case RAWTP_REG_FUNC:
		snprintf(buf, size, "function(%u)", reg->size);
		break;
	case RAWTP_REG_KEY:
		snprintf(buf, size, "key(%s)%s", rawtp_map_name(env, reg->map), at);
		break;
	case RAWTP_REG_BTF:
		type = rawtp_btf_type(env->prog->attach_btf, reg->btf_id);
		snprintf(buf, size, "pointer(%.60s)%s",
			 reg->btf_id ? rawtp_btf_string(env->prog->attach_btf, type->name_off)
				     : "untyped",
			 at);
		break;
	case RAWTP_REG_VALUE:
	case RAWTP_REG_VALUE_OR_NULL:
		snprintf(buf, size, "value(%s)%s%s", rawtp_map_name(env, reg->map), at,
			 rawtp_reg_maybe_null(reg) ? " or null" : "");
		break;
	case RAWTP_REG_TASK:
		snprintf(buf, size, "task%s", at);
		break;
	case RAWTP_REG_DYNPTR:
	case RAWTP_REG_DYNPTR_ARG:
		snprintf(buf, size, "dynptr");
		break;
	default:
		snprintf(buf, size, "record(%u bytes)%s%s", reg->size, at,
			 rawtp_reg_maybe_null(reg) ? " or null" : "");
	}
	return buf;
}

/* The line of the source that instruction @pc came from; false where it is not known. */
static bool log_source_line(struct rawtp_env *env, uint32_t pc)
{
	const struct rawtp_prog *prog = env->prog;
	const struct bpf_line_info *line = NULL;
	const char *text, *file;
	uint32_t i;

	for (i = 0; prog->btf && i < prog->n_line_info; i++)
		if (prog->line_info[i].insn_off <= pc)
			line = &prog->line_info[i];
	if (!line)
		return false;
	text = rawtp_btf_string(prog->btf, line->line_off);
	file = rawtp_btf_string(prog->btf, line->file_name_off);
	while (*text == ' ' || *text == '\t')
		text++;
	rawtp_log(env, "%s:%u: %s\n", file, line->line_col >> 10, text);
	return true;
}

/* The register's value and, for a number, the instructions that it was computed by. */
static void log_history(struct rawtp_env *env, uint32_t regno)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);
	char text[160];
	uint32_t value = reg->value, last = RAWTP_NO_INSN, n = 0;

	rawtp_log(env, "R%u: %s\n", regno, rawtp_describe(env, reg, text, sizeof(text)));
	if (reg->type != RAWTP_REG_SCALAR)
		return;
	for (; value && n < HISTORY_LENGTH; value = env->values[value].from[0]) {
		if (env->values[value].insn == last)
			continue;
		last = env->values[value].insn;
		rawtp_log(env, n++ ? "    before: " : "    set by: ");
		rawtp_log_insn(env, last);
		rawtp_log(env, "\n");
	}
}

static void log_registers_line(struct rawtp_env *env)
{
	char text[160];
	uint32_t i;

	rawtp_log(env, "Registers:");
	for (i = 0; i < RAWTP_N_REGS; i++)
		if (rawtp_reg(env, i)->type != RAWTP_REG_NOT_INIT)
			rawtp_log(env, " R%u=%s", i,
				  rawtp_describe(env, rawtp_reg(env, i), text, sizeof(text)));
	rawtp_log(env, "\n");
}

int rawtp_report(struct rawtp_env *env, enum rawtp_message message, uint32_t regno, ...)
{
	const struct rawtp_message_text *m = &rawtp_messages[message];
	bool is_walking = env->cur.functions[0] != NULL;
	char problem[256];
	va_list ap;

	va_start(ap, regno);
	vsnprintf(problem, sizeof(problem), m->problem, ap);
	va_end(ap);
	rawtp_log(env, "Verification failed: %s: %s\n", m->category, problem);
	rawtp_log(env, "Reason: %s\n", m->reason);
	if (env->pc < env->prog->n_insns) {
		rawtp_log(env, "At: ");
		if (log_source_line(env, env->pc))
			rawtp_log(env, "    ");
		rawtp_log_insn(env, env->pc);
		rawtp_log(env, "\n");
	}
	if (is_walking) {
		if (regno < RAWTP_N_REGS)
			log_history(env, regno);
		log_registers_line(env);
	}
	rawtp_log(env, "Suggestion: %s\n", m->suggestion);
	return -m->error;
}
