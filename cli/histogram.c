/* SPDX-License-Identifier: MIT */
#include "histogram.h"
#include "btf_print.h"

#include <inttypes.h>
#include <string.h>

#define BAR_WIDTH 40

bool rawtp_histogram_name(const char *name)
{
	return strcasestr(name, "hist") || strcasestr(name, "slots") || strcasestr(name, "log2");
}

static bool is_slots(const struct btf *btf, uint32_t id, struct rawtp_histogram_layout *layout)
{
	return rawtp_cli_btf_counters(btf, id, &layout->n, &layout->size) &&
	       layout->n >= RAWTP_HISTOGRAM_MIN_SLOTS && layout->n <= RAWTP_HISTOGRAM_MAX_SLOTS;
}

bool rawtp_histogram_find(const struct btf *btf, uint32_t id, const char *name,
			  struct rawtp_histogram_layout *layout)
{
	const struct btf_type *type = btf && id ? rawtp_cli_btf_strip(btf, id) : NULL;
	uint32_t i;

	layout->offset = 0;
	if (!type)
		return false;
	if (btf_is_array(type))
		return rawtp_histogram_name(name) && is_slots(btf, id, layout);
	if (!btf_is_struct(type))
		return false;
	for (i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];

		if (strcmp(rawtp_cli_btf_name(btf, member->name_off), "slots") ||
		    !is_slots(btf, member->type, layout))
			continue;
		layout->offset = btf_member_bit_offset(type, i) / 8;
		return layout->offset + layout->n * layout->size <= type->size;
	}
	return false;
}

static uint64_t slot_from(uint32_t i)
{
	return i ? (uint64_t)1 << i : 0;
}

static uint64_t slot_to(uint32_t i)
{
	return i >= 63 ? UINT64_MAX : ((uint64_t)2 << i) - 1;
}

static void print_bar(FILE *file, uint64_t count, uint64_t most)
{
	/* In floating point: count * BAR_WIDTH may not fit 64 bits. */
	int width = (int)((double)count / (double)most * BAR_WIDTH + 0.5), i;

	if (count && !width)
		width = 1;
	fputc('|', file);
	for (i = 0; i < BAR_WIDTH; i++)
		fputc(i < width ? '*' : ' ', file);
	fputs("|\n", file);
}

void rawtp_histogram_print(FILE *file, const uint64_t *slots, uint32_t n, int indent)
{
	uint32_t first = n, last = 0, i;
	uint64_t most = 0;
	int width;

	for (i = 0; i < n; i++) {
		if (!slots[i])
			continue;
		if (first == n)
			first = i;
		last = i;
		if (slots[i] > most)
			most = slots[i];
	}
	if (first == n) {
		fprintf(file, "%*sempty\n", indent, "");
		return;
	}
	width = last < 30 ? 10 : 20;
	fprintf(file, "%*s%*s    %-*s : %-14s distribution\n", indent, "", width, "from", width,
		"to", "count");
	for (i = first; i <= last; i++) {
		fprintf(file, "%*s%*" PRIu64 " -> %-*" PRIu64 " : %-14" PRIu64 " ", indent, "",
			width, slot_from(i), width, slot_to(i), slots[i]);
		print_bar(file, slots[i], most);
	}
}

void rawtp_histogram_json(struct rawtp_output *out, const char *key, const uint64_t *slots,
			  uint32_t n)
{
	uint32_t i;

	if (!rawtp_output_array(out, key))
		return;
	for (i = 0; i < n; i++) {
		if (!slots[i] || !rawtp_output_object(out, NULL))
			continue;
		rawtp_output_u64(out, "from", slot_from(i));
		rawtp_output_u64(out, "to", slot_to(i));
		rawtp_output_u64(out, "count", slots[i]);
		rawtp_output_end(out);
	}
	rawtp_output_end(out);
}
