/* SPDX-License-Identifier: MIT */
/*
 * Programs with typed arguments: loading and attaching by a type, and the kernel as oracle: with its
 * own types on both sides, each load through the arguments of sched_switch gets the same verdict.
 */
#include "harness.h"
#include "oracle.h"
#include "typed_btf.h"

#include "base/err.h"
#include "bpf/btf.h"
#include "bpf/verifier/verifier.h"

#include <fcntl.h>
#include <linux/btf.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <rawtp/agent.h>
#include <rawtp/tracepoint.h>

struct inner {
	int a;
	unsigned int b : 3, c : 5;
	unsigned char text[4];
};
struct req {
	long id;
	struct req *next;
	struct inner in[2];
	union {
		int i;
		struct req *p;
	} u;
	unsigned char *name, tail;
	void *v;
};
DECLARE_TRACE(req, TP_PROTO(struct req *r, int status, unsigned char *name, struct req **pp),
	      TP_ARGS(r, status, name, pp));
DEFINE_TRACE(req, TP_PROTO(struct req *r, int status, unsigned char *name, struct req **pp),
	     TP_ARGS(r, status, name, pp));
DECLARE_TRACE(other, TP_PROTO(struct req *r, int status, unsigned char *name, struct req **pp),
	      TP_ARGS(r, status, name, pp));
DEFINE_TRACE(other, TP_PROTO(struct req *r, int status, unsigned char *name, struct req **pp),
	     TP_ARGS(r, status, name, pp));

static char log_text[65536];

static int load_btf(void)
{
	union bpf_attr attr;
	uint32_t size;

	memset(&attr, 0, sizeof(attr));
	attr.btf = oracle_ptr(typed_btf(&size));
	attr.btf_size = size;
	return oracle_rawtp(BPF_BTF_LOAD, &attr, sizeof(attr));
}

static int load_typed(oracle_bpf_fn bpf, const struct bpf_insn *insns, uint32_t n, int btf_fd,
		      uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_TRACING;
	attr.expected_attach_type = BPF_TRACE_RAW_TP;
	attr.insns = oracle_ptr(insns);
	attr.insn_cnt = n;
	attr.license = oracle_ptr("GPL");
	attr.log_buf = oracle_ptr(log_text);
	attr.log_size = sizeof(log_text);
	attr.log_level = 1;
	attr.attach_btf_id = id;
	attr.attach_btf_obj_fd = (uint32_t)btf_fd;
	log_text[0] = '\0';
	return bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

/* value[0] += args[0]->next->id + args[0]->in[1].a + args[1] */
static int load_sum(int map_fd, int btf_fd)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 6, .src_reg = 1},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 7, .src_reg = 1, .off = 8},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 2, .src_reg = 6, .off = 8},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 2, .src_reg = 2},
		{.code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = 7, .src_reg = 2},
		{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 2, .src_reg = 6, .off = 28},
		{.code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = 7, .src_reg = 2},
		{.code = BPF_LD | BPF_IMM | BPF_DW,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_VALUE,
		 .imm = map_fd},
		{.code = 0},
		{.code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = 1, .src_reg = 7, .imm = BPF_ADD},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = load_typed(oracle_rawtp, insns, sizeof(insns) / sizeof(insns[0]), btf_fd,
			    TYPED_BTF_TRACEPOINT);

	if (fd < 0)
		fputs(log_text, stderr);
	return fd;
}

