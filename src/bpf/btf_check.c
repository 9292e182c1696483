/* SPDX-License-Identifier: MIT */
/*
 * First pass over BTF: each record by itself, by a table with one row a kind.
 *
 * The rules are those of the kernel's BPF_BTF_LOAD, so that what is taken here is taken there.
 */
#include "bpf/btf_internal.h"

#include <errno.h>
#include <string.h>

#define MAX_TYPE_ID     0x000fffffU
#define MAX_NAME_LENGTH 512 /* KSYM_NAME_LEN */
#define KNOWN_INFO_BITS 0x9f00ffffU
#define KNOWN_INT_BITS  0x0fffffffU
#define MAX_INT_BITS    128

enum name_rule { NAME_ANY, NAME_NONE, NAME_OPTIONAL, NAME_NEEDED, NAME_SECTION, NAME_TEXT };
enum size_rule { TYPE_IS_REF, TYPE_IS_ZERO, TYPE_IS_SIZE };

typedef int (*record_check)(struct rawtp_btf_check *check, uint32_t id,
			    const struct btf_type *type);

struct kind_row {
	uint8_t fixed;     /* bytes behind struct btf_type */
	uint8_t per_entry; /* and for each of vlen; 0: vlen must be 0, but for functions */
	bool kflag_allowed;
	enum name_rule name;
	enum size_rule size;
	record_check check;
};

static bool valid_string(const struct rawtp_btf *btf, uint32_t off)
{
	return off < btf->strings_len;
}

/* ASCII whatever the application's locale is. */
static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A name of C; dots are what compilers add to those of static data and sections. */
bool rawtp_btf_valid_identifier(const struct rawtp_btf *btf, uint32_t off)
{
	const char *name = rawtp_btf_string(btf, off);
	size_t i;

	for (i = 0; name[i]; i++) {
		if (i >= MAX_NAME_LENGTH - 1)
			return false;
		if (!is_letter(name[i]) && !(i && is_digit(name[i])))
			return false;
	}
	return i > 0;
}

static bool valid_section_name(const struct rawtp_btf *btf, uint32_t off)
{
	const char *name = btf->strings + off;
	size_t i;

	for (i = 0; name[i]; i++)
		if (i >= MAX_NAME_LENGTH - 1 || name[i] < ' ' || name[i] > '~')
			return false;
	return i > 0;
}

static bool valid_name(const struct rawtp_btf *btf, enum name_rule rule, uint32_t off)
{
	switch (rule) {
	case NAME_NONE:
		return off == 0;
	case NAME_OPTIONAL:
		return off == 0 || rawtp_btf_valid_identifier(btf, off);
	case NAME_NEEDED:
		return rawtp_btf_valid_identifier(btf, off);
	case NAME_SECTION:
		return valid_section_name(btf, off);
	case NAME_TEXT:
		return btf->strings[off] != '\0';
	case NAME_ANY:
		break;
	}
	return true;
}

static bool valid_id(uint32_t id)
{
	return id != 0 && id <= MAX_TYPE_ID;
}

