/* SPDX-License-Identifier: MIT */
/* Helper calls: each argument by its kind, then what the call leaves behind. */
#include "bpf/verifier/env.h"
#include "bpf/helpers/format.h"
#include "bpf/helpers/print.h"

#include <string.h>

struct call {
	const struct rawtp_helper *helper;
	const struct rawtp_map *map;
	uint32_t map_index;
	uint32_t memory_reg;  /* the memory whose length comes next */
	uint64_t memory_size; /* at most */
	uint64_t alloc_size;
	uint32_t released; /* a reference */
	bool never_null;   /* the map has this key, now and for ever */
	uint32_t format_reg;
	uint32_t dynptr_reg; /* a dynptr is made there */
	uint32_t dynptr_ref; /* of the one that it is given */
	/* What the helper fills: done when every argument has been checked. */
	uint32_t fill_reg;
	uint64_t fill_size;
	bool fill_exact;
};

typedef int (*check_arg_fn)(struct rawtp_env *env, struct call *call, uint32_t regno);

static int check_anything(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	return 0;
}

/* Types whose maps are no tables of keys, and what they are for. */
static bool map_type_fits(uint32_t type, uint32_t id)
{
	switch (id) {
	case BPF_FUNC_ringbuf_output:
	case BPF_FUNC_ringbuf_reserve:
	case BPF_FUNC_ringbuf_reserve_dynptr:
	case BPF_FUNC_ringbuf_query:
		return type == BPF_MAP_TYPE_RINGBUF;
	case BPF_FUNC_tail_call:
		return type == BPF_MAP_TYPE_PROG_ARRAY;
	case BPF_FUNC_task_storage_get:
	case BPF_FUNC_task_storage_delete:
		return type == BPF_MAP_TYPE_TASK_STORAGE;
	case BPF_FUNC_get_stackid:
		return type == BPF_MAP_TYPE_STACK_TRACE;
	case BPF_FUNC_perf_event_output:
		return type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
	case BPF_FUNC_map_push_elem:
	case BPF_FUNC_map_pop_elem:
	case BPF_FUNC_map_peek_elem:
		return rawtp_map_ops(type)->push;
	case BPF_FUNC_map_lookup_percpu_elem:
		return rawtp_map_ops(type)->lookup_percpu;
	}
	return type != BPF_MAP_TYPE_RINGBUF && type != BPF_MAP_TYPE_STACK_TRACE &&
	       type != BPF_MAP_TYPE_PERF_EVENT_ARRAY && type != BPF_MAP_TYPE_TASK_STORAGE &&
	       type != BPF_MAP_TYPE_PROG_ARRAY && !rawtp_map_ops(type)->push;
}

static int check_map_fits(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	const struct rawtp_map *map = call->map;
	uint32_t id = call->helper->id;
	bool changes = id == BPF_FUNC_map_update_elem || id == BPF_FUNC_map_delete_elem ||
		       id == BPF_FUNC_map_push_elem || id == BPF_FUNC_map_pop_elem;

	if (!map_type_fits(map->type, id) ||
	    (id == BPF_FUNC_map_lookup_elem && !map->ops->lookup) ||
	    (id == BPF_FUNC_for_each_map_elem && !map->ops->walk) ||
	    (id == BPF_FUNC_map_update_elem && !map->ops->update) ||
	    (id == BPF_FUNC_map_delete_elem && !map->ops->delete))
		return rawtp_refuse(env, WRONG_MAP, regno, map->name, map->type,
				    call->helper->name);
	if (changes && (map->flags & BPF_F_RDONLY_PROG))
		return rawtp_refuse(env, MAP_READ_ONLY, regno, map->name);
	return 0;
}

static int check_map(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);

	if (reg->type != RAWTP_REG_MAP)
		return rawtp_refuse(env, WRONG_ARGUMENT, regno, regno, call->helper->name,
				    "the address of a map");
	call->map_index = reg->map;
	call->map = env->prog->maps[reg->map];
	return check_map_fits(env, call, regno);
}

/* Memory of @size bytes at most, that the helper reads or fills. */
static int check_memory(struct rawtp_env *env, struct call *call, uint32_t regno, uint64_t size,
			bool is_read)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);

	switch (reg->type) {
	case RAWTP_REG_STACK:
		return is_read ? rawtp_check_stack_read(env, regno, 0, size) : 0;
	case RAWTP_REG_KEY:
	case RAWTP_REG_VALUE:
	case RAWTP_REG_RECORD:
		return rawtp_check_range(env, regno, 0, size, is_read ? RAWTP_READ : RAWTP_WRITE);
	case RAWTP_REG_VALUE_OR_NULL:
		return rawtp_refuse(env, NULL_VALUE, regno, regno);
	case RAWTP_REG_RECORD_OR_NULL:
		return rawtp_refuse(env, NULL_RECORD, regno, regno);
	}
	return rawtp_refuse(env, WRONG_ARGUMENT, regno, regno, call->helper->name,
			    "a pointer to the stack, a map value or a ring buffer record");
}

