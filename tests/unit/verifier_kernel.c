/* SPDX-License-Identifier: MIT */
/*
 * Every row of tests/verifier against the real kernel, as root: where its verdict is another, the row
 * must say so and why.
 */
#include "func_info.h"
#include "verifier_rows.h"

#include <sys/syscall.h>
#include <unistd.h>

static char log_text[1 << 20];

static long kernel_bpf(int cmd, union bpf_attr *attr)
{
	return syscall(__NR_bpf, cmd, attr, sizeof(*attr));
}

static void freeze(int fd, const struct row_map *from)
{
	uint8_t value[4096] = {0};
	uint32_t key = 0;
	union bpf_attr attr = {.map_fd = fd};
	size_t i;

	for (i = 0; from->frozen[2 * i]; i++) {
		unsigned int byte = 0;

		sscanf(&from->frozen[2 * i], "%2x", &byte);
		value[i] = byte;
	}
	attr.key = (uintptr_t)&key;
	attr.value = (uintptr_t)value;
	CHECK_EQ(kernel_bpf(BPF_MAP_UPDATE_ELEM, &attr), 0);
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	CHECK_EQ(kernel_bpf(BPF_MAP_FREEZE, &attr), 0);
}

static int make_map(const struct row_map *from)
{
	union bpf_attr attr = {
		.map_type = from->type,
		.key_size = from->key_size,
		.value_size = from->value_size,
		.max_entries = from->max_entries,
		.map_flags = from->flags,
	};
	int fd;

	snprintf(attr.map_name, sizeof(attr.map_name), "%s", from->name);
	fd = kernel_bpf(BPF_MAP_CREATE, &attr);
	CHECK(fd >= 0);
	if (fd >= 0 && *from->frozen)
		freeze(fd, from);
	return fd;
}

static void check_result(const struct row *row, int fd)
{
	static const uint64_t args[12];
	union bpf_attr attr = {0};

	attr.test.prog_fd = fd;
	attr.test.ctx_in = (uintptr_t)args;
	attr.test.ctx_size_in = sizeof(args);
	CHECK_EQ(kernel_bpf(BPF_PROG_TEST_RUN, &attr), 0);
	CHECK_EQ(attr.test.retval, (uint32_t)row->result);
}

/* Returns the BTF's descriptor, or -1 where none is needed. */
static int add_func_info(const struct row *row, union bpf_attr *attr)
{
	static struct func_info info;
	union bpf_attr load = {0};
	int fd;

	if (!func_info_find(&info, row->insns, row->n_insns))
		return -1;
	func_info_make_btf(&info);
	load.btf = (uintptr_t)info.btf;
	load.btf_size = info.btf_size;
	fd = kernel_bpf(BPF_BTF_LOAD, &load);
	CHECK(fd >= 0);
	attr->prog_btf_fd = fd;
	attr->func_info = (uintptr_t)info.records;
	attr->func_info_cnt = info.n;
	attr->func_info_rec_size = sizeof(info.records[0]);
	return fd;
}

static void check_row(const struct row *row)
{
	union bpf_attr attr = {
		.prog_type = row->type,
		.insns = (uintptr_t)row->insns,
		.insn_cnt = row->n_insns,
		.license = (uintptr_t) "GPL",
		.log_buf = (uintptr_t)log_text,
		.log_size = sizeof(log_text),
		.log_level = 1,
	};
	int fds[ROW_MAX_MAPS], fd, btf_fd = add_func_info(row, &attr);
	uint32_t i;
	bool is_accepted;

	/* Their types are not the kernel's; typed.c asks it about its own. */
	if (row->type == BPF_PROG_TYPE_TRACING)
		return;
	for (i = 0; i < row->n_maps; i++)
		fds[i] = make_map(&row->maps[i]);
	attr.fd_array = (uintptr_t)fds;
	log_text[0] = '\0';
	fd = kernel_bpf(BPF_PROG_LOAD, &attr);
	is_accepted = fd >= 0;
	if (is_accepted == row->is_accepted && *row->kernel)
		test_fail(__FILE__, __LINE__, "the kernel agrees, but the row says \"%s\"",
			  row->kernel);
	if (is_accepted != row->is_accepted &&
	    strncmp(row->kernel, is_accepted ? "kernel accepts: " : "kernel refuses: ", 16) != 0)
		test_fail(__FILE__, __LINE__, "the kernel %s it: %s",
			  is_accepted ? "accepts" : "refuses", log_text);
	if (fd >= 0 && row->kernel_has_result)
		check_result(row, fd);
	if (fd >= 0)
		close(fd);
	if (btf_fd >= 0)
		close(btf_fd);
	for (i = 0; i < row->n_maps; i++)
		close(fds[i]);
}

TEST(verifier_kernel)
{
	static const struct bpf_insn empty[2] = {{.code = BPF_ALU64 | BPF_MOV},
						 {.code = BPF_JMP | BPF_EXIT}};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insns = (uintptr_t)empty,
		.insn_cnt = 2,
		.license = (uintptr_t) "GPL",
	};
	int fd = kernel_bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		test_skip("bpf(2) is not permitted here: %s", strerror(errno));
	test_need_kernel(6, 15);
	close(fd);
	CHECK(row_each(check_row) > 50);
}
