/* SPDX-License-Identifier: MIT */
/* Each statement is matched against the text of each row of the list; blanks do not count. */
#include "asm.h"

#include "bpf/helpers/helper.h"
#include "bpf/opcodes.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LABELS     512
#define MAX_FIXUPS     2048
#define MAX_NAME       48
#define MAX_LINE       200
#define N_HELPER_IDS   256
#define ROW_OF(op)     (&rawtp_opcodes[op])
#define IS_CLASS(c, k) (BPF_CLASS((c)->row->code) == (k))

struct label {
	char name[MAX_NAME];
	unsigned int at;
};

struct fixup {
	char name[MAX_NAME];
	unsigned int at, line;
	bool in_imm;
};

struct assembler {
	struct bpf_insn *out;
	unsigned int n, max, line, n_labels, n_fixups;
	struct label labels[MAX_LABELS];
	struct fixup fixups[MAX_FIXUPS];
	char *err;
	size_t err_size;
};

/* One attempt to read a statement as one row. */
struct match {
	const struct rawtp_opcode *row;
	struct bpf_insn insn[2];
	unsigned int seen; /* registers that the text gave: 1 dst, 2 src */
	char target[MAX_NAME];
	bool target_in_imm;
};

__attribute__((format(printf, 2, 3))) static int fail(struct assembler *as, const char *format, ...)
{
	va_list ap;
	int n = snprintf(as->err, as->err_size, "line %u: ", as->line);

	va_start(ap, format);
	if (n > 0 && (size_t)n < as->err_size)
		vsnprintf(as->err + n, as->err_size - n, format, ap);
	va_end(ap);
	return -1;
}

