/* SPDX-License-Identifier: MIT */
/*
 * Typed arguments: SEC("tp_btf/NAME").
 *
 * The target's BTF has `typedef void (*btf_trace_NAME)(void *, arguments)`. A slot of the context
 * that holds a pointer to a structure gives a pointer of that type; a load through it is checked
 * against the structure's members, as the kernel does (btf_struct_access()), and a member that is a
 * pointer to a structure gives the next one. Through a member that points to anything else any
 * number may be read, as in kernels from 6.17 on.
 *
 * Nothing of it is believed: pointers may be null, stale or wild, and the BTF need not be true. So a
 * load through such a pointer is one that survives (RAWTP_KIND_PROBE), and gives 0 where nothing can
 * be read; nothing is ever written through it, and no helper takes it for memory. The types decide
 * which loads a program may write down, not which are safe.
 */
#include "bpf/btf.h"
#include "bpf/verifier/env.h"

#include <string.h>

#define PREFIX       "btf_trace_"
#define MAX_NESTING  32
#define POINTER_SIZE 8

/* What a place inside a structure holds. */
struct place {
	bool is_pointer; /* that can be followed */
	uint32_t target; /* the structure that it points to; 0: anything else */
};

static const struct btf_type *base_type(const struct rawtp_btf *btf, uint32_t id)
{
	return rawtp_btf_type(btf, rawtp_btf_base(btf, id));
}

