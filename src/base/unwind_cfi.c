/* SPDX-License-Identifier: MIT */
/*
 * One step by .eh_frame: the function's entry is found through the sorted table of .eh_frame_hdr, and
 * its program is run up to the pc. Only the registers that lead on are followed: stack pointer, frame
 * pointer, return address. Encodings other than those that linkers write are given up.
 */
#include "base/unwind.h"
#include "base/cpu/unwind.h"

#include <dlfcn.h>
#include <string.h>

#if defined(DLFO_STRUCT_HAS_EH_DBASE)

/* Not there in an older glibc: then it is NULL. */
extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));

#define PCREL_SDATA4   0x1b
#define DATAREL_SDATA4 0x3b
#define UDATA4         0x03
#define MAX_STATES     4
#define MAX_OPERANDS   8

/* Bytes of an object; reading past the end gives zeros and is_bad. */
struct bytes {
	const uint8_t *at, *end;
	bool is_bad;
};

enum place {
	PLACE_SAME,
	PLACE_CFA,        /* at CFA + offset */
	PLACE_VALUE,      /* CFA + offset itself */
	PLACE_EXPRESSION, /* at what the block computes */
	PLACE_UNDEFINED,
	PLACE_UNKNOWN,
};

struct rule {
	uint8_t place; /* enum place */
	uint8_t block_size;
	int32_t offset;
	const uint8_t *block;
};

struct row {
	uint64_t cfa_reg;
	int64_t cfa_offset;
	struct rule cfa; /* PLACE_EXPRESSION, or of no meaning */
	struct rule fp, ra;
};

struct program {
	struct bytes initial, own;
	uint64_t code_align;
	int64_t data_align;
	uintptr_t start; /* of the function */
	bool is_signal;
	struct row row, first, saved[MAX_STATES];
	unsigned int n_saved;
};

static uint64_t get(struct bytes *bytes, size_t size)
{
	uint64_t value = 0;

	if ((size_t)(bytes->end - bytes->at) < size) {
		bytes->is_bad = true;
		bytes->at = bytes->end;
		return 0;
	}
	memcpy(&value, bytes->at, size); /* little-endian, as both CPUs are */
	bytes->at += size;
	return value;
}

static uint64_t get_uleb(struct bytes *bytes)
{
	uint64_t value = 0, byte;
	unsigned int shift = 0;

	do {
		byte = get(bytes, 1);
		value |= shift < 64 ? (byte & 0x7f) << shift : 0;
		shift += 7;
	} while (byte & 0x80);
	return value;
}

static int64_t get_sleb(struct bytes *bytes)
{
	uint64_t value = 0, byte;
	unsigned int shift = 0;

	do {
		byte = get(bytes, 1);
		value |= shift < 64 ? (byte & 0x7f) << shift : 0;
		shift += 7;
	} while (byte & 0x80);
	if (shift < 64 && byte & 0x40)
		value |= ~0ULL << shift;
	return (int64_t)value;
}

static uintptr_t get_pcrel(struct bytes *bytes)
{
	uintptr_t at = (uintptr_t)bytes->at;

	return at + (uintptr_t)(int64_t)(int32_t)get(bytes, 4);
}

/* The entry whose function begins last before @pc; NULL: none, or the table has another form. */
static const uint8_t *find_entry(const uint8_t *hdr, const uint8_t *end, uintptr_t pc)
{
	struct bytes bytes = {hdr, end, false};
	const uint8_t *table;
	uint64_t low = 0, high;
	int32_t pair[2];

	if (get(&bytes, 4) !=
	    (1 | PCREL_SDATA4 << 8 | UDATA4 << 16 | (uint32_t)DATAREL_SDATA4 << 24))
		return NULL;
	get(&bytes, 4);
	high = get(&bytes, 4);
	table = bytes.at;
	if (!high || high > (uint64_t)(end - table) / sizeof(pair))
		return NULL;
	while (high - low > 1) {
		uint64_t middle = (low + high) / 2;

		memcpy(pair, table + middle * sizeof(pair), sizeof(pair));
		if ((uintptr_t)hdr + (uintptr_t)(intptr_t)pair[0] <= pc)
			low = middle;
		else
			high = middle;
	}
	memcpy(pair, table + low * sizeof(pair), sizeof(pair));
	return hdr + pair[1];
}

/* A length and what it counts; what is empty or larger than 4 GiB is bad. */
static struct bytes get_record(const uint8_t *at, const struct dl_find_object *object)
{
	const uint8_t *start = object->dlfo_map_start, *end = object->dlfo_map_end;
	struct bytes record = {at, end, at < start || at >= end};
	uint64_t size = record.is_bad ? 0 : get(&record, 4);