static const char *skip_blanks(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

/* A number with an optional sign apart from it, base by its prefix. NULL: there is none. */
static const char *number(const char *s, long long low, unsigned long long high, uint64_t *value)
{
	bool negative = false;
	char *end;

	s = skip_blanks(s);
	if (*s == '-' || *s == '+') {
		negative = *s == '-';
		s = skip_blanks(s + 1);
	}
	if (!isdigit((unsigned char)*s))
		return NULL;
	errno = 0;
	*value = strtoull(s, &end, 0);
	if (errno || isalnum((unsigned char)*end))
		return NULL;
	if (negative) {
		if (*value > -(unsigned long long)low)
			return NULL;
		*value = -*value;
	} else if (*value > high) {
		return NULL;
	}
	return end;
}

static const char *name(const char *s, char *out)
{
	size_t n = 0;

	s = skip_blanks(s);
	if (!isalpha((unsigned char)*s) && *s != '_')
		return NULL;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	if (n >= MAX_NAME)
		return NULL;
	memcpy(out, s, n);
	out[n] = '\0';
	return s + n;
}

/* Takes @word, blanks apart. NULL where @s does not begin with it. */
static const char *word(const char *s, const char *expected)
{
	for (s = skip_blanks(s); *expected; s++, expected++)
		if (*s != *expected)
			return NULL;
	return s;
}

static const char *reg(struct match *m, const char *s, char prefix, unsigned int which)
{
	char *end;
	unsigned long nr;

	s = skip_blanks(s);
	if (*s++ != prefix || !isdigit((unsigned char)*s))
		return NULL;
	nr = strtoul(s, &end, 10);
	if (nr > 15 || isalnum((unsigned char)*end))
		return NULL;
	/* A register that the text names twice must be the same. */
	if (m->seen & which && nr != (which == 1 ? m->insn[0].dst_reg : m->insn[0].src_reg))
		return NULL;
	m->seen |= which;
	if (which == 1)
		m->insn[0].dst_reg = nr;
	else
		m->insn[0].src_reg = nr;
	return end;
}

static const char *target(struct match *m, const char *s, bool in_imm)
{
	uint64_t value;
	const char *end = word(s, "pc");

	if (end && (*skip_blanks(end) == '+' || *skip_blanks(end) == '-'))
		s = end;
	m->target_in_imm = in_imm;
	s = skip_blanks(s);
	if (*s != '+' && *s != '-')
		return name(s, m->target);
	s = in_imm ? number(s, INT32_MIN, INT32_MAX, &value)
		   : number(s, INT16_MIN, INT16_MAX, &value);
	if (s && in_imm)
		m->insn[0].imm = value;
	else if (s)
		m->insn[0].off = value;
	return s;
}

static const char *helper(struct match *m, const char *s)
{
	char called[MAX_NAME];
	const char *known, *bare = called;
	uint64_t id;
	const char *end = number(s, 0, INT32_MAX, &id);

	if (end) {
		m->insn[0].imm = id;
		return end;
	}
	end = word(s, "unknown#");
	if (end) {
		end = number(end, INT32_MIN, INT32_MAX, &id);
		m->insn[0].imm = end ? (int32_t)id : 0;
		return end;
	}
	end = name(s, called);
	if (!end)
		return NULL;
	if (!strncmp(called, "bpf_", 4))
		bare += 4;
	for (id = 1; id < N_HELPER_IDS; id++) {
		known = rawtp_helper_name(id);
		if (!known || strcmp(known, bare))
			continue;
		m->insn[0].imm = id;
		return *end == '#' ? number(end + 1, id, id, &id) : end;
	}
	return NULL;
}

/* NAME[NUMBER], then +NUMBER where @with_offset. */
static const char *pseudo(struct match *m, const char *s, const char *called, unsigned int src,
			  bool with_offset)
{
	uint64_t index, off = 0;
	const char *end;

	s = word(s, called);
	s = s ? word(s, "[") : NULL;
	s = s ? number(s, INT32_MIN, INT32_MAX, &index) : NULL;
	s = s ? word(s, "]") : NULL;
	if (!s)
		return NULL;
	if (with_offset && (end = word(s, "+"))) {
		s = number(end, 0, UINT32_MAX, &off);
		if (!s)
			return NULL;
	}
	m->insn[0].src_reg = src;
	m->insn[0].imm = index;
	m->insn[1].imm = off;
	return s;
}

static const char *imm64(struct match *m, const char *s)
{
	const char *end;
	uint64_t value;

	if ((end = pseudo(m, s, "map", BPF_PSEUDO_MAP_IDX, false)) ||
	    (end = pseudo(m, s, "map_value", BPF_PSEUDO_MAP_IDX_VALUE, true)) ||
	    (end = pseudo(m, s, "map_fd", BPF_PSEUDO_MAP_FD, false)) ||
	    (end = pseudo(m, s, "map_fd_value", BPF_PSEUDO_MAP_VALUE, true)))
		return end;
	end = word(s, "func");
	if (end && *end == ' ') {
		m->insn[0].src_reg = BPF_PSEUDO_FUNC;
		return target(m, end, true);
	}
	end = number(s, INT64_MIN, UINT64_MAX, &value);
	if (!end)
		return NULL;
	m->insn[0].imm = value;
	m->insn[1].imm = value >> 32;
	s = word(end, "ll");
	return s ? s : end;
}

static const char *immediate(struct match *m, const char *s, bool hex)
{
	bool wide = hex || IS_CLASS(m, BPF_ALU) || IS_CLASS(m, BPF_ST);
	uint64_t value;

	/* Sign extension would make 0xffffffff something else in a 64-bit operation. */
	s = number(s, INT32_MIN, wide ? UINT32_MAX : INT32_MAX, &value);
	if (s)
		m->insn[0].imm = value;
	return s;
}

static const char *offset(struct match *m, const char *s)
{
	uint64_t value;

	s = skip_blanks(s);
	if (*s != '+' && *s != '-')
		return s;
	s = number(s, INT16_MIN, INT16_MAX, &value);
	if (s)
		m->insn[0].off = value;
	return s;
}

static const char *field(struct match *m, char which, const char *s)
{
	switch (which) {
	case 'D':
		return reg(m, s, 'r', 1);
	case 'd':
		return reg(m, s, 'w', 1);
	case 'S':
		return reg(m, s, 'r', 2);
	case 's':
		return reg(m, s, 'w', 2);
	case 'i':
	case 'x':
		return immediate(m, s, which == 'x');
	case 'o':
		return offset(m, s);
	case 'j':
		return target(m, s, false);
	case 'J':
	case 'p':
		return target(m, s, true);
	case 'l':
		return imm64(m, s);
	case 'c':
		return helper(m, s);
	default:
		return *s == which ? s + 1 : NULL;
	}
}

static bool match_row(struct match *m, const struct rawtp_opcode *row, const char *s)
{
	const char *t;

	memset(m, 0, sizeof(*m));
	m->row = row;
	for (t = row->text; *t && s; t++) {
		if (*t == ' ')
			continue;
		s = skip_blanks(s);
		if (*t == '%')
			s = field(m, *++t, s);
		else
			s = *s == *t ? s + 1 : NULL;
	}
	if (!s || *skip_blanks(s))
		return false;
	m->insn[0].code = row->code;
	if (row->select == RAWTP_SELECT_OFF)
		m->insn[0].off = row->value;
	else if (row->select == RAWTP_SELECT_IMM)
		m->insn[0].imm = row->value;
	else if (row->select == RAWTP_SELECT_SRC)
		m->insn[0].src_reg = row->value;
	return true;
}

static int emit(struct assembler *as, const struct match *m)
{
	unsigned int i, n = m->row->kind == RAWTP_KIND_LD_IMM64 ? 2 : 1;

	if (as->n + n > as->max)
		return fail(as, "more than %u instructions", as->max);
	if (*m->target) {
		struct fixup *fixup = &as->fixups[as->n_fixups++];

		if (as->n_fixups > MAX_FIXUPS)
			return fail(as, "more than %u jumps", MAX_FIXUPS);
		memcpy(fixup->name, m->target, MAX_NAME);
		fixup->at = as->n;
		fixup->line = as->line;
		fixup->in_imm = m->target_in_imm;
	}
	for (i = 0; i < n; i++)
		as->out[as->n++] = m->insn[i];
	return 0;
}

static int define_label(struct assembler *as, const char *called)
{
	struct label *label = &as->labels[as->n_labels];
	unsigned int i;

	for (i = 0; i < as->n_labels; i++)
		if (!strcmp(as->labels[i].name, called))
			return fail(as, "label %s twice", called);
	if (as->n_labels == MAX_LABELS)
		return fail(as, "more than %u labels", MAX_LABELS);
	strcpy(label->name, called);
	label->at = as->n;
	as->n_labels++;
	return 0;
}

static int statement(struct assembler *as, const char *s)
{
	char called[MAX_NAME];
	struct match match;
	const char *end;
	unsigned int op;

	s = skip_blanks(s);
	end = name(s, called);
	if (end && *skip_blanks(end) == ':') {
		if (define_label(as, called))
			return -1;
		s = skip_blanks(skip_blanks(end) + 1);
	}
	if (!*s)
		return 0;
	for (op = 1; op < RAWTP_N_OPS; op++)
		if (match_row(&match, ROW_OF(op), s))
			return emit(as, &match);
	return fail(as, "no instruction: %s", s);
}

static int resolve(struct assembler *as)
{
	unsigned int i, j;

	for (i = 0; i < as->n_fixups; i++) {
		const struct fixup *fixup = &as->fixups[i];
		long distance;

		as->line = fixup->line;
		for (j = 0; j < as->n_labels && strcmp(as->labels[j].name, fixup->name);)
			j++;
		if (j == as->n_labels)
			return fail(as, "no label or helper %s", fixup->name);
		distance = (long)as->labels[j].at - (long)fixup->at - 1;
		if (fixup->in_imm)
			as->out[fixup->at].imm = distance;
		else if (distance < INT16_MIN || distance > INT16_MAX)
			return fail(as, "%s is too far", fixup->name);
		else
			as->out[fixup->at].off = distance;
	}
	return 0;
}

/* Length of the statement at @s; @rest points behind its end and any comment. */
static size_t statement_length(const char *s, const char **rest)
{
	size_t n = 0;

	while (s[n] && s[n] != '\n' && s[n] != ';' &&
	       !(s[n] == '#' && (!n || isspace((unsigned char)s[n - 1]))))
		n++;
	*rest = s + n;
	if (s[n] == '#')
		*rest += strcspn(*rest, "\n");
	return n;
}

int asm_program(const char *text, struct bpf_insn *out, unsigned int max, char *err,
		size_t err_size)
{
	struct assembler *as = calloc(1, sizeof(*as));
	char line[MAX_LINE];
	int ret = -1;
	size_t n;

	if (!as)
		return -1;
	as->out = out;
	as->max = max;
	as->line = 1;
	as->err = err;
	as->err_size = err_size;
	while (*text) {
		const char *s = text;

		n = statement_length(s, &text);
		if (n >= sizeof(line)) {
			fail(as, "line too long");
			goto free_as;
		}
		memcpy(line, s, n);
		line[n] = '\0';
		if (statement(as, line))
			goto free_as;
		as->line += *text == '\n';
		text += *text != '\0';
	}
	if (!resolve(as))
		ret = as->n;
free_as:
	free(as);
	return ret;
}