static int check_int(struct rawtp_btf_check *check, uint32_t id, const struct btf_type *type)
{
	uint32_t data = *(const uint32_t *)(type + 1);
	uint32_t bits = BTF_INT_BITS(data) + BTF_INT_OFFSET(data);
	uint32_t encoding = BTF_INT_ENCODING(data);

	if (data & ~KNOWN_INT_BITS)
		return rawtp_btf_refuse(check, id, "unknown bits in an integer");
	if (bits > MAX_INT_BITS)
		return rawtp_btf_refuse(check, id, "an integer has more than 128 bits");
	if ((bits + 7) / 8 > type->size)
		return rawtp_btf_refuse(check, id, "an integer has more bits than its size holds");
	if (encoding & (encoding - 1) || encoding > BTF_INT_BOOL) {
		rawtp_btf_refuse(check, id, "unknown encoding of an integer");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int check_array(struct rawtp_btf_check *check, uint32_t id, const struct btf_type *type)
{
	const struct btf_array *array = (const void *)(type + 1);

	if (!valid_id(array->type) || !valid_id(array->index_type))
		return rawtp_btf_refuse(check, id, "an array of an impossible type");
	return 0;
}

static int check_struct(struct rawtp_btf_check *check, uint32_t id, const struct btf_type *type)
{
	const struct btf_member *member = (const void *)(type + 1);
	bool is_union = rawtp_btf_kind(type) == BTF_KIND_UNION;
	uint32_t i, last = 0;

	for (i = 0; i < rawtp_btf_vlen(type); i++, member++) {
		uint32_t off = rawtp_btf_kflag(type) ? BTF_MEMBER_BIT_OFFSET(member->offset)
						     : member->offset;

		if (!valid_string(check->btf, member->name_off) ||
		    !valid_name(check->btf, NAME_OPTIONAL, member->name_off))
			return rawtp_btf_refuse(check, id, "a member has an impossible name");
		if (!valid_id(member->type))
			return rawtp_btf_refuse(check, id, "a member has an impossible type");
		if (is_union && off)
			return rawtp_btf_refuse(check, id, "a member of a union has an offset");
		if (off < last)
			return rawtp_btf_refuse(check, id, "members are not in ascending order");
		if (((uint64_t)off + 7) / 8 > type->size)
			return rawtp_btf_refuse(check, id, "a member lies behind the structure");
		last = off;
	}
	return 0;
}

static int check_enum(struct rawtp_btf_check *check, uint32_t id, const struct btf_type *type)
{
	size_t step = rawtp_btf_kind(type) == BTF_KIND_ENUM ? sizeof(struct btf_enum)
							    : sizeof(struct btf_enum64);
	const char *entry = (const char *)(type + 1);
	uint32_t i, name_off;

	if (type->size > 8 || !type->size || (type->size & (type->size - 1)))
		return rawtp_btf_refuse(check, id, "impossible size of an enumeration");
	for (i = 0; i < rawtp_btf_vlen(type); i++, entry += step) {
		memcpy(&name_off, entry, sizeof(name_off));
		if (!valid_string(check->btf, name_off) ||
		    !valid_name(check->btf, NAME_NEEDED, name_off))
			return rawtp_btf_refuse(check, id, "an enumerator has an impossible name");
	}
	return 0;
}

static int check_func(struct rawtp_btf_check *check, uint32_t id, const struct btf_type *type)
{
	if (rawtp_btf_vlen(type) > BTF_FUNC_GLOBAL)
		return rawtp_btf_refuse(check, id, "unknown linkage of a function");
	return 0;
}

static int check_var(struct rawtp_btf_check *check, uint32_t id, const struct btf_type *type)
{
	const struct btf_var *var = (const void *)(type + 1);

	if (!valid_id(type->type))
		return rawtp_btf_refuse(check, id, "a variable has an impossible type");
	if (var->linkage != BTF_VAR_STATIC && var->linkage != BTF_VAR_GLOBAL_ALLOCATED)
		return rawtp_btf_refuse(check, id, "unknown linkage of a variable");
	return 0;
}

static int check_datasec(struct rawtp_btf_check *check, uint32_t id, const struct btf_type *type)
{
	const struct btf_var_secinfo *var = (const void *)(type + 1);
	uint64_t end = 0, sum = 0;
	uint32_t i;

	if (!type->size)
		return rawtp_btf_refuse(check, id, "a data section has no size");
	for (i = 0; i < rawtp_btf_vlen(type); i++, var++) {
		if (!valid_id(var->type))
			return rawtp_btf_refuse(check, id, "a section holds an impossible type");
		if (var->offset < end || var->offset >= type->size)
			return rawtp_btf_refuse(check, id,
						"variables overlap or leave the section");
		if (!var->size || var->size > type->size)
			return rawtp_btf_refuse(check, id, "impossible size of a variable");
		end = (uint64_t)var->offset + var->size;
		sum += var->size;
		if (end > type->size || sum > type->size)
			return rawtp_btf_refuse(check, id, "a variable ends behind its section");
	}
	return 0;
}

static int check_float(struct rawtp_btf_check *check, uint32_t id, const struct btf_type *type)
{
	if (type->size != 2 && type->size != 4 && type->size != 8 && type->size != 12 &&
	    type->size != 16)
		return rawtp_btf_refuse(check, id, "impossible size of a floating-point type");
	return 0;
}

static int check_decl_tag(struct rawtp_btf_check *check, uint32_t id, const struct btf_type *type)
{
	const struct btf_decl_tag *tag = (const void *)(type + 1);

	if (tag->component_idx < -1)
		return rawtp_btf_refuse(check, id, "a tag of an impossible component");
	return 0;
}

/* In the order of enum btf kinds; a row of zeroes would be BTF_KIND_UNKN. */
static const struct kind_row rows[NR_BTF_KINDS] = {
	[BTF_KIND_INT] = {4, 0, false, NAME_ANY, TYPE_IS_SIZE, check_int},
	[BTF_KIND_PTR] = {0, 0, false, NAME_NONE, TYPE_IS_REF, NULL},
	[BTF_KIND_ARRAY] = {sizeof(struct btf_array), 0, false, NAME_NONE, TYPE_IS_ZERO,
			    check_array},
	[BTF_KIND_STRUCT] = {0, sizeof(struct btf_member), true, NAME_OPTIONAL, TYPE_IS_SIZE,
			     check_struct},
	[BTF_KIND_UNION] = {0, sizeof(struct btf_member), true, NAME_OPTIONAL, TYPE_IS_SIZE,
			    check_struct},
	[BTF_KIND_ENUM] = {0, sizeof(struct btf_enum), true, NAME_OPTIONAL, TYPE_IS_SIZE,
			   check_enum},
	[BTF_KIND_FWD] = {0, 0, true, NAME_NEEDED, TYPE_IS_ZERO, NULL},
	[BTF_KIND_TYPEDEF] = {0, 0, false, NAME_NEEDED, TYPE_IS_REF, NULL},
	[BTF_KIND_VOLATILE] = {0, 0, false, NAME_NONE, TYPE_IS_REF, NULL},
	[BTF_KIND_CONST] = {0, 0, false, NAME_NONE, TYPE_IS_REF, NULL},
	[BTF_KIND_RESTRICT] = {0, 0, false, NAME_NONE, TYPE_IS_REF, NULL},
	[BTF_KIND_FUNC] = {0, 0, false, NAME_NEEDED, TYPE_IS_REF, check_func},
	[BTF_KIND_FUNC_PROTO] = {0, sizeof(struct btf_param), false, NAME_NONE, TYPE_IS_REF, NULL},
	[BTF_KIND_VAR] = {sizeof(struct btf_var), 0, false, NAME_NEEDED, TYPE_IS_REF, check_var},
	[BTF_KIND_DATASEC] = {0, sizeof(struct btf_var_secinfo), false, NAME_SECTION, TYPE_IS_SIZE,
			      check_datasec},
	[BTF_KIND_FLOAT] = {0, 0, false, NAME_ANY, TYPE_IS_SIZE, check_float},
	[BTF_KIND_DECL_TAG] = {sizeof(struct btf_decl_tag), 0, true, NAME_TEXT, TYPE_IS_REF,
			       check_decl_tag},
	[BTF_KIND_TYPE_TAG] = {0, 0, true, NAME_TEXT, TYPE_IS_REF, NULL},
	[BTF_KIND_ENUM64] = {0, sizeof(struct btf_enum64), true, NAME_OPTIONAL, TYPE_IS_SIZE,
			     check_enum},
};

/* Returns the record's bytes, or -EINVAL. */
static int64_t check_record(struct rawtp_btf_check *check, uint32_t id, const struct btf_type *type,
			    uint32_t left)
{
	uint32_t kind = rawtp_btf_kind(type), vlen = rawtp_btf_vlen(type);
	const struct kind_row *row;
	uint64_t need;
	int err;

	if (type->info & ~KNOWN_INFO_BITS)
		return rawtp_btf_refuse(check, id, "unknown bits in a type");
	if (kind == BTF_KIND_UNKN || kind >= NR_BTF_KINDS)
		return rawtp_btf_refuse(check, id, "unknown kind of type");
	row = &rows[kind];
	need = sizeof(*type) + row->fixed + (uint64_t)row->per_entry * vlen;
	if (need > left)
		return rawtp_btf_refuse(check, id, "a type is cut by the end of its section");
	if (!valid_string(check->btf, type->name_off))
		return rawtp_btf_refuse(check, id, "a name lies outside the strings");
	if (!valid_name(check->btf, row->name, type->name_off))
		return rawtp_btf_refuse(check, id, "impossible name of a type");
	if (rawtp_btf_kflag(type) && !row->kflag_allowed)
		return rawtp_btf_refuse(check, id, "kind_flag is set");
	if (vlen && !row->per_entry && kind != BTF_KIND_FUNC)
		return rawtp_btf_refuse(check, id, "vlen is not 0");
	if (row->size == TYPE_IS_ZERO && type->size)
		return rawtp_btf_refuse(check, id, "the type is not 0");
	if (row->size == TYPE_IS_REF && type->type > MAX_TYPE_ID)
		return rawtp_btf_refuse(check, id, "impossible type id");
	err = row->check ? row->check(check, id, type) : 0;
	return err ? err : (int64_t)need;
}

int rawtp_btf_check_records(struct rawtp_btf_check *check, uint32_t limit)
{
	struct rawtp_btf *btf = check->btf;
	uint32_t off = 0, id = 1;

	while (off < btf->types_len) {
		const struct btf_type *type = (const void *)(btf->types + off);
		int64_t size;

		if (btf->types_len - off < sizeof(*type))
			return rawtp_btf_refuse(check, id,
						"a type is cut by the end of its section");
		if (id > MAX_TYPE_ID) {
			rawtp_btf_refuse(check, id, "too many types");
			return -E2BIG;
		}
		size = check_record(check, id, type, btf->types_len - off);
		if (size < 0)
			return (int)size;
		/* @limit follows from the smallest record, so this holds by arithmetic. */
		if (id >= limit)
			return rawtp_btf_refuse(check, id, "too many types");
		btf->offsets[id++] = off;
		off += (uint32_t)size;
	}
	btf->n_types = id;
	return 0;
}
