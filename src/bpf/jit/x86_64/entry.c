/* SPDX-License-Identifier: MIT */
/*
 * What src/link/run.c and bpf/run.h do in C, around a program whose arguments are in registers:
 *
 *	what the kernel looks at if a restartable section is disturbed, one for each end of it
 *	leave:	leaves the read side, returns; revoked: leaves it; walk: jumps to the tracepoint's walk
 *	slow:	all arguments to memory; entry->slow(); leave
 *	watched: is this run to be watched: slow; else on behind the test that led here
 *	entry:	short ways are for this thread and it is in no read side, else walk; enters it; the
 *		tracepoint is the tenant, else revoked
 *		---- from here on nobody can take the code away
 *		nobody watches, else watched
 *		the program, with what it needs around it
 *		count; leave
 *
 * All up to the line is the head (probe_place.h): the same bytes for whatever program stands behind.
 * That nothing runs in the read side of this thread is the guard, too: no program does elsewhere.
 *
 * A brief program (effect.h) has no frame: BPF's frame pointer is rsp, its stack and the arguments in
 * memory are the red zone of the psABI. If it is restartable, it is one section for rseq(2), from the
 * look at the CPU's number to its effect; then no thread of this CPU can come between, and per-CPU
 * values need no slot, where the slot of the CPU is nobody's. Who is disturbed goes slow.
 * The others hold a slot of a per-CPU map, if there is one, and have a frame: rawtp_self->frame.
 *
 * While a program runs r11 is rawtp_self, r10 the address of *watch, which is near the counters, and
 * r9 the slot's owner word, if no code of the program writes them (is "quiet"); they are read again at
 * its end otherwise. All is in program order, which is the order that signal handlers of this thread
 * see, and in which other CPUs see the stores (SDM volume 3, "Memory Ordering").
 */
#include "bpf/jit/x86_64/entry.h"

#include "base/cpu/rseq.h"
#include "base/rcu.h"
#include "base/thread.h"
#include "bpf/jit/x86_64/encode.h"
#include "bpf/maps/map.h"
#include "bpf/maps/owner.h"
#include "bpf/run.h"

#include <string.h>

#define MAX_FRAMES 1024 /* of 64 bytes, for each CPU, whose slot is a 32-bit shift away */

/* The head: sections of 32 bytes, then code up to the entry, whose offset is the same for all. */
#define CS_BYTES 32
#define ENTRY_AT 384

/* Below rsp, where neither signal handlers nor the kernel write. */
#define RED_ZONE  128
#define ARGS_AT   (-RED_ZONE)
#define MAX_STACK (RED_ZONE - 8 * RAWTP_JIT_ENTRY_ARGS)

static const uint8_t arg_regs[RAWTP_JIT_ENTRY_ARGS] = {RSI, RDX, RCX, R8, R9};

#ifdef RAWTP_SANITIZED

/* Sanitizers see nothing of what it does, and would see races of others with it. */
bool rawtp_x86_can_enter(struct rawtp_jit *jit)
{
	return false;
}

static ptrdiff_t rseq_offset(void)
{
	return 0;
}

#else

/* Of R1 to R5, where calls have them. */
static const uint8_t wide_regs[5] = {RDI, RSI, RDX, RCX, R8};

/*
 * Registers for a brief program: first those that hold no argument, then the last arguments'. r10 and
 * r11 are ours.
 */
static bool pick_regs(struct rawtp_jit *jit)
{
	unsigned int reg, next = 0;

	if (jit->effects.stack > MAX_STACK)
		return false;
	jit->own_regs[BPF_REG_0] = RAX;
	jit->own_regs[BPF_REG_10] = RSP;
	jit->spoils_args = true;
	if (jit->effects.is_wide) {
		memcpy(&jit->own_regs[BPF_REG_1], wide_regs, sizeof(wide_regs));
		return !(jit->effects.regs & ~(uint16_t)(0x3f | 1 << BPF_REG_10));
	}
	for (reg = BPF_REG_1; reg < BPF_REG_10; reg++) {
		if (!(jit->effects.regs >> reg & 1))
			continue;
		if (next > RAWTP_JIT_ENTRY_ARGS)
			return false;
		jit->own_regs[reg] = next ? arg_regs[RAWTP_JIT_ENTRY_ARGS - next] : RDI;
		next++;
	}
	/* Registers of arguments that it takes. */
	jit->spoils_args = next > 1 + RAWTP_JIT_ENTRY_ARGS - jit->entry->n_args;
	return true;
}

