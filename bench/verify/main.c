/* SPDX-License-Identifier: MIT */
/*
 * verify [-f text|markdown|json]: how fast programs are verified, here and in the kernel. A figure is
 * what a whole BPF_PROG_LOAD takes (verifying, compiling, making the object), the median of interleaved
 * rounds, and how many instructions its verifier walked, as bpf_prog_info says: each prunes
 * in its own way. Without permission for bpf(2) the kernel's columns are empty.
 */
#include "world.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS    15
#define N_RANDOM  200
#define MAX_INSNS 4096
#define N_WORLDS  2 /* this library, the kernel */

static struct world worlds[N_WORLDS];
static bool has_kernel;
static struct bpf_insn insns[MAX_INSNS];
static uint32_t n_insns;

static void add(uint8_t code, uint32_t dst, uint32_t src, int32_t off, int32_t imm)
{
	insns[n_insns++] = (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = (int16_t)off, .imm = imm};
}

static void begin(void)
{
	n_insns = 0;
	add(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
	add(BPF_LD | BPF_IMM | BPF_DW, 7, BPF_PSEUDO_MAP_IDX_VALUE, 0, RANDOM_CONFIG);
	add(0, 0, 0, 0, 0);
	add(BPF_ALU64 | BPF_MOV | BPF_K, 8, 0, 0, 0);
}

static void end(void)
{
	add(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* A masked index into a map's value. */
static void add_access(uint32_t index)
{
	add(BPF_ALU64 | BPF_MOV | BPF_X, 2, index, 0, 0);
	add(BPF_ALU64 | BPF_AND | BPF_K, 2, 0, 0, 31);
	add(BPF_ALU64 | BPF_MOV | BPF_X, 3, 7, 0, 0);
	add(BPF_ALU64 | BPF_ADD | BPF_X, 3, 2, 0, 0);
	add(BPF_LDX | BPF_MEM | BPF_B, 4, 3, 0, 0);
	add(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, 1);
	add(BPF_STX | BPF_MEM | BPF_B, 3, 4, 0, 0);
}

static void make_loop(uint32_t nr)
{
	begin();
	add_access(8);
	add(BPF_ALU64 | BPF_ADD | BPF_K, 8, 0, 0, 1);
	add(BPF_JMP | BPF_JLT | BPF_K, 8, 0, -9, 20000);
	end();
}

/* Arguments decide which way is gone, again and again. */
static void make_branches(uint32_t nr)
{
	uint32_t i;

	begin();
	for (i = 0; i < 300; i++) {
		add(BPF_LDX | BPF_MEM | BPF_DW, 5, 6, 8 * (int32_t)(i % 12), 0);
		add(BPF_JMP | BPF_JGT | BPF_K, 5, 0, 1, (int32_t)i);
		add(BPF_ALU64 | BPF_ADD | BPF_K, 8, 0, 0, 1);
		add_access(5);
	}
	end();
}

static bool calls_back(const struct random_prog *random)
{
	uint32_t i;

	for (i = 0; i < random->n; i++)
		if (random->insns[i].code == (BPF_LD | BPF_IMM | BPF_DW) &&
		    random->insns[i].src_reg == BPF_PSEUDO_FUNC)
			return true;
	return false;
}

/* One that both take: not spoilt, and without what the kernel wants BTF for. */
static void make_random(uint32_t nr)
{
	struct random_prog random;
	uint64_t seed = (uint64_t)nr << 16;

	do
		random_prog(seed++, &random);
	while (!random.is_exact || calls_back(&random));
	memcpy(insns, random.insns, random.n * sizeof(*insns));
	n_insns = random.n;
}

static const struct shape {
	const char *name;
	void (*make)(uint32_t nr);
	uint32_t n;
} shapes[] = {
	{"loop of 20,000 rounds", make_loop, 1},
	{"3,000 instructions, 300 branches", make_branches, 1},
	{"200 random programs", make_random, N_RANDOM},
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Nanoseconds; adds to *@walked. 0 where it is refused. */
static double load(struct world *world, uint64_t *walked)
{
	struct bpf_prog_info info;
	union bpf_attr attr;
	double start, took;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = oracle_ptr(insns);
	attr.insn_cnt = n_insns;
	attr.license = oracle_ptr("GPL");
	attr.fd_array = oracle_ptr(world->fds);
	start = now();
	fd = world->bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	took = now() - start;
	if (fd < 0)
		return 0;
	memset(&info, 0, sizeof(info));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = oracle_ptr(&info);
	if (world->bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) == 0)
		*walked += info.verified_insns;
	close(fd);
	return took;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

struct figure {
	double microseconds, speed; /* speed: millions of instructions a second */
	uint64_t walked;
};

static void measure(const struct shape *shape, struct figure *figures)
{
	double took[N_WORLDS][ROUNDS] = {{0}};
	uint32_t round, nr, w, n_worlds = has_kernel ? 2 : 1;

	for (round = 0; round < ROUNDS; round++)
		for (w = 0; w < n_worlds; w++) {
			figures[w].walked = 0;
			for (nr = 0; nr < shape->n; nr++) {
				shape->make(nr);
				took[w][round] += load(&worlds[w], &figures[w].walked);
			}
		}
	for (w = 0; w < n_worlds; w++) {
		qsort(took[w], ROUNDS, sizeof(double), compare);
		figures[w].microseconds = took[w][ROUNDS / 2] / 1000;
		figures[w].speed = (double)figures[w].walked / figures[w].microseconds;
	}
}

static void print(const char *format, const struct shape *shape, const struct figure *figures)
{
	const struct figure *here = &figures[0], *there = &figures[1];

	if (!strcmp(format, "json"))
		printf("{\"verify\": \"%s\", \"walked\": %llu, \"us\": %.1f, \"kernel_walked\": "
		       "%llu, "
		       "\"kernel_us\": %.1f}\n",
		       shape->name, (unsigned long long)here->walked, here->microseconds,
		       (unsigned long long)there->walked, there->microseconds);
	else
		printf(strcmp(format, "markdown")
			       ? "%-34s %9llu %9.1f %7.1f %9llu %9.1f %7.1f\n"
			       : "| %s | %llu | %.1f | %.1f | %llu | %.1f | %.1f |\n",
		       shape->name, (unsigned long long)here->walked, here->microseconds,
		       here->speed, (unsigned long long)there->walked, there->microseconds,
		       there->speed);
}

int main(int argc, char **argv)
{
	const char *format = argc == 3 && !strcmp(argv[1], "-f") ? argv[2] : "text";
	bool markdown = !strcmp(format, "markdown");
	size_t i;

	if (world_open(&worlds[0], false))
		return 1;
	has_kernel = oracle_has_kernel() && world_open(&worlds[1], true) == 0;
	if (strcmp(format, "json"))
		printf("\nverifying: instructions walked, us a load, million instructions a "
		       "second; "
		       "here, then in the kernel%s\n%s",
		       has_kernel ? "" : " (bpf(2) is not permitted)",
		       markdown ? "\n| program | walked | us | M/s | kernel walked | us | M/s |\n"
				  "| --- | --- | --- | --- | --- | --- | --- |\n"
				: "");
	for (i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		struct figure figures[N_WORLDS] = {{0}};

		measure(&shapes[i], figures);
		print(format, &shapes[i], figures);
	}
	return 0;
}
