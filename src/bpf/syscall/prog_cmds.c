/* SPDX-License-Identifier: MIT */
/* The commands on programs: load, bind a map, and, through what upper layers brought, attach. */
#include "bpf/syscall/commands.h"
#include "base/err.h"
#include "base/nofault.h"
#include "bpf/syscall/handle.h"
#include "bpf/syscall/prog_file.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LDIMM64        (BPF_LD | BPF_IMM | BPF_DW)
#define NAME_SIZE      ((int)BPF_OBJ_NAME_LEN)
#define LICENSE_SIZE   128
#define LARGEST_RECORD 252 /* MAX_FUNCINFO_REC_SIZE, MAX_LINEINFO_REC_SIZE */
#define TRACEPOINT_MAX 128
#define NSEC_PER_SEC   1000000000ULL

/*
 * Flags that change nothing here: alignment is free on the CPUs we have, and the other two are for
 * tests of the kernel. BPF_F_STRICT_ALIGNMENT would have to be checked, so it is refused.
 */
#define KNOWN_PROG_FLAGS (BPF_F_ANY_ALIGNMENT | BPF_F_TEST_RND_HI32 | BPF_F_TEST_STATE_FREQ)

int rawtp_copy_name(char *dst, const char *src)
{
	int len;

	memset(dst, 0, BPF_OBJ_NAME_LEN);
	for (len = 0; len < NAME_SIZE && src[len]; len++) {
		char c = src[len];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '.')
			return -EINVAL;
		dst[len] = c;
	}
	return len < NAME_SIZE ? len : -EINVAL;
}

/* Raw tracepoints are what is run; the other two are what libbpf asks about before it loads one. */
static bool is_known_type(uint32_t type)
{
	return type == BPF_PROG_TYPE_RAW_TRACEPOINT || type == BPF_PROG_TYPE_SOCKET_FILTER ||
	       type == BPF_PROG_TYPE_TRACEPOINT || type == BPF_PROG_TYPE_TRACING;
}

/* Of TRACING there are tracepoints alone, named by a type; the others are not named at all. */
static bool is_known_attach_type(const union bpf_attr *attr)
{
	if (attr->prog_type == BPF_PROG_TYPE_TRACING)
		return attr->attach_btf_id && attr->expected_attach_type == BPF_TRACE_RAW_TP;
	return !attr->attach_btf_id && !attr->attach_btf_obj_fd;
}

