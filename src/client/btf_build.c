/* SPDX-License-Identifier: MIT */
#include "client/btf_build.h"
#include "bpf/btf.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 160

/* Returns where the @size bytes are; NULL where memory is short. */
static void *append(struct rawtp_btf_build *build, struct rawtp_btf_bytes *bytes, const void *data,
		    size_t size)
{
	size_t room = bytes->room ? bytes->room : 4096;
	char *grown;

	while (room - bytes->size < size)
		room *= 2;
	if (room > 2 * (size_t)RAWTP_BTF_MAX_SIZE) {
		build->err = -E2BIG;
		return NULL;
	}
	if (room != bytes->room) {
		grown = realloc(bytes->data, room);
		if (!grown) {
			build->err = -ENOMEM;
			return NULL;
		}
		bytes->data = grown;
		bytes->room = room;
	}
	if (data)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
	return bytes->data + bytes->size - size;
}

/* The next type; returns its number. */
static uint32_t add_type(struct rawtp_btf_build *build, const void *record, size_t size)
{
	uint32_t *grown = build->offsets;

	if (build->n_types >= build->max_offsets) {
		build->max_offsets = build->max_offsets ? 2 * build->max_offsets : 1024;
		grown = realloc(build->offsets, build->max_offsets * sizeof(*grown));
		if (!grown) {
			build->err = -ENOMEM;
			return 0;
		}
		build->offsets = grown;
	}
	build->offsets[build->n_types] = (uint32_t)build->types.size;
	if (!append(build, &build->types, record, size))
		return 0;
	return build->n_types++;
}

static uint32_t add_string(struct rawtp_btf_build *build, const char *text)
{
	uint32_t at = (uint32_t)build->strings.size;

	append(build, &build->strings, text, strlen(text) + 1);
	return at;
}

int rawtp_btf_build_open(struct rawtp_btf_build *build)
{
	memset(build, 0, sizeof(*build));
	build->n_types = 1;
	append(build, &build->strings, "", 1);
	return build->err;
}

void rawtp_btf_build_close(struct rawtp_btf_build *build)
{
	free(build->types.data);
	free(build->strings.data);
	free(build->offsets);
}

/* What follows a record of each kind, and which of its words are types or names. */
static const struct shape {
	uint8_t is_kept;
	uint8_t has_ref; /* the record's own type field */
	uint8_t extra;   /* bytes behind the record, once */
	uint8_t each;    /* bytes for each of vlen */
	int8_t name;     /* word in each that is a name, or -1 */
	int8_t ref;      /* word in each that is a type, or -1 */
} shapes[] = {
	[BTF_KIND_INT] = {1, 0, 4, 0, -1, -1},      [BTF_KIND_PTR] = {1, 1, 0, 0, -1, -1},
	[BTF_KIND_ARRAY] = {1, 0, 12, 0, -1, -1},   [BTF_KIND_STRUCT] = {1, 0, 0, 12, 0, 1},
	[BTF_KIND_UNION] = {1, 0, 0, 12, 0, 1},     [BTF_KIND_ENUM] = {1, 0, 0, 8, 0, -1},
	[BTF_KIND_FWD] = {1, 0, 0, 0, -1, -1},      [BTF_KIND_TYPEDEF] = {1, 1, 0, 0, -1, -1},
	[BTF_KIND_VOLATILE] = {1, 1, 0, 0, -1, -1}, [BTF_KIND_CONST] = {1, 1, 0, 0, -1, -1},
	[BTF_KIND_RESTRICT] = {1, 1, 0, 0, -1, -1}, [BTF_KIND_FUNC] = {0, 1, 0, 0, -1, -1},
	[BTF_KIND_FUNC_PROTO] = {1, 1, 0, 8, 0, 1}, [BTF_KIND_VAR] = {0, 1, 4, 0, -1, -1},
	[BTF_KIND_DATASEC] = {0, 0, 0, 12, -1, -1}, [BTF_KIND_FLOAT] = {1, 0, 0, 0, -1, -1},
	[BTF_KIND_DECL_TAG] = {0, 1, 4, 0, -1, -1}, [BTF_KIND_TYPE_TAG] = {1, 1, 0, 0, -1, -1},
	[BTF_KIND_ENUM64] = {1, 0, 0, 12, 0, -1},
};

/* One BTF on its way into the whole: @map says what its types are there. */
struct part {
	struct rawtp_btf_build *build;
	const char *types;
	uint32_t types_len;
	uint32_t strings_at; /* where its strings begin in the whole */
	uint32_t strings_len;
	uint32_t *map;
	uint32_t n;
};

/* Its bytes; 0 where it is none. */
static uint32_t record_size(const struct part *part, uint32_t off)
{
	const struct btf_type *type = (const void *)(part->types + off);
	uint32_t left = part->types_len - off, kind, size;

	if (left < sizeof(*type))
		return 0;
	kind = BTF_INFO_KIND(type->info);
	if (!kind || kind >= sizeof(shapes) / sizeof(*shapes))
		return 0;
	size = (uint32_t)sizeof(*type) + shapes[kind].extra +
	       shapes[kind].each * BTF_INFO_VLEN(type->info);
	return size <= left ? size : 0;
}