static bool has_all_keys(const struct rawtp_map *map)
{
	return map->type == BPF_MAP_TYPE_ARRAY || map->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* What this path knows of the key; only what all of them know the same of is for the engines. */
static void note_key(struct rawtp_env *env, uint16_t key)
{
	uint16_t *known = &env->aux[env->pc].key;

	*known = !*known || *known == key ? key : RAWTP_NO_KEY;
}

static int check_key(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	uint32_t size = call->map ? call->map->key_size : 0;
	int err = check_memory(env, call, regno, size, true);
	uint64_t key;

	if (err || call->helper->id != BPF_FUNC_map_lookup_elem || !has_all_keys(call->map))
		return err;
	call->never_null = rawtp_reg(env, regno)->type == RAWTP_REG_STACK &&
			   rawtp_stack_constant(env, regno, size, &key) &&
			   key < call->map->max_entries;
	note_key(env,
		 call->never_null && key < RAWTP_NO_KEY - 1 ? (uint16_t)(key + 1) : RAWTP_NO_KEY);
	return err;
}

static int check_value(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	return check_memory(env, call, regno, call->map ? call->map->value_size : 0, true);
}

static int check_uninit_value(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	call->fill_reg = regno;
	call->fill_size = call->map ? call->map->value_size : 0;
	call->fill_exact = true;
	return check_memory(env, call, regno, call->fill_size, false);
}

/* Judged together with its length, which is the next argument. */
static int check_sized_memory(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	call->memory_reg = regno;
	return 0;
}

static bool is_null(const struct rawtp_reg *reg)
{
	return reg->type == RAWTP_REG_SCALAR && rawtp_scalar_is_const(&reg->var) &&
	       !reg->var.bits.value;
}

static bool is_filled(enum rawtp_arg_kind kind)
{
	return kind == ARG_PTR_TO_UNINIT_MEM || kind == ARG_PTR_TO_OUT_MEM_OR_NULL;
}

static int check_size(struct rawtp_env *env, struct call *call, uint32_t regno, bool zero_too)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);
	const struct rawtp_reg *memory = rawtp_reg(env, call->memory_reg);
	enum rawtp_arg_kind kind = call->helper->args[call->memory_reg - 1];

	if (reg->type != RAWTP_REG_SCALAR)
		return rawtp_refuse(env, WRONG_ARGUMENT, regno, regno, call->helper->name,
				    "a number of bytes");
	rawtp_mark_precise(env, reg);
	if (reg->var.r64.smin < 0)
		return rawtp_refuse(env, NEGATIVE_SIZE, regno, regno, (long long)reg->var.r64.smin);
	if (reg->var.r64.umax >= RAWTP_MAX_OFFSET)
		return rawtp_refuse(env, UNBOUNDED_SIZE, regno, regno);
	if (reg->var.r64.umin == 0 && !zero_too)
		return rawtp_refuse(env, ZERO_SIZE, regno, regno, call->helper->name);
	call->memory_size = reg->var.r64.umax;
	if ((kind == ARG_PTR_TO_MEM_OR_NULL || kind == ARG_PTR_TO_OUT_MEM_OR_NULL) &&
	    is_null(memory) && !call->memory_size) {
		rawtp_mark_precise(env, memory);
		return 0;
	}
	if (!is_filled(kind))
		return check_memory(env, call, call->memory_reg, call->memory_size, true);
	call->fill_reg = call->memory_reg;
	call->fill_size = call->memory_size;
	call->fill_exact = kind == ARG_PTR_TO_UNINIT_MEM && rawtp_scalar_is_const(&reg->var);
	return check_memory(env, call, call->memory_reg, call->memory_size, false);
}

static int check_const_size(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	return check_size(env, call, regno, false);
}

static int check_const_size_or_zero(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	return check_size(env, call, regno, true);
}

static int check_alloc_size(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);

	if (reg->type != RAWTP_REG_SCALAR || !rawtp_scalar_is_const(&reg->var) ||
	    reg->var.bits.value >= RAWTP_MAX_OFFSET)
		return rawtp_refuse(env, ALLOC_NOT_CONST, regno, regno, call->helper->name);
	rawtp_mark_precise(env, reg);
	call->alloc_size = reg->var.bits.value;
	return 0;
}

