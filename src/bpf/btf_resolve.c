/* SPDX-License-Identifier: MIT */
/*
 * Second pass over BTF: what type ids refer to.
 *
 * Time is linear in the data: each type is resolved once, and what was found is kept. Depth is
 * bounded as in the kernel, so that recursion is too.
 */
#include "bpf/btf_internal.h"

#include <errno.h>
#include <stdlib.h>

enum { NEW = 0, VISITING, DONE };

struct resolver {
	struct rawtp_btf_check *check;
	struct rawtp_btf *btf;
	uint8_t *state;
};

static int resolve(struct resolver *r, uint32_t id, unsigned int depth);

static bool is_modifier(uint32_t kind)
{
	return kind == BTF_KIND_TYPEDEF || kind == BTF_KIND_VOLATILE || kind == BTF_KIND_CONST ||
	       kind == BTF_KIND_RESTRICT || kind == BTF_KIND_TYPE_TAG;
}

/* What describes an object rather than a type, so that no type can be made of it. */
static bool is_no_type(const struct btf_type *type)
{
	uint32_t kind = rawtp_btf_kind(type);

	return kind == BTF_KIND_VAR || kind == BTF_KIND_DATASEC || kind == BTF_KIND_DECL_TAG ||
	       kind == BTF_KIND_FUNC;
}

/* NULL, with a complaint, where @ref is no type that @id may be made of. */
static const struct btf_type *referred(struct resolver *r, uint32_t id, uint32_t ref)
{
	const struct btf_type *type = rawtp_btf_type(r->btf, ref);

	if (!type || is_no_type(type)) {
		rawtp_btf_refuse(r->check, id, "refers to what is not a type");
		return NULL;
	}
	return type;
}

/* The same, and it must have a size. */
static int resolve_sized(struct resolver *r, uint32_t id, uint32_t ref, unsigned int depth)
{
	int err;

	if (!referred(r, id, ref))
		return -EINVAL;
	err = resolve(r, ref, depth + 1);
	if (err)
		return err;
	if (rawtp_btf_size(r->btf, ref) < 0)
		return rawtp_btf_refuse(r->check, id, "refers to a type without a size");
	return 0;
}

static uint32_t int_data(const struct btf_type *type)
{
	return *(const uint32_t *)(type + 1);
}

/* An integer that memory holds as it is: whole bytes, a power of two of them, no offset. */
static bool is_regular_int(const struct btf_type *type)
{
	uint32_t bits = BTF_INT_BITS(int_data(type));

	return bits && bits % 8 == 0 && !(bits & (bits - 1)) && !BTF_INT_OFFSET(int_data(type));
}

static int resolve_array(struct resolver *r, uint32_t id, const struct btf_type *type,
			 unsigned int depth)
{
	const struct btf_array *array = (const void *)(type + 1);
	const struct btf_type *base;
	uint64_t size;
	int err = resolve_sized(r, id, array->index_type, depth);

	if (err)
		return err;
	base = rawtp_btf_type(r->btf, r->btf->bases[array->index_type]);
	if (rawtp_btf_kind(base) != BTF_KIND_INT || !is_regular_int(base))
		return rawtp_btf_refuse(r->check, id, "the index of an array is no integer");
	err = resolve_sized(r, id, array->type, depth);
	if (err)
		return err;
	base = rawtp_btf_type(r->btf, r->btf->bases[array->type]);
	if (rawtp_btf_kind(base) == BTF_KIND_INT && !is_regular_int(base))
		return rawtp_btf_refuse(r->check, id, "an array of bit fields");
	size = (uint64_t)array->nelems * r->btf->sizes[array->type];
	if (size >= RAWTP_BTF_NO_SIZE)
		return rawtp_btf_refuse(r->check, id, "an array is too large");
	r->btf->sizes[id] = (uint32_t)size;
	return 0;
}

/*
 * @bits: width of a bit field, 0 where the member is none. Returns how many bits from @off the
 * member takes, -1 where that is impossible.
 */
static int64_t member_bits(const struct btf_type *base, uint32_t size, uint32_t *off, uint32_t bits,
			   bool kflag)
{
	uint32_t kind = rawtp_btf_kind(base);

	if (kind == BTF_KIND_INT && !kflag) {
		*off += BTF_INT_OFFSET(int_data(base));
		bits = BTF_INT_BITS(int_data(base));
		return bits + *off % 8 <= 128 ? (int64_t)bits : -1;
	}
	if (kind == BTF_KIND_INT && !is_regular_int(base))
		return -1;
	if (bits) {
		uint32_t most = kind == BTF_KIND_INT      ? BTF_INT_BITS(int_data(base))
				: kind == BTF_KIND_ENUM   ? 32
				: kind == BTF_KIND_ENUM64 ? 64
							  : 0;

		return bits <= most ? (int64_t)bits : -1;
	}
	if (*off % 8)
		return -1;
	if (kind == BTF_KIND_FLOAT && (*off / 8) % (size < 8 ? size & -size : 8))
		return -1;
	return (int64_t)size * 8;
}

