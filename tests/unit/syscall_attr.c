/* SPDX-License-Identifier: MIT */
/*
 * rawtp_bpf(): the same attributes, the same result as bpf(2). Each row is pinned, and checked in the
 * kernel too where it is permitted.
 */
#include "harness.h"
#include "oracle.h"

#include <fcntl.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define ENOTSUPP_ 524 /* the kernel's own */

/* The objects that rows refer to. */
struct world {
	oracle_bpf_fn bpf;
	int array, percpu, hash, percpu_hash, ring, frozen, rdonly, wronly, btf, prog, filter, file;
};

static const struct bpf_insn prog_insns[] = {
	/* r0 = args[1]; exit */
	{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 0, .src_reg = 1, .off = 8},
	{.code = BPF_JMP | BPF_EXIT},
};
static const struct bpf_insn filter_insns[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K},
	{.code = BPF_JMP | BPF_EXIT},
};

static struct {
	struct btf_header header;
	uint32_t types[27];
	char strings[16];
} btf_blob = {
	.header = {.magic = BTF_MAGIC,
		   .version = BTF_VERSION,
		   .hdr_len = sizeof(struct btf_header),
		   .type_len = sizeof(btf_blob.types),
		   .str_off = sizeof(btf_blob.types),
		   .str_len = sizeof(btf_blob.strings)},
	.types = {1, BTF_KIND_INT << 24,         4, 32,       /* 1: int a */
		  1, BTF_KIND_INT << 24,         8, 64,       /* 2: long a */
		  0, BTF_KIND_FUNC_PROTO << 24,  1,           /* 3: int () */
		  1, BTF_KIND_FUNC << 24 | 1,    3,           /* 4: int a() */
		  1, BTF_KIND_VAR << 24,         2, 1,        /* 5: long a */
		  3, BTF_KIND_DATASEC << 24 | 1, 8, 5,  0, 8, /* 6: .b */
		  0, BTF_KIND_CONST << 24,                    /* 7: const long */
		  2},
	.strings = "\0a\0.b",
};

static int map_create(struct world *w, uint32_t type, uint32_t key, uint32_t value, uint32_t n,
		      uint32_t flags)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = key;
	attr.value_size = value;
	attr.max_entries = n;
	attr.map_flags = flags;
	return w->bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int prog_load(struct world *w, uint32_t type, const struct bpf_insn *insns, uint32_t n)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.insns = oracle_ptr(insns);
	attr.insn_cnt = n;
	attr.license = oracle_ptr("GPL");
	memcpy(attr.prog_name, "program", 8);
	return w->bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
}

static void world_init(struct world *w, oracle_bpf_fn bpf)
{
	union bpf_attr attr;

	w->bpf = bpf;
	w->array = map_create(w, BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0);
	w->percpu = map_create(w, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4, 0);
	w->hash = map_create(w, BPF_MAP_TYPE_HASH, 4, 8, 4, 0);
	w->percpu_hash = map_create(w, BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 4, 0);
	w->ring = map_create(w, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	w->frozen = map_create(w, BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0);
	w->rdonly = map_create(w, BPF_MAP_TYPE_ARRAY, 4, 8, 4, BPF_F_RDONLY);
	w->wronly = map_create(w, BPF_MAP_TYPE_ARRAY, 4, 8, 4, BPF_F_WRONLY);
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)w->frozen;
	CHECK_EQ(bpf(BPF_MAP_FREEZE, &attr, sizeof(attr)), 0);
	memset(&attr, 0, sizeof(attr));
	attr.btf = oracle_ptr(&btf_blob);
	attr.btf_size = sizeof(btf_blob);
	w->btf = bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
	w->prog = prog_load(w, BPF_PROG_TYPE_RAW_TRACEPOINT, prog_insns, 2);
	w->filter = prog_load(w, BPF_PROG_TYPE_SOCKET_FILTER, filter_insns, 2);
	memset(&attr, 0, sizeof(attr));
	attr.prog_bind_map.prog_fd = (uint32_t)w->prog;
	attr.prog_bind_map.map_fd = (uint32_t)w->hash;
	CHECK_EQ(bpf(BPF_PROG_BIND_MAP, &attr, sizeof(attr)), 0);
	w->file = open("/dev/null", O_RDWR | O_CLOEXEC);
	CHECK(w->array >= 3 && w->percpu >= 3 && w->hash >= 3 && w->percpu_hash >= 3);
	CHECK(w->ring >= 3 && w->frozen >= 3 && w->rdonly >= 3 && w->wronly >= 3);
	CHECK(w->btf >= 3 && w->prog >= 3 && w->filter >= 3);
}

static void world_close(const struct world *w)
{
	const int fds[] = {w->array,  w->percpu, w->hash, w->percpu_hash, w->ring,   w->frozen,
			   w->rdonly, w->wronly, w->btf,  w->prog,        w->filter, w->file};
	unsigned int i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
}

/* Memory that rows point to. */
static uint32_t key;
static uint64_t values[64];
static char text[512];
static uint64_t args[16];
static uint32_t fd_array[4];
static struct bpf_insn insns[8];
static struct bpf_func_info func_info[4];
static struct bpf_line_info line_info[4];
static char info[512];