static int check_record(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);

	if (reg->type == RAWTP_REG_RECORD_OR_NULL)
		return rawtp_refuse(env, NULL_RECORD, regno, regno);
	if (reg->type != RAWTP_REG_RECORD || !reg->ref || reg->is_direct)
		return rawtp_refuse(env, WRONG_ARGUMENT, regno, regno, call->helper->name,
				    "a record that bpf_ringbuf_reserve() returned");
	if (reg->off || !rawtp_scalar_is_const(&reg->var) || reg->var.bits.value)
		return rawtp_refuse(env, RECORD_MOVED, regno, regno, call->helper->name);
	call->released = reg->ref;
	return 0;
}

static int check_ctx(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);

	if (reg->type != RAWTP_REG_CTX || reg->off || !rawtp_scalar_is_const(&reg->var) ||
	    reg->var.bits.value)
		return rawtp_refuse(env, WRONG_ARGUMENT, regno, regno, call->helper->name,
				    "the program's context, unchanged");
	return 0;
}

static int check_long(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	call->fill_reg = regno;
	call->fill_size = sizeof(uint64_t);
	call->fill_exact = true;
	return check_memory(env, call, regno, call->fill_size, false);
}

/* The string in the program's own copy of a constant array, or NULL. */
static const char *const_string(const struct rawtp_env *env, const struct rawtp_reg *reg,
				size_t *size)
{
	const char *copy;
	uint64_t at = (uint64_t)((int64_t)reg->off + (int64_t)reg->var.bits.value);

	if (reg->type != RAWTP_REG_VALUE || !reg->is_direct || !rawtp_scalar_is_const(&reg->var))
		return NULL;
	copy = env->prog->frozen_values[reg->map];
	if (!copy || at >= env->prog->maps[reg->map]->value_size)
		return NULL;
	*size = env->prog->maps[reg->map]->value_size - at;
	return memchr(copy + at, '\0', *size) ? copy + at : NULL;
}

static int check_const_string(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	size_t size;

	if (!const_string(env, rawtp_reg(env, regno), &size))
		return rawtp_refuse(env, NOT_CONST_STR, regno, regno, call->helper->name);
	call->format_reg = regno;
	return 0;
}

/* The values come last; how many there are decides what the format may ask for. */
static int check_format(struct rawtp_env *env, const struct call *call)
{
	uint32_t n = (uint32_t)(call->memory_size / sizeof(uint64_t));
	const char *format;
	size_t size;

	if (call->helper->id != BPF_FUNC_snprintf)
		return 0;
	format = const_string(env, rawtp_reg(env, call->format_reg), &size);
	if (call->memory_size % sizeof(uint64_t) || n > RAWTP_PRINT_VALUES ||
	    !rawtp_scalar_is_const(&rawtp_reg(env, BPF_REG_5)->var) ||
	    rawtp_format_check(format, size, n))
		return rawtp_refuse(env, BAD_FORMAT, call->format_reg, call->helper->name, n);
	return 0;
}

static int check_function(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);

	return reg->type == RAWTP_REG_FUNC
		       ? 0
		       : rawtp_refuse(env, WRONG_ARGUMENT, regno, regno, call->helper->name,
				      "a static function of the program");
}

static int check_stack_or_null(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);

	if (is_null(reg)) {
		rawtp_mark_precise(env, reg);
		return 0;
	}
	return reg->type == RAWTP_REG_STACK
		       ? 0
		       : rawtp_refuse(env, WRONG_ARGUMENT, regno, regno, call->helper->name,
				      "a pointer to the stack, or NULL");
}

static int check_value_or_null(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);

	if (!is_null(reg))
		return check_value(env, call, regno);
	rawtp_mark_precise(env, reg);
	return 0;
}

static int check_task(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	const struct rawtp_reg *reg = rawtp_reg(env, regno);

	return reg->type == RAWTP_REG_TASK && !reg->off && rawtp_scalar_is_const(&reg->var) &&
			       !reg->var.bits.value
		       ? 0
		       : rawtp_refuse(env, WRONG_ARGUMENT, regno, regno, call->helper->name,
				      "what bpf_get_current_task_btf() returned");
}

static int check_dynptr(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	return rawtp_check_dynptr(env, regno, call->helper->name, false, &call->dynptr_ref);
}