static int number_types(struct part *part)
{
	uint32_t next = part->build->n_types, off, size;

	part->map = calloc(part->types_len / sizeof(struct btf_type) + 2, sizeof(*part->map));
	if (!part->map)
		return -ENOMEM;
	part->n = 1;
	for (off = 0; off < part->types_len; off += size) {
		const struct btf_type *type = (const void *)(part->types + off);

		size = record_size(part, off);
		if (!size)
			return -EINVAL;
		part->map[part->n++] = shapes[BTF_INFO_KIND(type->info)].is_kept ? next++ : 0;
	}
	return 0;
}

static uint32_t mapped(const struct part *part, uint32_t id)
{
	return id < part->n ? part->map[id] : 0;
}

static uint32_t renamed(const struct part *part, uint32_t name)
{
	return name && name < part->strings_len ? part->strings_at + name : 0;
}

/* gcc combines them; the kernel's rules know one at a time, and no characters. */
static uint32_t int_encoding(uint32_t data)
{
	uint32_t encoding = BTF_INT_ENCODING(data);

	encoding = encoding & BTF_INT_SIGNED ? BTF_INT_SIGNED : encoding & BTF_INT_BOOL;
	return encoding << 24 | (data & 0xffffff);
}

static void copy_record(const struct part *part, uint32_t off, uint32_t size)
{
	struct rawtp_btf_build *build = part->build;
	uint32_t id = add_type(build, part->types + off, size), i, kind;
	struct btf_type *type;
	uint32_t *words;

	if (!id)
		return;
	type = (void *)(build->types.data + build->offsets[id]);
	words = (uint32_t *)(void *)(type + 1);
	kind = BTF_INFO_KIND(type->info);
	type->name_off = renamed(part, type->name_off);
	if (shapes[kind].has_ref)
		type->type = mapped(part, type->type);
	if (kind == BTF_KIND_INT)
		words[0] = int_encoding(words[0]);
	/* gcc leaves a size there. */
	if (kind == BTF_KIND_ARRAY || kind == BTF_KIND_FWD)
		type->type = 0;
	if (kind == BTF_KIND_ARRAY) {
		words[0] = mapped(part, words[0]);
		words[1] = mapped(part, words[1]);
	}
	for (i = 0; i < BTF_INFO_VLEN(type->info); i++, words += shapes[kind].each / 4) {
		if (shapes[kind].name >= 0)
			words[shapes[kind].name] = renamed(part, words[shapes[kind].name]);
		if (shapes[kind].ref >= 0)
			words[shapes[kind].ref] = mapped(part, words[shapes[kind].ref]);
	}
}

/* The bytes of the BTF that begins at @data; -EINVAL where it is none, or is cut. */
static int64_t part_size(const char *data, size_t left, struct btf_header *header)
{
	uint64_t types_end, strings_end;

	if (left < sizeof(*header))
		return -EINVAL;
	memcpy(header, data, sizeof(*header));
	types_end = (uint64_t)header->hdr_len + header->type_off + header->type_len;
	strings_end = (uint64_t)header->hdr_len + header->str_off + header->str_len;
	if (header->magic != BTF_MAGIC || header->hdr_len < sizeof(*header) || types_end > left ||
	    strings_end > left || header->hdr_len % 4 || header->type_off % 4 || !header->str_len ||
	    data[strings_end - 1])
		return -EINVAL;
	return (int64_t)(types_end > strings_end ? types_end : strings_end);
}

/* @data is aligned, and is what part_size() has seen. */
static int add_part(struct rawtp_btf_build *build, const char *data,
		    const struct btf_header *header)
{
	struct part part = {
		.build = build,
		.types = data + header->hdr_len + header->type_off,
		.types_len = header->type_len,
		.strings_at = (uint32_t)build->strings.size,
		.strings_len = header->str_len,
	};
	uint32_t off, step;
	int err = number_types(&part);

	if (!err)
		append(build, &build->strings, data + header->hdr_len + header->str_off,
		       header->str_len);
	for (off = 0; !err && !build->err && off < part.types_len; off += step) {
		const struct btf_type *type = (const void *)(part.types + off);

		step = record_size(&part, off);
		if (shapes[BTF_INFO_KIND(type->info)].is_kept)
			copy_record(&part, off, step);
	}
	free(part.map);
	return err ? err : build->err;
}

int rawtp_btf_build_add(struct rawtp_btf_build *build, const void *section, size_t size)
{
	struct rawtp_btf_build before = *build;
	const char *data = section;
	struct btf_header header;
	size_t at = 0;
	int err = 0;

	while (!err && at < size) {
		int64_t bytes = part_size(data + at, size - at, &header);
		char *copy = bytes > 0 ? malloc((size_t)bytes) : NULL;

		err = bytes < 0 ? (int)bytes : copy ? 0 : -ENOMEM;
		if (err)
			break;
		memcpy(copy, data + at, (size_t)bytes);
		err = add_part(build, copy, &header);
		free(copy);
		at += (size_t)bytes;
		/* Linkers may align each. */
		while (at < size && !data[at])
			at++;
	}
	if (!err)
		return 0;
	build->types.size = before.types.size;
	build->strings.size = before.strings.size;
	build->n_types = before.n_types;
	build->err = before.err;
	return err;
}

