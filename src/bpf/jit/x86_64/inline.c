/* SPDX-License-Identifier: MIT */
#include "bpf/jit/x86_64/inline.h"

#include "base/cpu/rseq.h"
#include "base/task_id.h"
#include "bpf/jit/x86_64/encode.h"
#include "bpf/jit/x86_64/entry.h"
#include "bpf/maps/array.h"
#include "bpf/maps/hash.h"
#include "bpf/run.h"

#define HASH_STEPS 16 /* elements of a bucket before the helper is asked */

void rawtp_x86_call_helper(struct rawtp_jit *jit, uint32_t id)
{
	uintptr_t address = rawtp_jit_helper(jit, id);

	if (jit->far_calls) {
		x86_mov_imm(jit, RAX, address);
		x86_rr(jit, X86_32, 0xff, 2, RAX);
	} else {
		rawtp_jit_byte(jit, 0xe8);
		x86_distance(jit, address);
	}
}

/* A call from code that counts as none: the stack may be anywhere, and r9 to r11 are kept. */
static void emit_call_aside(struct rawtp_jit *jit, uint32_t id, const struct rawtp_map *map)
{
	x86_push(jit, R9);
	x86_push(jit, R10);
	x86_push(jit, R11);
	x86_mov(jit, X86_W, RAX, RSP);
	x86_ri(jit, X86_W, X86_AND, RSP, -16);
	x86_push(jit, RAX);
	x86_push(jit, RAX);
	x86_mov_imm(jit, RDI, (uintptr_t)map);
	rawtp_x86_call_helper(jit, id);
	x86_pop(jit, RDX);
	x86_mov(jit, X86_W, RSP, RDX);
	x86_pop(jit, R11);
	x86_pop(jit, R10);
	x86_pop(jit, R9);
}

static bool in_brief(const struct rawtp_jit *jit)
{
	return jit->entry && jit->effects.is_brief;
}

/* Where the program's runs find their slot of @map; -1 where they hold none. */
static int slot_index(const struct rawtp_jit *jit, const struct rawtp_map *map)
{
	uint32_t i;

	for (i = 0; i < jit->prog->n_percpu_maps; i++)
		if (jit->prog->percpu_maps[i] == map)
			return i;
	return -1;
}

bool rawtp_x86_inlines_lookup(const struct rawtp_jit *jit, const struct rawtp_map *map)
{
	if (map->elem_size > INT32_MAX)
		return false;
	if (map->type == BPF_MAP_TYPE_HASH)
		return map->key_size == 4 || map->key_size == 8 || map->key_size == 16;
	return map->type == BPF_MAP_TYPE_ARRAY ||
	       (map->type == BPF_MAP_TYPE_PERCPU_ARRAY && slot_index(jit, map) >= 0 &&
		rawtp_percpu_array_slot_bytes(map) <= INT32_MAX);
}

static void emit_mul_const(struct rawtp_jit *jit, unsigned int reg, uint32_t value)
{
	if (value & (value - 1)) {
		x86_rr(jit, X86_W, 0x69, reg, reg);
		rawtp_jit_bytes(jit, value, 4);
	} else {
		x86_shift_imm(jit, X86_W, X86_SHL, reg, __builtin_ctz(value));
	}
}

/* R3 = where the slot's values begin, from the array's base. */
static void emit_slot(struct rawtp_jit *jit, const struct rawtp_map *map)
{
	unsigned int reg = jit->regs[BPF_REG_3], self = rawtp_x86_entry_keeps_self(jit) ? R11 : reg;

	if (in_brief(jit)) {
		rawtp_x86_entry_cpu(jit, reg);
	} else {
		if (self != R11)
			x86_load_fs(jit, reg, rawtp_x86_self());
		x86_rm(jit, X86_W, 0x8b, reg, self, offsetof(struct rawtp_thread, frame));
		x86_rm(jit, X86_32, 0x8b, reg, reg,
		       offsetof(struct rawtp_frame, slots) + 4 * slot_index(jit, map));
	}
	emit_mul_const(jit, reg, rawtp_percpu_array_slot_bytes(map));
}

/* The value's address is known, but for the slot. */
static void emit_known_value(struct rawtp_jit *jit, const struct rawtp_map *map, uint32_t key)
{
	x86_mov_imm(jit, RAX, (uintptr_t)map->base + (uint64_t)key * map->elem_size);
	if (map->type != BPF_MAP_TYPE_PERCPU_ARRAY)
		return;
	emit_slot(jit, map);
	x86_rr(jit, X86_W, 0x01, jit->regs[BPF_REG_3], RAX);
}