static int resolve_members(struct resolver *r, uint32_t id, const struct btf_type *type,
			   unsigned int depth)
{
	const struct btf_member *member = (const void *)(type + 1);
	bool kflag = rawtp_btf_kflag(type);
	uint32_t i;

	for (i = 0; i < rawtp_btf_vlen(type); i++, member++) {
		uint32_t off = kflag ? BTF_MEMBER_BIT_OFFSET(member->offset) : member->offset;
		uint32_t width = kflag ? BTF_MEMBER_BITFIELD_SIZE(member->offset) : 0;
		const struct btf_type *base;
		int64_t bits;
		int err = resolve_sized(r, id, member->type, depth);

		if (err)
			return err;
		base = rawtp_btf_type(r->btf, r->btf->bases[member->type]);
		bits = member_bits(base, r->btf->sizes[member->type], &off, width, kflag);
		if (bits < 0)
			return rawtp_btf_refuse(r->check, id,
						"impossible place or width of a member");
		if (off + bits > (int64_t)type->size * 8)
			return rawtp_btf_refuse(r->check, id, "a member ends behind the structure");
	}
	r->btf->sizes[id] = type->size;
	return 0;
}

static int resolve_datasec(struct resolver *r, uint32_t id, const struct btf_type *type,
			   unsigned int depth)
{
	const struct btf_var_secinfo *info = (const void *)(type + 1);
	uint32_t i;

	for (i = 0; i < rawtp_btf_vlen(type); i++, info++) {
		const struct btf_type *var = rawtp_btf_type(r->btf, info->type);
		int err;

		if (!var || rawtp_btf_kind(var) != BTF_KIND_VAR)
			return rawtp_btf_refuse(r->check, id,
						"a section holds what is no variable");
		err = resolve(r, info->type, depth + 1);
		if (err)
			return err;
		if (info->size < r->btf->sizes[info->type])
			return rawtp_btf_refuse(r->check, id,
						"a variable is larger than its place");
	}
	r->btf->sizes[id] = type->size;
	return 0;
}

static int resolve_modifier(struct resolver *r, uint32_t id, const struct btf_type *type,
			    unsigned int depth)
{
	int err;

	if (!referred(r, id, type->type))
		return -EINVAL;
	err = resolve(r, type->type, depth + 1);
	if (err)
		return err;
	r->btf->bases[id] = r->btf->bases[type->type];
	r->btf->sizes[id] = r->btf->sizes[type->type];
	return 0;
}

static int resolve_kind(struct resolver *r, uint32_t id, const struct btf_type *type,
			unsigned int depth)
{
	uint32_t kind = rawtp_btf_kind(type);
	int err;

	if (is_modifier(kind))
		return resolve_modifier(r, id, type, depth);
	switch (kind) {
	case BTF_KIND_PTR:
		r->btf->sizes[id] = 8;
		return referred(r, id, type->type) ? 0 : -EINVAL;
	case BTF_KIND_ARRAY:
		return resolve_array(r, id, type, depth);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return resolve_members(r, id, type, depth);
	case BTF_KIND_DATASEC:
		return resolve_datasec(r, id, type, depth);
	case BTF_KIND_VAR:
		err = resolve_sized(r, id, type->type, depth);
		if (!err)
			r->btf->sizes[id] = r->btf->sizes[type->type];
		return err;
	case BTF_KIND_INT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_FLOAT:
		r->btf->sizes[id] = type->size;
		return 0;
	default:
		return 0; /* FWD, FUNC, FUNC_PROTO, DECL_TAG: no size */
	}
}

static int resolve(struct resolver *r, uint32_t id, unsigned int depth)
{
	int err;

	if (id == 0 || r->state[id] == DONE)
		return 0;
	if (r->state[id] == VISITING) {
		rawtp_btf_refuse(r->check, id, "a type contains itself");
		return -EEXIST; /* the kernel's */
	}
	if (depth >= RAWTP_BTF_MAX_DEPTH) {
		rawtp_btf_refuse(r->check, id, "types are nested too deeply");
		return -E2BIG;
	}
	r->state[id] = VISITING;
	r->btf->bases[id] = id;
	r->btf->sizes[id] = RAWTP_BTF_NO_SIZE;
	err = resolve_kind(r, id, rawtp_btf_type(r->btf, id), depth);
	r->state[id] = DONE;
	return err;
}

