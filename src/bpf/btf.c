/* SPDX-License-Identifier: MIT */
#include "bpf/btf_internal.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

static const struct btf_type void_type;

int rawtp_btf_refuse(struct rawtp_btf_check *check, uint32_t id, const char *why)
{
	if (!check->why) {
		check->why = why;
		check->where = id;
	}
	return -EINVAL;
}

/* The bytes of a longer header than ours must be zero, as those of a longer bpf_attr. */
static int check_header_size(struct rawtp_btf_check *check, uint32_t *header_len)
{
	const struct rawtp_btf *btf = check->btf;
	uint32_t i, len;

	if (btf->size < offsetof(struct btf_header, hdr_len) + sizeof(len))
		return rawtp_btf_refuse(check, 0, "the header is cut");
	memcpy(&len, btf->data + offsetof(struct btf_header, hdr_len), sizeof(len));
	if (len > btf->size)
		return rawtp_btf_refuse(check, 0, "the header is longer than the data");
	for (i = sizeof(struct btf_header); i < len; i++) {
		if (!btf->data[i])
			continue;
		rawtp_btf_refuse(check, 0, "the header has fields that are not known here");
		return -E2BIG;
	}
	*header_len = len;
	return 0;
}

static int check_sections(struct rawtp_btf_check *check, const struct btf_header *header,
			  uint32_t header_len)
{
	struct rawtp_btf *btf = check->btf;
	uint32_t rest = btf->size - header_len;
	uint64_t types_end = (uint64_t)header->type_off + header->type_len;
	uint64_t strings_end = (uint64_t)header->str_off + header->str_len;

	if (header->type_off % sizeof(uint32_t))
		return rawtp_btf_refuse(check, 0, "the types are not aligned");
	if (!header->type_len)
		return rawtp_btf_refuse(check, 0, "there is no type");
	if (!header->str_len || header->str_len - 1 > BTF_MAX_NAME_OFFSET)
		return rawtp_btf_refuse(check, 0, "the size of the strings is out of range");
	if (types_end > rest || strings_end > rest)
		return rawtp_btf_refuse(check, 0, "a section ends behind the data");
	/* The two sections fill the data in either order, without gap or overlap. */
	if (!(header->type_off == 0 && header->str_off == types_end && strings_end == rest) &&
	    !(header->str_off == 0 && header->type_off == strings_end && types_end == rest))
		return rawtp_btf_refuse(check, 0, "sections overlap, or leave a gap");
	btf->types = btf->data + header_len + header->type_off;
	btf->types_len = header->type_len;
	btf->strings = btf->data + header_len + header->str_off;
	btf->strings_len = header->str_len;
	if (btf->strings[0] || btf->strings[btf->strings_len - 1])
		return rawtp_btf_refuse(check, 0, "the strings do not begin and end with a NUL");
	return 0;
}

static int check_header(struct rawtp_btf_check *check)
{
	struct rawtp_btf *btf = check->btf;
	struct btf_header header;
	uint32_t header_len = 0;
	int err = check_header_size(check, &header_len);

	if (err)
		return err;
	memset(&header, 0, sizeof(header));
	memcpy(&header, btf->data, header_len < sizeof(header) ? header_len : sizeof(header));
	if (header.magic != BTF_MAGIC)
		return rawtp_btf_refuse(check, 0, "the magic number is not that of BTF");
	if (header.version != BTF_VERSION || header.flags) {
		rawtp_btf_refuse(check, 0, "the version or a flag is not known here");
		return -EOPNOTSUPP;
	}
	if (header_len < sizeof(header) || header_len == btf->size)
		return rawtp_btf_refuse(check, 0, "there is no data behind the header");
	/* Records are read as words, so the sections must start on one. */
	if (header_len % sizeof(uint32_t))
		return rawtp_btf_refuse(check, 0, "the header's length is no multiple of 4");
	return check_sections(check, &header, header_len);
}

static int check_all(struct rawtp_btf_check *check)
{
	struct rawtp_btf *btf = check->btf;
	uint32_t limit;
	int err = check_header(check);

	if (err)
		return err;
	limit = btf->types_len / sizeof(struct btf_type) + 1;
	btf->offsets = calloc(limit, sizeof(*btf->offsets));
	btf->sizes = calloc(limit, sizeof(*btf->sizes));
	btf->bases = calloc(limit, sizeof(*btf->bases));
	if (!btf->offsets || !btf->sizes || !btf->bases)
		return -ENOMEM;
	err = rawtp_btf_check_records(check, limit);
	if (!err)
		err = rawtp_btf_check_references(check);
	return err;
}

struct rawtp_btf *rawtp_btf_parse(const void *data, uint32_t size, const char **why,
				  uint32_t *where)
{
	struct rawtp_btf_check check = {0};
	struct rawtp_btf *btf;
	int err;

	*why = NULL;
	*where = 0;
	if (size > RAWTP_BTF_MAX_SIZE)
		return rawtp_err_ptr(-E2BIG);
	btf = calloc(1, sizeof(*btf) + size);
	if (!btf)
		return rawtp_err_ptr(-ENOMEM);
	btf->refcount = 1;
	btf->size = size;
	if (size)
		memcpy(btf->data, data, size);
	check.btf = btf;
	err = check_all(&check);
	if (!err)
		return btf;
	*why = check.why;
	*where = check.where;
	rawtp_btf_put(btf);
	return rawtp_err_ptr(err);
}

struct rawtp_btf *rawtp_btf_new(const void *data, uint32_t size)
{
	const char *why;
	uint32_t where;

	return rawtp_btf_parse(data, size, &why, &where);
}

void rawtp_btf_get(struct rawtp_btf *btf)
{
	__atomic_add_fetch(&btf->refcount, 1, __ATOMIC_RELAXED);
}

void rawtp_btf_put(struct rawtp_btf *btf)
{
	if (!btf || __atomic_sub_fetch(&btf->refcount, 1, __ATOMIC_ACQ_REL))
		return;
	free(btf->offsets);
	free(btf->sizes);
	free(btf->bases);
	free(btf);
}

const void *rawtp_btf_data(const struct rawtp_btf *btf, uint32_t *size)
{
	*size = btf->size;
	return btf->data;
}

uint32_t rawtp_btf_n_types(const struct rawtp_btf *btf)
{
	return btf->n_types;
}

const struct btf_type *rawtp_btf_type(const struct rawtp_btf *btf, uint32_t id)
{
	if (id == 0)
		return &void_type;
	if (id >= btf->n_types)
		return NULL;
	return (const struct btf_type *)(const void *)(btf->types + btf->offsets[id]);
}

const char *rawtp_btf_string(const struct rawtp_btf *btf, uint32_t off)
{
	return off < btf->strings_len ? btf->strings + off : "";
}

uint32_t rawtp_btf_strings_size(const struct rawtp_btf *btf)
{
	return btf->strings_len;
}

int64_t rawtp_btf_size(const struct rawtp_btf *btf, uint32_t id)
{
	if (id == 0 || id >= btf->n_types || btf->sizes[id] == RAWTP_BTF_NO_SIZE)
		return -EINVAL;
	return btf->sizes[id];
}

uint32_t rawtp_btf_base(const struct rawtp_btf *btf, uint32_t id)
{
	return id < btf->n_types ? btf->bases[id] : 0;
}
