/* SPDX-License-Identifier: MIT */
/*
 * What src/link/run.c and bpf/run.h do in C, around a program whose arguments are in registers:
 *
 *	image:	what the kernel looks at if the claim of a slot is disturbed, and where it goes
 *	slow:	all arguments to memory; entry->slow(); entry->leave()
 *	watched: is this run to be watched: slow; else on behind the test that led here
 *	entry:	nothing runs on this thread, nobody watches, it has a counter: else slow or watched
 *		claim the slot of the per-CPU map, if there is one: else slow
 *		make the frame; store the arguments that the program reads; rawtp_self->frame
 *		the program
 *		rawtp_self->frame = NULL; give the slot back; count; jump to entry->leave()
 *
 * Up to where the program begins, rax, r10 and r11 are free, rdi is rawtp_self, and the arguments are
 * where the psABI has them. A program that calls nothing and leaves r9 to r11 alone finds them there at
 * its end: the slot's owner word, the counter's neighbour that *watch is, rawtp_self. All is in program order, which is the order that signal handlers of this
 * thread see, and in which other CPUs see the stores (SDM volume 3, "Memory Ordering").
 */
#include "bpf/jit/x86_64/entry.h"

#include "base/cpu/rseq.h"
#include "bpf/jit/x86_64/encode.h"
#include "bpf/maps/map.h"
#include "bpf/maps/owner.h"
#include "bpf/run.h"

#define MAX_FRAMES 1024 /* of 64 bytes, for each CPU, whose slot is a 32-bit shift away */

#ifdef RAWTP_SANITIZED

/* Sanitizers see nothing of what it does, and would see races of others with it. */
bool rawtp_x86_can_enter(const struct rawtp_jit *jit)
{
	return false;
}

static ptrdiff_t rseq_offset(void)
{
	return 0;
}

#else

bool rawtp_x86_can_enter(const struct rawtp_jit *jit)
{
	const struct rawtp_prog *prog = jit->prog;

	return !prog->n_percpu_maps || (prog->n_percpu_maps == 1 && rawtp_rseq_area() &&
					prog->percpu_maps[0]->n_cpus <= MAX_FRAMES);
}

static ptrdiff_t rseq_offset(void)
{
	return __rseq_offset;
}

#endif

/* offsetof() in <linux/rseq.h> */
#define RSEQ_CPU_ID 4
#define RSEQ_CS     8

static const uint8_t arg_regs[RAWTP_JIT_ENTRY_ARGS] = {RSI, RDX, RCX, R8, R9};

int32_t rawtp_x86_self(void)
{
	const char *thread;

	__asm__("mov %%fs:0, %0" : "=r"(thread));
	return (int32_t)((const char *)&rawtp_self - thread);
}

static bool has_slot(const struct rawtp_jit *jit)
{
	return jit->prog->n_percpu_maps;
}

/* A helper may be given the context, or look where it lies. */
static uint32_t args_read(const struct rawtp_jit *jit)
{
	uint32_t all = (1U << jit->entry->n_args) - 1;

	return jit->calls ? all : jit->prog->ctx_slots_read & all;
}

/* Nothing in the program writes r9, r10 or r11 (table.c: scratch within one instruction). */
static bool find_quiet(const struct rawtp_jit *jit)
{
	const struct rawtp_prog *prog = jit->prog;
	uint32_t i;

	for (i = 0; i < prog->n_insns; i++) {
		const struct bpf_insn *insn = &prog->insns[i];
		unsigned int op = BPF_OP(insn->code);

		switch (BPF_CLASS(insn->code)) {
		case BPF_ALU:
		case BPF_ALU64:
			if (op == BPF_DIV || op == BPF_MOD)
				return false;
			if (BPF_SRC(insn->code) == BPF_X &&
			    (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH))
				return false;
			break;
		case BPF_STX: /* a fetch is a loop with scratch registers */
			if (BPF_MODE(insn->code) == BPF_ATOMIC && insn->imm & BPF_FETCH)
				return false;
		}
		if (rawtp_decode(insn) == RAWTP_OP_LD_IMM64)
			i++;
	}
	return !jit->calls;
}