static int create_map(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = 1;
	return oracle_rawtp(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static uint64_t value_of(int map_fd)
{
	uint32_t key = 0;
	uint64_t value = 0;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map_fd;
	attr.key = oracle_ptr(&key);
	attr.value = oracle_ptr(&value);
	CHECK_EQ(oracle_rawtp(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
	return value;
}

static int create_link(int prog_fd, uint32_t type)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)prog_fd;
	attr.link_create.attach_type = type;
	return oracle_rawtp(BPF_LINK_CREATE, &attr, sizeof(attr));
}

static int open_link(int prog_fd, const char *name)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.prog_fd = (uint32_t)prog_fd;
	attr.raw_tracepoint.name = oracle_ptr(name);
	return oracle_rawtp(BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
}

static void pass_events(int map_fd)
{
	struct req next = {.id = 100}, r = {.next = &next, .in = {{0}, {.a = 20}}};
	struct req wild = {.next = (struct req *)0x1000000000, .in = {{0}, {.a = 3}}};
	uint64_t before = value_of(map_fd);

	trace_req(&r, 4, NULL, NULL);
	CHECK_EQ(value_of(map_fd) - before, 124);
	trace_req(&wild, 50, NULL, NULL);
	CHECK_EQ(value_of(map_fd) - before, 124 + 53);
	trace_req(NULL, 6, NULL, NULL);
	trace_req((struct req *)0xdead000000000000, 7, NULL, NULL);
	trace_req((struct req *)-4096L, 8, NULL, NULL);
	CHECK_EQ(value_of(map_fd) - before, 124 + 53 + 21);
}

/* The agent sees that a link is closed, a moment later. */
static void wait_for_detach(int map_fd)
{
	uint64_t before;

	do {
		usleep(1000);
		before = value_of(map_fd);
		trace_req(NULL, 1, NULL, NULL);
	} while (value_of(map_fd) != before);
}

TEST(typed_attach)
{
	int btf_fd = load_btf(), map_fd = create_map(), prog_fd, fd, way;

	rawtp_agent_start();
	CHECK(btf_fd >= 0 && map_fd >= 0);
	prog_fd = load_sum(map_fd, btf_fd);
	CHECK(prog_fd >= 0);
	for (way = 0; way < 3; way++) {
		test_case("way %d", way);
		fd = way == 0   ? create_link(prog_fd, BPF_TRACE_RAW_TP)
		     : way == 1 ? open_link(prog_fd, NULL)
				: rawtp_prog_attach(prog_fd, "req");
		CHECK(fd >= 0);
		pass_events(map_fd);
		close(fd);
		wait_for_detach(map_fd);
	}
	test_case("refusals");
	CHECK_EQ(open_link(prog_fd, "req"), -EINVAL);
	CHECK_EQ(create_link(prog_fd, BPF_TRACE_FENTRY), -EINVAL);
	CHECK_EQ(rawtp_prog_attach(prog_fd, "other"), -1);
	CHECK_EQ(errno, EINVAL);
	close(prog_fd);
	close(map_fd);
	close(btf_fd);
}

TEST(typed_load)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int btf_fd = load_btf();
	union bpf_attr attr;

	CHECK_EQ(load_typed(oracle_rawtp, insns, 2, btf_fd, 0), -EINVAL);
	CHECK_EQ(load_typed(oracle_rawtp, insns, 2, 1000, TYPED_BTF_TRACEPOINT), -EBADF);
	/* Any type but a tracepoint's, and those that are none. */
	CHECK_EQ(load_typed(oracle_rawtp, insns, 2, btf_fd, 9), -EINVAL);
	CHECK(strstr(log_text, "attach: type 9 of the target's BTF is no tracepoint's\nReason: "));
	CHECK_EQ(load_typed(oracle_rawtp, insns, 2, btf_fd, 1000), -EINVAL);
	/* This program was compiled without BTF. */
	CHECK_EQ(load_typed(oracle_rawtp, insns, 2, 0, TYPED_BTF_TRACEPOINT), -EINVAL);
	CHECK(strstr(log_text, "attach: the types of the target are not known\nReason: "));
	CHECK_EQ(rawtp_bpf_target_btf(), -1);
	CHECK_EQ(errno, ENOENT);
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = oracle_ptr(insns);
	attr.insn_cnt = 2;
	attr.license = oracle_ptr("GPL");
	attr.attach_btf_id = 1;
	CHECK_EQ(oracle_rawtp(BPF_PROG_LOAD, &attr, sizeof(attr)), -EINVAL);
	close(btf_fd);
}

static void *read_file(const char *path, uint32_t *size)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *data = NULL;
	ssize_t n;

	*size = 0;
	if (fd < 0 || fstat(fd, &st) || !(data = malloc((size_t)st.st_size)))
		return NULL;
	while ((n = read(fd, data + *size, (size_t)st.st_size - *size)) > 0)
		*size += (uint32_t)n;
	close(fd);
	return data;
}