struct row {
	const char *name;
	int result; /* of a descriptor: 1 */
	int other;  /* what kernels of other ages say */
	int cmd;
	void (*fill)(const struct world *w, union bpf_attr *attr);
};

#define ROW(id, cmd, result, ...) ROW_OR(id, cmd, result, result, __VA_ARGS__)
#define ROW_OR(id, cmd, result, other, ...)                                                     \
	static void fill_##id(const struct world *w, union bpf_attr *attr)                      \
	{                                                                                       \
		__VA_ARGS__                                                                     \
	}                                                                                       \
	static const struct row row_##id = {#id, result, other, cmd, fill_##id};                \
	static const struct row *const entry_##id __attribute__((section("attr_rows"), used)) = \
		&row_##id;

#define MAP(type, keys, size, n, flags)       \
	attr->map_type = BPF_MAP_TYPE_##type; \
	attr->key_size = keys;                \
	attr->value_size = size;              \
	attr->max_entries = n;                \
	attr->map_flags = flags;
#define ELEM(fd, k)                     \
	key = k;                        \
	attr->map_fd = (uint32_t)w->fd; \
	attr->key = oracle_ptr(&key);   \
	attr->value = oracle_ptr(values);
#define LOAD(array, n)                                  \
	attr->prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT; \
	attr->insns = oracle_ptr(array);                \
	attr->insn_cnt = n;                             \
	attr->license = oracle_ptr("GPL");
#define RUN(fd, bytes)                        \
	attr->test.prog_fd = (uint32_t)w->fd; \
	attr->test.ctx_in = oracle_ptr(args); \
	attr->test.ctx_size_in = bytes;
#define INFO(fd, bytes)                      \
	memset(info, 0, sizeof(info));       \
	attr->info.bpf_fd = (uint32_t)w->fd; \
	attr->info.info = oracle_ptr(info);  \
	attr->info.info_len = bytes;

/* Commands */
ROW(no_such_command, 999, -EINVAL, (void)w;)
ROW(negative_command, -1, -EINVAL, (void)w;)

/* Maps */
ROW(create_array, BPF_MAP_CREATE, 1, MAP(ARRAY, 4, 8, 4, 0))
ROW(create_bad_type, BPF_MAP_CREATE, -EINVAL, MAP(ARRAY, 4, 8, 4, 0) attr->map_type = 1000;)
ROW(create_type_0, BPF_MAP_CREATE, -EINVAL, MAP(UNSPEC, 4, 8, 4, 0))
ROW(create_array_key_8, BPF_MAP_CREATE, -EINVAL, MAP(ARRAY, 8, 8, 4, 0))
ROW(create_array_no_value, BPF_MAP_CREATE, -EINVAL, MAP(ARRAY, 4, 0, 4, 0))
ROW(create_array_empty, BPF_MAP_CREATE, -EINVAL, MAP(ARRAY, 4, 8, 0, 0))
ROW(create_array_bad_flags, BPF_MAP_CREATE, -EINVAL, MAP(ARRAY, 4, 8, 4, 1U << 30))
ROW(create_rdonly_wronly, BPF_MAP_CREATE, -EINVAL, MAP(ARRAY, 4, 8, 4, BPF_F_RDONLY | BPF_F_WRONLY))
ROW(create_mmapable, BPF_MAP_CREATE, 1, MAP(ARRAY, 4, 8, 4, BPF_F_MMAPABLE))
ROW(create_hash_mmapable, BPF_MAP_CREATE, -EINVAL, MAP(HASH, 4, 8, 4, BPF_F_MMAPABLE))
ROW(create_hash_no_key, BPF_MAP_CREATE, -EINVAL, MAP(HASH, 0, 8, 4, 0))
ROW(create_hash_empty, BPF_MAP_CREATE, -EINVAL, MAP(HASH, 4, 8, 0, 0))
ROW(create_ring, BPF_MAP_CREATE, 1, MAP(RINGBUF, 0, 0, 4096, 0))
ROW(create_ring_key, BPF_MAP_CREATE, -EINVAL, MAP(RINGBUF, 4, 0, 4096, 0))
ROW(create_ring_odd, BPF_MAP_CREATE, -EINVAL, MAP(RINGBUF, 0, 0, 4097, 0))
ROW(create_ring_3_pages, BPF_MAP_CREATE, -EINVAL, MAP(RINGBUF, 0, 0, 3 * 4096, 0))
ROW(create_bad_name, BPF_MAP_CREATE, -EINVAL, MAP(ARRAY, 4, 8, 4, 0) attr->map_name[0] = '*';)
ROW(create_long_name, BPF_MAP_CREATE, -EINVAL,
    MAP(ARRAY, 4, 8, 4, 0) memset(attr->map_name, 'a', sizeof(attr->map_name));)
ROW(create_extra, BPF_MAP_CREATE, -EINVAL, MAP(ARRAY, 4, 8, 4, 0) attr->map_extra = 1;)
ROW(create_btf, BPF_MAP_CREATE, 1, MAP(ARRAY, 4, 8, 4, 0) attr->btf_fd = (uint32_t)w->btf;
    attr->btf_key_type_id = 1; attr->btf_value_type_id = 2;)