static int check_attr(const union bpf_attr *attr, struct rawtp_prog_facts *facts)
{
	static const char *const compatible[] = {
		"GPL",          "GPL v2",       "GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};
	char license[LICENSE_SIZE];
	size_t i;

	if (attr->prog_flags & ~KNOWN_PROG_FLAGS)
		return -EINVAL;
	if (rawtp_nofault_string(license, rawtp_user_ptr(attr->license), sizeof(license)) < 0)
		return -EFAULT;
	for (i = 0; i < sizeof(compatible) / sizeof(compatible[0]); i++)
		facts->gpl_compatible |= strcmp(license, compatible[i]) == 0;
	if (attr->insn_cnt == 0 || attr->insn_cnt > RAWTP_MAX_INSNS)
		return -E2BIG;
	if (attr->prog_ifindex || attr->core_relo_cnt || !is_known_type(attr->prog_type) ||
	    !is_known_attach_type(attr))
		return -EINVAL;
	return 0;
}

static int map_index(struct rawtp_prog *prog, struct rawtp_map *map)
{
	uint32_t i;

	for (i = 0; i < prog->n_maps; i++) {
		if (prog->maps[i] == map) {
			rawtp_map_put(map);
			return (int)i;
		}
	}
	if (prog->n_maps == RAWTP_MAX_MAPS) {
		rawtp_map_put(map);
		return -E2BIG;
	}
	prog->maps[prog->n_maps] = map;
	return (int)prog->n_maps++;
}

/* Loaded form -> stored form, for one reference. */
static int resolve_map(struct rawtp_prog *prog, struct bpf_insn *insn, const union bpf_attr *attr,
		       struct rawtp_user_log *log)
{
	bool by_index =
		insn->src_reg == BPF_PSEUDO_MAP_IDX || insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE;
	bool value =
		insn->src_reg == BPF_PSEUDO_MAP_VALUE || insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE;
	int fd = insn->imm, index;
	struct rawtp_map *map;

	if (!value && insn[1].imm) {
		rawtp_user_log_print(log, "unrecognized bpf_ld_imm64 insn\n");
		return -EINVAL;
	}
	if (by_index && !attr->fd_array) {
		rawtp_user_log_print(log, "fd_idx without fd_array is invalid\n");
		return -EPROTO;
	}
	if (by_index &&
	    rawtp_nofault_read(
		    &fd,
		    rawtp_user_ptr(attr->fd_array + (uint64_t)(uint32_t)insn->imm * sizeof(fd)),
		    sizeof(fd)) != 0)
		return -EFAULT;
	map = rawtp_map_from_fd(fd);
	if (rawtp_is_err(map)) {
		rawtp_user_log_print(log, "fd %d is not pointing to valid bpf_map\n", fd);
		return (int)rawtp_ptr_err(map);
	}
	index = map_index(prog, map);
	if (index < 0) {
		rawtp_user_log_print(log, "the program uses more than %d maps\n", RAWTP_MAX_MAPS);
		return index;
	}
	insn->src_reg = value ? BPF_PSEUDO_MAP_IDX_VALUE : BPF_PSEUDO_MAP_IDX;
	insn->imm = index;
	return 0;
}

static int resolve_maps(struct rawtp_prog *prog, const union bpf_attr *attr,
			struct rawtp_user_log *log)
{
	uint32_t i;
	int err = 0;

	prog->maps = calloc(RAWTP_MAX_MAPS, sizeof(struct rawtp_map *));
	if (!prog->maps)
		return -ENOMEM;
	for (i = 0; !err && i + 1 < prog->n_insns; i++) {
		struct bpf_insn *insn = &prog->insns[i];

		if (insn->code != LDIMM64)
			continue;
		if (insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_VALUE ||
		    insn->src_reg == BPF_PSEUDO_MAP_IDX ||
		    insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE)
			err = resolve_map(prog, insn, attr, log);
		i++;
	}
	return err;
}

/*
 * An array of records of the caller's size, whose first @known bytes are ours and the rest zero.
 * Returns NULL with *@err 0 where there is none.
 */
static void *copy_records(uint64_t user, uint32_t n, uint32_t size, uint32_t smallest, size_t known,
			  uint32_t limit, int *err)
{
	char *records;
	uint32_t i;

	*err = 0;
	if (!n)
		return NULL;
	*err = -EINVAL;
	if (n > limit || size < smallest || size > LARGEST_RECORD || size % sizeof(uint32_t))
		return NULL;
	records = calloc(n, known);
	*err = records ? 0 : -ENOMEM;
	for (i = 0; !*err && i < n; i++) {
		const char *from = (const char *)rawtp_user_ptr(user) + (size_t)i * size;

		*err = rawtp_check_zero_tail(from, known, size);
		if (!*err)
			*err = rawtp_nofault_read(records + i * known, from,
						  size < known ? size : known);
	}
	if (!*err)
		return records;
	free(records);
	return NULL;
}

static int load_info(struct rawtp_prog_object *object, const union bpf_attr *attr,
		     struct rawtp_user_log *log)
{
	struct rawtp_prog *prog = object->prog;
	const char *why = "";
	int err;

	/* As in the kernel, BTF without func_info and line_info is not looked at. */
	if (!attr->func_info_cnt && !attr->line_info_cnt)
		return 0;
	prog->btf = rawtp_btf_from_fd((int)attr->prog_btf_fd, &object->btf_id);
	if (rawtp_is_err(prog->btf)) {
		err = (int)rawtp_ptr_err(prog->btf);
		prog->btf = NULL;
		return err;
	}
	prog->func_info = copy_records(attr->func_info, attr->func_info_cnt,
				       attr->func_info_rec_size, sizeof(struct bpf_func_info),
				       sizeof(struct bpf_func_info), RAWTP_MAX_SUBPROGS, &err);
	if (err)
		return err;
	prog->n_func_info = attr->func_info_cnt;
	prog->line_info = copy_records(attr->line_info, attr->line_info_cnt,
				       attr->line_info_rec_size, sizeof(struct bpf_line_info),
				       sizeof(struct bpf_line_info), prog->n_insns, &err);
	if (err)
		return err;
	prog->n_line_info = attr->line_info_cnt;
	err = rawtp_prog_check_info(prog, &why);
	if (err)
		rawtp_user_log_print(log, "%s\n", why);
	return err;
}

/* FNV-1a over the stored form: tells programs apart. It is not the kernel's tag (a SHA-1). */
static void make_tag(struct rawtp_prog_object *object)
{
	const unsigned char *bytes = (const unsigned char *)object->stored;
	uint64_t hash = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < object->n_stored * sizeof(struct bpf_insn); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	memcpy(object->facts.tag, &hash, sizeof(hash));
}

static rawtp_target_btf_fn target_btf;

void rawtp_bpf_set_target_btf(rawtp_target_btf_fn fn)
{
	__atomic_store_n(&target_btf, fn, __ATOMIC_RELEASE);
}

/* Where the target has no types the verifier says so. */
static int find_attach_type(struct rawtp_prog *prog, const union bpf_attr *attr)
{
	rawtp_target_btf_fn fn = __atomic_load_n(&target_btf, __ATOMIC_ACQUIRE);
	struct rawtp_btf *btf = NULL;
	uint32_t id;

	if (attr->prog_type != BPF_PROG_TYPE_TRACING)
		return 0;
	if (attr->attach_btf_obj_fd)
		btf = rawtp_btf_from_fd((int)attr->attach_btf_obj_fd, &id);
	else if (fn)
		btf = fn();
	if (rawtp_is_err(btf))
		return (int)rawtp_ptr_err(btf);
	prog->attach_btf = btf;
	prog->attach_btf_id = attr->attach_btf_id;
	return 0;
}

static int fill(struct rawtp_prog_object *object, const union bpf_attr *attr,
		struct rawtp_user_log *log)
{
	struct rawtp_prog *prog = object->prog;
	size_t size = (size_t)attr->insn_cnt * sizeof(struct bpf_insn);
	struct timespec now = {0};
	int err = rawtp_nofault_read(prog->insns, rawtp_user_ptr(attr->insns), size);

	if (err)
		return err;
	prog->type = attr->prog_type;
	if (rawtp_copy_name(prog->name, attr->prog_name) < 0)
		return -EINVAL;
	clock_gettime(CLOCK_BOOTTIME, &now);
	object->facts.load_time = (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
	object->facts.uid = getuid();
	object->facts.expected_attach_type = attr->expected_attach_type;
	object->facts.prog_flags = attr->prog_flags;
	err = load_info(object, attr, log);
	if (!err)
		err = find_attach_type(prog, attr);
	if (!err)
		err = resolve_maps(prog, attr, log);
	if (err)
		return err;
	rawtp_prog_add_trace_ring(prog);
	object->n_stored = attr->insn_cnt;
	object->stored = malloc(size);
	if (!object->stored)
		return -ENOMEM;
	memcpy(object->stored, prog->insns, size);
	make_tag(object);
	return rawtp_prog_finish(prog, &log->log);
}

static int load(const union bpf_attr *attr, const struct rawtp_prog_facts *facts,
		struct rawtp_user_log *log)
{
	struct rawtp_prog_object *object = calloc(1, sizeof(*object));
	int fd;

	if (!object)
		return -ENOMEM;
	object->refcount = 1;
	object->facts = *facts;
	object->prog = rawtp_prog_new(attr->insn_cnt);
	fd = object->prog ? fill(object, attr, log) : -ENOMEM;
	if (!fd)
		fd = rawtp_prog_file_write(object);
	if (fd < 0) {
		rawtp_prog_object_put(object);
		return fd;
	}
	object->prog->id = rawtp_handle_inode(fd);
	rawtp_handle_add(fd, RAWTP_HANDLE_PROG, object);
	return fd;
}

int rawtp_cmd_prog_load(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	struct rawtp_prog_facts facts = {0};
	struct rawtp_user_log log;
	int ret = check_attr(attr, &facts);

	if (ret)
		return ret;
	ret = rawtp_user_log_open(&log, attr->log_level, attr->log_buf, attr->log_size);
	if (ret)
		return ret;
	rawtp_handle_sweep();
	ret = load(attr, &facts, &log);
	ret = rawtp_user_log_close(&log, ret);
	return ret;
}

static int bind(struct rawtp_prog_object *object, struct rawtp_map *map)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct rawtp_prog *prog = object->prog;
	uint32_t i;
	int err = 0;

	pthread_mutex_lock(&lock);
	for (i = 0; i < prog->n_maps; i++)
		if (prog->maps[i] == map)
			goto unlock;
	for (i = 0; i < object->n_bound; i++)
		if (object->bound[i] == map)
			goto unlock;
	if (prog->n_maps + object->n_bound >= RAWTP_MAX_MAPS) {
		err = -E2BIG;
		goto unlock;
	}
	rawtp_map_get(map);
	object->bound[object->n_bound] = map;
	__atomic_store_n(&object->n_bound, object->n_bound + 1, __ATOMIC_RELEASE);
unlock:
	pthread_mutex_unlock(&lock);
	return err;
}

int rawtp_cmd_prog_bind_map(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	struct rawtp_prog_object *object;
	struct rawtp_map *map;
	int err;

	if (attr->prog_bind_map.flags)
		return -EINVAL;
	object = rawtp_prog_object_from_fd((int)attr->prog_bind_map.prog_fd);
	if (rawtp_is_err(object))
		return (int)rawtp_ptr_err(object);
	map = rawtp_map_from_fd((int)attr->prog_bind_map.map_fd);
	if (rawtp_is_err(map)) {
		err = (int)rawtp_ptr_err(map);
	} else {
		err = bind(object, map);
		rawtp_map_put(map);
	}
	rawtp_prog_object_put(object);
	return err;
}

static rawtp_link_open_fn link_open;
static rawtp_link_info_fn link_info;

void rawtp_bpf_set_link_ops(rawtp_link_open_fn open, rawtp_link_info_fn info)
{
	__atomic_store_n(&link_open, open, __ATOMIC_RELEASE);
	__atomic_store_n(&link_info, info, __ATOMIC_RELEASE);
}

int rawtp_link_info(int fd, struct bpf_link_info *info, char *name, size_t size)
{
	rawtp_link_info_fn fn = __atomic_load_n(&link_info, __ATOMIC_ACQUIRE);

	return fn ? fn(fd, info, name, size) : -EINVAL;
}

/* The tracepoint that a program with typed arguments was loaded for; else what @user says. */
static int tracepoint_name(int prog_fd, uint64_t user, char *name, size_t size)
{
	struct rawtp_prog *prog = rawtp_prog_from_fd(prog_fd);
	int err = -EINVAL;

	if (rawtp_is_err(prog))
		return (int)rawtp_ptr_err(prog);
	if (prog->type == BPF_PROG_TYPE_TRACING && !user)
		err = snprintf(name, size, "%s",
			       rawtp_btf_tracepoint(prog->attach_btf, prog->attach_btf_id)) <
				      (int)size
			      ? 0
			      : -ENOENT;
	else if (prog->type == BPF_PROG_TYPE_RAW_TRACEPOINT)
		err = rawtp_nofault_string(name, rawtp_user_ptr(user), size) < 0 ? -EFAULT : 0;
	rawtp_prog_put(prog);
	return err;
}

static int open_link(int prog_fd, const char *name, uint64_t cookie)
{
	rawtp_link_open_fn open = __atomic_load_n(&link_open, __ATOMIC_ACQUIRE);

	return open ? rawtp_handle_fd_above_stdio(open(prog_fd, name, cookie)) : -EOPNOTSUPP;
}

int rawtp_cmd_raw_tracepoint_open(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	int prog_fd = (int)attr->raw_tracepoint.prog_fd, err;
	char name[TRACEPOINT_MAX];
	uint64_t cookie;

	err = tracepoint_name(prog_fd, attr->raw_tracepoint.name, name, sizeof(name));
	memcpy(&cookie, (const char *)attr + RAWTP_RAW_TP_COOKIE, sizeof(cookie));
	return err ? err : open_link(prog_fd, name, cookie);
}

/*
 * The kernel takes BPF_TRACE_RAW_TP here for programs of type TRACING alone, which name their
 * tracepoint when they are loaded.
 */
int rawtp_cmd_link_create(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	int prog_fd = (int)attr->link_create.prog_fd, err;
	struct rawtp_prog *prog = rawtp_prog_from_fd(prog_fd);
	char name[TRACEPOINT_MAX];
	uint32_t type;

	if (rawtp_is_err(prog))
		return (int)rawtp_ptr_err(prog);
	type = prog->type;
	rawtp_prog_put(prog);
	if (type != BPF_PROG_TYPE_TRACING || attr->link_create.attach_type != BPF_TRACE_RAW_TP ||
	    attr->link_create.target_fd || attr->link_create.flags ||
	    attr->link_create.tracing.target_btf_id)
		return -EINVAL;
	err = tracepoint_name(prog_fd, 0, name, sizeof(name));
	return err ? err : open_link(prog_fd, name, attr->link_create.tracing.cookie);
}