	if (!size || size > (uint64_t)(end - record.at))
		record.is_bad = true;
	else
		record.end = record.at + size;
	return record;
}

/* "zR", "zPLR", "zRS", ...: addresses must be relative and of four bytes. */
static bool parse_augmentation(struct program *program, struct bytes *cie, const char *letters)
{
	uint64_t size = get_uleb(cie);
	struct bytes data = *cie;

	if (*letters++ != 'z' || size > (uint64_t)(cie->end - cie->at))
		return false;
	data.end = cie->at + size;
	cie->at = data.end;
	for (; *letters; letters++) {
		switch (*letters) {
		case 'R':
			if (get(&data, 1) != PCREL_SDATA4)
				return false;
			break;
		case 'P': /* the personality's address, whose form says how long it is */
			get(&data, (get(&data, 1) & 0x0f) == 0x0b ? 4 : 8);
			break;
		case 'L':
			get(&data, 1);
			break;
		case 'S':
			program->is_signal = true;
			break;
		case 'B': /* arm64: return addresses are signed with the other key */
			break;
		default:
			return false;
		}
	}
	return !data.is_bad;
}

static bool parse_cie(struct program *program, struct bytes cie)
{
	const char *letters;
	uint64_t version;

	if (cie.is_bad || get(&cie, 4))
		return false;
	version = get(&cie, 1);
	letters = (const char *)cie.at;
	if ((version != 1 && version != 3) || !memchr(letters, '\0', (size_t)(cie.end - cie.at)))
		return false;
	cie.at += strlen(letters) + 1;
	program->code_align = get_uleb(&cie);
	program->data_align = get_sleb(&cie);
	if ((version == 1 ? get(&cie, 1) : get_uleb(&cie)) != RAWTP_UNWIND_RA ||
	    !parse_augmentation(program, &cie, letters))
		return false;
	program->initial = cie;
	return !cie.is_bad;
}

static bool find_program(struct program *program, uintptr_t pc)
{
	struct dl_find_object object;
	struct bytes fde;
	const uint8_t *cie, *entry;
	uint64_t size;

	if (!_dl_find_object || _dl_find_object((void *)pc, &object) || !object.dlfo_eh_frame)
		return false;
	entry = find_entry(object.dlfo_eh_frame, object.dlfo_map_end, pc);
	if (!entry)
		return false;
	fde = get_record(entry, &object);
	if (fde.is_bad)
		return false;
	cie = fde.at;
	cie -= get(&fde, 4);
	if (!parse_cie(program, get_record(cie, &object)))
		return false;
	program->start = get_pcrel(&fde);
	if (pc - program->start >= get(&fde, 4))
		return false;
	size = get_uleb(&fde);
	if (fde.is_bad || size > (uint64_t)(fde.end - fde.at))
		return false;
	fde.at += size;
	program->own = fde;
	return true;
}

static struct rule *rule_of(struct row *row, uint64_t reg)
{
	return reg == RAWTP_UNWIND_FP ? &row->fp : reg == RAWTP_UNWIND_RA ? &row->ra : NULL;
}

static void set_rule(struct row *row, uint64_t reg, enum place place, int64_t offset)
{
	struct rule *rule = rule_of(row, reg);

	if (rule)
		*rule = (struct rule){.place = (uint8_t)place, .offset = (int32_t)offset};
}

static void set_block(struct rule *rule, struct bytes *bytes, enum place place)
{
	uint64_t size = get_uleb(bytes);

	if (size > UINT8_MAX || size > (uint64_t)(bytes->end - bytes->at)) {
		bytes->is_bad = true;
		return;
	}
	if (rule)
		*rule = (struct rule){
			.place = (uint8_t)place, .block_size = (uint8_t)size, .block = bytes->at};
	bytes->at += size;
}

static void save_state(struct program *program, struct bytes *bytes)
{
	if (program->n_saved == MAX_STATES)
		bytes->is_bad = true;
	else
		program->saved[program->n_saved++] = program->row;
}

static void restore_state(struct program *program, struct bytes *bytes)
{
	if (!program->n_saved)
		bytes->is_bad = true;
	else
		program->row = program->saved[--program->n_saved];
}

static void restore_rule(struct program *program, uint64_t reg)
{
	struct rule *rule = rule_of(&program->row, reg);

	if (rule)
		*rule = *rule_of(&program->first, reg);
}

static void define_cfa(struct row *row, uint64_t reg, int64_t offset)
{
	row->cfa.place = PLACE_CFA;
	row->cfa_reg = reg;
	row->cfa_offset = offset;
}