static void emit_array_lookup(struct rawtp_jit *jit, const struct rawtp_map *map)
{
	bool percpu = map->type == BPF_MAP_TYPE_PERCPU_ARRAY;
	unsigned int index = jit->regs[BPF_REG_1], slot = jit->regs[BPF_REG_3], end;
	uint32_t key;

	if (rawtp_jit_known_key(jit, jit->index, &key)) {
		emit_known_value(jit, map, key);
		return;
	}
	x86_rm(jit, X86_32, 0x8b, index, jit->regs[BPF_REG_2], 0);
	x86_mov_imm(jit, RAX, 0);
	x86_ri(jit, X86_32, X86_CMP, index, map->max_entries);
	end = x86_jump_ahead(jit, X86_JCC_SHORT(X86_ABOVE_EQUAL));
	if (percpu)
		emit_slot(jit, map);
	x86_mov_imm(jit, RAX, (uintptr_t)map->base);
	if (percpu)
		x86_rr(jit, X86_W, 0x01, slot, RAX);
	if (map->max_entries > 1) {
		emit_mul_const(jit, index, map->elem_size);
		x86_rr(jit, X86_W, 0x01, index, RAX);
	}
	x86_land(jit, end);
}

/* rax = rawtp_hash_mix(rax) */
static void emit_hash_mix(struct rawtp_jit *jit)
{
	x86_mov_imm(jit, RDX, RAWTP_HASH_MULTIPLIER);
	x86_rr(jit, X86_W, 0xf7, X86_MUL, RDX);
	x86_rr(jit, X86_W, 0x31, RDX, RAX);
}

/* r8 = the key's first word, rcx = its bucket. */
static void emit_hash_bucket(struct rawtp_jit *jit, const struct rawtp_hash *hash)
{
	x86_rm(jit, hash->key_size == 4 ? X86_32 : X86_W, 0x8b, R8, RSI, 0);
	x86_mov_imm(jit, RAX, hash->seed ^ hash->key_size);
	x86_rr(jit, X86_W, 0x31, R8, RAX);
	emit_hash_mix(jit);
	if (hash->key_size == 16) {
		x86_rm(jit, X86_W, 0x33, RAX, RSI, 8);
		emit_hash_mix(jit);
	}
	x86_ri(jit, X86_32, X86_AND, RAX, (int32_t)(hash->n_buckets - 1));
	x86_mov_imm(jit, RCX, (uintptr_t)hash->buckets);
	x86_shift_imm(jit, X86_W, X86_SHL, RAX, 3);
	x86_rr(jit, X86_W, 0x01, RAX, RCX);
}

/* The element that rdx leads to is alive, and the word at rcx still says rdx; else jumps. */
static void emit_hash_check(struct rawtp_jit *jit, unsigned int *dead, unsigned int *changed)
{
	x86_rr(jit, X86_BYTE, 0xf6, X86_TEST, RDI);
	rawtp_jit_byte(jit, RAWTP_HASH_LINK_MARK);
	*dead = x86_jump_ahead(jit, X86_JCC_SHORT(X86_NOT_EQUAL));
	x86_rm(jit, X86_W, 0x39, RDX, RCX, 0);
	*changed = x86_jump_ahead(jit, X86_JCC_SHORT(X86_NOT_EQUAL));
}

/* Sets the flags: is the key of the element at rax ours? Returns a jump for "no", or 0. */
static unsigned int emit_hash_compare(struct rawtp_jit *jit, const struct rawtp_hash *hash)
{
	const int32_t key = offsetof(struct rawtp_hash_elem, key);
	unsigned int differs;

	x86_rm(jit, X86_W, 0x3b, R8, RAX, key);
	if (hash->key_size <= 8)
		return 0;
	differs = x86_jump_ahead(jit, X86_JCC_SHORT(X86_NOT_EQUAL));
	x86_rm(jit, X86_W, 0x8b, R8, RSI, 8);
	x86_rm(jit, X86_W, 0x3b, R8, RAX, key + 8);
	x86_rm(jit, X86_W, 0x8b, R8, RSI, 0);
	return differs;
}

/*
 * walk() of hash_list.c for the common case: nothing on the way is dead or changes meanwhile. Else
 * the helper does it. rcx: word that leads on (prev); rdx: what it says; rax: the element; rdi: its
 * own word. Loads are in program order, as they must be (SDM volume 3, "Memory Ordering").
 */