ROW(create_btf_const, BPF_MAP_CREATE, 1, MAP(HASH, 8, 8, 4, 0) attr->btf_fd = (uint32_t)w->btf;
    attr->btf_key_type_id = 7; attr->btf_value_type_id = 7;)
ROW(create_btf_key_size, BPF_MAP_CREATE, -EINVAL,
    MAP(ARRAY, 4, 8, 4, 0) attr->btf_fd = (uint32_t)w->btf;
    attr->btf_key_type_id = 2; attr->btf_value_type_id = 2;)
ROW(create_btf_value_size, BPF_MAP_CREATE, -EINVAL,
    MAP(ARRAY, 4, 8, 4, 0) attr->btf_fd = (uint32_t)w->btf;
    attr->btf_key_type_id = 1; attr->btf_value_type_id = 1;)
ROW(create_btf_key_alone, BPF_MAP_CREATE, -EINVAL,
    MAP(ARRAY, 4, 8, 4, 0) attr->btf_fd = (uint32_t)w->btf;
    attr->btf_key_type_id = 1;)
ROW(create_btf_datasec, BPF_MAP_CREATE, 1, MAP(ARRAY, 4, 8, 1, 0) attr->btf_fd = (uint32_t)w->btf;
    attr->btf_value_type_id = 6;)
ROW(create_btf_datasec_4, BPF_MAP_CREATE, -EINVAL,
    MAP(ARRAY, 4, 8, 4, 0) attr->btf_fd = (uint32_t)w->btf;
    attr->btf_value_type_id = 6;)
ROW(create_btf_no_key, BPF_MAP_CREATE, -EINVAL,
    MAP(ARRAY, 4, 8, 1, 0) attr->btf_fd = (uint32_t)w->btf;
    attr->btf_value_type_id = 2;)
ROW(create_btf_hash_no_key, BPF_MAP_CREATE, -EINVAL,
    MAP(HASH, 4, 8, 1, 0) attr->btf_fd = (uint32_t)w->btf;
    attr->btf_value_type_id = 2;)
ROW(create_btf_bad_id, BPF_MAP_CREATE, -EINVAL,
    MAP(ARRAY, 4, 8, 4, 0) attr->btf_fd = (uint32_t)w->btf;
    attr->btf_key_type_id = 1; attr->btf_value_type_id = 99;)
ROW(create_btf_closed, BPF_MAP_CREATE, -EBADF, MAP(ARRAY, 4, 8, 4, 0) attr->btf_fd = 9999;
    attr->btf_key_type_id = 1; attr->btf_value_type_id = 2;)
ROW(create_btf_is_map, BPF_MAP_CREATE, -EINVAL,
    MAP(ARRAY, 4, 8, 4, 0) attr->btf_fd = (uint32_t)w->array;
    attr->btf_key_type_id = 1; attr->btf_value_type_id = 2;)

