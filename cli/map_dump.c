/* SPDX-License-Identifier: MIT */
#include "map_dump.h"
#include "btf_print.h"
#include "histogram.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	char *key;
	char *value;   /* summed, where the type allows it, else NULL */
	char *per_cpu; /* n_cpus values of step bytes; NULL: not a per-CPU map */
	uint64_t rank;
};

struct dump {
	const struct rawtp_map_dump *options;
	bool shared; /* it is of both sides */
	struct rawtp_output *out;
	int fd;
	const struct btf *btf;
	const char *name;
	uint32_t type, key_size, value_size, step, max_entries;
	uint32_t key_id, value_id;
	uint32_t n_cpus;                   /* 0: not a per-CPU map */
	uint32_t n_counters, counter_size; /* the value is counters; else 0 */
	struct entry *entries;
	size_t n, allocated;
};

static bool is_array(uint32_t type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_per_cpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

bool rawtp_map_dump_has_keys(uint32_t type)
{
	return is_array(type) || is_per_cpu(type) || type == BPF_MAP_TYPE_HASH ||
	       type == BPF_MAP_TYPE_LRU_HASH;
}

static uint64_t load_counter(const char *data, uint32_t size)
{
	uint64_t value = 0;

	memcpy(&value, data, size);
	return value;
}

/* Adds the counters of all CPUs into entry->value. */
static void sum_cpus(const struct dump *dump, struct entry *entry)
{
	uint32_t cpu, i;

	for (cpu = 0; cpu < dump->n_cpus; cpu++)
		for (i = 0; i < dump->n_counters; i++) {
			char *to = entry->value + i * dump->counter_size;
			const char *from =
				entry->per_cpu + cpu * dump->step + i * dump->counter_size;
			uint64_t sum = load_counter(to, dump->counter_size) +
				       load_counter(from, dump->counter_size);

			memcpy(to, &sum, dump->counter_size);
		}
}

static void free_entry(struct entry *entry)
{
	free(entry->key);
	free(entry->value);
	free(entry->per_cpu);
}

/* 0; -ENOENT where the key has gone meanwhile. */
static int read_entry(struct dump *dump, const void *key, struct entry *entry)
{
	size_t size = dump->n_cpus ? (size_t)dump->step * dump->n_cpus : dump->value_size;
	char *data = calloc(1, size ? size : 1);
	int err = -ENOMEM;

	memset(entry, 0, sizeof(*entry));
	entry->key = malloc(dump->key_size ? dump->key_size : 1);
	if (data && entry->key)
		err = bpf_map_lookup_elem(dump->fd, key, data);
	if (dump->n_cpus)
		entry->per_cpu = data;
	else
		entry->value = data;
	if (!err && dump->n_cpus && dump->n_counters) {
		entry->value = calloc(1, dump->value_size);
		err = entry->value ? 0 : -ENOMEM;
	}
	if (err) {
		free_entry(entry);
		return err;
	}
	memcpy(entry->key, key, dump->key_size);
	if (entry->value && dump->n_cpus)
		sum_cpus(dump, entry);
	if (entry->value && dump->n_counters == 1)
		entry->rank = load_counter(entry->value, dump->counter_size);
	return 0;
}

static int add_entry(struct dump *dump, const void *key)
{
	struct entry entry, *grown;
	int err = read_entry(dump, key, &entry);

	if (err == -ENOENT)
		return 0;
	if (err)
		return err;
	if (dump->n == dump->allocated) {
		dump->allocated = dump->allocated ? 2 * dump->allocated : 64;
		grown = realloc(dump->entries, dump->allocated * sizeof(*grown));
		if (!grown) {
			free_entry(&entry);
			return -ENOMEM;
		}
		dump->entries = grown;
	}
	dump->entries[dump->n++] = entry;
	return 0;
}

static int read_entries(struct dump *dump)
{
	char *key = calloc(1, dump->key_size + 1), *next = calloc(1, dump->key_size + 1);
	const void *from = NULL;
	uint64_t steps;
	int err = key && next ? 0 : -ENOMEM;

	/* A walk over a hash that changes may start anew; the bound ends it. */
	for (steps = 0; !err && steps <= 2 * (uint64_t)dump->max_entries; steps++) {
		err = bpf_map_get_next_key(dump->fd, from, next);
		if (err)
			break;
		memcpy(key, next, dump->key_size);
		from = key;
		err = add_entry(dump, key);
	}
	free(key);
	free(next);
	return err == -ENOENT ? 0 : err;
}

static int compare_keys(const void *a, const void *b, void *data)
{
	const struct dump *dump = data;
	const struct entry *one = a, *two = b;
	uint64_t x, y;

	if (one->rank != two->rank)
		return one->rank < two->rank ? 1 : -1;
	if (dump->key_size > 8)
		return memcmp(one->key, two->key, dump->key_size);
	x = load_counter(one->key, dump->key_size);
	y = load_counter(two->key, dump->key_size);
	return x < y ? -1 : x > y;
}

static bool is_zero(const char *data, size_t size)
{
	return !size || (!data[0] && !memcmp(data, data + 1, size - 1));
}

static bool entry_is_zero(const struct dump *dump, const struct entry *entry)
{
	if (entry->per_cpu)
		return is_zero(entry->per_cpu, (size_t)dump->step * dump->n_cpus);
	return is_zero(entry->value, dump->value_size);
}

static void print_cpus(const struct dump *dump, const struct entry *entry)
{
	struct rawtp_output *out = dump->out;
	uint32_t cpu;

	if (!rawtp_output_array(out, out->json ? "cpus" : NULL))
		return;
	for (cpu = 0; cpu < dump->n_cpus; cpu++) {
		const char *value = entry->per_cpu + cpu * dump->step;
		char name[16];

		if (is_zero(value, dump->value_size))
			continue;
		snprintf(name, sizeof(name), "cpu%u", cpu);
		if (!out->json) {
			rawtp_cli_btf_print(out, name, dump->btf, dump->value_id, value,
					    dump->value_size);
			continue;
		}
		if (!rawtp_output_object(out, NULL))
			continue;
		rawtp_output_u64(out, "cpu", cpu);
		rawtp_cli_btf_print(out, "value", dump->btf, dump->value_id, value,
				    dump->value_size);
		rawtp_output_end(out);
	}
	rawtp_output_end(out);
}

/* Copies the slots out of a value, to 64 bits each. */
static void load_slots(const char *value, const struct rawtp_histogram_layout *layout,
		       uint64_t *slots)
{
	uint32_t i;

	for (i = 0; i < layout->n; i++)
		slots[i] = load_counter(value + layout->offset + i * layout->size, layout->size);
}

/* The slots of one value; those of a per-CPU struct are summed. */
static bool entry_slots(const struct dump *dump, const struct entry *entry,
			struct rawtp_histogram_layout *layout, uint64_t *slots)
{
	uint64_t more[RAWTP_HISTOGRAM_MAX_SLOTS];
	uint32_t cpu, i;

	if (!rawtp_histogram_find(dump->btf, dump->value_id, dump->name, layout) ||
	    layout->offset + (uint64_t)layout->n * layout->size > dump->value_size)
		return false;
	memset(slots, 0, layout->n * sizeof(*slots));
	if (entry->value) {
		load_slots(entry->value, layout, slots);
		return true;
	}
	for (cpu = 0; cpu < dump->n_cpus; cpu++) {
		load_slots(entry->per_cpu + cpu * dump->step, layout, more);
		for (i = 0; i < layout->n; i++)
			slots[i] += more[i];
	}
	return true;
}

static void print_entry_json(const struct dump *dump, const struct entry *entry)
{
	struct rawtp_output *out = dump->out;
	uint64_t slots[RAWTP_HISTOGRAM_MAX_SLOTS];
	struct rawtp_histogram_layout layout;

	if (!rawtp_output_object(out, NULL))
		return;
	rawtp_cli_btf_print(out, "key", dump->btf, dump->key_id, entry->key, dump->key_size);
	if (entry->value)
		rawtp_cli_btf_print(out, "value", dump->btf, dump->value_id, entry->value,
				    dump->value_size);
	if (entry->per_cpu)
		print_cpus(dump, entry);
	if (entry_slots(dump, entry, &layout, slots))
		rawtp_histogram_json(out, "histogram", slots, layout.n);
	rawtp_output_end(out);
}

static void print_entry_text(const struct dump *dump, const struct entry *entry)
{
	struct rawtp_output *out = dump->out;
	uint64_t slots[RAWTP_HISTOGRAM_MAX_SLOTS];
	struct rawtp_histogram_layout layout;

	fputs("    ", out->file);
	rawtp_cli_btf_print(out, NULL, dump->btf, dump->key_id, entry->key, dump->key_size);
	fputc(':', out->file);
	if (entry_slots(dump, entry, &layout, slots)) {
		/* What the struct holds besides; of a per-CPU one it is left to JSON. */
		if (entry->value && layout.n * layout.size < dump->value_size) {
			fputc(' ', out->file);
			rawtp_cli_btf_print_without(out, dump->btf, dump->value_id, entry->value,
						    dump->value_size, "slots");
		}
		fputc('\n', out->file);
		rawtp_histogram_print(out->file, slots, layout.n, 4);
		return;
	}
	fputc(' ', out->file);
	if (entry->value)
		rawtp_cli_btf_print(out, NULL, dump->btf, dump->value_id, entry->value,
				    dump->value_size);
	else
		print_cpus(dump, entry);
	fputc('\n', out->file);
}

/* Is the whole map one histogram, a slot an entry? Then its slots. */
static bool map_slots(const struct dump *dump, uint64_t *slots)
{
	size_t i;

	if (!is_array(dump->type) || dump->n_counters != 1 || !rawtp_histogram_name(dump->name) ||
	    dump->max_entries < RAWTP_HISTOGRAM_MIN_SLOTS ||
	    dump->max_entries > RAWTP_HISTOGRAM_MAX_SLOTS)
		return false;
	memset(slots, 0, RAWTP_HISTOGRAM_MAX_SLOTS * sizeof(*slots));
	for (i = 0; i < dump->n; i++) {
		uint64_t slot = load_counter(dump->entries[i].key, 4);

		if (slot < dump->max_entries)
			slots[slot] = dump->entries[i].rank;
	}
	return true;
}

static void print_map_text(struct dump *dump)
{
	FILE *file = dump->out->file;
	uint64_t slots[RAWTP_HISTOGRAM_MAX_SLOTS];
	size_t shown = 0, zero = 0, i, most = dump->options->max_entries;

	if (map_slots(dump, slots)) {
		fprintf(file, "%s (%s): histogram\n", dump->name,
			libbpf_bpf_map_type_str(dump->type));
		rawtp_histogram_print(file, slots, dump->max_entries, 4);
		return;
	}
	fprintf(file, "%s (%s%s): ", dump->name, libbpf_bpf_map_type_str(dump->type),
		dump->shared ? ", of both sides" : "");
	if (is_array(dump->type) && dump->max_entries == 1 && dump->n == 1 &&
	    dump->n_counters == 1) {
		rawtp_cli_btf_print(dump->out, NULL, dump->btf, dump->value_id,
				    dump->entries[0].value, dump->value_size);
		fputc('\n', file);
		return;
	}
	fprintf(file, is_array(dump->type) ? "%zu entries\n" : "%zu of %u entries\n", dump->n,
		dump->max_entries);
	for (i = 0; i < dump->n; i++) {
		if (is_array(dump->type) && dump->n > 1 && entry_is_zero(dump, &dump->entries[i]))
			zero++;
		else if (!most || shown++ < most)
			print_entry_text(dump, &dump->entries[i]);
	}
	if (most && shown > most)
		fprintf(file, "    ... and %zu more (--max-entries 0 shows all)\n", shown - most);
	if (zero)
		fprintf(file, "    %zu are zero\n", zero);
}

static void print_map_json(struct dump *dump)
{
	struct rawtp_output *out = dump->out;
	uint64_t slots[RAWTP_HISTOGRAM_MAX_SLOTS];
	size_t i;

	if (!rawtp_output_object(out, NULL))
		return;
	rawtp_output_string(out, "name", dump->name);
	if (dump->options->side)
		rawtp_output_string(out, "side", dump->options->side);
	rawtp_output_string(out, "type", libbpf_bpf_map_type_str(dump->type));
	rawtp_output_u64(out, "max_entries", dump->max_entries);
	if (rawtp_output_array(out, "entries")) {
		for (i = 0; i < dump->n; i++)
			print_entry_json(dump, &dump->entries[i]);
		rawtp_output_end(out);
	}
	if (map_slots(dump, slots))
		rawtp_histogram_json(out, "histogram", slots, dump->max_entries);
	rawtp_output_end(out);
}

static void dump_keyed(struct dump *dump)
{
	int err = read_entries(dump);
	size_t i;

	/* Arrays stay in the order of their index. */
	if (!is_array(dump->type) && dump->n)
		qsort_r(dump->entries, dump->n, sizeof(*dump->entries), compare_keys, dump);
	if (dump->out->json)
		print_map_json(dump);
	else
		print_map_text(dump);
	if (err)
		fprintf(stderr, "rawtp: map %s: cannot be read to its end: %s\n", dump->name,
			strerror(-err));
	for (i = 0; i < dump->n; i++)
		free_entry(&dump->entries[i]);
	free(dump->entries);
}

static void print_variable(struct dump *dump, const char *name, uint32_t id, const char *data,
			   size_t size)
{
	struct rawtp_output *out = dump->out;
	uint64_t slots[RAWTP_HISTOGRAM_MAX_SLOTS];
	struct rawtp_histogram_layout layout;

	if (out->json)
		return rawtp_cli_btf_print(out, name, dump->btf, id, data, size);
	if (rawtp_histogram_find(dump->btf, id, name, &layout) &&
	    layout.offset + (uint64_t)layout.n * layout.size <= size) {
		load_slots(data, &layout, slots);
		fprintf(out->file, "    %s: histogram\n", name);
		return rawtp_histogram_print(out->file, slots, layout.n, 4);
	}
	fputs("    ", out->file);
	rawtp_cli_btf_print(out, name, dump->btf, id, data, size);
	fputc('\n', out->file);
}

static void print_variables(struct dump *dump, const struct btf_type *section, const char *data)
{
	const struct btf_var_secinfo *info = btf_var_secinfos(section);
	const struct btf_type *var;
	uint32_t i;

	for (i = 0; i < btf_vlen(section); i++, info++) {
		var = btf__type_by_id(dump->btf, info->type);
		if (!var || !btf_is_var(var) || info->offset > dump->value_size ||
		    info->size > dump->value_size - info->offset)
			continue;
		print_variable(dump, rawtp_cli_btf_name(dump->btf, var->name_off), var->type,
			       data + info->offset, info->size);
	}
}

/* .data, .bss and .rodata: an array of one value, whose type is a section of variables. */
static void dump_section(struct dump *dump)
{
	const struct btf_type *section =
		dump->btf ? btf__type_by_id(dump->btf, dump->value_id) : NULL;
	struct rawtp_output *out = dump->out;
	char *data = calloc(1, dump->value_size);
	uint32_t zero = 0;

	if (!section || !btf_is_datasec(section) || !data)
		goto free_data;
	if (bpf_map_lookup_elem(dump->fd, &zero, data))
		goto free_data;
	if (!out->json) {
		fprintf(out->file, "%s:\n", dump->name);
		print_variables(dump, section, data);
		goto free_data;
	}
	if (!rawtp_output_object(out, NULL))
		goto free_data;
	rawtp_output_string(out, "name", dump->name);
	if (dump->options->side)
		rawtp_output_string(out, "side", dump->options->side);
	rawtp_output_string(out, "type", "section");
	if (rawtp_output_object(out, "variables")) {
		print_variables(dump, section, data);
		rawtp_output_end(out);
	}
	rawtp_output_end(out);
free_data:
	free(data);
}

void rawtp_map_dump_fd(const struct rawtp_map_dump *options, const struct rawtp_map_source *source)
{
	struct dump dump = {
		.options = options,
		.out = options->out,
		.shared = source->shared,
		.fd = source->fd,
		.btf = source->btf,
		.name = source->name,
		.type = source->type,
		.key_size = source->key_size,
		.value_size = source->value_size,
		.max_entries = source->max_entries,
		.key_id = source->key_id,
		.value_id = source->value_id,
	};
	uint32_t n, size;

	if (source->section) {
		if (options->read_only || strncmp(dump.name, ".rodata", 7))
			dump_section(&dump);
		return;
	}
	if (!rawtp_map_dump_has_keys(dump.type))
		return;
	if (is_per_cpu(dump.type))
		dump.n_cpus = (uint32_t)libbpf_num_possible_cpus();
	dump.step = (dump.value_size + 7) & ~7u;
	if (rawtp_cli_btf_counters(dump.btf, dump.value_id, &n, &size) &&
	    (uint64_t)n * size == dump.value_size) {
		dump.n_counters = n;
		dump.counter_size = size;
	} else if (!dump.value_id && (dump.value_size == 4 || dump.value_size == 8)) {
		dump.n_counters = 1;
		dump.counter_size = dump.value_size;
	}
	dump_keyed(&dump);
}

static void dump_map(const struct rawtp_map_dump *options, struct bpf_object *object,
		     struct bpf_map *map, bool shared)
{
	struct rawtp_map_source source = {
		.name = bpf_map__name(map),
		.fd = bpf_map__fd(map),
		.btf = bpf_object__btf(object),
		.type = bpf_map__type(map),
		.key_size = bpf_map__key_size(map),
		.value_size = bpf_map__value_size(map),
		.max_entries = bpf_map__max_entries(map),
		.key_id = bpf_map__btf_key_type_id(map),
		.value_id = bpf_map__btf_value_type_id(map),
		.section = bpf_map__is_internal(map),
		.shared = shared,
	};

	/* libbpf puts the object's name before the section's. */
	if (source.section && strchr(source.name, '.'))
		source.name = strchr(source.name, '.');
	rawtp_map_dump_fd(options, &source);
}

void rawtp_map_dump_object(const struct rawtp_map_dump *options, const struct rawtp_object *object)
{
	struct rawtp_map_dump dump = *options;
	struct bpf_map *map;
	bool shared;

	bpf_object__for_each_map(map, object->bpf)
	{
		shared = options->shared && options->shared(object, map);
		dump.side = shared ? "both" : options->side;
		if (bpf_map__fd(map) >= 0 && !(shared && options->skip_shared))
			dump_map(&dump, object->bpf, map, shared);
	}
}
