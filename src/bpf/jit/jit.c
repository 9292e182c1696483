/* SPDX-License-Identifier: MIT */
/* The CPU-neutral driver: passes, offsets, the image. The way of the passes is in compiler.h. */
#include "bpf/jit/jit.h"

#include "base/cpu/jit.h"
#include "bpf/helpers/helper.h"
#include "bpf/interp.h"
#include "bpf/jit/compiler.h"
#include "bpf/jit/exec_memory.h"
#include "bpf/jit/probe_place.h"
#include "bpf/jit/symbols.h"
#include "bpf/maps/map.h"
#include "bpf/tail_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Each pass shortens a branch, mostly all that can be at once; long ones are right as well. */
#define MAX_PASSES 24

#if RAWTP_CPU_HAS_JIT
static const struct rawtp_jit_cpu *const cpu = &rawtp_jit_cpu;
#else
static const struct rawtp_jit_cpu *const cpu;
#endif

static bool jit_disabled;

/* Read when the library is loaded: later the application may be changing its environment. */
__attribute__((constructor)) static void read_environment(void)
{
	const char *value = secure_getenv("RAWTP_JIT");

	jit_disabled = value && !strcmp(value, "0");
}

uintptr_t rawtp_jit_helper(struct rawtp_jit *jit, uint32_t id)
{
	const struct rawtp_helper *helper = rawtp_helper(id);

	if (!helper) {
		rawtp_jit_fail(jit, -EINVAL);
		return 0;
	}
	return id == BPF_FUNC_tail_call ? (uintptr_t)rawtp_tail_call : (uintptr_t)helper->fn;
}

/* Where the code of the instruction at hand ends: not behind the prologue of what comes next. */
static uint32_t old_end(const struct rawtp_jit *jit)
{
	uint32_t next = jit->subprog + 1;

	/* That subprogram has not begun in this pass, so this is from the pass before. */
	if (next < jit->prog->n_subprogs && jit->prog->subprogs[next].start == jit->index + 1)
		return jit->entries[next];
	return jit->old_offsets[jit->index + 1];
}

uint32_t rawtp_jit_function(struct rawtp_jit *jit, uint32_t target)
{
	uint32_t i;

	for (i = 0; i < jit->prog->n_subprogs; i++)
		if (jit->prog->subprogs[i].start == target)
			return jit->entries[i];
	rawtp_jit_fail(jit, -EINVAL);
	return 0;
}

bool rawtp_jit_is_short(struct rawtp_jit *jit, uint32_t target, int32_t low, int32_t high,
			int32_t *distance)
{
	uint8_t *flags = &jit->flags[jit->index];

	*distance = (int32_t)(jit->old_offsets[target] - old_end(jit));
	if (!jit->settled && jit->old_offsets[target] != UINT32_MAX && *distance >= low &&
	    *distance <= high)
		*flags |= RAWTP_JIT_SHORT;
	return *flags & RAWTP_JIT_SHORT;
}

const struct rawtp_map *rawtp_jit_inline_lookup(const struct rawtp_jit *jit, uint32_t index)
{
	const struct rawtp_prog *prog = jit->prog;
	const struct bpf_insn *call = &prog->insns[index], *load = call - 2;
	uint64_t address;
	uint32_t i;

	if (!cpu->inlines_lookup || index < 2 || index >= prog->n_insns ||
	    jit->flags[index] & RAWTP_JIT_TARGET || rawtp_decode(call) != RAWTP_OP_CALL ||
	    call->imm != BPF_FUNC_map_lookup_elem || rawtp_decode(load) != RAWTP_OP_LD_IMM64 ||
	    load->dst_reg != BPF_REG_1)
		return NULL;
	address = (uint32_t)load[0].imm | (uint64_t)(uint32_t)load[1].imm << 32;
	for (i = 0; i < prog->n_maps; i++)
		if ((uintptr_t)prog->maps[i] == address)
			return cpu->inlines_lookup(jit, prog->maps[i]) ? prog->maps[i] : NULL;
	return NULL;
}