/* What lies at rsp while the program runs: arguments, and the owner's word if no register has it. */
static uint32_t owner_offset(const struct rawtp_jit *jit)
{
	return args_read(jit) ? 8 * jit->entry->n_args : 0;
}

uint32_t rawtp_x86_entry_locals(const struct rawtp_jit *jit)
{
	uint32_t owner = has_slot(jit) && !jit->entry_is_quiet ? 8 : 0;

	return (owner_offset(jit) + owner + 15) & ~15U;
}

/* A whole u64 from the argument's own bytes: what is above them in the register is anybody's. */
static void store_args(struct rawtp_jit *jit, uint32_t mask)
{
	unsigned int i;

	for (i = 0; i < jit->entry->n_args; i++) {
		unsigned int reg = arg_regs[i];

		if (!(mask >> i & 1))
			continue;
		if (jit->entry->arg_sizes[i] == 1)
			x86_rr(jit, X86_BYTE, 0x0fb6, reg, reg);
		else if (jit->entry->arg_sizes[i] == 2)
			x86_rr(jit, X86_32, 0x0fb7, reg, reg);
		else if (jit->entry->arg_sizes[i] == 4)
			x86_mov(jit, X86_32, reg, reg);
		x86_rm(jit, X86_W, 0x89, reg, RSP, (int32_t)(8 * i));
	}
}

void rawtp_x86_make_frame(struct rawtp_jit *jit)
{
	x86_push(jit, RBP);
	rawtp_jit_unwind_frame(jit, x86_dwarf(RSP), 16);
	rawtp_jit_unwind_saved(jit, x86_dwarf(RBP), 16);
	x86_mov(jit, X86_W, RBP, RSP);
	rawtp_jit_unwind_frame(jit, x86_dwarf(RBP), 16);
}

void rawtp_x86_leave_frame(struct rawtp_jit *jit)
{
	rawtp_jit_byte(jit, 0xc9); /* leave */
	rawtp_jit_unwind_frame(jit, x86_dwarf(RSP), 8);
	rawtp_jit_unwind_restored(jit, x86_dwarf(RBP));
}

static void emit_slow(struct rawtp_jit *jit)
{
	const uint32_t bytes = (8 * RAWTP_JIT_ENTRY_ARGS + 15) & ~15U; /* rsp is at 16 again */

	rawtp_x86_make_frame(jit);
	x86_ri(jit, X86_W, X86_SUB, RSP, (int32_t)bytes);
	store_args(jit, (1U << jit->entry->n_args) - 1);
	x86_mov_imm(jit, RDI, (uintptr_t)jit->entry->data);
	x86_mov(jit, X86_W, RSI, RSP);
	rawtp_jit_byte(jit, 0xe8);
	x86_distance(jit, (uintptr_t)jit->entry->slow);
	rawtp_x86_leave_frame(jit);
	x86_load_fs(jit, RDI, rawtp_x86_self());
	rawtp_jit_byte(jit, 0xe9);
	x86_distance(jit, (uintptr_t)jit->entry->leave);
}

static void jump_back_if(struct rawtp_jit *jit, unsigned int cond, unsigned int to)
{
	rawtp_jit_byte(jit, 0x0f);
	rawtp_jit_byte(jit, 0x80 | cond);
	rawtp_jit_bytes(jit, to - (jit->n_code + 4), 4);
}

static void put_u64(struct rawtp_jit *jit, unsigned int at, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < 8; i++, value >>= 8)
		jit->code[at + i] = (uint8_t)value;
}

static void clear_rseq(struct rawtp_jit *jit)
{
	x86_fs(jit, X86_W, 0xc7, 0, (int32_t)rseq_offset() + RSEQ_CS);
	rawtp_jit_bytes(jit, 0, 4);
}

