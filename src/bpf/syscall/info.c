/* SPDX-License-Identifier: MIT */
/* BPF_OBJ_GET_INFO_BY_FD. */
#include "bpf/syscall/commands.h"
#include "base/err.h"
#include "base/nofault.h"
#include "bpf/syscall/handle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What every kind does with the caller's buffer: size in, size out. */
struct target {
	void *user;         /* bpf_*_info of the caller */
	uint32_t size;      /* bytes that the caller has */
	uint32_t *user_len; /* where the number of bytes that were written goes */
};

static int give(const struct target *target, const void *info, size_t known)
{
	uint32_t size = target->size < known ? target->size : (uint32_t)known;

	if (rawtp_nofault_write(target->user, info, size) != 0)
		return -EFAULT;
	return rawtp_nofault_write(target->user_len, &size, sizeof(size));
}

/* Takes the caller's struct, which says where arrays are to go. */
static int take(const struct target *target, void *info, size_t known)
{
	int err = rawtp_check_zero_tail(target->user, known, target->size);

	memset(info, 0, known);
	if (err)
		return err;
	return rawtp_nofault_read(info, target->user, target->size < known ? target->size : known);
}

static int map_info(const struct target *target, const struct rawtp_map *map)
{
	struct bpf_map_info info;
	int err = take(target, &info, sizeof(info));

	if (err)
		return err;
	memset(&info, 0, sizeof(info));
	info.type = map->type;
	info.id = (uint32_t)map->ino;
	info.key_size = map->key_size;
	info.value_size = map->value_size;
	info.max_entries = map->max_entries;
	info.map_flags = map->flags & ~(uint32_t)RAWTP_MAP_ACCESS_FLAGS;
	memcpy(info.name, map->name, sizeof(info.name));
	info.btf_key_type_id = map->btf_key_type_id;
	info.btf_value_type_id = map->btf_value_type_id;
	info.btf_id = map->btf_id;
	return give(target, &info, sizeof(info));
}

/* An array for the caller: copies what has room, and says how much there is. */
static int give_array(uint64_t user, uint32_t *n, const void *data, uint32_t n_data, size_t each)
{
	uint32_t room = *n < n_data ? *n : n_data;

	*n = n_data;
	if (!room)
		return 0;
	return rawtp_nofault_write(rawtp_user_ptr(user), data, room * each);
}

static int give_map_ids(struct bpf_prog_info *info, const struct rawtp_prog_object *object)
{
	const struct rawtp_prog *prog = object->prog;
	uint32_t n_bound = __atomic_load_n(&object->n_bound, __ATOMIC_ACQUIRE), i, n = 0;
	uint32_t ids[RAWTP_MAX_MAPS];

	for (i = 0; i < prog->n_maps; i++)
		if (prog->maps[i] != prog->trace_ring)
			ids[n++] = (uint32_t)prog->maps[i]->ino;
	for (i = 0; i < n_bound; i++)
		ids[n++] = (uint32_t)object->bound[i]->ino;
	return give_array(info->map_ids, &info->nr_map_ids, ids, n, sizeof(ids[0]));
}