bool rawtp_jit_inline_helper(const struct rawtp_jit *jit, uint32_t index)
{
	const struct bpf_insn *insn = &jit->prog->insns[index];

	return cpu->inlines_helper && rawtp_decode(insn) == RAWTP_OP_CALL &&
	       cpu->inlines_helper((uint32_t)insn->imm);
}

bool rawtp_jit_known_key(const struct rawtp_jit *jit, uint32_t index, uint32_t *key)
{
	const struct rawtp_map *map = rawtp_jit_inline_lookup(jit, index);

	*key = (uint16_t)jit->prog->insns[index].off - 1U;
	return map && *key < map->max_entries &&
	       (map->type == BPF_MAP_TYPE_ARRAY || map->type == BPF_MAP_TYPE_PERCPU_ARRAY);
}

static void mark_targets(struct rawtp_jit *jit)
{
	uint32_t i;

	for (i = 0; i < jit->prog->n_insns; i++) {
		const struct bpf_insn *insn = &jit->prog->insns[i];
		enum rawtp_op op = rawtp_decode(insn);
		int64_t target = (int64_t)i + 1 + insn->off;
		const uint32_t at = i;

		switch (rawtp_opcodes[op].kind) {
		case RAWTP_KIND_LD_IMM64:
			i++;
			if (insn->src_reg != BPF_PSEUDO_FUNC)
				break;
			/* fallthrough */
		case RAWTP_KIND_CALL_LOCAL:
		case RAWTP_KIND_JUMP:
			if (op != RAWTP_OP_JA)
				target = (int64_t)at + 1 + insn->imm;
			/* fallthrough */
		case RAWTP_KIND_JUMP_IF:
			if (target < 0 || target >= jit->prog->n_insns)
				rawtp_jit_fail(jit, -EINVAL);
			else
				jit->flags[target] |= RAWTP_JIT_TARGET;
		}
	}
}

static void flush_code(struct rawtp_jit *jit)
{
	if (jit->image && !jit->err)
		memcpy(jit->image + jit->at, jit->code, jit->n_code);
	jit->at += jit->n_code;
	jit->n_code = 0;
}

/* Slots that may be read before they are written begin as zero: stores that no program has. */
static void emit_clear(struct rawtp_jit *jit)
{
	uint64_t slots = jit->prog->subprogs[jit->subprog].cleared;
	const struct rawtp_jit_row *row = &cpu->rows[RAWTP_OP_ST64];

	for (; slots; slots &= slots - 1) {
		struct bpf_insn store = {
			.code = BPF_ST | BPF_MEM | BPF_DW,
			.dst_reg = BPF_REG_10,
			.off = (int16_t)(-8 * (__builtin_ctzll(slots) + 1)),
		};

		row->emit(jit, &store, row);
		flush_code(jit);
	}
}

static void begin_subprog(struct rawtp_jit *jit)
{
	const struct rawtp_prog *prog = jit->prog;
	uint32_t end = jit->subprog + 1 < prog->n_subprogs ? prog->subprogs[jit->subprog + 1].start
							   : prog->n_insns;
	uint32_t i;

	jit->first_exit = UINT32_MAX;
	jit->regs_used = 0;
	jit->calls = false;
	for (i = jit->index; i < end; i++) {
		const struct bpf_insn *insn = &prog->insns[i];
		const struct rawtp_opcode *row = &rawtp_opcodes[rawtp_decode(insn)];

		if (row->fields & RAWTP_FIELDS_D)
			jit->regs_used |= 1 << insn->dst_reg;
		if (row->fields & RAWTP_FIELDS_S && row->select != RAWTP_SELECT_SRC)
			jit->regs_used |= 1 << insn->src_reg;
		if (row->kind == RAWTP_KIND_CALL_LOCAL ||
		    (row->kind == RAWTP_KIND_CALL && !rawtp_jit_inline_lookup(jit, i) &&
		     !rawtp_jit_inline_helper(jit, i)))
			jit->calls = true;
		i += row->kind == RAWTP_KIND_LD_IMM64;
	}
	if (jit->entry && jit->effects.is_brief) /* what it cannot do itself is done elsewhere */
		jit->calls = false;
	jit->entries[jit->subprog] = jit->at;
	rawtp_jit_unwind_begin(jit, &cpu->frame_start);
	cpu->prologue(jit);
	flush_code(jit);
	emit_clear(jit);
}