/* One check of the CPU's number serves all maps. */
static bool same_cpus(const struct rawtp_prog *prog)
{
	uint32_t i;

	for (i = 1; i < prog->n_percpu_maps; i++)
		if (prog->percpu_maps[i]->n_cpus != prog->percpu_maps[0]->n_cpus)
			return false;
	return true;
}

bool rawtp_x86_can_enter(struct rawtp_jit *jit)
{
	const struct rawtp_prog *prog = jit->prog;

	if (jit->effects.is_brief && (!pick_regs(jit) || !same_cpus(prog) ||
				      (jit->effects.is_restartable && !rawtp_rseq_area())))
		memset(&jit->effects, 0, sizeof(jit->effects));
	return !prog->n_percpu_maps || jit->effects.is_brief ||
	       (prog->n_percpu_maps == 1 && rawtp_rseq_area() &&
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

int32_t rawtp_x86_thread_offset(const void *variable)
{
	const char *thread;

	__asm__("mov %%fs:0, %0" : "=r"(thread));
	return (int32_t)((const char *)variable - thread);
}

int32_t rawtp_x86_self(void)
{
	return rawtp_x86_thread_offset(&rawtp_self);
}

bool rawtp_x86_entry_regs(const struct rawtp_jit *jit)
{
	return jit->effects.is_brief;
}

/* Holds one while it runs. */
static bool has_slot(const struct rawtp_jit *jit)
{
	return jit->prog->n_percpu_maps && !jit->effects.is_brief;
}

/* Its own registers may be those of arguments: slow needs them in memory then. */
static bool spoils_args(const struct rawtp_jit *jit)
{
	return jit->effects.is_brief && jit->spoils_args;
}

/* A helper may be given the context, or look where it lies. */
static uint32_t args_read(const struct rawtp_jit *jit)
{
	uint32_t all = (1U << jit->entry->n_args) - 1;

	return jit->calls || spoils_args(jit) ? all : jit->prog->ctx_slots_read & all;
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
		case BPF_LDX:
			if (BPF_MODE(insn->code) == RAWTP_BPF_PROBE_MEM ||
			    BPF_MODE(insn->code) == RAWTP_BPF_PROBE_MEMSX)
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

	if (jit->effects.is_brief)
		return 0;
	return (owner_offset(jit) + owner + 15) & ~15U;
}

/* A whole u64 from the argument's own bytes: what is above them in the register is anybody's. */
static void store_args(struct rawtp_jit *jit, uint32_t mask, int32_t at)
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
		x86_rm(jit, X86_W, 0x89, reg, RSP, at + (int32_t)(8 * i));
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

static void jump_back(struct rawtp_jit *jit, unsigned int to)
{
	rawtp_jit_byte(jit, 0xe9);
	rawtp_jit_bytes(jit, to - (jit->at + jit->n_code + 4), 4);
}

static void jump_back_if(struct rawtp_jit *jit, unsigned int cond, unsigned int to)
{
	rawtp_jit_byte(jit, 0x0f);
	rawtp_jit_byte(jit, 0x80 | cond);
	rawtp_jit_bytes(jit, to - (jit->at + jit->n_code + 4), 4);
}

static void store_zero(struct rawtp_jit *jit, unsigned int base, int32_t disp)
{
	x86_rm(jit, X86_W, 0xc7, 0, base, disp);
	rawtp_jit_bytes(jit, 0, 4);
}

/* Where rbp leads, args are at @args. */
static void emit_call_slow(struct rawtp_jit *jit, int32_t args)
{
	x86_mov_imm(jit, RDI, (uintptr_t)jit->entry->data);
	x86_rm(jit, X86_W, 0x8d, RSI, RBP, args); /* lea */
	if (jit->far_calls) {
		x86_mov_imm(jit, RAX, (uintptr_t)jit->entry->slow);
		x86_rr(jit, X86_32, 0xff, 2, RAX);
	} else {
		rawtp_jit_byte(jit, 0xe8);
		x86_distance(jit, (uintptr_t)jit->entry->slow);
	}
	rawtp_x86_leave_frame(jit);
	x86_load_fs(jit, R11, rawtp_x86_self());
	jump_back(jit, jit->marks.leave);
}

/* A frame like all others: stacks are walked through it. */
static void emit_slow_frame(struct rawtp_jit *jit, uint32_t bytes)
{
	rawtp_x86_make_frame(jit);
	x86_ri(jit, X86_W, X86_SUB, RSP, (int32_t)((bytes + 15) & ~15U)); /* rsp is at 16 again */
}

static void emit_slow(struct rawtp_jit *jit)
{
	const uint32_t bytes = (8 * RAWTP_JIT_ENTRY_ARGS + 15) & ~15U;

	emit_slow_frame(jit, bytes);
	store_args(jit, (1U << jit->entry->n_args) - 1, 0);
	emit_call_slow(jit, -(int32_t)bytes);
}

/* The same, where they are in the red zone, which rbp lies in now. */
static void emit_slow_stored(struct rawtp_jit *jit)
{
	emit_slow_frame(jit, RED_ZONE);
	emit_call_slow(jit, 8 + ARGS_AT);
}

/* Where the kernel sends who was disturbed: the signature of glibc's registration, then the code. */
static void emit_signature(struct rawtp_jit *jit)
{
	rawtp_jit_bytes(jit, 0x3db90f, 3); /* ud1, whose operand it is */
	rawtp_jit_bytes(jit, 0x53053053, 4);
}

/*
 * What the kernel looks at: version and flags, start, length, where to go; all of it outside of the
 * section. A thread may have left the address of any of the four behind, whatever program is here
 * now, so that those without a use are sections, too: of no bytes.
 */
static void put_section(struct rawtp_jit *jit, unsigned int i, unsigned int start, unsigned int end,
			unsigned int away)
{
	const uint64_t words[] = {0, jit->address + start, end - start, jit->address + away};
	unsigned int word, byte;

	for (word = 0; word < 4; word++)
		for (byte = 0; byte < 8; byte++)
			jit->code[CS_BYTES * i + 8 * word + byte] =
				(uint8_t)(words[word] >> 8 * byte);
}

static void put_sections(struct rawtp_jit *jit)
{
	const struct rawtp_jit_effects *effects = &jit->effects;
	unsigned int i;

	for (i = 0; i < RAWTP_JIT_MAX_EFFECTS; i++) {
		if (has_slot(jit) && !i)
			put_section(jit, i, jit->marks.start, jit->marks.end, jit->marks.away);
		else if (effects->is_restartable && i < effects->n)
			put_section(jit, i, jit->marks.start, jit->marks.effect_ends[i],
				    jit->marks.away);
		else
			put_section(jit, i, jit->marks.nowhere, jit->marks.nowhere,
				    jit->marks.nowhere);
	}
}

/* rseq_cs = the section that ends with effect @i. */
static void enter_section(struct rawtp_jit *jit, unsigned int i)
{
	x86_rip(jit, X86_W, 0x8d, RAX, jit->address + CS_BYTES * i); /* lea */
	x86_fs(jit, X86_W, 0x89, RAX, (int32_t)rseq_offset() + RSEQ_CS);
}

static void leave_section(struct rawtp_jit *jit)
{
	x86_fs(jit, X86_W, 0xc7, 0, (int32_t)rseq_offset() + RSEQ_CS);
	rawtp_jit_bytes(jit, 0, 4);
}

/* rax = the CPU's number times the stride, or away. */
static void emit_cpu(struct rawtp_jit *jit, const struct rawtp_map *map)
{
	x86_fs(jit, X86_32, 0x8b, RAX, (int32_t)rseq_offset() + RSEQ_CPU_ID);
	x86_ri(jit, X86_32, X86_CMP, RAX, (int32_t)map->n_cpus);
	jump_back_if(jit, X86_ABOVE_EQUAL, jit->marks.away);
	x86_shift_imm(jit, X86_32, X86_SHL, RAX, __builtin_ctz(RAWTP_RSEQ_STRIDE));
}

/* Afterwards rax is the CPU's number times the stride, rdi where its slot's owner word is. */
static void emit_claim(struct rawtp_jit *jit)
{
	const struct rawtp_map *map = jit->prog->percpu_maps[0];

	x86_mov_imm(jit, RDI, (uintptr_t)map->slot_owners);
	enter_section(jit, 0);
	jit->marks.start = jit->at + jit->n_code;
	emit_cpu(jit, map);
	x86_rr(jit, X86_W, 0x01, RAX, RDI);
	x86_rm(jit, X86_W, 0x83, X86_CMP, RDI, 0);
	rawtp_jit_byte(jit, 0);
	jump_back_if(jit, X86_NOT_EQUAL, jit->marks.away);
	x86_rip(jit, X86_W, 0x8b, R11, (uintptr_t)&rawtp_owner_word);
	x86_rm(jit, X86_W, 0x89, R11, RDI, 0);
	jit->marks.end = jit->at + jit->n_code;
	x86_load_fs(jit, R11, rawtp_x86_self());
}

/* r11 = rawtp_self, spoils rax: the thread's counter is at r10 + rax + counter_offset(). */
static void emit_index(struct rawtp_jit *jit)
{
	x86_rm(jit, X86_32, 0x8b, RAX, R11, offsetof(struct rawtp_thread, index));
	x86_shift_imm(jit, X86_32, X86_SHL, RAX, __builtin_ctz(jit->entry->counter_stride));
}

static int32_t counter_offset(const struct rawtp_jit *jit)
{
	return (int32_t)((const char *)jit->entry->counters - (const char *)jit->entry->watch);
}

/* Returns where the distance is to be written that leads back. */
static unsigned int emit_watched(struct rawtp_jit *jit)
{
	emit_index(jit);
	x86_rr(jit, X86_W, 0x01, R10, RAX);
	x86_rm(jit, X86_W, 0x8b, RDI, RAX, counter_offset(jit));
	x86_rm(jit, X86_W, 0x2b, RDI, RAX, counter_offset(jit) + jit->entry->due_offset);
	jump_back_if(jit, X86_NOT_SIGN, jit->marks.slow);
	rawtp_jit_byte(jit, 0xe9);
	rawtp_jit_bytes(jit, 0, 4);
	return jit->n_code;
}

/* Behind the sections: what does not depend on the program. */
static void emit_ends(struct rawtp_jit *jit)
{
	unsigned int i;

	for (i = 0; i < CS_BYTES * RAWTP_JIT_MAX_EFFECTS; i++)
		rawtp_jit_byte(jit, 0);
	jit->marks.leave = jit->n_code;
	store_zero(jit, R11, offsetof(struct rawtp_thread, rcu));
	rawtp_jit_byte(jit, 0xc3);
	emit_signature(jit);
	jit->marks.nowhere = jit->n_code;
	rawtp_jit_bytes(jit, 0x0b0f, 2); /* ud2 */
	jit->marks.revoked = jit->n_code;
	store_zero(jit, R11, offsetof(struct rawtp_thread, rcu));
	jit->marks.walk = jit->n_code;
	x86_rm(jit, X86_32, 0xff, 4, RDI, (int32_t)jit->entry->walk_offset); /* jmp */
}

static void emit_enter(struct rawtp_jit *jit)
{
	rawtp_jit_bytes(jit, 0xfa1e0ff3, 4); /* endbr64 */
	x86_load_fs(jit, R11, rawtp_x86_thread_offset(&rawtp_quick));
	x86_rr(jit, X86_W, 0x85, R11, R11); /* test */
	jump_back_if(jit, X86_EQUAL, jit->marks.walk);
	x86_rm(jit, X86_HALF, 0x83, X86_CMP, R11, offsetof(struct rawtp_thread, rcu));
	rawtp_jit_byte(jit, 0);
	jump_back_if(jit, X86_NOT_EQUAL, jit->marks.walk);
	if (jit->far_calls) {
		rawtp_jit_bytes(jit, 0xa148, 2); /* movabs */
		rawtp_jit_bytes(jit, (uintptr_t)&rawtp_rcu_generation_near, 8);
	} else {
		x86_rip(jit, X86_W, 0x8b, RAX, (uintptr_t)&rawtp_rcu_generation_near);
	}
	x86_rm(jit, X86_W, 0x89, RAX, R11, offsetof(struct rawtp_thread, rcu));
	x86_rip(jit, X86_W, 0x3b, RDI, (uintptr_t)jit->tenant);
	jump_back_if(jit, X86_NOT_EQUAL, jit->marks.revoked);
}

void rawtp_x86_entry_begin(struct rawtp_jit *jit)
{
	unsigned int watched, back, i;
	uint32_t distance;

	_Static_assert(RAWTP_RCU_NEST_MASK == 0xffff, "the lower half of the lower half");
	jit->entry_is_quiet = find_quiet(jit);
	emit_ends(jit);
	jit->marks.slow = jit->n_code;
	emit_slow(jit);
	emit_signature(jit);
	jit->marks.away = jit->n_code;
	if (spoils_args(jit))
		emit_slow_stored(jit);
	else
		jump_back(jit, jit->marks.slow);
	watched = jit->n_code;
	back = emit_watched(jit);
	if (jit->n_code > ENTRY_AT)
		rawtp_jit_fail(jit, -E2BIG);
	while (jit->n_code < ENTRY_AT)
		rawtp_jit_byte(jit, 0xcc);
	put_sections(jit);
	jit->entry_at = ENTRY_AT;
	emit_enter(jit);
	x86_mov_imm(jit, R10, (uintptr_t)jit->entry->watch);
	x86_rm(jit, X86_32, 0x83, X86_CMP, R10, 0);
	rawtp_jit_byte(jit, 0);
	jump_back_if(jit, X86_NOT_EQUAL, watched);
	distance = jit->n_code - back;
	for (i = 0; i < 4; i++)
		jit->code[back - 4 + i] = (uint8_t)(distance >> 8 * i);
	if (has_slot(jit))
		emit_claim(jit);
}

/* The slots of this CPU are nobody's: then they are ours while the section lasts. */
static void emit_restartable(struct rawtp_jit *jit)
{
	const struct rawtp_prog *prog = jit->prog;
	uint32_t i;

	enter_section(jit, jit->effects.n - 1);
	jit->marks.start = jit->at + jit->n_code;
	for (i = 0; i < prog->n_percpu_maps; i++) {
		if (!i)
			emit_cpu(jit, prog->percpu_maps[i]);
		x86_mov_imm(jit, RDI, (uintptr_t)prog->percpu_maps[i]->slot_owners);
		x86_rmi(jit, X86_W, 0x83, X86_CMP, RDI, RAX);
		rawtp_jit_byte(jit, 0);
		jump_back_if(jit, X86_NOT_EQUAL, jit->marks.away);
	}
}

static void fill_brief(struct rawtp_jit *jit)
{
	if (args_read(jit))
		store_args(jit, args_read(jit), ARGS_AT);
	if (jit->effects.is_restartable)
		emit_restartable(jit);
	if (args_read(jit) && jit->regs_used >> BPF_REG_1 & 1)
		x86_rm(jit, X86_W, 0x8d, jit->regs[BPF_REG_1], RSP, ARGS_AT); /* lea */
}

void rawtp_x86_entry_fill(struct rawtp_jit *jit)
{
	_Static_assert(sizeof(struct rawtp_jit_frame) == RAWTP_RSEQ_STRIDE, "one shift for both");
	if (jit->effects.is_brief) {
		fill_brief(jit);
		return;
	}
	if (args_read(jit))
		store_args(jit, args_read(jit), 0);
	if (has_slot(jit)) {
		/* r9 was an argument up to here. */
		if (jit->entry_is_quiet)
			x86_mov(jit, X86_W, R9, RDI);
		else
			x86_rm(jit, X86_W, 0x89, RDI, RSP, (int32_t)owner_offset(jit));
		x86_mov_imm(jit, RDI, (uintptr_t)jit->frames);
		x86_rr(jit, X86_W, 0x01, RDI, RAX);
	} else {
		x86_mov_imm(jit, RAX, (uintptr_t)jit->frames);
	}
	x86_rm(jit, X86_W, 0x89, RAX, R11, offsetof(struct rawtp_thread, frame));
	if (args_read(jit))
		x86_mov(jit, X86_W, RDI, RSP);
}

void rawtp_x86_entry_effect_end(struct rawtp_jit *jit)
{
	int i = rawtp_jit_effect_number(jit, jit->index);

	if (i >= 0)
		jit->marks.effect_ends[i] = jit->at + jit->n_code;
}

void rawtp_x86_entry_away(struct rawtp_jit *jit, int cond)
{
	if (cond < 0)
		jump_back(jit, jit->marks.away);
	else
		jump_back_if(jit, (unsigned int)cond, jit->marks.away);
}

void rawtp_x86_entry_effect(struct rawtp_jit *jit)
{
	int i = rawtp_jit_effect_number(jit, jit->index);

	/*
	 * A run is in the section that ends with the last effect, in which the others lie. Here both
	 * sections still go on, so it may change from one to the other.
	 */
	if (!jit->effects.is_restartable || i < 0 || (uint32_t)i + 1 == jit->effects.n)
		return;
	x86_rip(jit, X86_W, 0x8d, R10, jit->address + CS_BYTES * (unsigned int)i); /* lea */
	x86_fs(jit, X86_W, 0x89, R10, (int32_t)rseq_offset() + RSEQ_CS);
}

bool rawtp_x86_entry_keeps_self(const struct rawtp_jit *jit)
{
	return jit->entry && jit->entry_is_quiet;
}

void rawtp_x86_entry_cpu(struct rawtp_jit *jit, unsigned int reg)
{
	x86_fs(jit, X86_32, 0x8b, reg, (int32_t)rseq_offset() + RSEQ_CPU_ID);
}

void rawtp_x86_entry_release(struct rawtp_jit *jit)
{
	unsigned int owner = jit->entry_is_quiet ? R9 : RAX;

	if (jit->effects.is_brief)
		return;
	if (!jit->entry_is_quiet)
		x86_load_fs(jit, R11, rawtp_x86_self());
	store_zero(jit, R11, offsetof(struct rawtp_thread, frame));
	if (has_slot(jit)) {
		if (!jit->entry_is_quiet)
			x86_rm(jit, X86_W, 0x8b, owner, RSP, (int32_t)owner_offset(jit));
		store_zero(jit, owner, 0);
	}
}

void rawtp_x86_entry_end(struct rawtp_jit *jit)
{
	const struct rawtp_jit_effects *effects = &jit->effects;

	/* An end in the middle: what follows is none of what may be begun again. */
	if (effects->is_restartable && jit->index < effects->at[effects->n - 1])
		leave_section(jit);
	if (!jit->entry_is_quiet || (effects->is_restartable && effects->n > 1))
		x86_mov_imm(jit, R10, (uintptr_t)jit->entry->watch);
	emit_index(jit);
	x86_rmi_disp(jit, X86_W, 0x83, X86_ADD, R10, RAX, counter_offset(jit));
	rawtp_jit_byte(jit, 1);
	jump_back(jit, jit->marks.leave);
}