/* Afterwards rax is the CPU's number times the stride, rdi where its slot's owner word is. */
static void emit_claim(struct rawtp_jit *jit, unsigned int disturbed, unsigned int busy)
{
	const struct rawtp_map *map = jit->prog->percpu_maps[0];
	unsigned int start, end;

	x86_mov_imm(jit, RDI, (uintptr_t)map->slot_owners);
	x86_rip(jit, X86_W, 0x8d, RAX, jit->address + jit->at); /* lea */
	x86_fs(jit, X86_W, 0x89, RAX, (int32_t)rseq_offset() + RSEQ_CS);
	start = jit->n_code;
	x86_fs(jit, X86_32, 0x8b, RAX, (int32_t)rseq_offset() + RSEQ_CPU_ID);
	x86_ri(jit, X86_32, X86_CMP, RAX, (int32_t)map->n_cpus);
	jump_back_if(jit, X86_ABOVE_EQUAL, busy);
	x86_shift_imm(jit, X86_32, X86_SHL, RAX, __builtin_ctz(RAWTP_RSEQ_STRIDE));
	x86_rr(jit, X86_W, 0x01, RAX, RDI);
	x86_rm(jit, X86_W, 0x83, X86_CMP, RDI, 0);
	rawtp_jit_byte(jit, 0);
	jump_back_if(jit, X86_NOT_EQUAL, busy);
	x86_rip(jit, X86_W, 0x8b, R11, (uintptr_t)&rawtp_owner_word);
	x86_rm(jit, X86_W, 0x89, R11, RDI, 0);
	end = jit->n_code;
	clear_rseq(jit);
	put_u64(jit, 8, jit->address + jit->at + start);
	put_u64(jit, 16, end - start);
	put_u64(jit, 24, jit->address + jit->at + disturbed);
}

/* eax = the thread's index, which must have a counter. */
static void emit_index(struct rawtp_jit *jit, unsigned int slow)
{
	x86_rm(jit, X86_32, 0x8b, RAX, RDI, offsetof(struct rawtp_thread, index));
	x86_mov_imm(jit, R11, (uintptr_t)jit->entry->n_counters);
	x86_rm(jit, X86_32, 0x3b, RAX, R11, 0);
	jump_back_if(jit, X86_ABOVE_EQUAL, slow);
}

/* Returns where the distance is to be written that leads back. */
static unsigned int emit_watched(struct rawtp_jit *jit, unsigned int slow)
{
	const struct rawtp_jit_entry *entry = jit->entry;

	emit_index(jit, slow);
	x86_shift_imm(jit, X86_W, X86_SHL, RAX, __builtin_ctz(entry->counter_stride));
	x86_mov_imm(jit, R11, (uintptr_t)entry->counters);
	x86_rr(jit, X86_W, 0x01, RAX, R11);
	x86_rm(jit, X86_W, 0x8b, RAX, R11, 0);
	x86_rm(jit, X86_W, 0x2b, RAX, R11, entry->due_offset);
	jump_back_if(jit, X86_NOT_SIGN, slow);
	return x86_jump_ahead(jit, X86_JMP_SHORT);
}

void rawtp_x86_entry_begin(struct rawtp_jit *jit)
{
	const struct rawtp_jit_entry *entry = jit->entry;
	unsigned int i, disturbed = 0, busy = 0, slow, watched, back;

	jit->entry_is_quiet = find_quiet(jit);
	if (has_slot(jit)) {
		for (i = 0; i < 32; i++)
			rawtp_jit_byte(jit, 0);
		rawtp_jit_bytes(jit, 0x3db90f, 3); /* ud1, whose operand is the signature */
		rawtp_jit_bytes(jit, 0x53053053, 4);
		disturbed = busy = jit->n_code;
		clear_rseq(jit);
	}
	slow = jit->n_code;
	emit_slow(jit);
	watched = jit->n_code;
	back = emit_watched(jit, slow);
	while (jit->n_code % 32)
		rawtp_jit_byte(jit, 0xcc);
	jit->entry_at = jit->at + jit->n_code;
	rawtp_jit_bytes(jit, 0xfa1e0ff3, 4); /* endbr64 */
	x86_rm(jit, X86_W, 0x83, X86_CMP, RDI, offsetof(struct rawtp_thread, frame));
	rawtp_jit_byte(jit, 0);
	jump_back_if(jit, X86_NOT_EQUAL, slow);
	x86_mov_imm(jit, R10, (uintptr_t)entry->watch);
	x86_rm(jit, X86_32, 0x83, X86_CMP, R10, 0);
	rawtp_jit_byte(jit, 0);
	jump_back_if(jit, X86_NOT_EQUAL, watched);
	x86_land(jit, back);
	emit_index(jit, slow);
	if (jit->entry_is_quiet) {
		x86_shift_imm(jit, X86_32, X86_SHL, RAX, __builtin_ctz(entry->counter_stride));
		x86_rr(jit, X86_W, 0x01, RAX, R10);
	}
	if (has_slot(jit))
		emit_claim(jit, disturbed, busy);
}

