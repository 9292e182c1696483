/* SPDX-License-Identifier: MIT */
#include "btf_print.h"

#include <string.h>

#define MAX_DEPTH        24
#define MIN_FOLDED_ZEROS 4
#define MAX_ELEMENTS     65536

struct printer {
	struct rawtp_output *out;
	const struct btf *btf;
	unsigned int depth;
	const char *skip; /* member of the outermost struct, or NULL */
};

static void print_value(struct printer *printer, const char *key, uint32_t id, const char *data,
			size_t size);

const char *rawtp_cli_btf_name(const struct btf *btf, uint32_t offset)
{
	const char *name = btf__str_by_offset(btf, offset);

	return name ? name : "";
}

const struct btf_type *rawtp_cli_btf_strip(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type;
	unsigned int i;

	for (i = 0; i < MAX_DEPTH; i++) {
		type = btf__type_by_id(btf, id);
		if (!type || !id)
			return NULL;
		if (!btf_is_mod(type) && !btf_is_typedef(type) && !btf_is_type_tag(type))
			return type;
		id = type->type;
	}
	return NULL;
}

bool rawtp_cli_btf_counters(const struct btf *btf, uint32_t id, uint32_t *n, uint32_t *size)
{
	const struct btf_type *type = btf ? rawtp_cli_btf_strip(btf, id) : NULL;

	*n = 1;
	if (type && btf_is_array(type)) {
		*n = btf_array(type)->nelems;
		type = rawtp_cli_btf_strip(btf, btf_array(type)->type);
	}
	if (!type || !btf_is_int(type) || (type->size != 4 && type->size != 8) || !*n)
		return false;
	*size = type->size;
	return true;
}

static uint64_t load(const char *data, size_t size)
{
	uint64_t value = 0;

	/* Both CPUs are little-endian. */
	memcpy(&value, data, size < 8 ? size : 8);
	return value;
}

static int64_t sign_extend(uint64_t value, unsigned int bits)
{
	if (bits == 0 || bits >= 64)
		return (int64_t)value;
	return (int64_t)(value << (64 - bits)) >> (64 - bits);
}

/* A plain number of @bits bits, with the meaning of an integer or enum type. */
static void print_number(struct printer *printer, const char *key, const struct btf_type *type,
			 uint64_t value, unsigned int bits)
{
	struct rawtp_output *out = printer->out;
	bool is_signed, is_bool = false;
	uint32_t i;

	if (btf_is_int(type)) {
		is_signed = btf_int_encoding(type) & BTF_INT_SIGNED;
		is_bool = btf_int_encoding(type) & BTF_INT_BOOL;
	} else {
		is_signed = btf_kflag(type);
		for (i = 0; btf_is_enum(type) && i < btf_vlen(type); i++)
			if ((uint32_t)btf_enum(type)[i].val == (uint32_t)value)
				return rawtp_output_word(
					out, key,
					rawtp_cli_btf_name(printer->btf,
							   btf_enum(type)[i].name_off));
		for (i = 0; btf_is_enum64(type) && i < btf_vlen(type); i++)
			if (btf_enum64_value(&btf_enum64(type)[i]) == value)
				return rawtp_output_word(
					out, key,
					rawtp_cli_btf_name(printer->btf,
							   btf_enum64(type)[i].name_off));
	}
	if (is_bool && value <= 1)
		rawtp_output_bool(out, key, value);
	else if (is_signed)
		rawtp_output_i64(out, key, sign_extend(value, bits));
	else
		rawtp_output_u64(out, key, value);
}

static bool is_char(const struct printer *printer, const struct btf_type *type)
{
	return type && btf_is_int(type) && type->size == 1 &&
	       ((btf_int_encoding(type) & BTF_INT_CHAR) ||
		!strcmp(rawtp_cli_btf_name(printer->btf, type->name_off), "char"));
}

static bool is_zero(const char *data, size_t size)
{
	return !size || (!data[0] && !memcmp(data, data + 1, size - 1));
}

static void print_array(struct printer *printer, const char *key, const struct btf_type *type,
			const char *data, size_t size)
{
	const struct btf_array *array = btf_array(type);
	int64_t step = btf__resolve_size(printer->btf, array->type);
	struct rawtp_output *out = printer->out;
	uint32_t i, shown, n = array->nelems;
	char folded[32];

	if (is_char(printer, rawtp_cli_btf_strip(printer->btf, array->type)))
		return rawtp_output_chars(out, key, data, n < size ? n : size);
	if (step <= 0 || n > size / (size_t)step || n > MAX_ELEMENTS)
		return rawtp_output_bytes(out, key, data, size);
	if (!rawtp_output_array(out, key))
		return rawtp_output_null(out, key);
	shown = n;
	if (!out->json) {
		while (shown && is_zero(data + (shown - 1) * step, step))
			shown--;
		if (n - shown < MIN_FOLDED_ZEROS)
			shown = n;
	}
	for (i = 0; i < shown; i++)
		print_value(printer, NULL, array->type, data + i * step, step);
	if (shown < n) {
		snprintf(folded, sizeof(folded), "0 x %u", n - shown);
		rawtp_output_word(out, NULL, folded);
	}
	rawtp_output_end(out);
}