/* DW_CFA_* that say where the CFA is. False: it is another. */
static bool run_cfa(struct program *program, struct bytes *bytes, uint64_t op)
{
	struct row *row = &program->row;
	uint64_t reg;

	switch (op) {
	case 0x0c: /* def_cfa */
		reg = get_uleb(bytes);
		define_cfa(row, reg, (int64_t)get_uleb(bytes));
		return true;
	case 0x0d: /* def_cfa_register */
		define_cfa(row, get_uleb(bytes), row->cfa_offset);
		return true;
	case 0x0e: /* def_cfa_offset */
		row->cfa_offset = (int64_t)get_uleb(bytes);
		return true;
	case 0x0f: /* def_cfa_expression */
		set_block(&row->cfa, bytes, PLACE_EXPRESSION);
		return true;
	case 0x12: /* def_cfa_sf */
		reg = get_uleb(bytes);
		define_cfa(row, reg, get_sleb(bytes) * program->data_align);
		return true;
	case 0x13: /* def_cfa_offset_sf */
		row->cfa_offset = get_sleb(bytes) * program->data_align;
		return true;
	case 0x2e: /* GNU_args_size */
		get_uleb(bytes);
		return true;
	case 0x00: /* nop */
	case 0x2d: /* AARCH64_negate_ra_state: signatures are taken off all the same */
		return true;
	case 0x0a: /* remember_state */
		save_state(program, bytes);
		return true;
	case 0x0b: /* restore_state */
		restore_state(program, bytes);
		return true;
	}
	return false;
}

/* DW_CFA_* that say where a register is. */
static void run_rule(struct program *program, struct bytes *bytes, uint64_t op)
{
	struct row *row = &program->row;
	uint64_t reg = get_uleb(bytes);

	switch (op) {
	case 0x05: /* offset_extended */
		set_rule(row, reg, PLACE_CFA, (int64_t)get_uleb(bytes) * program->data_align);
		break;
	case 0x06: /* restore_extended */
		restore_rule(program, reg);
		break;
	case 0x07: /* undefined */
		set_rule(row, reg, PLACE_UNDEFINED, 0);
		break;
	case 0x08: /* same_value */
		set_rule(row, reg, PLACE_SAME, 0);
		break;
	case 0x09: /* register */
		set_rule(row, reg, PLACE_UNKNOWN, 0);
		get_uleb(bytes);
		break;
	case 0x10: /* expression */
		set_block(rule_of(row, reg), bytes, PLACE_EXPRESSION);
		break;
	case 0x11: /* offset_extended_sf */
		set_rule(row, reg, PLACE_CFA, get_sleb(bytes) * program->data_align);
		break;
	case 0x14: /* val_offset */
		set_rule(row, reg, PLACE_VALUE, (int64_t)get_uleb(bytes) * program->data_align);
		break;
	case 0x16: /* val_expression */
		set_block(rule_of(row, reg), bytes, PLACE_UNKNOWN);
		break;
	default:
		bytes->is_bad = true;
	}
}

/* Runs @bytes until they end, or would go beyond @pc. */
static bool run(struct program *program, struct bytes bytes, uintptr_t pc)
{
	uintptr_t at = program->start;

	while (bytes.at < bytes.end && !bytes.is_bad) {
		uint64_t op = get(&bytes, 1), low = op & 0x3f;

		switch (op >> 6) {
		case 1:
			at += low * program->code_align;
			break;
		case 2:
			set_rule(&program->row, low, PLACE_CFA,
				 (int64_t)get_uleb(&bytes) * program->data_align);
			break;
		case 3:
			restore_rule(program, low);
			break;
		default:
			if (op >= 0x02 && op <= 0x04) /* advance_loc1, 2, 4 */
				at += get(&bytes, 1U << (op - 2)) * program->code_align;
			else if (!run_cfa(program, &bytes, op))
				run_rule(program, &bytes, op);
		}
		if (at > pc)
			break;
	}
	return !bytes.is_bad;
}

static bool register_value(const struct rawtp_unwind *unwind, uint64_t reg, uintptr_t *value)
{
	switch (reg) {
	case RAWTP_UNWIND_SP:
		*value = unwind->sp;
		return true;
	case RAWTP_UNWIND_FP:
		*value = unwind->fp;
		return true;
#if defined(__x86_64__)
	case RAWTP_UNWIND_RA: /* the pc's own column: stubs of the PLT look at it */
		*value = unwind->pc;
		return true;
#endif
	}
	return false;
}

struct operands {
	uintptr_t values[MAX_OPERANDS];
	unsigned int n;
};

static bool push(struct operands *stack, uintptr_t value)
{
	if (stack->n == MAX_OPERANDS)
		return false;
	stack->values[stack->n++] = value;
	return true;
}