static void compile_insn(struct rawtp_jit *jit)
{
	const struct bpf_insn *insn = &jit->prog->insns[jit->index];
	enum rawtp_op op = rawtp_decode(insn);
	const struct rawtp_jit_row *row = &cpu->rows[op];

	jit->offsets[jit->index] = jit->at;
	if (!row->emit || (op == RAWTP_OP_LD_IMM64 && jit->index + 1 >= jit->prog->n_insns)) {
		rawtp_jit_fail(jit, -EINVAL);
		return;
	}
	row->emit(jit, insn, row);
	flush_code(jit);
	if (op == RAWTP_OP_LD_IMM64)
		jit->offsets[++jit->index] = jit->at;
}

static void run_pass(struct rawtp_jit *jit)
{
	const struct rawtp_prog *prog = jit->prog;
	uint32_t next = 0;

	jit->at = 0;
	for (jit->index = 0; jit->index < prog->n_insns && !jit->err; jit->index++) {
		if (next < prog->n_subprogs && prog->subprogs[next].start == jit->index) {
			rawtp_jit_unwind_end(jit);
			jit->subprog = next++;
			begin_subprog(jit);
		}
		compile_insn(jit);
	}
	rawtp_jit_unwind_end(jit);
	jit->offsets[prog->n_insns] = jit->at;
}

/* Passes until no offset changes any more. Afterwards old_offsets are those of the image. */
static void settle(struct rawtp_jit *jit)
{
	size_t bytes = (jit->prog->n_insns + 1) * sizeof(*jit->offsets);
	bool same = false;
	unsigned int pass;
	uint32_t i;

	for (i = 0; i < jit->prog->n_insns; i++)
		jit->flags[i] &= ~RAWTP_JIT_SHORT;
	memset(jit->old_offsets, 0xff, bytes);
	jit->settled = false;
	for (pass = 0; !same && !jit->err; pass++) {
		uint32_t *swap = jit->old_offsets;

		/* With the decisions of the pass before, this one has its offsets, and is the last. */
		jit->settled = pass >= MAX_PASSES;
		run_pass(jit);
		same = !memcmp(jit->offsets, swap, bytes);
		jit->old_offsets = jit->offsets;
		jit->offsets = swap;
	}
	jit->settled = true;
}

static bool in_reach(const void *image, uintptr_t address)
{
	intptr_t distance = (intptr_t)(address - (uintptr_t)image);

	return distance >= -cpu->reach && distance <= cpu->reach;
}

/* Of what the program calls, of the library's. */
static bool calls_in_reach(const struct rawtp_jit *jit, const void *image)
{
	const struct rawtp_prog *prog = jit->prog;
	uint32_t i;

	for (i = 0; i < prog->n_insns; i++) {
		enum rawtp_op op = rawtp_decode(&prog->insns[i]);
		uintptr_t target = 0;

		if (op == RAWTP_OP_LD_IMM64)
			i++;
		if (op == RAWTP_OP_CALL)
			target = (uintptr_t)rawtp_helper(prog->insns[i].imm)->fn;
		else if (rawtp_opcodes[op].kind == RAWTP_KIND_PROBE)
			target = (uintptr_t)cpu->loads;
		if (target && !in_reach(image, target))
			return false;
	}
	return true;
}