static void print_bitfield(struct printer *printer, const char *key, uint32_t id, const char *data,
			   size_t size, uint32_t bit, uint32_t n_bits)
{
	const struct btf_type *type = rawtp_cli_btf_strip(printer->btf, id);
	unsigned __int128 value = 0;
	size_t bytes = (bit % 8 + n_bits + 7) / 8;

	if (!type || (!btf_is_int(type) && !btf_is_any_enum(type)) || n_bits > 64 ||
	    bit / 8 + bytes > size)
		return rawtp_output_null(printer->out, key);
	memcpy(&value, data + bit / 8, bytes);
	value >>= bit % 8;
	if (n_bits < 64)
		value &= ((uint64_t)1 << n_bits) - 1;
	print_number(printer, key, type, (uint64_t)value, n_bits);
}

static void print_members(struct printer *printer, const struct btf_type *type, const char *data,
			  size_t size)
{
	const struct btf_member *member = btf_members(type);
	uint32_t i, bit, n_bits;
	const char *name;
	int64_t length;

	for (i = 0; i < btf_vlen(type); i++, member++) {
		bit = btf_member_bit_offset(type, i);
		n_bits = btf_member_bitfield_size(type, i);
		name = rawtp_cli_btf_name(printer->btf, member->name_off);
		/* Members of an unnamed struct count as its owner's; two names may not be "". */
		if (!*name)
			name = "anonymous";
		if (printer->skip && printer->depth == 1 && !strcmp(name, printer->skip))
			continue;
		if (n_bits || bit % 8) {
			print_bitfield(printer, name, member->type, data, size, bit, n_bits);
			continue;
		}
		length = btf__resolve_size(printer->btf, member->type);
		if (length < 0 || bit / 8 > size || (size_t)length > size - bit / 8)
			rawtp_output_null(printer->out, name);
		else
			print_value(printer, name, member->type, data + bit / 8, length);
	}
}

static void print_float(struct printer *printer, const char *key, const char *data, size_t size)
{
	float single;
	double value;

	if (size == sizeof(single)) {
		memcpy(&single, data, size);
		rawtp_output_double(printer->out, key, (double)single, 6);
	} else if (size == sizeof(value)) {
		memcpy(&value, data, size);
		rawtp_output_double(printer->out, key, value, 6);
	} else {
		rawtp_output_bytes(printer->out, key, data, size);
	}
}

static void print_typed(struct printer *printer, const char *key, const struct btf_type *type,
			const char *data, size_t size)
{
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		if (btf_int_offset(type) || btf_int_bits(type) != type->size * 8)
			return print_number(printer, key, type,
					    load(data, size) >> btf_int_offset(type),
					    btf_int_bits(type));
		/* fallthrough */
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (size > 8)
			return rawtp_output_bytes(printer->out, key, data, size);
		return print_number(printer, key, type, load(data, size), (unsigned int)size * 8);
	case BTF_KIND_PTR:
		return rawtp_output_hex(printer->out, key, load(data, size));
	case BTF_KIND_FLOAT:
		return print_float(printer, key, data, size);
	case BTF_KIND_ARRAY:
		return print_array(printer, key, type, data, size);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (!rawtp_output_object(printer->out, key))
			return rawtp_output_null(printer->out, key);
		print_members(printer, type, data, size);
		return rawtp_output_end(printer->out);
	default:
		return rawtp_output_bytes(printer->out, key, data, size);
	}
}

static void print_value(struct printer *printer, const char *key, uint32_t id, const char *data,
			size_t size)
{
	const struct btf_type *type = rawtp_cli_btf_strip(printer->btf, id);
	int64_t length = type ? btf__resolve_size(printer->btf, id) : -1;

	if (!type || length < 0 || (size_t)length > size || printer->depth >= MAX_DEPTH)
		return rawtp_output_bytes(printer->out, key, data, size);
	printer->depth++;
	print_typed(printer, key, type, data, (size_t)length);
	printer->depth--;
}

void rawtp_cli_btf_print(struct rawtp_output *out, const char *key, const struct btf *btf,
			 uint32_t id, const void *data, size_t size)
{
	struct printer printer = {.out = out, .btf = btf};

	if (btf && id && rawtp_cli_btf_strip(btf, id))
		print_value(&printer, key, id, data, size);
	else if (size == 1 || size == 2 || size == 4 || size == 8)
		rawtp_output_u64(out, key, load(data, size));
	else
		rawtp_output_bytes(out, key, data, size);
}

void rawtp_cli_btf_print_without(struct rawtp_output *out, const struct btf *btf, uint32_t id,
				 const void *data, size_t size, const char *skip)
{
	struct printer printer = {.out = out, .btf = btf, .skip = skip};

	print_value(&printer, NULL, id, data, size);
}