ROW(lookup, BPF_MAP_LOOKUP_ELEM, 0, ELEM(array, 3))
ROW(lookup_percpu, BPF_MAP_LOOKUP_ELEM, 0, ELEM(percpu, 3))
ROW(lookup_outside, BPF_MAP_LOOKUP_ELEM, -ENOENT, ELEM(array, 4))
ROW(lookup_missing, BPF_MAP_LOOKUP_ELEM, -ENOENT, ELEM(hash, 77))
ROW(lookup_ring, BPF_MAP_LOOKUP_ELEM, -EINVAL, ELEM(ring, 0))
ROW(lookup_ring_no_key, BPF_MAP_LOOKUP_ELEM, -ENOTSUPP_, ELEM(ring, 0) attr->key = 0;)
ROW(lookup_flags, BPF_MAP_LOOKUP_ELEM, -EINVAL, ELEM(array, 0) attr->flags = 1;)
ROW(lookup_lock, BPF_MAP_LOOKUP_ELEM, -EINVAL, ELEM(array, 0) attr->flags = BPF_F_LOCK;)
ROW(lookup_bad_key, BPF_MAP_LOOKUP_ELEM, -EFAULT, ELEM(array, 0) attr->key = 8;)
ROW(lookup_bad_value, BPF_MAP_LOOKUP_ELEM, -EFAULT, ELEM(array, 0) attr->value = 8;)
ROW(lookup_closed, BPF_MAP_LOOKUP_ELEM, -EBADF, ELEM(array, 0) attr->map_fd = 9999;)
ROW(lookup_minus_1, BPF_MAP_LOOKUP_ELEM, -EBADF, ELEM(array, 0) attr->map_fd = (uint32_t)-1;)
ROW(lookup_file, BPF_MAP_LOOKUP_ELEM, -EINVAL, ELEM(file, 0))
ROW(lookup_prog, BPF_MAP_LOOKUP_ELEM, -EINVAL, ELEM(prog, 0))
ROW(lookup_btf, BPF_MAP_LOOKUP_ELEM, -EINVAL, ELEM(btf, 0))
ROW(lookup_wronly, BPF_MAP_LOOKUP_ELEM, -EPERM, ELEM(wronly, 0))
ROW(lookup_frozen, BPF_MAP_LOOKUP_ELEM, 0, ELEM(frozen, 0))
ROW(update, BPF_MAP_UPDATE_ELEM, 0, ELEM(array, 3))
ROW(update_outside, BPF_MAP_UPDATE_ELEM, -E2BIG, ELEM(array, 4))
ROW(update_noexist, BPF_MAP_UPDATE_ELEM, -EEXIST, ELEM(array, 3) attr->flags = BPF_NOEXIST;)
ROW(update_exist, BPF_MAP_UPDATE_ELEM, 0, ELEM(array, 3) attr->flags = BPF_EXIST;)
ROW(update_flags_3, BPF_MAP_UPDATE_ELEM, -EINVAL, ELEM(array, 3) attr->flags = 3;)
ROW(update_lock, BPF_MAP_UPDATE_ELEM, -EINVAL, ELEM(array, 3) attr->flags = BPF_F_LOCK;)
ROW(update_hash_exist, BPF_MAP_UPDATE_ELEM, -ENOENT, ELEM(hash, 5) attr->flags = BPF_EXIST;)
ROW(update_hash_flags, BPF_MAP_UPDATE_ELEM, -EINVAL, ELEM(hash, 5) attr->flags = 3;)
ROW(update_percpu, BPF_MAP_UPDATE_ELEM, 0, ELEM(percpu, 1))
ROW(update_frozen, BPF_MAP_UPDATE_ELEM, -EPERM, ELEM(frozen, 0))
ROW(update_rdonly, BPF_MAP_UPDATE_ELEM, -EPERM, ELEM(rdonly, 0))
ROW(update_ring, BPF_MAP_UPDATE_ELEM, -ENOTSUPP_, ELEM(ring, 0) attr->key = 0;)
ROW(update_bad_value, BPF_MAP_UPDATE_ELEM, -EFAULT, ELEM(array, 0) attr->value = 8;)
ROW(update_extra_field, BPF_MAP_UPDATE_ELEM, -EINVAL, ELEM(array, 0)((char *)attr)[32] = 1;)
ROW(delete_array, BPF_MAP_DELETE_ELEM, -EINVAL, ELEM(array, 0) attr->value = 0;)
ROW(delete_missing, BPF_MAP_DELETE_ELEM, -ENOENT, ELEM(hash, 9) attr->value = 0;)
ROW(delete_with_value, BPF_MAP_DELETE_ELEM, -EINVAL, ELEM(hash, 9))
ROW(delete_frozen, BPF_MAP_DELETE_ELEM, -EPERM, ELEM(frozen, 9) attr->value = 0;)
ROW(delete_ring, BPF_MAP_DELETE_ELEM, -ENOTSUPP_, ELEM(ring, 0) attr->key = attr->value = 0;)
ROW(next_first, BPF_MAP_GET_NEXT_KEY, 0, ELEM(array, 0) attr->key = 0;)
ROW(next, BPF_MAP_GET_NEXT_KEY, 0, ELEM(array, 2))
ROW(next_last, BPF_MAP_GET_NEXT_KEY, -ENOENT, ELEM(array, 3))
ROW(next_outside, BPF_MAP_GET_NEXT_KEY, 0, ELEM(array, 1000))
ROW(next_empty, BPF_MAP_GET_NEXT_KEY, -ENOENT, ELEM(percpu_hash, 0) attr->key = 0;)
ROW(next_ring, BPF_MAP_GET_NEXT_KEY, -ENOTSUPP_, ELEM(ring, 0) attr->key = 0;)
ROW(next_flags, BPF_MAP_GET_NEXT_KEY, -EINVAL, ELEM(array, 0) attr->flags = 1;)
ROW(next_bad, BPF_MAP_GET_NEXT_KEY, -EFAULT, ELEM(array, 0) attr->next_key = 8;)
ROW(take_array, BPF_MAP_LOOKUP_AND_DELETE_ELEM, -ENOTSUPP_, ELEM(array, 0))
ROW(take_missing, BPF_MAP_LOOKUP_AND_DELETE_ELEM, -ENOENT, ELEM(hash, 9))
ROW(take_flags, BPF_MAP_LOOKUP_AND_DELETE_ELEM, -EINVAL, ELEM(hash, 9) attr->flags = 1;)
ROW(take_frozen, BPF_MAP_LOOKUP_AND_DELETE_ELEM, -EPERM, ELEM(frozen, 0))
ROW_OR(freeze_again, BPF_MAP_FREEZE, -EBUSY, -EPERM, attr->map_fd = (uint32_t)w->frozen;)
ROW(freeze_prog, BPF_MAP_FREEZE, -EINVAL, attr->map_fd = (uint32_t)w->prog;)
ROW(freeze_key, BPF_MAP_FREEZE, -EINVAL, attr->map_fd = (uint32_t)w->array; attr->key = 1;)
ROW(freeze_rdonly, BPF_MAP_FREEZE, -EPERM, attr->map_fd = (uint32_t)w->rdonly;)

/* BTF */
ROW(btf_bad_address, BPF_BTF_LOAD, -EFAULT, (void)w; attr->btf = 8; attr->btf_size = 100;)
ROW(btf_too_large, BPF_BTF_LOAD, -E2BIG, (void)w; attr->btf = 8; attr->btf_size = 17 << 20;)
ROW(btf_empty, BPF_BTF_LOAD, -EINVAL, (void)w; attr->btf = oracle_ptr(&btf_blob);)
ROW(btf_log_no_buf, BPF_BTF_LOAD, -EINVAL, (void)w; attr->btf = oracle_ptr(&btf_blob);
    attr->btf_size = sizeof(btf_blob); attr->btf_log_size = 200; attr->btf_log_level = 1;)
