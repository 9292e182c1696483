/* SPDX-License-Identifier: MIT */
/* Lookups in hash tables by machine code against what the table's own code finds. */
#include "harness.h"

#include "asm.h"
#include "base/err.h"
#include "base/rcu.h"
#include "bpf/jit/jit.h"
#include "bpf/maps/hash.h"
#include "rawtp/thread.h"
#include "vm.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_KEY 16

struct table {
	struct rawtp_map *map;
	struct rawtp_prog *prog; /* returns what the lookup of the key that r1 points to gives */
};

static void table_open(struct table *table, uint32_t key_size, uint32_t max_entries)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_HASH,
			       .key_size = key_size,
			       .value_size = 8,
			       .max_entries = max_entries};
	int fd = rawtp_map_create(&attr), n;
	struct bpf_insn insns[8];
	char err[200];

	CHECK(fd >= 0);
	table->map = rawtp_map_open(fd);
	close(fd);
	CHECK(!rawtp_is_err(table->map));
	n = asm_program("r2 = r1; r1 = map[0]; call map_lookup_elem; exit", insns, 8, err,
			sizeof(err));
	CHECK_EQ(n, 5);
	insns[1].src_reg = 0;
	insns[1].imm = (int32_t)(uintptr_t)table->map;
	insns[2].imm = (int32_t)((uintptr_t)table->map >> 32);
	table->prog = vm_prog(insns, (unsigned int)n);
	table->prog->maps = calloc(1, sizeof(*table->prog->maps));
	table->prog->maps[0] = table->map;
	table->prog->n_maps = 1;
	if (rawtp_jit_compile(table->prog)) {
		rawtp_prog_put(table->prog);
		test_skip("no JIT for this CPU, or executable memory is refused");
	}
}

static void table_close(struct table *table)
{
	rawtp_prog_put(table->prog);
}

/* Keys of any size that differ in their first 4 and their last 4 bytes. */
static const void *make_key(char *key, uint32_t number, uint32_t size)
{
	memset(key, 0x5a, MAX_KEY);
	memcpy(key + size - 4, &number, 4);
	memcpy(key, &number, 4);
	return key;
}

static uint64_t compiled(const struct table *table, const void *key)
{
	struct rawtp_thread *self = rawtp_read_lock();
	uint64_t found = table->prog->run(key, table->prog);

	rawtp_read_unlock(self);
	return found;
}

static void put(const struct table *table, const void *key, uint64_t value)
{
	CHECK_EQ(table->map->ops->update(table->map, key, &value, BPF_ANY), 0);
}

/* Both ways give the same element; whether there is one is for the caller to say. */
static void check_key(const struct table *table, const void *key, bool there)
{
	uint64_t *value = table->map->ops->lookup(table->map, key);

	CHECK_EQ(value != NULL, there);
	CHECK_EQ(compiled(table, key), (uintptr_t)value);
}

static void check_size(uint32_t key_size, uint32_t entries)
{
	uint32_t i, there = entries - entries / 3;
	struct table table;
	char key[MAX_KEY];

	test_case("keys of %u, %u entries", key_size, entries);
	table_open(&table, key_size, entries);
	for (i = 0; i < entries; i++)
		put(&table, make_key(key, i * 7, key_size), i);
	for (i = there; i < entries; i++)
		CHECK_EQ(table.map->ops->delete (table.map, make_key(key, i * 7, key_size)), 0);
	for (i = 0; i < there; i += 2) /* replaced: another element */
		put(&table, make_key(key, i * 7, key_size), i);
	for (i = 0; i < 7 * entries; i++)
		check_key(&table, make_key(key, i, key_size), i % 7 == 0 && i / 7 < there);
	table_close(&table);
}

TEST(engine_lookup_hash_keys)
{
	static const uint32_t sizes[] = {4, 8, 12, 16}, entries[] = {1, 2, 63, 64, 500};
	unsigned int i, j;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (j = 0; j < sizeof(entries) / sizeof(*entries); j++)
			check_size(sizes[i], entries[j]);
}

/* Keys whose second word alone differs, or whose first. */
TEST(engine_lookup_hash_words)
{
	const uint64_t keys[][2] = {{1, 1}, {1, 2}, {2, 1}, {0, 0}, {0, 1}}, none[] = {2, 2};
	struct table table;
	unsigned int i;

	table_open(&table, 16, 1); /* two buckets: all meet */
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		put(&table, keys[i], i);
		check_key(&table, keys[i], true);
		check_key(&table, none, false);
		check_key(&table, keys[(i + 1) % 5], false);
		CHECK_EQ(table.map->ops->delete (table.map, keys[i]), 0);
	}
	table_close(&table);
}