void rawtp_x86_entry_fill(struct rawtp_jit *jit)
{
	_Static_assert(sizeof(struct rawtp_jit_frame) == RAWTP_RSEQ_STRIDE, "one shift for both");
	if (args_read(jit))
		store_args(jit, args_read(jit));
	if (has_slot(jit)) {
		/* r9 was an argument up to here. */
		if (jit->entry_is_quiet)
			x86_mov(jit, X86_W, R9, RDI);
		else
			x86_rm(jit, X86_W, 0x89, RDI, RSP, (int32_t)owner_offset(jit));
		x86_load_fs(jit, R11, rawtp_x86_self());
		x86_mov_imm(jit, RDI, (uintptr_t)jit->frames);
		x86_rr(jit, X86_W, 0x01, RDI, RAX);
	} else {
		x86_mov(jit, X86_W, R11, RDI);
		x86_mov_imm(jit, RAX, (uintptr_t)jit->frames);
	}
	x86_rm(jit, X86_W, 0x89, RAX, R11, offsetof(struct rawtp_thread, frame));
	if (args_read(jit))
		x86_mov(jit, X86_W, RDI, RSP);
}

bool rawtp_x86_entry_keeps_self(const struct rawtp_jit *jit)
{
	return jit->entry && jit->entry_is_quiet;
}

void rawtp_x86_entry_release(struct rawtp_jit *jit)
{
	unsigned int self = jit->entry_is_quiet ? R11 : RDI, owner = jit->entry_is_quiet ? R9 : RAX;

	if (!jit->entry_is_quiet)
		x86_load_fs(jit, self, rawtp_x86_self());
	x86_rm(jit, X86_W, 0xc7, 0, self, offsetof(struct rawtp_thread, frame));
	rawtp_jit_bytes(jit, 0, 4);
	if (has_slot(jit)) {
		if (!jit->entry_is_quiet)
			x86_rm(jit, X86_W, 0x8b, owner, RSP, (int32_t)owner_offset(jit));
		x86_rm(jit, X86_W, 0xc7, 0, owner, 0);
		rawtp_jit_bytes(jit, 0, 4);
	}
}

void rawtp_x86_entry_end(struct rawtp_jit *jit)
{
	const struct rawtp_jit_entry *entry = jit->entry;

	if (jit->entry_is_quiet) {
		x86_rm(jit, X86_W, 0x83, X86_ADD, R10,
		       (int32_t)((const char *)entry->counters - (const char *)entry->watch));
		rawtp_jit_byte(jit, 1);
		x86_mov(jit, X86_W, RDI, R11);
	} else {
		x86_rm(jit, X86_32, 0x8b, RAX, RDI, offsetof(struct rawtp_thread, index));
		x86_shift_imm(jit, X86_W, X86_SHL, RAX, __builtin_ctz(entry->counter_stride));
		x86_mov_imm(jit, RCX, (uintptr_t)entry->counters);
		x86_rmi(jit, X86_W, 0x83, X86_ADD, RCX, RAX);
		rawtp_jit_byte(jit, 1);
	}
	rawtp_jit_byte(jit, 0xe9);
	x86_distance(jit, (uintptr_t)entry->leave);
}