ROW(btf_log_level_9, BPF_BTF_LOAD, -EINVAL, (void)w; attr->btf = oracle_ptr(&btf_blob);
    attr->btf_size = sizeof(btf_blob); attr->btf_log_level = 16;)

/* Programs */
ROW(load, BPF_PROG_LOAD, 1, (void)w; LOAD(prog_insns, 2))
ROW(load_tracepoint, BPF_PROG_LOAD, 1, (void)w;
    LOAD(filter_insns, 2) attr->prog_type = BPF_PROG_TYPE_TRACEPOINT;)
ROW(load_type_0, BPF_PROG_LOAD, -EINVAL, (void)w; LOAD(prog_insns, 2) attr->prog_type = 0;)
ROW(load_type_999, BPF_PROG_LOAD, -EINVAL, (void)w; LOAD(prog_insns, 2) attr->prog_type = 999;)
ROW(load_nothing, BPF_PROG_LOAD, -E2BIG, (void)w; LOAD(prog_insns, 0))
ROW(load_too_much, BPF_PROG_LOAD, -E2BIG, (void)w; LOAD(prog_insns, 1000001))
ROW(load_bad_insns, BPF_PROG_LOAD, -EFAULT, (void)w; LOAD((void *)8, 2))
ROW(load_bad_license, BPF_PROG_LOAD, -EFAULT, (void)w; LOAD(prog_insns, 2) attr->license = 8;)
ROW(load_flags, BPF_PROG_LOAD, -EINVAL, (void)w; LOAD(prog_insns, 2) attr->prog_flags = 1U << 30;)
ROW(load_bad_name, BPF_PROG_LOAD, -EINVAL, (void)w; LOAD(prog_insns, 2) attr->prog_name[0] = ' ';)
ROW(load_btf_id, BPF_PROG_LOAD, -EINVAL, (void)w; LOAD(prog_insns, 2) attr->attach_btf_id = 1;)
ROW(load_attach_type, BPF_PROG_LOAD, 1, (void)w;
    LOAD(prog_insns, 2) attr->expected_attach_type = BPF_TRACE_RAW_TP;)
ROW(load_no_exit, BPF_PROG_LOAD, -EINVAL, (void)w; LOAD(prog_insns, 1))
ROW(load_log_no_level, BPF_PROG_LOAD, -EINVAL, (void)w;
    LOAD(prog_insns, 2) attr->log_buf = oracle_ptr(text); attr->log_size = sizeof(text);)
ROW(load_log_no_size, BPF_PROG_LOAD, -EINVAL, (void)w;
    LOAD(prog_insns, 2) attr->log_buf = oracle_ptr(text); attr->log_level = 1;)
ROW(load_log_no_buf, BPF_PROG_LOAD, -EINVAL, (void)w; LOAD(prog_insns, 2) attr->log_size = 512;
    attr->log_level = 1;)
ROW(load_log_level_8, BPF_PROG_LOAD, -EINVAL, (void)w;
    LOAD(prog_insns, 2) attr->log_buf = oracle_ptr(text); attr->log_size = sizeof(text);
    attr->log_level = 16;)
ROW(load_log_bad, BPF_PROG_LOAD, -EFAULT, (void)w; LOAD(prog_insns, 2) attr->log_buf = 8;
    attr->log_size = 512; attr->log_level = 2;)
ROW(load_map_closed, BPF_PROG_LOAD, -EBADF, (void)w; memset(insns, 0, sizeof(insns));
    insns[0].code = BPF_LD | BPF_IMM | BPF_DW; insns[0].src_reg = BPF_PSEUDO_MAP_FD;
    insns[0].imm = 9999; insns[2] = filter_insns[0]; insns[3] = filter_insns[1]; LOAD(insns, 4))
ROW(load_map_is_prog, BPF_PROG_LOAD, -EINVAL, memset(insns, 0, sizeof(insns));
    insns[0].code = BPF_LD | BPF_IMM | BPF_DW; insns[0].src_reg = BPF_PSEUDO_MAP_FD;
    insns[0].imm = w->prog; insns[2] = filter_insns[0]; insns[3] = filter_insns[1]; LOAD(insns, 4))
ROW(load_map, BPF_PROG_LOAD, 1, memset(insns, 0, sizeof(insns));
    insns[0].code = BPF_LD | BPF_IMM | BPF_DW; insns[0].src_reg = BPF_PSEUDO_MAP_FD;
    insns[0].imm = w->array; insns[2] = filter_insns[0]; insns[3] = filter_insns[1]; LOAD(insns, 4))
ROW(load_map_fd_and_off, BPF_PROG_LOAD, -EINVAL, memset(insns, 0, sizeof(insns));
    insns[0].code = BPF_LD | BPF_IMM | BPF_DW; insns[0].src_reg = BPF_PSEUDO_MAP_FD;
    insns[0].imm = w->array; insns[1].imm = 1; insns[2] = filter_insns[0];
    insns[3] = filter_insns[1]; LOAD(insns, 4))