/* Pointers and modifiers have one successor each: a walk that meets itself is a loop. */
static int check_pointer_loops(struct resolver *r)
{
	uint32_t *walk = calloc(r->btf->n_types, sizeof(*walk));
	uint32_t id, at;
	int err = 0;

	if (!walk)
		return -ENOMEM;
	for (id = 1; id < r->btf->n_types && !err; id++) {
		for (at = id; at; at = rawtp_btf_type(r->btf, at)->type) {
			uint32_t kind = rawtp_btf_kind(rawtp_btf_type(r->btf, at));

			if (kind != BTF_KIND_PTR && !is_modifier(kind))
				break;
			if (walk[at]) {
				if (walk[at] == id) {
					rawtp_btf_refuse(r->check, id, "a loop of pointers");
					err = -EEXIST;
				}
				break;
			}
			walk[at] = id;
		}
	}
	free(walk);
	return err;
}

static int check_param(struct resolver *r, uint32_t id, const struct btf_param *param)
{
	if (!referred(r, id, param->type))
		return -EINVAL;
	if (rawtp_btf_size(r->btf, param->type) < 0)
		return rawtp_btf_refuse(r->check, id, "a parameter has no size");
	if (param->name_off && !rawtp_btf_valid_identifier(r->btf, param->name_off))
		return rawtp_btf_refuse(r->check, id, "a parameter has an impossible name");
	return 0;
}

static int check_func_proto(struct resolver *r, uint32_t id, const struct btf_type *type)
{
	const struct btf_param *param = (const void *)(type + 1);
	uint32_t i, n = rawtp_btf_vlen(type);
	int err = 0;

	if (type->type) {
		if (!referred(r, id, type->type))
			return -EINVAL;
		if (rawtp_btf_size(r->btf, type->type) < 0)
			return rawtp_btf_refuse(r->check, id, "a result has no size");
	}
	if (n && !param[n - 1].type) { /* "..." */
		if (param[n - 1].name_off)
			return rawtp_btf_refuse(r->check, id, "variable arguments have a name");
		n--;
	}
	for (i = 0; i < n && !err; i++)
		err = check_param(r, id, &param[i]);
	return err;
}

static int check_func(struct resolver *r, uint32_t id, const struct btf_type *type)
{
	const struct btf_type *proto = rawtp_btf_type(r->btf, type->type);
	const struct btf_param *param;
	uint32_t i;

	if (!proto || rawtp_btf_kind(proto) != BTF_KIND_FUNC_PROTO)
		return rawtp_btf_refuse(r->check, id,
					"a function's type is not that of a function");
	param = (const void *)(proto + 1);
	for (i = 0; i < rawtp_btf_vlen(proto); i++)
		if (param[i].type && !param[i].name_off)
			return rawtp_btf_refuse(r->check, id, "a function's parameter has no name");
	return 0;
}

static int check_decl_tag(struct resolver *r, uint32_t id, const struct btf_type *type)
{
	int32_t component = ((const struct btf_decl_tag *)(const void *)(type + 1))->component_idx;
	const struct btf_type *target = rawtp_btf_type(r->btf, type->type);
	int64_t limit;

	switch (target ? rawtp_btf_kind(target) : BTF_KIND_UNKN) {
	case BTF_KIND_VAR:
	case BTF_KIND_TYPEDEF:
		limit = 0;
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		limit = rawtp_btf_vlen(target);
		break;
	case BTF_KIND_FUNC:
		target = rawtp_btf_type(r->btf, target->type);
		limit = target ? rawtp_btf_vlen(target) : 0;
		break;
	default:
		return rawtp_btf_refuse(r->check, id, "a tag of what cannot have one");
	}
	if (component != -1 && component >= limit)
		return rawtp_btf_refuse(r->check, id, "a tag of a component that is not there");
	return 0;
}

static int check_rest(struct resolver *r)
{
	uint32_t id;
	int err = 0;

	for (id = 1; id < r->btf->n_types && !err; id++) {
		const struct btf_type *type = rawtp_btf_type(r->btf, id);

		switch (rawtp_btf_kind(type)) {
		case BTF_KIND_FUNC_PROTO:
			err = check_func_proto(r, id, type);
			break;
		case BTF_KIND_FUNC:
			err = check_func(r, id, type);
			break;
		case BTF_KIND_DECL_TAG:
			err = check_decl_tag(r, id, type);
			break;
		default:
			break;
		}
	}
	return err;
}

int rawtp_btf_check_references(struct rawtp_btf_check *check)
{
	struct resolver r = {.check = check, .btf = check->btf};
	uint32_t id;
	int err = 0;

	r.btf->sizes[0] = RAWTP_BTF_NO_SIZE;
	r.state = calloc(r.btf->n_types, 1);
	if (!r.state)
		return -ENOMEM;
	for (id = 1; id < r.btf->n_types && !err; id++)
		err = resolve(&r, id, 0);
	if (!err)
		err = check_pointer_loops(&r);
	if (!err)
		err = check_rest(&r);
	free(r.state);
	return err;
}
