/* SPDX-License-Identifier: MIT */
#include "vm.h"

#include "asm.h"
#include "bpf/opcodes.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int find_subprogs(struct rawtp_prog *prog)
{
	uint32_t *starts = calloc(prog->n_insns + 1, sizeof(*starts)), n = 1, i, used = 0;

	if (!starts)
		return -ENOMEM;
	for (i = 0; i < prog->n_insns; i++) {
		enum rawtp_op op = rawtp_decode(&prog->insns[i]);

		if (op == RAWTP_OP_CALL_LOCAL ||
		    (op == RAWTP_OP_LD_IMM64 && prog->insns[i].src_reg == BPF_PSEUDO_FUNC))
			starts[n++] = i + 1 + prog->insns[i].imm;
		i += op == RAWTP_OP_LD_IMM64;
	}
	qsort(starts, n, sizeof(*starts), compare_u32);
	prog->subprogs = calloc(n, sizeof(*prog->subprogs));
	for (i = 0; prog->subprogs && i < n; i++)
		if (!i || starts[i] != starts[i - 1])
			prog->subprogs[used++].start = starts[i];
	for (i = 0; prog->subprogs && i < used; i++)
		prog->subprogs[i].stack_depth =
			used > 1 ? RAWTP_MAX_STACK / RAWTP_MAX_CALL_FRAMES : RAWTP_MAX_STACK;
	prog->n_subprogs = used;
	free(starts);
	return prog->subprogs ? 0 : -ENOMEM;
}

struct rawtp_prog *vm_prog(const struct bpf_insn *insns, unsigned int n)
{
	struct rawtp_prog *prog = rawtp_prog_new(n);

	if (!prog)
		return NULL;
	memcpy(prog->insns, insns, n * sizeof(*insns));
	if (find_subprogs(prog)) {
		rawtp_prog_put(prog);
		return NULL;
	}
	return prog;
}

int vm_parse_hex(const char *text, uint8_t *out, size_t max)
{
	size_t n = 0;

	for (;;) {
		unsigned int byte;

		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			return n;
		if (n == max || !isxdigit((unsigned char)text[0]) ||
		    !isxdigit((unsigned char)text[1]) || sscanf(text, "%2x", &byte) != 1)
			return -1;
		out[n++] = byte;
		text += 2;
	}
}

struct reader {
	struct vm_case vm_case;
	char text[16384];
	void (*fn)(const struct vm_case *vm_case, void *arg);
	void *arg;
	unsigned int line;
	int n;
};

static int complain(const struct reader *reader, const char *what)
{
	fprintf(stderr, "%s:%u: %s\n", reader->vm_case.file, reader->line, what);
	return -1;
}

static void begin_case(struct reader *reader, const char *name)
{
	struct vm_case *c = &reader->vm_case;

	c->n_insns = 0;
	c->n_memory = 0;
	c->has_memory = c->has_after = c->no_kernel = false;
	c->line = reader->line;
	snprintf(c->name, sizeof(c->name), "%.63s", name);
	reader->text[0] = '\0';
}

static int end_case(struct reader *reader, const char *value)
{
	struct vm_case *c = &reader->vm_case;
	char err[200], *end;
	int n = asm_program(reader->text, c->insns, VM_MAX_INSNS, err, sizeof(err));

	if (n < 0)
		return complain(reader, err);
	if (!*c->name)
		return complain(reader, "no name");
	c->n_insns = n;
	c->r0 = *value == '-' ? (uint64_t)strtoll(value, &end, 0) : strtoull(value, &end, 0);
	if (end == value || *end)
		return complain(reader, "not a number");
	reader->fn(c, reader->arg);
	reader->n++;
	begin_case(reader, "");
	return 0;
}

static int read_memory(struct reader *reader, const char *text, uint8_t *out, bool *has)
{
	int n = vm_parse_hex(text, out, sizeof(reader->vm_case.memory));

	if (n < 0 || (*has && (size_t)n != reader->vm_case.n_memory))
		return complain(reader, "bad bytes");
	reader->vm_case.n_memory = n;
	*has = true;
	return 0;
}

static int read_line(struct reader *reader, const char *line)
{
	struct vm_case *c = &reader->vm_case;
	size_t used = strlen(reader->text);

	if (!strncmp(line, "case ", 5)) {
		begin_case(reader, line + 5);
		return 0;
	}
	if (!strncmp(line, "memory ", 7))
		return read_memory(reader, line + 7, c->memory, &c->has_memory);
	if (!strncmp(line, "after ", 6)) {
		c->has_after = c->has_memory;
		return read_memory(reader, line + 6, c->after, &c->has_after);
	}
	if (!strcmp(line, "nokernel")) {
		c->no_kernel = true;
		return 0;
	}
	if (!strncmp(line, "r0 is ", 6))
		return end_case(reader, line + 6);
	if (used + strlen(line) + 2 > sizeof(reader->text))
		return complain(reader, "case too long");
	strcat(reader->text, line);
	strcat(reader->text, "\n");
	return 0;
}

static int read_file(struct reader *reader, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[2048];
	int ret = 0;

	if (!file) {
		perror(path);
		return -1;
	}
	snprintf(reader->vm_case.file, sizeof(reader->vm_case.file), "%.63s", path);
	reader->line = 0;
	begin_case(reader, "");
	while (!ret && fgets(line, sizeof(line), file)) {
		reader->line++;
		line[strcspn(line, "\n")] = '\0';
		ret = read_line(reader, line);
	}
	if (!ret && *reader->vm_case.name)
		ret = complain(reader, "case without its r0");
	fclose(file);
	return ret;
}

int vm_for_each_case(const char *folder, void (*fn)(const struct vm_case *vm_case, void *arg),
		     void *arg)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	char pattern[200];
	glob_t paths;
	size_t i;
	int ret = -1;

	if (!reader)
		return -1;
	reader->fn = fn;
	reader->arg = arg;
	snprintf(pattern, sizeof(pattern), "%s/*.txt", folder);
	if (!glob(pattern, 0, NULL, &paths)) {
		for (i = 0, ret = 0; !ret && i < paths.gl_pathc; i++)
			ret = read_file(reader, paths.gl_pathv[i]);
		ret = ret ? -1 : reader->n;
		globfree(&paths);
	}
	free(reader);
	return ret;
}