static void emit_hash_lookup(struct rawtp_jit *jit, const struct rawtp_map *map)
{
	const struct rawtp_hash *hash = rawtp_hash_of(map);
	unsigned int again, none, damaged, differs, next, aside[4], done, i;

	emit_hash_bucket(jit, hash);
	if (in_brief(jit)) {
		x86_mov_imm(jit, R9, HASH_STEPS);
	} else {
		x86_rm(jit, X86_32, 0xc7, 0, RSP, -8);
		rawtp_jit_bytes(jit, HASH_STEPS, 4);
	}
	x86_rm(jit, X86_W, 0x8b, RDX, RCX, 0);
	again = jit->n_code;
	x86_mov(jit, X86_W, RAX, RDX);
	x86_shift_imm(jit, X86_W, X86_SHR, RAX, RAWTP_HASH_LINK_SHIFT);
	x86_ri(jit, X86_32, X86_AND, RAX, (int32_t)((1ULL << hash->index_bits) - 1));
	none = x86_jump_far_ahead(jit, X86_EQUAL);
	x86_ri(jit, X86_32, X86_CMP, RAX, (int32_t)hash->n_elems);
	damaged = x86_jump_far_ahead(jit, X86_ABOVE);
	emit_mul_const(jit, RAX, (uint32_t)hash->elem_bytes);
	x86_mov_imm(jit, RDI, (uintptr_t)hash->elems - hash->elem_bytes);
	x86_rr(jit, X86_W, 0x01, RDI, RAX);
	x86_rm(jit, X86_W, 0x8b, RDI, RAX, offsetof(struct rawtp_hash_elem, link));
	differs = emit_hash_compare(jit, hash);
	next = x86_jump_ahead(jit, X86_JCC_SHORT(X86_NOT_EQUAL));
	emit_hash_check(jit, &aside[0], &aside[1]);
	x86_ri(jit, X86_W, X86_ADD, RAX, (int32_t)hash->value_offset);
	done = x86_jump_ahead(jit, X86_JMP_SHORT);
	x86_land(jit, next);
	if (differs)
		x86_land(jit, differs);
	emit_hash_check(jit, &aside[2], &aside[3]);
	x86_mov(jit, X86_W, RCX, RAX);
	x86_mov(jit, X86_W, RDX, RDI);
	if (in_brief(jit))
		x86_rr(jit, X86_32, 0xff, X86_DEC, R9);
	else
		x86_rm(jit, X86_32, 0xff, X86_DEC, RSP, -8);
	x86_jump_back(jit, X86_JCC_SHORT(X86_NOT_EQUAL), again);
	for (i = 0; i < 4; i++)
		x86_land(jit, aside[i]);
	x86_land_far(jit, damaged);
	if (in_brief(jit))
		rawtp_x86_entry_away(jit, -1);
	else
		emit_call_aside(jit, BPF_FUNC_map_lookup_elem, map);
	x86_land_far(jit, none);
	x86_land(jit, done);
}

void rawtp_x86_lookup(struct rawtp_jit *jit, const struct rawtp_map *map)
{
	_Static_assert(!offsetof(struct rawtp_hash_elem, link), "an element is where its link is");
	if (map->type == BPF_MAP_TYPE_HASH)
		emit_hash_lookup(jit, map);
	else
		emit_array_lookup(jit, map);
}

bool rawtp_x86_inlines_helper(uint32_t id)
{
	struct rawtp_task_id_places places;

	switch (id) {
	case BPF_FUNC_get_smp_processor_id:
		return rawtp_rseq_cpu() != UINT32_MAX;
	case BPF_FUNC_get_current_pid_tgid:
		return rawtp_task_id_places(&places);
	}
	return false;
}

/* rax = the number in the area that the kernel keeps; a jump for "none yet" is returned. */
static unsigned int emit_processor_id(struct rawtp_jit *jit)
{
	rawtp_x86_entry_cpu(jit, RAX);
	x86_rr(jit, X86_32, 0x85, RAX, RAX); /* test */
	return x86_jump_ahead(jit, X86_JCC_SHORT(X86_SIGN));
}

/* rax = tgid << 32 | tid, as rawtp_task_id() has them; jumps for "not known" are returned. */
static unsigned int emit_pid_tgid(struct rawtp_jit *jit, unsigned int *none)
{
	unsigned int scratch = jit->regs[BPF_REG_1], other;
	struct rawtp_task_id_places places;

	rawtp_task_id_places(&places);
	x86_mov_imm(jit, scratch, (uintptr_t)places.fork);
	x86_rm(jit, X86_32, 0x8b, RAX, scratch, 0);
	x86_rr(jit, X86_32, 0x85, RAX, RAX); /* test */
	*none = x86_jump_ahead(jit, X86_JCC_SHORT(X86_EQUAL));
	x86_fs(jit, X86_32, 0x3b, RAX, rawtp_x86_thread_offset(places.tid_fork)); /* cmp */
	other = x86_jump_ahead(jit, X86_JCC_SHORT(X86_NOT_EQUAL));
	x86_rm(jit, X86_32, 0x8b, RAX, scratch,
	       (int32_t)((const char *)places.tgid - (const char *)places.fork));
	x86_shift_imm(jit, X86_W, X86_SHL, RAX, 32);
	x86_fs(jit, X86_32, 0x8b, scratch, rawtp_x86_thread_offset(places.tid));
	x86_rr(jit, X86_W, 0x09, scratch, RAX); /* or */
	return other;
}

void rawtp_x86_inline_helper(struct rawtp_jit *jit, uint32_t id)
{
	unsigned int unknown, none = 0, done;

	if (id == BPF_FUNC_get_smp_processor_id)
		unknown = emit_processor_id(jit);
	else
		unknown = emit_pid_tgid(jit, &none);
	done = x86_jump_ahead(jit, X86_JMP_SHORT);
	x86_land(jit, unknown);
	if (none)
		x86_land(jit, none);
	if (in_brief(jit))
		rawtp_x86_entry_away(jit, -1);
	else
		emit_call_aside(jit, id, NULL);
	x86_land(jit, done);
}
