/* SPDX-License-Identifier: MIT */
/*
 * The table: one common entry, then one for each function, whose addresses are absolute, since the
 * image stands where it stays.
 */
#include "bpf/jit/unwind.h"

#include "bpf/jit/compiler.h"

#include <stdlib.h>
#include <string.h>

enum {
	DW_CFA_advance_loc4 = 0x04,
	DW_CFA_offset_extended = 0x05,
	DW_CFA_restore_extended = 0x06,
	DW_CFA_remember_state = 0x0a,
	DW_CFA_restore_state = 0x0b,
	DW_CFA_def_cfa = 0x0c,
};

#define DATA_FACTOR 8 /* saved registers lie at multiples of it, downwards */

static void put(struct rawtp_jit_unwind *unwind, uint64_t value, unsigned int bytes)
{
	if (unwind->size + bytes > unwind->room) {
		uint32_t room = 2 * unwind->room + 256;
		uint8_t *table = unwind->failed ? NULL : realloc(unwind->table, room);

		if (!table) {
			unwind->failed = true;
			return;
		}
		unwind->table = table;
		unwind->room = room;
	}
	for (; bytes; bytes--, value >>= 8)
		unwind->table[unwind->size++] = (uint8_t)value;
}

static void put_uleb(struct rawtp_jit_unwind *unwind, uint32_t value)
{
	for (; value >= 0x80; value >>= 7)
		put(unwind, 0x80 | (value & 0x7f), 1);
	put(unwind, value, 1);
}

/* The entry that begins at @start is whole: padded with DW_CFA_nop, its length in front. */
static void close_entry(struct rawtp_jit_unwind *unwind, uint32_t start)
{
	uint32_t length;

	while (!unwind->failed && (unwind->size - start) % 8)
		put(unwind, 0, 1);
	if (unwind->failed)
		return;
	length = unwind->size - start - 4;
	memcpy(unwind->table + start, &length, sizeof(length));
}

static void put_common(struct rawtp_jit_unwind *unwind, const struct rawtp_jit_frame_start *start)
{
	put(unwind, 0, 4);          /* length */
	put(unwind, UINT32_MAX, 4); /* it is the common one */
	put(unwind, 1, 1);          /* version */
	put(unwind, 0, 1);          /* no augmentation */
	put_uleb(unwind, 1);        /* code factor */
	put(unwind, 0x80 - DATA_FACTOR, 1);
	put(unwind, start->return_column, 1);
	put(unwind, DW_CFA_def_cfa, 1);
	put_uleb(unwind, start->stack_pointer);
	put_uleb(unwind, start->bytes);
	if (start->return_on_the_stack) {
		put(unwind, DW_CFA_offset_extended, 1);
		put_uleb(unwind, start->return_column);
		put_uleb(unwind, 1);
	}
	close_entry(unwind, 0);
}

void rawtp_jit_unwind_begin(struct rawtp_jit *jit, const struct rawtp_jit_frame_start *start)
{
	struct rawtp_jit_unwind *unwind = &jit->unwind;

	if (!jit->image)
		return;
	if (!unwind->size)
		put_common(unwind, start);
	unwind->function = unwind->size;
	unwind->at = jit->at;
	put(unwind, 0, 4); /* length */
	put(unwind, 0, 4); /* where the common one is */
	put(unwind, jit->address + jit->at, 8);
	put(unwind, 0, 8); /* bytes of code */
}

void rawtp_jit_unwind_end(struct rawtp_jit *jit)
{
	struct rawtp_jit_unwind *unwind = &jit->unwind;
	uint64_t begin, bytes;

	if (!unwind->function || unwind->failed)
		return;
	memcpy(&begin, unwind->table + unwind->function + 8, sizeof(begin));
	bytes = jit->address + jit->at - begin;
	memcpy(unwind->table + unwind->function + 16, &bytes, sizeof(bytes));
	close_entry(unwind, unwind->function);
	unwind->function = 0;
}

/* False: nothing is to be noted. */
static bool note(struct rawtp_jit *jit, unsigned int op)
{
	struct rawtp_jit_unwind *unwind = &jit->unwind;
	uint32_t here = jit->at + jit->n_code;

	if (!unwind->function)
		return false;
	if (here != unwind->at) {
		put(unwind, DW_CFA_advance_loc4, 1);
		put(unwind, here - unwind->at, 4);
		unwind->at = here;
	}
	put(unwind, op, 1);
	return true;
}

void rawtp_jit_unwind_frame(struct rawtp_jit *jit, unsigned int reg, uint32_t bytes)
{
	if (!note(jit, DW_CFA_def_cfa))
		return;
	put_uleb(&jit->unwind, reg);
	put_uleb(&jit->unwind, bytes);
}

void rawtp_jit_unwind_saved(struct rawtp_jit *jit, unsigned int reg, uint32_t below)
{
	if (!note(jit, DW_CFA_offset_extended))
		return;
	put_uleb(&jit->unwind, reg);
	put_uleb(&jit->unwind, below / DATA_FACTOR);
}

void rawtp_jit_unwind_restored(struct rawtp_jit *jit, unsigned int reg)
{
	if (note(jit, DW_CFA_restore_extended))
		put_uleb(&jit->unwind, reg);
}

void rawtp_jit_unwind_push(struct rawtp_jit *jit)
{
	note(jit, DW_CFA_remember_state);
}

void rawtp_jit_unwind_pop(struct rawtp_jit *jit)
{
	note(jit, DW_CFA_restore_state);
}
