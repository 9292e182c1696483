/* SPDX-License-Identifier: MIT */
/*
 * bpf_perf_event_output() as the effect of a brief program: what rawtp_perf_output() does in the usual
 * case, on the CPU that the section is on. Who finds no reader, no room, records lost before, or the
 * ring's end in the middle of the record, leaves. Bounds are constants; what a peer writes into the
 * ring's words leads elsewhere in the entry's data, and not out of it.
 */
#include "base/bits.h"
#include "bpf/jit/x86_64/encode.h"
#include "bpf/jit/x86_64/entry.h"
#include "bpf/jit/x86_64/inline.h"
#include "bpf/maps/perf_event.h"

#include <stddef.h>

#define MAX_SIZE    64
#define RING(field) ((int32_t)offsetof(struct rawtp_perf_ring, field))
#define PAGE(field) ((int32_t)offsetof(struct perf_event_mmap_page, field))

bool rawtp_x86_inlines_output(const struct rawtp_map *map, uint32_t size)
{
	return map->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY && size <= MAX_SIZE &&
	       rawtp_perf_array_of(map)->in_reach && rawtp_perf_has_rseq() &&
	       rawtp_perf_array_of(map)->stride <= INT32_MAX &&
	       rawtp_perf_decide(map) == RAWTP_PERF_RSEQ;
}

/* rsi = the CPU's page, rdi = its ring; rax is spoilt. */
static void emit_place(struct rawtp_jit *jit, const struct rawtp_map *map)
{
	const struct rawtp_perf_array *array = rawtp_perf_array_of(map);

	_Static_assert(!(sizeof(struct rawtp_perf_ring) & (sizeof(struct rawtp_perf_ring) - 1)),
		       "a shift");
	rawtp_x86_entry_cpu(jit, RAX);
	x86_ri(jit, X86_32, X86_CMP, RAX, (int32_t)map->max_entries);
	rawtp_x86_entry_away(jit, X86_ABOVE_EQUAL);
	x86_rr(jit, X86_W, 0x69, RSI, RAX); /* imul */
	rawtp_jit_bytes(jit, array->stride, 4);
	x86_shift_imm(jit, X86_W, X86_SHL, RAX, __builtin_ctz(sizeof(struct rawtp_perf_ring)));
	x86_mov_imm(jit, RDI, (uintptr_t)array->rings);
	x86_rr(jit, X86_W, 0x01, RAX, RDI);
	x86_mov_imm(jit, RAX, (uintptr_t)map->base);
	x86_rr(jit, X86_W, 0x01, RAX, RSI);
}

/* rdx = the head; rax = the offset of the record's last byte in the data, which has room for it. */
static void emit_room(struct rawtp_jit *jit, int32_t bytes)
{
	x86_rm(jit, X86_W, 0x8b, R8, RDI, RING(size));
	x86_rr(jit, X86_W, 0x85, R8, R8); /* test */
	rawtp_x86_entry_away(jit, X86_EQUAL);
	x86_rm(jit, X86_W, 0x83, X86_CMP, RDI, RING(lost));
	rawtp_jit_byte(jit, 0);
	rawtp_x86_entry_away(jit, X86_NOT_EQUAL);
	x86_ri(jit, X86_W, X86_SUB, R8, 1);
	x86_ri(jit, X86_32, X86_AND, R8, RAWTP_PERF_MAX_DATA - 1);
	x86_rm(jit, X86_W, 0x8b, RDX, RSI, PAGE(data_head));
	x86_mov(jit, X86_W, RAX, RDX);
	x86_rm(jit, X86_W, 0x2b, RAX, RSI, PAGE(data_tail));
	x86_ri(jit, X86_W, X86_ADD, RAX, bytes);
	x86_rr(jit, X86_W, 0x39, R8, RAX); /* cmp */
	rawtp_x86_entry_away(jit, X86_ABOVE);
	x86_mov(jit, X86_W, RAX, RDX);
	x86_rr(jit, X86_W, 0x21, R8, RAX); /* and */
	x86_ri(jit, X86_W, X86_ADD, RAX, bytes - 1);
	x86_rr(jit, X86_W, 0x39, R8, RAX);
	rawtp_x86_entry_away(jit, X86_ABOVE);
}