static int check_ringbuf_dynptr(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	return rawtp_check_dynptr(env, regno, call->helper->name, true, &call->released);
}

/* Only what outlives the program's stack may be behind one. */
static int check_uninit_dynptr(struct rawtp_env *env, struct call *call, uint32_t regno)
{
	const struct rawtp_reg *memory = rawtp_reg(env, BPF_REG_1);

	if (call->helper->id == BPF_FUNC_dynptr_from_mem && memory->type != RAWTP_REG_VALUE)
		return rawtp_refuse(env, WRONG_ARGUMENT, BPF_REG_1, BPF_REG_1, call->helper->name,
				    "a pointer to a map value");
	call->dynptr_reg = regno;
	return rawtp_check_dynptr_place(env, regno, call->helper->name);
}

static const check_arg_fn arg_checks[] = {
	[ARG_CONST_MAP_PTR] = check_map,
	[ARG_PTR_TO_MAP_KEY] = check_key,
	[ARG_PTR_TO_MAP_VALUE] = check_value,
	[ARG_PTR_TO_UNINIT_MAP_VALUE] = check_uninit_value,
	[ARG_PTR_TO_MEM] = check_sized_memory,
	[ARG_PTR_TO_MEM_OR_NULL] = check_sized_memory,
	[ARG_PTR_TO_MEM_RDONLY] = check_sized_memory,
	[ARG_PTR_TO_UNINIT_MEM] = check_sized_memory,
	[ARG_PTR_TO_OUT_MEM_OR_NULL] = check_sized_memory,
	[ARG_PTR_TO_LONG] = check_long,
	[ARG_PTR_TO_CONST_STR] = check_const_string,
	[ARG_CONST_SIZE] = check_const_size,
	[ARG_CONST_SIZE_OR_ZERO] = check_const_size_or_zero,
	[ARG_CONST_ALLOC_SIZE_OR_ZERO] = check_alloc_size,
	[ARG_PTR_TO_ALLOC_MEM] = check_record,
	[ARG_PTR_TO_CTX] = check_ctx,
	[ARG_PTR_TO_FUNC] = check_function,
	[ARG_PTR_TO_STACK_OR_NULL] = check_stack_or_null,
	[ARG_PTR_TO_MAP_VALUE_OR_NULL] = check_value_or_null,
	[ARG_PTR_TO_TASK] = check_task,
	[ARG_PTR_TO_DYNPTR] = check_dynptr,
	[ARG_PTR_TO_RINGBUF_DYNPTR] = check_ringbuf_dynptr,
	[ARG_PTR_TO_UNINIT_DYNPTR] = check_uninit_dynptr,
	[ARG_ANYTHING] = check_anything,
};

static void release_reg(struct rawtp_reg *reg, void *arg)
{
	struct call *call = ((void **)arg)[0];
	struct rawtp_env *env = ((void **)arg)[1];

	if (rawtp_reg_is_pointer(reg) && reg->ref == call->released)
		rawtp_mark_unknown(env, reg);
}

/* Whoever still has the address has a number. */
static void mark_released(struct rawtp_env *env, struct call *call)
{
	struct rawtp_state *state = &env->cur;
	void *arg[2] = {call, env};
	uint32_t i = 0;

	while (state->refs[i] != call->released)
		i++;
	state->n_refs--;
	state->refs[i] = state->refs[state->n_refs];
	state->ref_insns[i] = state->ref_insns[state->n_refs];
	rawtp_state_each_reg(state, release_reg, arg);
}

/* 0, *ref: a new reference, taken here. */
static int check_acquire(struct rawtp_env *env, uint32_t *ref)
{
	struct rawtp_state *state = &env->cur;

	if (state->n_refs == RAWTP_MAX_REFS)
		return rawtp_refuse(env, TOO_MANY_RECORDS, RAWTP_NO_REG, RAWTP_MAX_REFS);
	*ref = ++env->n_ids;
	state->ref_insns[state->n_refs] = env->pc;
	state->refs[state->n_refs++] = *ref;
	return 0;
}

/* A failed reservation is to be given back, too. */
static int check_new_dynptr(struct rawtp_env *env, const struct call *call)
{
	uint32_t ref = 0;
	int err = 0;

	if (!call->dynptr_reg)
		return 0;
	if (call->helper->id == BPF_FUNC_ringbuf_reserve_dynptr)
		err = check_acquire(env, &ref);
	return err ? err : rawtp_mark_dynptr(env, call->dynptr_reg, ref);
}