ROW(load_map_idx, BPF_PROG_LOAD, 1, memset(insns, 0, sizeof(insns));
    insns[0].code = BPF_LD | BPF_IMM | BPF_DW; insns[0].src_reg = BPF_PSEUDO_MAP_IDX;
    insns[0].imm = 1; insns[2] = filter_insns[0]; insns[3] = filter_insns[1];
    fd_array[1] = (uint32_t)w->array; attr->fd_array = oracle_ptr(fd_array); LOAD(insns, 4))
ROW(load_map_idx_no_array, BPF_PROG_LOAD, -EPROTO, (void)w; memset(insns, 0, sizeof(insns));
    insns[0].code = BPF_LD | BPF_IMM | BPF_DW; insns[0].src_reg = BPF_PSEUDO_MAP_IDX;
    insns[2] = filter_insns[0]; insns[3] = filter_insns[1]; LOAD(insns, 4))
ROW(load_map_idx_bad_array, BPF_PROG_LOAD, -EFAULT, (void)w; memset(insns, 0, sizeof(insns));
    insns[0].code = BPF_LD | BPF_IMM | BPF_DW; insns[0].src_reg = BPF_PSEUDO_MAP_IDX;
    insns[2] = filter_insns[0]; insns[3] = filter_insns[1]; attr->fd_array = 8; LOAD(insns, 4))

#define FUNC_INFO(off, id, n, rec)                      \
	LOAD(filter_insns, 2)                           \
	attr->prog_btf_fd = (uint32_t)w->btf;           \
	func_info[0] = (struct bpf_func_info){off, id}; \
	attr->func_info = oracle_ptr(func_info);        \
	attr->func_info_cnt = n;                        \
	attr->func_info_rec_size = rec;
#define LINE_INFO(at, text_off, n, rec)                                   \
	FUNC_INFO(0, 4, 1, 8)                                             \
	line_info[0] = (struct bpf_line_info){at, text_off, text_off, 0}; \
	attr->line_info = oracle_ptr(line_info);                          \
	attr->line_info_cnt = n;                                          \
	attr->line_info_rec_size = rec;
ROW(func_info, BPF_PROG_LOAD, 1, FUNC_INFO(0, 4, 1, 8))
ROW(func_info_no_btf, BPF_PROG_LOAD, -EBADF, FUNC_INFO(0, 4, 1, 8) attr->prog_btf_fd = 9999;)
ROW(func_info_rec_4, BPF_PROG_LOAD, -EINVAL, FUNC_INFO(0, 4, 1, 4))
ROW(func_info_rec_10, BPF_PROG_LOAD, -EINVAL, FUNC_INFO(0, 4, 1, 10))
ROW(func_info_rec_big, BPF_PROG_LOAD, -EINVAL, FUNC_INFO(0, 4, 1, 256))
ROW(func_info_rec_tail, BPF_PROG_LOAD, -E2BIG, FUNC_INFO(0, 4, 1, 16) func_info[1].type_id = 1;)
ROW(func_info_too_many, BPF_PROG_LOAD, -EINVAL, FUNC_INFO(0, 4, 2, 8))
ROW(func_info_not_first, BPF_PROG_LOAD, -EINVAL, FUNC_INFO(1, 4, 1, 8))
ROW(func_info_not_func, BPF_PROG_LOAD, -EINVAL, FUNC_INFO(0, 1, 1, 8))
ROW(func_info_bad_type, BPF_PROG_LOAD, -EINVAL, FUNC_INFO(0, 99, 1, 8))
ROW(func_info_bad_address, BPF_PROG_LOAD, -EFAULT, FUNC_INFO(0, 4, 1, 8) attr->func_info = 8;)
ROW(line_info, BPF_PROG_LOAD, 1, LINE_INFO(0, 1, 1, 16))
ROW(line_info_rec_12, BPF_PROG_LOAD, -EINVAL, LINE_INFO(0, 1, 1, 12))
ROW(line_info_behind, BPF_PROG_LOAD, -EINVAL, LINE_INFO(2, 1, 1, 16))
ROW(line_info_not_first, BPF_PROG_LOAD, -EINVAL, LINE_INFO(1, 1, 1, 16))
ROW(line_info_bad_text, BPF_PROG_LOAD, -EINVAL, LINE_INFO(0, 1000, 1, 16))
ROW(line_info_twice, BPF_PROG_LOAD, -EINVAL, LINE_INFO(0, 1, 2, 16) line_info[1] = line_info[0];)

ROW(bind, BPF_PROG_BIND_MAP, 0, attr->prog_bind_map.prog_fd = (uint32_t)w->prog;
    attr->prog_bind_map.map_fd = (uint32_t)w->array;)
ROW(bind_twice, BPF_PROG_BIND_MAP, 0, attr->prog_bind_map.prog_fd = (uint32_t)w->prog;
    attr->prog_bind_map.map_fd = (uint32_t)w->array;)
ROW(bind_flags, BPF_PROG_BIND_MAP, -EINVAL, attr->prog_bind_map.prog_fd = (uint32_t)w->prog;
    attr->prog_bind_map.map_fd = (uint32_t)w->array; attr->prog_bind_map.flags = 1;)
ROW(bind_swapped, BPF_PROG_BIND_MAP, -EINVAL, attr->prog_bind_map.prog_fd = (uint32_t)w->array;
    attr->prog_bind_map.map_fd = (uint32_t)w->prog;)
