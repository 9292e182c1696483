/* SPDX-License-Identifier: MIT */
/*
 * Rows of tests/verifier/NAME.txt, for every reader of them:
 *
 *	== name of the case
 *	map NAME TYPE KEY VALUE ENTRIES [rdonly] [wronly] [frozen=HEX]
 *	type raw_tp | tp_btf (with the types of typed_btf.h) | tracepoint | kprobe | socket | NUMBER
 *	insn CODE DST SRC OFF IMM     before the program: what no assembler writes
 *	the program, in the syntax of asm.h; map[N] is the Nth map line
 *	-> accept
 *	-> accept, returns NUMBER     it is also run, on both engines and in the kernel, with a context of zeros
 *	-> accept, returns NUMBER here
 *	-> refuse ERRNO TEXT          TEXT is the first line of the report, after "Verification failed: "
 *	kernel accepts: REASON        where the kernel's verdict differs, and why that is right
 *	kernel refuses: REASON
 */
#ifndef RAWTP_TESTS_VERIFIER_ROWS_H
#define RAWTP_TESTS_VERIFIER_ROWS_H

#include "asm.h"
#include "harness.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>

#define ROW_MAX_MAPS  12
#define ROW_MAX_INSNS 4096

struct row_map {
	char name[16];
	uint32_t type, key_size, value_size, max_entries, flags;
	char frozen[64]; /* bytes in hex, or "" */
};

struct row {
	char file[64], name[120];
	uint32_t type;
	struct row_map maps[ROW_MAX_MAPS];
	uint32_t n_maps;
	char *text;
	size_t text_size;
	struct bpf_insn insns[ROW_MAX_INSNS];
	uint32_t n_insns;
	uint32_t n_given; /* by insn lines */
	bool has_verdict, is_accepted;
	int error; /* positive */
	char message[300];
	bool has_result, kernel_has_result;
	uint64_t result;
	char kernel[200]; /* why the kernel differs, or "" */
};

typedef void (*row_fn)(const struct row *row);