static bool is_struct(const struct btf_type *type)
{
	uint32_t kind = BTF_INFO_KIND(type->info);

	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

static bool is_kind(const struct btf_type *type, uint32_t kind)
{
	return BTF_INFO_KIND(type->info) == kind;
}

static const struct btf_array *array_of(const struct btf_type *type)
{
	return (const void *)(type + 1);
}

/* The structure behind a pointer, through qualifiers; 0 for every other type. */
static uint32_t pointed_struct(const struct rawtp_btf *btf, const struct btf_type *type)
{
	uint32_t id;

	if (!is_kind(type, BTF_KIND_PTR))
		return 0;
	id = rawtp_btf_base(btf, type->type);
	return id && is_struct(rawtp_btf_type(btf, id)) ? id : 0;
}

static void mark_pointer(struct rawtp_reg *reg, uint32_t target)
{
	memset(reg, 0, sizeof(*reg));
	reg->type = RAWTP_REG_BTF;
	reg->btf_id = target;
	reg->var = rawtp_scalar_const(0);
}

const char *rawtp_btf_tracepoint(const struct rawtp_btf *btf, uint32_t id)
{
	const struct btf_type *type = rawtp_btf_type(btf, id);
	const char *name;

	if (!id || !type || !is_kind(type, BTF_KIND_TYPEDEF))
		return NULL;
	name = rawtp_btf_string(btf, type->name_off);
	return strncmp(name, PREFIX, strlen(PREFIX)) ? NULL : name + strlen(PREFIX);
}

/* The type of the thunk: its first parameter is the probe's data. */
static const struct btf_type *proto_of(const struct rawtp_btf *btf, uint32_t id)
{
	const struct btf_type *type = base_type(btf, id);

	if (!is_kind(type, BTF_KIND_PTR))
		return NULL;
	type = base_type(btf, type->type);
	return is_kind(type, BTF_KIND_FUNC_PROTO) && BTF_INFO_VLEN(type->info) ? type : NULL;
}

int rawtp_check_attach_type(struct rawtp_env *env)
{
	const struct rawtp_prog *prog = env->prog;

	env->pc = RAWTP_NO_INSN;
	if (prog->type != BPF_PROG_TYPE_TRACING)
		return 0;
	if (!prog->attach_btf)
		return rawtp_refuse(env, NO_TARGET_BTF, RAWTP_NO_REG);
	if (!rawtp_btf_tracepoint(prog->attach_btf, prog->attach_btf_id) ||
	    !proto_of(prog->attach_btf, prog->attach_btf_id))
		return rawtp_refuse(env, NO_TRACEPOINT_TYPE, RAWTP_NO_REG, prog->attach_btf_id);
	return 0;
}

int rawtp_check_argument(struct rawtp_env *env, uint32_t regno, int32_t off, uint32_t size,
			 struct rawtp_reg *out)
{
	const struct rawtp_btf *btf = env->prog->attach_btf;
	const struct btf_type *proto = proto_of(btf, env->prog->attach_btf_id), *type;
	const struct btf_param *params = (const void *)(proto + 1);
	uint32_t n = BTF_INFO_VLEN(proto->info) - 1, i = (uint32_t)off / 8, target;

	if (i >= n)
		return rawtp_refuse(env, NO_SUCH_ARGUMENT, regno, i, n);
	/* A number may be read in parts, from its start. */
	if (off % 8)
		return rawtp_refuse(env, PART_OF_ARGUMENT, regno, size, off);
	type = base_type(btf, params[i + 1].type);
	target = pointed_struct(btf, type);
	if (is_kind(type, BTF_KIND_PTR) && size != POINTER_SIZE)
		return rawtp_refuse(env, PART_OF_ARGUMENT, regno, size, off);
	if (!target) {
		rawtp_mark_scalar(env, out, rawtp_scalar_loaded(size, false), 0, 0);
		return 0;
	}
	mark_pointer(out, target);
	return 0;
}

/* A bit field is read by the bytes that hold it, all of them. */
static bool is_bit_field(const struct btf_type *type, const struct btf_member *member,
			 uint32_t *first, uint32_t *end)
{
	uint32_t bits = BTF_INFO_KFLAG(type->info) ? BTF_MEMBER_BITFIELD_SIZE(member->offset) : 0;
	uint32_t off =
		BTF_INFO_KFLAG(type->info) ? BTF_MEMBER_BIT_OFFSET(member->offset) : member->offset;

	*first = off / 8;
	*end = (off + bits + 7) / 8;
	return bits != 0;
}

/*
 * At the last member, where that is an array without a length, lie elements of it. 1: *@off is the
 * offset inside of one, structure *@id; 0: it is a number; -1: there is nothing.
 */
static int flexible_element(const struct rawtp_btf *btf, const struct btf_type *type, uint32_t *off,
			    uint32_t *id)
{
	uint32_t n = BTF_INFO_VLEN(type->info), first, end;
	const struct btf_member *last = (const struct btf_member *)(const void *)(type + 1) + n - 1;
	const struct btf_type *array;

	if (!n || is_bit_field(type, last, &first, &end))
		return -1;
	array = base_type(btf, last->type);
	if (!is_kind(array, BTF_KIND_ARRAY) || array_of(array)->nelems || *off < first)
		return -1;
	*id = rawtp_btf_base(btf, array_of(array)->type);
	type = rawtp_btf_type(btf, *id);
	if (is_kind(type, BTF_KIND_INT))
		return 0;
	if (!is_struct(type) || !type->size)
		return -1;
	*off = (*off - first) % type->size;
	return 1;
}

struct walk {
	struct rawtp_env *env;
	const struct rawtp_btf *btf;
	uint32_t regno, size;
	bool is_union; /* others lie there, too, so a number need not end with its member */
};

/* The innermost element of an array, and its size. */
static uint32_t element_of(const struct rawtp_btf *btf, uint32_t id, uint32_t *size)
{
	const struct btf_type *type = rawtp_btf_type(btf, id);
	unsigned int depth;

	for (depth = 0; is_kind(type, BTF_KIND_ARRAY) && depth < MAX_NESTING; depth++) {
		id = rawtp_btf_base(btf, array_of(type)->type);
		type = rawtp_btf_type(btf, id);
	}
	*size = id && rawtp_btf_size(btf, id) > 0 ? (uint32_t)rawtp_btf_size(btf, id) : 0;
	return id;
}

static int beyond(const struct walk *walk, const struct btf_type *type, uint32_t off)
{
	const char *name = rawtp_btf_string(walk->btf, type->name_off);

	return rawtp_refuse(walk->env, NO_SUCH_MEMBER, walk->regno, walk->size, off,
			    *name ? name : "(anonymous)");
}

/*
 * One level: where @off lies in structure @type. 1: go on in *@inner at *@off; 0: found, *@place;
 * -EACCES.
 */
static int step(const struct walk *walk, const struct btf_type *type, uint32_t *off,
		uint32_t *inner, struct place *place)
{
	const struct btf_member *member = (const void *)(type + 1);
	uint32_t i, first, end, id, each;
	const struct btf_type *found;

	for (i = 0; i < BTF_INFO_VLEN(type->info); i++, member++) {
		if (is_bit_field(type, member, &first, &end)) {
			if (*off <= first && end <= *off + walk->size)
				return 0;
			continue;
		}
		id = rawtp_btf_base(walk->btf, member->type);
		end = first + (uint32_t)rawtp_btf_size(walk->btf, id);
		if (*off < first || *off >= end)
			continue;
		found = rawtp_btf_type(walk->btf, id);
		if (is_kind(found, BTF_KIND_ARRAY)) {
			id = element_of(walk->btf, id, &each);
			found = rawtp_btf_type(walk->btf, id);
			if (*off + walk->size > end || !each)
				break;
			first += (*off - first) / each * each;
		} else {
			each = end - first;
		}
		if (is_struct(found)) {
			*inner = id;
			*off -= first;
			return 1;
		}
		if ((*off + walk->size > end && !walk->is_union) ||
		    (is_kind(found, BTF_KIND_PTR) && (*off != first || walk->size != each)))
			break;
		place->target = pointed_struct(walk->btf, found);
		place->is_pointer = is_kind(found, BTF_KIND_PTR);
		return 0;
	}
	return beyond(walk, type, *off);
}

static int find_place(struct walk *walk, uint32_t id, uint32_t off, struct place *place)
{
	unsigned int depth;
	int more = 1;

	for (depth = 0; more > 0 && depth < MAX_NESTING; depth++) {
		const struct btf_type *type = rawtp_btf_type(walk->btf, id);

		walk->is_union |= is_kind(type, BTF_KIND_UNION);
		if (off < type->size && walk->size <= type->size - off) {
			more = step(walk, type, &off, &id, place);
			continue;
		}
		more = flexible_element(walk->btf, type, &off, &id);
		if (more < 0)
			return beyond(walk, type, off);
	}
	return more;
}

int rawtp_check_btf_load(struct rawtp_env *env, const struct bpf_insn *insn, uint32_t size,
			 struct rawtp_reg *out)
{
	const struct rawtp_reg *reg = rawtp_reg(env, insn->src_reg);
	struct walk walk = {
		.env = env, .btf = env->prog->attach_btf, .regno = insn->src_reg, .size = size};
	int64_t off = (int64_t)reg->off + insn->off + (int64_t)reg->var.bits.value;
	struct place place = {0};
	bool is_signed = BPF_MODE(insn->code) == RAWTP_BPF_MEMSX;
	int err;

	if (!reg->btf_id) {
		rawtp_mark_scalar(env, out, rawtp_scalar_loaded(size, is_signed), 0, 0);
		return 0;
	}
	if (!rawtp_scalar_is_const(&reg->var))
		return rawtp_refuse(env, VARIABLE_MEMBER, insn->src_reg, insn->src_reg);
	if (off < 0)
		return rawtp_refuse(env, BEFORE_STRUCTURE, insn->src_reg, insn->src_reg,
				    (long long)off);
	err = find_place(&walk, reg->btf_id, (uint32_t)off, &place);
	if (err > 0) /* nested deeper than BTF may be */
		err = -EACCES;
	if (err)
		return err;
	if (!place.is_pointer || is_signed) {
		rawtp_mark_scalar(env, out, rawtp_scalar_loaded(size, is_signed), 0, 0);
		return 0;
	}
	mark_pointer(out, place.target);
	return 0;
}