/* Operations on the two last operands, @a and @b. */
static bool combine(uint64_t op, uintptr_t *a, uintptr_t b)
{
	switch (op) {
	case 0x1a: /* and */
		*a &= b;
		return true;
	case 0x1c: /* minus */
		*a -= b;
		return true;
	case 0x22: /* plus */
		*a += b;
		return true;
	case 0x24: /* shl */
		*a = b < 64 ? *a << b : 0;
		return true;
	case 0x2a: /* ge */
		*a = (intptr_t)*a >= (intptr_t)b;
		return true;
	}
	return false;
}

/* One operation of a DWARF expression. */
static bool run_operation(struct rawtp_unwind *unwind, struct bytes *bytes, struct operands *stack)
{
	uint64_t op = get(bytes, 1);
	uintptr_t value, *top;

	if (op >= 0x30 && op < 0x50) /* lit0 to lit31 */
		return push(stack, op - 0x30);
	if (op >= 0x70 && op < 0x90) /* breg0 to breg31 */
		return register_value(unwind, op - 0x70, &value) &&
		       push(stack, value + (uintptr_t)get_sleb(bytes));
	switch (op) {
	case 0x08: /* const1u, const1s, const2u, const2s */
		return push(stack, get(bytes, 1));
	case 0x09:
		return push(stack, (uintptr_t)(int64_t)(int8_t)get(bytes, 1));
	case 0x0a:
		return push(stack, get(bytes, 2));
	case 0x0b:
		return push(stack, (uintptr_t)(int64_t)(int16_t)get(bytes, 2));
	}
	if (!stack->n)
		return false;
	top = &stack->values[stack->n - 1];
	if (op == 0x06) /* deref */
		return rawtp_unwind_word(unwind, *top, top);
	if (op == 0x23) { /* plus_uconst */
		*top += get_uleb(bytes);
		return true;
	}
	return stack->n-- > 1 && combine(op, top - 1, *top);
}

static bool evaluate(struct rawtp_unwind *unwind, const struct rule *rule, const uintptr_t *cfa,
		     uintptr_t *value)
{
	struct bytes bytes = {rule->block, rule->block + rule->block_size, false};
	struct operands stack = {.n = 0};

	if (cfa)
		push(&stack, *cfa);
	while (bytes.at < bytes.end && !bytes.is_bad)
		if (!run_operation(unwind, &bytes, &stack))
			return false;
	if (!stack.n || bytes.is_bad)
		return false;
	*value = stack.values[stack.n - 1];
	return true;
}

/* 1: *value is the caller's; 0: it has none (or none that can be found). */
static bool recover(struct rawtp_unwind *unwind, const struct rule *rule, uintptr_t cfa,
		    uintptr_t *value)
{
	uintptr_t at;

	switch (rule->place) {
	case PLACE_SAME:
		return true;
	case PLACE_CFA:
		return rawtp_unwind_word(unwind, cfa + (uintptr_t)(intptr_t)rule->offset, value);
	case PLACE_VALUE:
		*value = cfa + (uintptr_t)(intptr_t)rule->offset;
		return true;
	case PLACE_EXPRESSION:
		return evaluate(unwind, rule, &cfa, &at) && rawtp_unwind_word(unwind, at, value);
	}
	return false;
}

int rawtp_unwind_cfi(struct rawtp_unwind *unwind)
{
	uintptr_t pc = unwind->pc - !unwind->is_exact, cfa, fp = unwind->fp, ra = 0;
	struct program program;

	program.is_signal = false;
	program.n_saved = 0;
	memset(&program.row, 0, sizeof(program.row));
	if (!find_program(&program, pc))
		return -1;
	if (!run(&program, program.initial, UINTPTR_MAX))
		return 0;
	program.first = program.row;
	if (!run(&program, program.own, pc))
		return 0;
	if (program.row.cfa.place == PLACE_EXPRESSION) {
		if (!evaluate(unwind, &program.row.cfa, NULL, &cfa))
			return 0;
	} else {
		if (!register_value(unwind, program.row.cfa_reg, &cfa))
			return 0;
		cfa += (uintptr_t)program.row.cfa_offset;
	}
	if (!recover(unwind, &program.row.ra, cfa, &ra) || !ra)
		return 0;
	if (!recover(unwind, &program.row.fp, cfa, &fp))
		fp = 0; /* nobody above needs it, or the walk ends there */
	unwind->pc = rawtp_unwind_strip(ra);
	unwind->sp = cfa;
	unwind->fp = fp;
	unwind->is_exact = program.is_signal;
	return 1;
}

#else

int rawtp_unwind_cfi(struct rawtp_unwind *unwind)
{
	return -1;
}

#endif