static const struct {
	const char *name;
	uint32_t value;
} row_words[] = {
	{"hash", BPF_MAP_TYPE_HASH},
	{"array", BPF_MAP_TYPE_ARRAY},
	{"prog_array", BPF_MAP_TYPE_PROG_ARRAY},
	{"lru_hash", BPF_MAP_TYPE_LRU_HASH},
	{"percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY},
	{"percpu_hash", BPF_MAP_TYPE_PERCPU_HASH},
	{"ringbuf", BPF_MAP_TYPE_RINGBUF},
	{"queue", BPF_MAP_TYPE_QUEUE},
	{"stack", BPF_MAP_TYPE_STACK},
	{"lru_percpu_hash", BPF_MAP_TYPE_LRU_PERCPU_HASH},
	{"stack_trace", BPF_MAP_TYPE_STACK_TRACE},
	{"raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT},
	{"tp_btf", BPF_PROG_TYPE_TRACING},
	{"tracepoint", BPF_PROG_TYPE_TRACEPOINT},
	{"kprobe", BPF_PROG_TYPE_KPROBE},
	{"socket", BPF_PROG_TYPE_SOCKET_FILTER},
	{"EACCES", EACCES},
	{"EINVAL", EINVAL},
	{"E2BIG", E2BIG},
};

static inline uint32_t row_word(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(row_words) / sizeof(*row_words); i++)
		if (!strcmp(row_words[i].name, word))
			return row_words[i].value;
	if (!isdigit((unsigned char)*word))
		test_fail(__FILE__, __LINE__, "unknown word \"%s\"", word);
	return atoi(word);
}

static inline void row_read_map(struct row *row, const char *line)
{
	struct row_map *map = &row->maps[row->n_maps++];
	char type[32], flags[3][80] = {"", "", ""};
	int i;

	CHECK(sscanf(line, "map %15s %31s %u %u %u %79s %79s %79s", map->name, type, &map->key_size,
		     &map->value_size, &map->max_entries, flags[0], flags[1], flags[2]) >= 5);
	map->type = row_word(type);
	for (i = 0; i < 3; i++) {
		if (!strcmp(flags[i], "rdonly"))
			map->flags |= BPF_F_RDONLY_PROG;
		if (!strcmp(flags[i], "wronly"))
			map->flags |= BPF_F_WRONLY_PROG;
		if (!strncmp(flags[i], "frozen=", 7))
			snprintf(map->frozen, sizeof(map->frozen), "%.60s", flags[i] + 7);
	}
}

static inline void row_read_verdict(struct row *row, const char *line)
{
	char error[16];
	int at = 0;

	row->has_verdict = true;
	row->is_accepted = !strncmp(line, "-> accept", 9);
	if (row->is_accepted) {
		row->has_result = sscanf(line, "-> accept, returns %n", &at) == 0 && at;
		row->kernel_has_result = row->has_result && !strstr(line, " here");
		if (row->has_result)
			row->result = strtoull(line + at, NULL, 0);
		return;
	}
	CHECK(sscanf(line, "-> refuse %15s %n", error, &at) == 1 && at);
	row->error = row_word(error);
	snprintf(row->message, sizeof(row->message), "%.290s", line + at);
}

static inline void row_read_insn(struct row *row, const char *line)
{
	int code, dst, src, off, imm;

	CHECK_EQ(sscanf(line, "insn %i %i %i %i %i", &code, &dst, &src, &off, &imm), 5);
	row->insns[row->n_given++] = (struct bpf_insn){code, dst, src, off, imm};
}

static inline void row_finish(struct row *row, row_fn fn)
{
	char err[200] = "";
	int n;

	if (!*row->name)
		return;
	test_case("%s: %s", row->file, row->name);
	CHECK(row->has_verdict);
	n = asm_program(row->text, row->insns + row->n_given, ROW_MAX_INSNS - 100, err,
			sizeof(err));
	row->n_insns = row->n_given + (n < 0 ? 0 : n);
	if (n < 0)
		test_fail(__FILE__, __LINE__, "%s", err);
	else
		fn(row);
	test_case(NULL);
}

static inline void row_add_line(struct row *row, const char *line)
{
	char word[32];

	if (!strncmp(line, "map ", 4))
		row_read_map(row, line);
	else if (!strncmp(line, "insn ", 5))
		row_read_insn(row, line);
	else if (!strncmp(line, "type ", 5) && sscanf(line, "type %31s", word) == 1)
		row->type = row_word(word);
	else if (!strncmp(line, "-> ", 3))
		row_read_verdict(row, line);
	else if (!strncmp(line, "kernel ", 7))
		snprintf(row->kernel, sizeof(row->kernel), "%.190s", line);
	else if (strlen(row->text) + strlen(line) + 2 < row->text_size)
		strcat(strcat(row->text, line), "\n");
}

static inline void row_start(struct row *row, const char *file, const char *name)
{
	char *text = row->text;
	size_t size = row->text_size;

	memset(row, 0, sizeof(*row));
	row->text = text;
	row->text_size = size;
	row->text[0] = '\0';
	row->type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	snprintf(row->file, sizeof(row->file), "%.60s", file);
	snprintf(row->name, sizeof(row->name), "%.110s", name);
}

static inline unsigned int row_each_of_file(const char *folder, const char *file, row_fn fn)
{
	char path[300], line[1024];
	struct row *row = calloc(1, sizeof(*row));
	unsigned int n = 0;
	FILE *f;

	row->text_size = 256 << 10;
	row->text = calloc(1, row->text_size);
	snprintf(path, sizeof(path), "%s/%.200s", folder, file);
	f = fopen(path, "r");
	CHECK(f != NULL);
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "== ", 3)) {
			row_finish(row, fn);
			row_start(row, file, line + 3);
			n++;
		} else if (*row->name) {
			row_add_line(row, line);
		}
	}
	row_finish(row, fn);
	if (f)
		fclose(f);
	free(row->text);
	free(row);
	return n;
}

/* Calls @fn for every case of every file; returns how many there were. */
static inline unsigned int row_each(row_fn fn)
{
	const char *folder = "tests/verifier";
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned int n = 0;

	while (dir && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (dot && !strcmp(dot, ".txt"))
			n += row_each_of_file(folder, entry->d_name, fn);
	}
	if (dir)
		closedir(dir);
	return n;
}

#endif