/* The next number from @from on whose key is in the same bucket as that of 0. */
static uint32_t next_in_bucket(const struct table *table, uint32_t from)
{
	const struct rawtp_hash *hash = rawtp_hash_of(table->map);
	uint32_t zero = 0;

	while (rawtp_hash_bucket(hash, &from) != rawtp_hash_bucket(hash, &zero))
		from++;
	return from;
}

/* More keys in a bucket than the machine code walks by. */
TEST(engine_lookup_hash_long_bucket)
{
	struct table table;
	uint32_t keys[41], i;

	table_open(&table, 4, 64);
	for (i = 0, keys[0] = 0; i < 40; i++, keys[i] = next_in_bucket(&table, keys[i - 1] + 1))
		put(&table, &keys[i], i);
	for (i = 0; i < 40; i++)
		check_key(&table, &keys[i], true);
	check_key(&table, &keys[40], false);
	table_close(&table);
}

/* Elements that are dead and still linked; a peer's word that leads anywhere, or round and round. */
TEST(engine_lookup_hash_damaged)
{
	struct rawtp_hash_position pos;
	const struct rawtp_hash *hash;
	uint32_t key = 0, other;
	struct table table;
	uint64_t *bucket, whole;

	table_open(&table, 4, 64);
	hash = rawtp_hash_of(table.map);
	other = next_in_bucket(&table, 1);
	put(&table, &key, 1);
	put(&table, &other, 2); /* now the first of the bucket */
	CHECK_EQ(rawtp_hash_find(hash, &other, &pos), 1);
	pos.elem->link |= 1;
	CHECK(compiled(&table, &key) != 0);
	CHECK_EQ(compiled(&table, &other), 0);
	check_key(&table, &key, true);

	CHECK_EQ(rawtp_hash_find(hash, &key, &pos), 1);
	pos.elem->link |= (uint64_t)(rawtp_hash_index(hash, pos.elem) + 1) << RAWTP_HASH_LINK_SHIFT;
	CHECK_EQ(compiled(&table, &other), 0);
	check_key(&table, &key, true);

	bucket = rawtp_hash_bucket(hash, &key);
	whole = *bucket;
	*bucket = (uint64_t)(hash->n_elems + 1) << RAWTP_HASH_LINK_SHIFT;
	CHECK_EQ(compiled(&table, &key), 0);
	*bucket = UINT64_MAX & ~(uint64_t)RAWTP_HASH_LINK_MARK;
	CHECK_EQ(compiled(&table, &key), 0);
	*bucket = whole;
	check_key(&table, &key, true);
	table_close(&table);
}

struct shaker {
	pthread_t thread;
	struct table *table;
	uint32_t keys[4];
	int stop;
};

/* Inserts, replaces and deletes around the key that the other thread looks for. */
static void *shake(void *arg)
{
	struct shaker *me = arg;
	uint32_t i;

	while (!__atomic_load_n(&me->stop, __ATOMIC_RELAXED))
		for (i = 0; i < 12; i++) {
			uint64_t value = i;
			uint32_t *key = &me->keys[i % 4];

			if (i >= 8)
				me->table->map->ops->delete (me->table->map, key);
			else
				me->table->map->ops->update(me->table->map, key, &value, BPF_ANY);
		}
	return NULL;
}

/* A key that stays is found every time, one that never was is not. */
TEST(engine_lookup_hash_shaken)
{
	struct shaker shaker = {.stop = 0};
	uint32_t key, none, i, lost = 0, wrong = 0;
	struct table table;

	table_open(&table, 4, 64);
	shaker.table = &table;
	for (i = 0, key = 1; i < 4; i++, key++)
		key = shaker.keys[i] = next_in_bucket(&table, key);
	key = next_in_bucket(&table, key);
	none = next_in_bucket(&table, key + 1);
	put(&table, &shaker.keys[0], 0);
	put(&table, &key, 4711);
	CHECK_EQ(pthread_create(&shaker.thread, NULL, shake, &shaker), 0);
	for (i = 0; i < 300000; i++) {
		const uint64_t *value = (const uint64_t *)(uintptr_t)compiled(&table, &key);

		lost += !value || *value != 4711;
		wrong += compiled(&table, &none) != 0;
	}
	__atomic_store_n(&shaker.stop, 1, __ATOMIC_RELAXED);
	pthread_join(shaker.thread, NULL);
	CHECK_EQ(lost, 0);
	CHECK_EQ(wrong, 0);
	table_close(&table);
}