ROW(bind_closed, BPF_PROG_BIND_MAP, -EBADF, attr->prog_bind_map.prog_fd = (uint32_t)w->prog;
    attr->prog_bind_map.map_fd = 9999;)

ROW(run, BPF_PROG_TEST_RUN, 0, RUN(prog, 16))
ROW(run_12, BPF_PROG_TEST_RUN, 0, RUN(prog, 12 * 8))
ROW(run_13, BPF_PROG_TEST_RUN, -EINVAL, RUN(prog, 13 * 8))
ROW(run_too_few, BPF_PROG_TEST_RUN, -EINVAL, RUN(prog, 8))
ROW(run_odd, BPF_PROG_TEST_RUN, 0, RUN(prog, 17))
ROW(run_none, BPF_PROG_TEST_RUN, -EINVAL, RUN(prog, 0) attr->test.ctx_in = 0;)
ROW(run_size_only, BPF_PROG_TEST_RUN, -EINVAL, RUN(prog, 16) attr->test.ctx_in = 0;)
ROW(run_pointer_only, BPF_PROG_TEST_RUN, -EINVAL, RUN(prog, 0))
ROW(run_bad_ctx, BPF_PROG_TEST_RUN, -EFAULT, RUN(prog, 16) attr->test.ctx_in = 8;)
ROW(run_repeat, BPF_PROG_TEST_RUN, -EINVAL, RUN(prog, 16) attr->test.repeat = 1;)
ROW(run_duration, BPF_PROG_TEST_RUN, -EINVAL, RUN(prog, 16) attr->test.duration = 1;)
ROW(run_data_in, BPF_PROG_TEST_RUN, -EINVAL, RUN(prog, 16) attr->test.data_in = oracle_ptr(text);)
ROW(run_data_out, BPF_PROG_TEST_RUN, -EINVAL, RUN(prog, 16) attr->test.data_out = oracle_ptr(text);)
ROW(run_ctx_out, BPF_PROG_TEST_RUN, -EINVAL, RUN(prog, 16) attr->test.ctx_out = oracle_ptr(text);
    attr->test.ctx_size_out = 16;)
ROW(run_batch, BPF_PROG_TEST_RUN, -EINVAL, RUN(prog, 16) attr->test.batch_size = 1;)
ROW(run_cpu_no_flag, BPF_PROG_TEST_RUN, -EINVAL, RUN(prog, 16) attr->test.cpu = 1;)
ROW(run_on_cpu_0, BPF_PROG_TEST_RUN, 0, RUN(prog, 16) attr->test.flags = BPF_F_TEST_RUN_ON_CPU;)
ROW(run_on_cpu_9999, BPF_PROG_TEST_RUN, -ENXIO, RUN(prog, 16) attr->test.cpu = 9999;
    attr->test.flags = BPF_F_TEST_RUN_ON_CPU;)
ROW(run_map, BPF_PROG_TEST_RUN, -EINVAL, RUN(array, 16))
ROW(run_closed, BPF_PROG_TEST_RUN, -EBADF, RUN(array, 16) attr->test.prog_fd = 9999;)

ROW(open_filter, BPF_RAW_TRACEPOINT_OPEN, -EINVAL,
    attr->raw_tracepoint.prog_fd = (uint32_t)w->filter;
    attr->raw_tracepoint.name = oracle_ptr("no_such_tracepoint");)
ROW(open_bad_name, BPF_RAW_TRACEPOINT_OPEN, -EFAULT,
    attr->raw_tracepoint.prog_fd = (uint32_t)w->prog;
    attr->raw_tracepoint.name = 8;)
ROW(open_map, BPF_RAW_TRACEPOINT_OPEN, -EINVAL, attr->raw_tracepoint.prog_fd = (uint32_t)w->array;
    attr->raw_tracepoint.name = oracle_ptr("no_such_tracepoint");)
ROW(open_closed, BPF_RAW_TRACEPOINT_OPEN, -EBADF, (void)w; attr->raw_tracepoint.prog_fd = 9999;
    attr->raw_tracepoint.name = oracle_ptr("no_such_tracepoint");)
ROW(open_tail, BPF_RAW_TRACEPOINT_OPEN, -EINVAL, attr->raw_tracepoint.prog_fd = (uint32_t)w->prog;
    attr->raw_tracepoint.name = oracle_ptr("no_such_tracepoint"); ((char *)attr)[40] = 1;)
ROW(link_closed, BPF_LINK_CREATE, -EBADF, (void)w; attr->link_create.prog_fd = 9999;
    attr->link_create.attach_type = BPF_TRACE_RAW_TP;)
ROW(link_map, BPF_LINK_CREATE, -EINVAL, attr->link_create.prog_fd = (uint32_t)w->array;
    attr->link_create.attach_type = BPF_TRACE_RAW_TP;)
ROW(link_raw_tp, BPF_LINK_CREATE, -EINVAL, attr->link_create.prog_fd = (uint32_t)w->prog;
    attr->link_create.attach_type = BPF_TRACE_RAW_TP;)