/* The program as it was loaded, with the ids of maps in place of descriptors. */
static int give_insns(struct bpf_prog_info *info, const struct rawtp_prog_object *object)
{
	size_t size = (size_t)object->n_stored * sizeof(struct bpf_insn);
	struct bpf_insn *insns;
	uint32_t i;
	int err;

	if (!info->xlated_prog_len) {
		info->xlated_prog_len = (uint32_t)size;
		return 0;
	}
	insns = malloc(size);
	if (!insns)
		return -ENOMEM;
	memcpy(insns, object->stored, size);
	for (i = 0; i + 1 < object->n_stored; i++) {
		struct bpf_insn *insn = &insns[i];

		if (insn->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		i++;
		if (insn->src_reg == BPF_PSEUDO_MAP_IDX)
			insn->src_reg = BPF_PSEUDO_MAP_FD;
		else if (insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE)
			insn->src_reg = BPF_PSEUDO_MAP_VALUE;
		else
			continue;
		insn->imm = (int32_t)(uint32_t)object->prog->maps[insn->imm]->ino;
	}
	err = give_array(info->xlated_prog_insns, &info->xlated_prog_len, insns, (uint32_t)size, 1);
	free(insns);
	return err;
}

static int give_arrays(struct bpf_prog_info *info, const struct rawtp_prog_object *object)
{
	const struct rawtp_prog *prog = object->prog;
	int err = give_map_ids(info, object);

	if (!err)
		err = give_insns(info, object);
	if (!err)
		err = give_array(info->jited_prog_insns, &info->jited_prog_len, prog->jit_image,
				 (uint32_t)prog->jit_size, 1);
	if (!err)
		err = give_array(info->func_info, &info->nr_func_info, prog->func_info,
				 prog->n_func_info, sizeof(*prog->func_info));
	if (!err)
		err = give_array(info->line_info, &info->nr_line_info, prog->line_info,
				 prog->n_line_info, sizeof(*prog->line_info));
	if (!err)
		err = give_array(info->prog_tags, &info->nr_prog_tags, object->facts.tag, 1,
				 sizeof(object->facts.tag));
	return err;
}

static int prog_info(const struct target *target, const struct rawtp_prog_object *object)
{
	const struct rawtp_prog *prog = object->prog;
	struct bpf_prog_info info;
	int err = take(target, &info, sizeof(info));

	if (err)
		return err;
	err = give_arrays(&info, object);
	if (err)
		return err;
	info.type = prog->type;
	info.id = (uint32_t)prog->id;
	memcpy(info.tag, object->facts.tag, sizeof(info.tag));
	memcpy(info.name, prog->name, sizeof(info.name));
	info.load_time = object->facts.load_time;
	info.created_by_uid = object->facts.uid;
	info.gpl_compatible = object->facts.gpl_compatible & 1;
	info.ifindex = 0;
	info.netns_dev = info.netns_ino = 0;
	info.btf_id = object->btf_id;
	info.func_info_rec_size = sizeof(struct bpf_func_info);
	info.line_info_rec_size = sizeof(struct bpf_line_info);
	info.jited_line_info_rec_size = sizeof(uint64_t);
	info.nr_jited_ksyms = info.nr_jited_func_lens = info.nr_jited_line_info = 0;
	info.run_time_ns = info.run_cnt = info.recursion_misses = 0;
	info.verified_insns = prog->verified_insns;
	info.attach_btf_obj_id = info.attach_btf_id = 0;
	return give(target, &info, sizeof(info));
}

static int btf_info(const struct target *target, const struct rawtp_btf *btf, uint32_t id)
{
	struct bpf_btf_info info;
	uint32_t size, name_size;
	const void *data = rawtp_btf_data(btf, &size);
	int err = take(target, &info, sizeof(info));

	if (err)
		return err;
	if (!info.name != !info.name_len)
		return -EINVAL;
	err = give_array(info.btf, &info.btf_size, data, size, 1);
	if (err)
		return err;
	name_size = info.name_len;
	info.id = id;
	info.name_len = 0;
	info.kernel_btf = 0;
	if (name_size && rawtp_nofault_write(rawtp_user_ptr(info.name), "", 1) != 0)
		return -EFAULT;
	return give(target, &info, sizeof(info));
}

static int give_name(struct bpf_link_info *info, uint64_t user, uint32_t room, char *name)
{
	uint32_t size = (uint32_t)strlen(name) + 1;
	int err = 0;

	if (!user != !room)
		return -EINVAL;
	info->raw_tracepoint.tp_name = user;
	info->raw_tracepoint.tp_name_len = size;
	if (!user)
		return 0;
	if (room < size) {
		name[room - 1] = '\0';
		size = room;
		err = -ENOSPC;
	}
	return rawtp_nofault_write(rawtp_user_ptr(user), name, size) ? -EFAULT : err;
}

static int link_info(const struct target *target, int fd)
{
	struct bpf_link_info info, given;
	char name[256] = "";
	int err = rawtp_link_info(fd, &(struct bpf_link_info){0}, name, sizeof(name));

	if (err)
		return err;
	err = take(target, &given, sizeof(given));
	if (err)
		return err;
	memset(&info, 0, sizeof(info));
	err = rawtp_link_info(fd, &info, name, sizeof(name));
	if (err)
		return err;
	err = give_name(&info, given.raw_tracepoint.tp_name, given.raw_tracepoint.tp_name_len,
			name);
	return err ? err : give(target, &info, sizeof(info));
}

int rawtp_cmd_obj_get_info(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	struct target target = {rawtp_user_ptr(attr->info.info), attr->info.info_len,
				&user->info.info_len};
	int fd = (int)attr->info.bpf_fd, kind = rawtp_handle_kind(fd), err;
	struct rawtp_prog_object *object;
	struct rawtp_map *map;
	struct rawtp_btf *btf;
	uint32_t id;

	switch (kind) {
	case RAWTP_HANDLE_MAP:
		map = rawtp_map_from_fd(fd);
		if (rawtp_is_err(map))
			return (int)rawtp_ptr_err(map);
		err = map_info(&target, map);
		rawtp_map_put(map);
		return err;
	case RAWTP_HANDLE_PROG:
		object = rawtp_prog_object_from_fd(fd);
		if (rawtp_is_err(object))
			return (int)rawtp_ptr_err(object);
		err = prog_info(&target, object);
		rawtp_prog_object_put(object);
		return err;
	case RAWTP_HANDLE_BTF:
		btf = rawtp_btf_from_fd(fd, &id);
		if (rawtp_is_err(btf))
			return (int)rawtp_ptr_err(btf);
		err = btf_info(&target, btf, id);
		rawtp_btf_put(btf);
		return err;
	case -EINVAL:
		return link_info(&target, fd);
	default: /* the kernel has another word for it here than elsewhere */
		return kind == -EBADF ? -EBADFD : kind;
	}
}