static uint32_t piece(uint32_t left)
{
	return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

/* @size bytes from rcx to rax + @to, through r8. */
static void emit_copy(struct rawtp_jit *jit, int32_t to, uint32_t size)
{
	uint32_t at, n;

	for (at = 0; at < size; at += n) {
		n = piece(size - at);
		if (n >= 4)
			x86_rm(jit, n == 8 ? X86_W : X86_32, 0x8b, R8, RCX, (int32_t)at);
		else
			x86_rm(jit, X86_32, n == 2 ? 0x0fb7 : 0x0fb6, R8, RCX, (int32_t)at);
		x86_rm(jit,
		       n == 8   ? X86_W
		       : n == 4 ? X86_32
		       : n == 2 ? X86_HALF
				: X86_BYTE,
		       n == 1 ? 0x88 : 0x89, R8, RAX, to + (int32_t)at);
	}
}

/* Header, length, padding, bytes; rax + @to is where they go. */
static void emit_record(struct rawtp_jit *jit, int32_t to, uint32_t bytes, uint32_t size)
{
	x86_rm(jit, X86_W, 0xc7, 0, RAX, to + (int32_t)bytes - 8);
	rawtp_jit_bytes(jit, 0, 4);
	x86_mov_imm(jit, R8, rawtp_perf_header(PERF_RECORD_SAMPLE, bytes));
	x86_rm(jit, X86_W, 0x89, R8, RAX, to);
	x86_rm(jit, X86_32, 0xc7, 0, RAX, to + 8);
	rawtp_jit_bytes(jit, bytes - 12, 4);
	emit_copy(jit, to + 12, size);
}

/* rawtp_perf_wake() of the ring at rdi; what the program has on its stack is kept. */
static void emit_wake(struct rawtp_jit *jit)
{
	x86_rm(jit, X86_W, 0x8d, RSP, RSP, -128); /* lea */
	x86_push(jit, R10);
	x86_push(jit, R11);
	x86_mov(jit, X86_W, RAX, RSP);
	x86_ri(jit, X86_W, X86_AND, RSP, -16);
	x86_push(jit, RAX);
	x86_push(jit, RAX);
	rawtp_jit_byte(jit, 0xe8);
	x86_distance(jit, (uintptr_t)rawtp_perf_wake);
	x86_pop(jit, RDX);
	x86_mov(jit, X86_W, RSP, RDX);
	x86_pop(jit, R11);
	x86_pop(jit, R10);
	x86_ri(jit, X86_W, X86_SUB, RSP, -128);
}

void rawtp_x86_output(struct rawtp_jit *jit, const struct rawtp_jit_output *output)
{
	uint32_t bytes = (uint32_t)rawtp_round_up((uint64_t)output->size + 12, 8);
	int32_t data = (int32_t)rawtp_perf_array_of(output->map)->page;
	unsigned int quiet;

	emit_place(jit, output->map);
	emit_room(jit, (int32_t)bytes);
	x86_rr(jit, X86_W, 0x01, RSI, RAX);
	emit_record(jit, data - (int32_t)bytes + 1, bytes, output->size);
	x86_ri(jit, X86_W, X86_ADD, RDX, (int32_t)bytes);
	rawtp_x86_entry_effect(jit);
	x86_rm(jit, X86_W, 0x89, RDX, RSI, PAGE(data_head));
	rawtp_x86_entry_effect_end(jit);
	x86_rm(jit, X86_32, 0x83, X86_CMP, RDI, RING(armed));
	rawtp_jit_byte(jit, 0);
	quiet = x86_jump_ahead(jit, X86_JCC_SHORT(X86_EQUAL));
	emit_wake(jit);
	x86_land(jit, quiet);
	x86_mov_imm(jit, RAX, 0);
}