static bool returns_length(uint32_t id)
{
	return id == BPF_FUNC_probe_read_str || id == BPF_FUNC_probe_read_user_str ||
	       id == BPF_FUNC_probe_read_kernel_str || id == BPF_FUNC_get_stack;
}

static int mark_return(struct rawtp_env *env, const struct call *call)
{
	struct rawtp_reg *r0 = rawtp_reg(env, BPF_REG_0);

	memset(r0, 0, sizeof(*r0));
	r0->var = rawtp_scalar_const(0);
	switch (call->helper->ret) {
	case RET_INTEGER:
		rawtp_mark_scalar(env, r0,
				  returns_length(call->helper->id)
					  ? rawtp_scalar_signed(-4095, (int64_t)call->memory_size)
					  : rawtp_scalar_unknown(),
				  0, 0);
		break;
	case RET_VOID:
		break;
	case RET_PTR_TO_MAP_VALUE_OR_NULL:
		r0->type = call->never_null ? RAWTP_REG_VALUE : RAWTP_REG_VALUE_OR_NULL;
		r0->map = call->map_index;
		r0->id = call->never_null ? 0 : ++env->n_ids;
		break;
	case RET_PTR_TO_ALLOC_MEM_OR_NULL:
		if (check_acquire(env, &r0->ref))
			return -E2BIG;
		r0->type = RAWTP_REG_RECORD_OR_NULL;
		r0->size = call->alloc_size;
		r0->id = r0->ref;
		break;
	case RET_PTR_TO_TASK:
		r0->type = RAWTP_REG_TASK;
		break;
	case RET_PTR_TO_DYNPTR_MEM_OR_NULL:
		r0->type = RAWTP_REG_RECORD_OR_NULL;
		r0->size = call->alloc_size;
		r0->id = ++env->n_ids;
		r0->ref = call->dynptr_ref;
		r0->is_direct = true;
		break;
	}
	return 0;
}

static int check_known_helper(struct rawtp_env *env, uint32_t id)
{
	const char *name = rawtp_helper_name(id), *instead = rawtp_helper_instead(id);

	if (instead)
		return rawtp_refuse(env, ABSENT_HELPER, RAWTP_NO_REG, name, id, instead);
	return name ? rawtp_refuse(env, NO_SUCH_HELPER, RAWTP_NO_REG, name, id)
		    : rawtp_refuse(env, UNKNOWN_HELPER, RAWTP_NO_REG, id);
}

/* The program that it goes to knows nothing of what this one holds. */
static int check_tail_call(struct rawtp_env *env)
{
	uint32_t i;

	env->subprogs[rawtp_state_top(&env->cur)->subprog].goes_on = true;
	for (i = 1; i <= env->cur.depth; i++)
		if (env->cur.functions[i]->is_callback)
			return rawtp_refuse(env, TAIL_CALL_IN_CALLBACK, RAWTP_NO_REG);
	if (env->cur.n_refs)
		return rawtp_refuse(env, RECORD_LEAKED, RAWTP_NO_REG, env->cur.ref_insns[0]);
	return 0;
}

int rawtp_check_helper_call(struct rawtp_env *env, const struct bpf_insn *insn)
{
	struct call call = {.helper = rawtp_helper((uint32_t)insn->imm)};
	uint32_t i;
	int err = 0;

	if (!call.helper || call.helper->id >= RAWTP_HELPER_INTERNAL)
		return check_known_helper(env, (uint32_t)insn->imm);
	for (i = 0; i < 5 && call.helper->args[i] != ARG_NONE; i++) {
		err = rawtp_check_reg_read(env, BPF_REG_1 + i);
		if (!err)
			err = arg_checks[call.helper->args[i]](env, &call, BPF_REG_1 + i);
		if (err)
			return err;
	}
	err = check_format(env, &call);
	if (!err && call.helper->id == BPF_FUNC_tail_call)
		err = check_tail_call(env);
	if (!err && rawtp_helper_calls_back(call.helper->id))
		err = rawtp_push_callback(env, call.helper->id, call.map_index);
	if (!err && call.fill_reg && rawtp_reg(env, call.fill_reg)->type == RAWTP_REG_STACK)
		err = rawtp_check_stack_fill(env, call.fill_reg, 0, call.fill_size,
					     call.fill_exact);
	if (!err)
		err = check_new_dynptr(env, &call);
	if (err)
		return err;
	if (call.released)
		mark_released(env, &call);
	memset(rawtp_reg(env, BPF_REG_0), 0, sizeof(struct rawtp_reg) * (BPF_REG_5 + 1));
	return mark_return(env, &call);
}