static void *allocate(const struct rawtp_jit *jit)
{
	return rawtp_exec_alloc(jit->at, (const void *)rawtp_interpret, cpu->reach, cpu->fill);
}

/* Sizes the image and finds a place for it, with calls as short as the place allows. */
static void *place(struct rawtp_jit *jit)
{
	void *image;

	settle(jit);
	image = jit->err ? NULL : allocate(jit);
	if (!image || calls_in_reach(jit, image))
		return image;
	rawtp_exec_free(image, jit->at);
	jit->far_calls = true;
	settle(jit);
	return jit->err ? NULL : allocate(jit);
}

/* The last pass, for code that will run at @address. Its offsets must be those measured with. */
static int write_image(struct rawtp_jit *jit, void *image, const void *address)
{
	uint32_t size = jit->at;

	jit->image = image;
	jit->address = (uintptr_t)address;
	run_pass(jit);
	if (!jit->err && (jit->at != size || memcmp(jit->offsets, jit->old_offsets,
						    (jit->prog->n_insns + 1) * sizeof(uint32_t))))
		jit->err = -EFAULT;
	return jit->err;
}

static int compile(struct rawtp_jit *jit, void **image, size_t *size,
		   struct rawtp_jit_symbols **symbols)
{
	int err;

	*image = place(jit);
	*size = jit->at;
	if (!*image)
		return jit->err ? jit->err : -ENOMEM;
	err = write_image(jit, *image, *image);
	if (!err)
		err = rawtp_exec_publish(*image, *size);
	if (err) {
		rawtp_exec_free(*image, *size);
		*image = NULL;
	} else {
		*symbols = rawtp_jit_announce(jit, (uint32_t)*size);
	}
	free(jit->unwind.table);
	return err;
}

/* Is written elsewhere, and takes its place in one piece. */
static int compile_entry_near(struct rawtp_jit *jit, enum rawtp_probe_near whom,
			      struct rawtp_jit_code *code)
{
	bool far = whom == RAWTP_NEAR_CALLERS;
	const void *near = far ? jit->entry->near : (const void *)rawtp_interpret;
	struct rawtp_probe_place *place;
	void *image;
	int err;

	memset(&jit->unwind, 0, sizeof(jit->unwind));
	jit->far_calls = far;
	jit->tenant = NULL;
	jit->image = NULL;
	jit->address = 0;
	settle(jit);
	if (jit->err)
		return jit->err;
	place = rawtp_probe_place_get(jit->at, whom, near, (size_t)cpu->reach);
	if (!place)
		return -ENOMEM;
	image = malloc(jit->at);
	code->size = jit->at;
	jit->tenant = (const void *const *)place->tenant;
	if (!image)
		err = -ENOMEM;
	else if (!in_reach(place->at, (uintptr_t)near) || (!far && !calls_in_reach(jit, place->at)))
		err = -ENOTSUP;
	else
		err = write_image(jit, image, place->at);
	if (!err)
		err = rawtp_probe_place_fill(place, image, code->size, cpu->fill);
	free(image);
	if (err)
		rawtp_probe_place_put(place);
	else
		code->symbols = rawtp_jit_announce(jit, (uint32_t)code->size);
	free(jit->unwind.table);
	if (err)
		return err;
	code->place = place;
	code->entry = place->at + jit->entry_at;
	return 0;
}

/*
 * A call to what is far away costs half a nanosecond more on some CPUs (doc/performance.md), so brief
 * programs stand near those who call them. The others have calls of their own, into the library.
 */
static int compile_entry(struct rawtp_jit *jit, struct rawtp_jit_code *code)
{
	const uint8_t *library = (const uint8_t *)rawtp_interpret;

	if (jit->effects.is_brief && !in_reach(library, (uintptr_t)jit->entry->near) &&
	    !compile_entry_near(jit, RAWTP_NEAR_CALLERS, code))
		return 0;
	jit->err = 0;
	return compile_entry_near(jit, RAWTP_NEAR_LIBRARY, code);
}