ROW(info_map, BPF_OBJ_GET_INFO_BY_FD, 0, INFO(array, 88))
ROW(info_short, BPF_OBJ_GET_INFO_BY_FD, 0, INFO(array, 4))
ROW(info_0, BPF_OBJ_GET_INFO_BY_FD, 0, INFO(array, 0))
ROW(info_long, BPF_OBJ_GET_INFO_BY_FD, 0, INFO(array, 500))
ROW(info_tail, BPF_OBJ_GET_INFO_BY_FD, -E2BIG, INFO(array, 500) info[400] = 1;)
ROW(info_bad, BPF_OBJ_GET_INFO_BY_FD, -EFAULT, INFO(array, 88) attr->info.info = 8;)
ROW(info_prog, BPF_OBJ_GET_INFO_BY_FD, 0, INFO(prog, sizeof(struct bpf_prog_info)))
ROW(info_prog_ids, BPF_OBJ_GET_INFO_BY_FD, -EFAULT,
    INFO(prog, sizeof(struct bpf_prog_info))((struct bpf_prog_info *)info)->nr_map_ids = 1;
    ((struct bpf_prog_info *)info)->map_ids = 8;)
ROW(info_btf, BPF_OBJ_GET_INFO_BY_FD, 0, INFO(btf, sizeof(struct bpf_btf_info)))
ROW(info_btf_name, BPF_OBJ_GET_INFO_BY_FD, -EINVAL,
    INFO(btf, sizeof(struct bpf_btf_info))((struct bpf_btf_info *)info)->name_len = 1;)
ROW(info_file, BPF_OBJ_GET_INFO_BY_FD, -EINVAL, INFO(file, 88))
ROW(info_closed, BPF_OBJ_GET_INFO_BY_FD, -EBADFD, INFO(file, 88) attr->info.bpf_fd = 9999;)

extern const struct row *const __start_attr_rows[];
extern const struct row *const __stop_attr_rows[];

static int run_row(const struct row *row, const struct world *w)
{
	union bpf_attr attr;
	int ret;

	memset(&attr, 0, sizeof(attr));
	row->fill(w, &attr);
	ret = w->bpf(row->cmd, &attr, sizeof(attr));
	if (ret > 0) {
		CHECK(ret >= 3);
		CHECK(fcntl(ret, F_GETFD) == FD_CLOEXEC);
		close(ret);
		ret = 1;
	}
	return ret;
}

TEST(syscall_attr_rows)
{
	int has_kernel = oracle_has_kernel();
	const struct row *const *row;
	struct world ours, kernel;
	int ret;

	test_case("objects");
	world_init(&ours, oracle_rawtp);
	if (has_kernel)
		world_init(&kernel, oracle_kernel);
	for (row = __start_attr_rows; row < __stop_attr_rows; row++) {
		test_case("%s", (*row)->name);
		CHECK_EQ(run_row(*row, &ours), (*row)->result);
		if (!has_kernel)
			continue;
		ret = run_row(*row, &kernel);
		if (ret != (*row)->result && ret != (*row)->other)
			test_fail(__FILE__, __LINE__, "the kernel says %d, not %d", ret,
				  (*row)->result);
	}
	world_close(&ours);
	if (has_kernel)
		world_close(&kernel);
}

/* Any size of attr: shorter is zeroes, longer must be. */
TEST(syscall_attr_sizes)
{
	static char page[8192] __attribute__((aligned(8)));
	union bpf_attr *attr = (void *)page;
	struct world ours, kernel;
	unsigned int size;

	world_init(&ours, oracle_rawtp);
	if (!oracle_has_kernel())
		test_skip("bpf(2) is not permitted");
	test_need_kernel(6, 11);
	world_init(&kernel, oracle_kernel);
	for (size = 0; size <= sizeof(page); size += size < 256 ? 1 : 500) {
		const struct world *worlds[] = {&ours, &kernel};
		int ret[2], i;

		test_case("size %u", size);
		for (i = 0; i < 2; i++) {
			const struct world *w = worlds[i];

			memset(page, 0, sizeof(page));
			ELEM(array, 1)
			ret[i] = w->bpf(BPF_MAP_LOOKUP_ELEM, attr, size);
		}
		/* The kernel's union has grown since our headers; zeroes are zeroes. */
		CHECK_EQ(ret[0], ret[1]);
		page[size > 700 ? size - 1 : sizeof(page) - 1] = 1;
		if (size > 700)
			CHECK_EQ(oracle_rawtp(BPF_MAP_LOOKUP_ELEM, attr, size), -E2BIG);
	}
	test_case("bad address");
	CHECK_EQ(oracle_rawtp(BPF_MAP_LOOKUP_ELEM, (void *)8, sizeof(*attr)), -EFAULT);
	CHECK_EQ(oracle_kernel(BPF_MAP_LOOKUP_ELEM, (void *)8, sizeof(*attr)), -EFAULT);
	world_close(&ours);
	world_close(&kernel);
}

TEST(syscall_errno_kept)
{
	union bpf_attr attr;
	struct world w;

	world_init(&w, oracle_rawtp);
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)w.array;
	key = 1;
	attr.key = oracle_ptr(&key);
	attr.value = oracle_ptr(values);
	errno = 77;
	CHECK_EQ(rawtp_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
	CHECK_EQ(errno, 77);
	world_close(&w);
}