static uint64_t random_state = 88172645463325252ULL;

static uint32_t below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 11) % n;
}

/* r1 = args[which]; r1 = *(r1 + off) twice at most, some of it in parts. */
static uint32_t random_loads(struct bpf_insn *insns)
{
	static const uint8_t sizes[] = {BPF_DW, BPF_DW, BPF_DW, BPF_W, BPF_H, BPF_B};
	uint32_t n = 0, levels = 1 + below(2), i;
	int16_t off = (int16_t)(8 * below(5));

	insns[n++] = (struct bpf_insn){
		.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 1, .off = off};
	for (i = 0; i < levels; i++) {
		uint8_t size = i + 1 < levels ? BPF_DW : sizes[below(6)];
		uint32_t bytes = size == BPF_DW ? 8 : size == BPF_W ? 4 : size == BPF_H ? 2 : 1;

		off = (int16_t)(bytes * below((below(3) ? 4096 : 12000) / bytes));
		if (!below(16))
			off = (int16_t)(off + 1);
		insns[n++] = (struct bpf_insn){
			.code = BPF_LDX | BPF_MEM | size, .dst_reg = 1, .src_reg = 1, .off = off};
	}
	insns[n++] = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K};
	insns[n++] = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
	return n;
}

static uint32_t find_typedef(const struct rawtp_btf *btf, const char *name)
{
	uint32_t id;

	for (id = 1; id < rawtp_btf_n_types(btf); id++) {
		const char *tracepoint = rawtp_btf_tracepoint(btf, id);

		if (tracepoint && !strcmp(tracepoint, name))
			return id;
	}
	return 0;
}

/* Verified here with the kernel's own types. */
static int verify_here(struct rawtp_btf *btf, uint32_t id, const struct bpf_insn *insns, uint32_t n)
{
	static char text[65536];
	const struct rawtp_verifier_log log = {text, sizeof(text), 1};
	struct rawtp_prog *prog = rawtp_prog_new(n);
	int err;

	prog->type = BPF_PROG_TYPE_TRACING;
	prog->attach_btf = btf;
	prog->attach_btf_id = id;
	rawtp_btf_get(btf);
	memcpy(prog->insns, insns, n * sizeof(*insns));
	err = rawtp_verify(prog, &log);
	if (err)
		snprintf(log_text, sizeof(log_text), "%.400s", text);
	rawtp_prog_put(prog);
	return err;
}

#define N_PROGRAMS 2000

TEST(typed_as_the_kernel)
{
	struct bpf_insn insns[8];
	struct rawtp_btf *btf;
	uint32_t size, id, i, n, both = 0, neither = 0, stricter = 0;
	void *data = read_file("/sys/kernel/btf/vmlinux", &size);

	test_need_kernel(6, 17);
	if (!oracle_has_kernel() || !data)
		test_skip("bpf(2) is not permitted, or the kernel has no BTF");
	btf = rawtp_btf_new(data, size);
	free(data);
	CHECK(!rawtp_is_err(btf));
	id = find_typedef(btf, "sched_switch");
	CHECK(id != 0);
	for (i = 0; i < N_PROGRAMS; i++) {
		int kernel, here;

		n = random_loads(insns);
		kernel = load_typed(oracle_kernel, insns, n, 0, id);
		if (kernel >= 0)
			close(kernel);
		here = verify_here(btf, id, insns, n);
		both += kernel >= 0 && !here;
		neither += kernel < 0 && here;
		stricter += kernel >= 0 && here;
		if ((kernel < 0) != (here != 0) && stricter < 5)
			fprintf(stderr, "args[%d] +%d +%d (%x): kernel %d, here %d\n%s\n",
				insns[0].off / 8, insns[1].off, n > 4 ? insns[2].off : 0,
				insns[n - 3].code, kernel, here, log_text);
		if (kernel < 0 && !here)
			test_fail(__FILE__, __LINE__, "taken here, refused by the kernel");
	}
	/* Both kinds were many. */
	CHECK(both > N_PROGRAMS / 20 && neither > N_PROGRAMS / 20);
	CHECK_EQ(stricter, 0);
	rawtp_btf_put(btf);
}