/* The tables that passes need. */
static uint32_t *make_tables(struct rawtp_jit *jit)
{
	const struct rawtp_prog *prog = jit->prog;
	size_t bytes = ((size_t)prog->n_insns + 1) * sizeof(uint32_t);
	uint32_t *offsets;

	if (!cpu || jit_disabled || !prog->n_subprogs)
		return NULL;
	offsets = calloc(1, 2 * bytes + prog->n_subprogs * sizeof(*offsets) + prog->n_insns + 1);
	if (!offsets)
		return NULL;
	jit->machine = cpu->machine;
	jit->offsets = offsets;
	jit->old_offsets = offsets + prog->n_insns + 1;
	jit->entries = jit->old_offsets + prog->n_insns + 1;
	jit->flags = (uint8_t *)(jit->entries + prog->n_subprogs);
	mark_targets(jit);
	return offsets;
}

/* -ENOTSUP, whatever was in the way. */
int rawtp_jit_compile(struct rawtp_prog *prog)
{
	struct rawtp_jit jit = {.prog = prog};
	uint32_t *tables = make_tables(&jit);
	void *image;
	size_t size;

	if (!tables || compile(&jit, &image, &size, &prog->jit_symbols)) {
		free(tables);
		return -ENOTSUP;
	}
	free(tables);
	prog->jit_image = image;
	prog->jit_size = size;
	prog->run = (rawtp_prog_fn)image;
	return 0;
}

static int compile_entry_with(struct rawtp_jit *jit, struct rawtp_jit_code *code)
{
	const struct rawtp_prog *prog = jit->prog;
	uint32_t i, n = prog->n_percpu_maps ? prog->percpu_maps[0]->n_cpus : 1;

	rawtp_jit_find_effects(jit);
	if (!cpu->can_enter(jit))
		return -ENOTSUP;
	code->frames = aligned_alloc(sizeof(*code->frames), n * sizeof(*code->frames));
	if (!code->frames)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		code->frames[i] = (struct rawtp_jit_frame){
			{.prog = prog, .slots = {i}, .cookie = jit->entry->cookie}};
	jit->frames = code->frames;
	return compile_entry(jit, code);
}

int rawtp_jit_entry_compile(const struct rawtp_prog *prog, const struct rawtp_jit_entry *entry,
			    struct rawtp_jit_code *code)
{
	struct rawtp_jit jit = {.prog = prog, .entry = entry};
	uint32_t *tables;
	int err;

	memset(code, 0, sizeof(*code));
	if (!prog->jit_image || !entry->n_args || entry->n_args > RAWTP_JIT_ENTRY_ARGS ||
	    prog->max_ctx_access > 8 * entry->n_args || !cpu->can_enter)
		return -ENOTSUP;
	tables = make_tables(&jit);
	err = tables ? compile_entry_with(&jit, code) : -ENOMEM;
	free(tables);
	if (err)
		free(code->frames);
	return err ? -ENOTSUP : 0;
}

void rawtp_jit_entry_admit(struct rawtp_jit_code *code, const void *tracepoint)
{
	__atomic_store_n(code->place->tenant, tracepoint, __ATOMIC_RELEASE);
}

void rawtp_jit_entry_free(struct rawtp_jit_code *code)
{
	rawtp_jit_withdraw(code->symbols);
	rawtp_probe_place_put(code->place);
	free(code->frames);
}

void rawtp_jit_free(struct rawtp_prog *prog)
{
	if (!prog->jit_image)
		return;
	rawtp_jit_withdraw(prog->jit_symbols);
	rawtp_exec_free(prog->jit_image, prog->jit_size);
	prog->jit_symbols = NULL;
	prog->jit_image = NULL;
	prog->run = rawtp_interpret;
}