/* A structure, union or typedef of this name; 0: none. */
static uint32_t find_type(const struct rawtp_btf_build *build, const char *name, uint32_t kind)
{
	uint32_t id;

	for (id = 1; id < build->n_types; id++) {
		const struct btf_type *type =
			(const void *)(build->types.data + build->offsets[id]);

		if (BTF_INFO_KIND(type->info) == kind &&
		    !strcmp(build->strings.data + type->name_off, name))
			return id;
	}
	return 0;
}

/* "const struct req *" -> the number of struct req; 0 for anything but one pointer to a name. */
static uint32_t pointed_type(const struct rawtp_btf_build *build, const char *text)
{
	static const char *const qualifiers[] = {"const", "volatile", "restrict"};
	char name[NAME_SIZE];
	uint32_t kind = 0, id = 0;
	size_t i, n;

	for (; *text && *text != '*'; text += n) {
		text += strspn(text, " \t");
		n = strcspn(text, " \t*");
		snprintf(name, sizeof(name), "%.*s", (int)n, text);
		for (i = 0; i < 3; i++)
			if (!strcmp(name, qualifiers[i]))
				break;
		if (i < 3 || !n)
			continue;
		if (id || (!strcmp(name, "struct") && kind))
			return 0;
		if (!strcmp(name, "struct") || !strcmp(name, "class"))
			kind = BTF_KIND_STRUCT;
		else if (!strcmp(name, "union"))
			kind = BTF_KIND_UNION;
		else if (kind)
			id = find_type(build, name, kind);
		else if (!(id = find_type(build, name, BTF_KIND_TYPEDEF)))
			id = find_type(build, name, BTF_KIND_STRUCT); /* C++ */
	}
	/* More than one star: of a pointer nothing is known. */
	return *text && !strchr(text + 1, '*') ? id : 0;
}

static uint32_t add_pointer(struct rawtp_btf_build *build, uint32_t to)
{
	const struct btf_type type = {.info = BTF_KIND_PTR << 24, .type = to};

	return add_type(build, &type, sizeof(type));
}

static uint32_t add_number(struct rawtp_btf_build *build, const struct rawtp_client_arg *arg)
{
	struct {
		struct btf_type type;
		uint32_t data;
	} number = {.type = {.info = BTF_KIND_INT << 24, .size = arg->size}};
	char name[16];

	if (arg->size != 1 && arg->size != 2 && arg->size != 4)
		number.type.size = 8;
	number.data = (arg->is_signed ? BTF_INT_SIGNED << 24 : 0) | number.type.size * 8;
	snprintf(name, sizeof(name), "%c%u", arg->is_signed ? 's' : 'u', number.type.size * 8);
	number.type.name_off = add_string(build, name);
	return add_type(build, &number, sizeof(number));
}

void rawtp_btf_build_event(struct rawtp_btf_build *build, const struct rawtp_client_event *event)
{
	struct {
		struct btf_type type;
		struct btf_param params[1 + 12];
	} proto = {.type = {.info = BTF_KIND_FUNC_PROTO << 24}};
	struct btf_type alias = {.info = BTF_KIND_TYPEDEF << 24};
	char name[NAME_SIZE];
	uint32_t i;

	if (build->err || event->n_args > 12 ||
	    (size_t)snprintf(name, sizeof(name), "btf_trace_%s", event->name) >= sizeof(name) ||
	    find_type(build, name, BTF_KIND_TYPEDEF))
		return;
	proto.params[0].type = add_pointer(build, 0);
	for (i = 0; i < event->n_args; i++) {
		const struct rawtp_client_arg *arg = &event->args[i];

		proto.params[i + 1].type =
			arg->is_pointer ? add_pointer(build, pointed_type(build, arg->type))
					: add_number(build, arg);
	}
	proto.type.info |= event->n_args + 1;
	i = add_type(build, &proto,
		     sizeof(proto.type) + (event->n_args + 1) * sizeof(proto.params[0]));
	alias.type = add_pointer(build, i);
	alias.name_off = add_string(build, name);
	add_type(build, &alias, sizeof(alias));
}

void *rawtp_btf_build_finish(const struct rawtp_btf_build *build, uint32_t *size)
{
	struct btf_header header = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(header),
		.type_len = (uint32_t)build->types.size,
		.str_off = (uint32_t)build->types.size,
		.str_len = (uint32_t)build->strings.size,
	};
	char *data;

	*size = (uint32_t)(sizeof(header) + build->types.size + build->strings.size);
	data = build->err ? NULL : malloc(*size);
	if (!data)
		return NULL;
	memcpy(data, &header, sizeof(header));
	if (build->types.size)
		memcpy(data + sizeof(header), build->types.data, build->types.size);
	memcpy(data + sizeof(header) + build->types.size, build->strings.data, build->strings.size);
	return data;
}
