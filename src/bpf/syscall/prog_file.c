/* SPDX-License-Identifier: MIT */
#include "bpf/syscall/prog_file.h"
#include "base/err.h"
#include "bpf/interp.h"
#include "bpf/jit/jit.h"
#include "bpf/syscall/commands.h"
#include "bpf/syscall/syscall.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static size_t round_up_8(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

/* Where the parts of a file lie; counts are checked or our own. */
struct parts {
	size_t insns, maps, func_info, line_info, btf, attach_btf, end;
};

static struct parts parts_of(const struct rawtp_prog_file *file)
{
	struct parts parts;

	parts.insns = round_up_8(sizeof(*file));
	parts.maps = parts.insns + (size_t)file->n_insns * sizeof(struct bpf_insn);
	parts.func_info = parts.maps + (size_t)file->n_maps * sizeof(struct rawtp_prog_file_map);
	parts.line_info =
		parts.func_info + (size_t)file->n_func_info * sizeof(struct bpf_func_info);
	parts.btf = parts.line_info + (size_t)file->n_line_info * sizeof(struct bpf_line_info);
	parts.attach_btf = parts.btf + round_up_8(file->btf_size);
	parts.end = parts.attach_btf + round_up_8(file->attach_btf_size);
	return parts;
}

int rawtp_sealed_memfd(const char *name, const void *data, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), err;
	size_t done = 0;

	if (fd < 0)
		return -errno;
	fd = rawtp_handle_fd_above_stdio(fd);
	if (fd < 0)
		return fd;
	while (done < size) {
		ssize_t n = write(fd, (const char *)data + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err = n < 0 ? -errno : -ENOSPC;
			close(fd);
			return err;
		}
		done += (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, ALL_SEALS) != 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int64_t rawtp_sealed_size(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS || fstat(fd, &st) != 0)
		return -EINVAL;
	return st.st_size;
}

int rawtp_prog_file_write(const struct rawtp_prog_object *object)
{
	const struct rawtp_prog *prog = object->prog;
	struct rawtp_prog_file file = {
		.magic = RAWTP_PROG_FILE_MAGIC,
		.version = RAWTP_PROG_FILE_VERSION,
		.header_size = sizeof(file),
		.type = prog->type,
		.n_insns = object->n_stored,
		.n_maps = prog->n_maps,
		.n_func_info = prog->n_func_info,
		.n_line_info = prog->n_line_info,
		.btf_id = object->btf_id,
		.attach_btf_id = prog->attach_btf_id,
		.facts = object->facts,
	};
	struct rawtp_prog_file_map *maps;
	const void *btf = prog->btf ? rawtp_btf_data(prog->btf, &file.btf_size) : NULL;
	const void *attach_btf =
		prog->attach_btf ? rawtp_btf_data(prog->attach_btf, &file.attach_btf_size) : NULL;
	struct parts parts = parts_of(&file);
	char *data = calloc(1, parts.end);
	uint32_t i;
	int fd;

	if (!data)
		return -ENOMEM;
	memcpy(file.name, prog->name, sizeof(file.name));
	memcpy(data, &file, sizeof(file));
	memcpy(data + parts.insns, object->stored, parts.maps - parts.insns);
	maps = (void *)(data + parts.maps);
	for (i = 0; i < prog->n_maps; i++) {
		maps[i].dev = prog->maps[i]->dev;
		maps[i].ino = prog->maps[i]->ino;
		if (prog->maps[i] == prog->trace_ring)
			((struct rawtp_prog_file *)(void *)data)->trace_ring = i + 1;
	}
	if (prog->n_func_info)
		memcpy(data + parts.func_info, prog->func_info, parts.line_info - parts.func_info);
	if (prog->n_line_info)
		memcpy(data + parts.line_info, prog->line_info, parts.btf - parts.line_info);
	if (btf)
		memcpy(data + parts.btf, btf, file.btf_size);
	if (attach_btf)
		memcpy(data + parts.attach_btf, attach_btf, file.attach_btf_size);
	fd = rawtp_sealed_memfd("bpf-prog", data, parts.end);
	free(data);
	return fd;
}

static bool valid_header(const struct rawtp_prog_file *file, size_t size)
{
	char name[BPF_OBJ_NAME_LEN];

	return rawtp_copy_name(name, file->name) >= 0 && /* it is shown on terminals */
	       file->magic == RAWTP_PROG_FILE_MAGIC && file->version == RAWTP_PROG_FILE_VERSION &&
	       file->header_size == sizeof(*file) && file->n_insns > 0 &&
	       file->n_insns <= RAWTP_MAX_INSNS && file->n_maps <= RAWTP_MAX_MAPS &&
	       file->n_func_info <= RAWTP_MAX_SUBPROGS && file->n_line_info <= file->n_insns &&
	       file->btf_size <= RAWTP_BTF_MAX_SIZE &&
	       file->attach_btf_size <= RAWTP_BTF_MAX_SIZE &&
	       !file->attach_btf_size == (file->type != BPF_PROG_TYPE_TRACING) &&
	       !file->attach_btf_id == (file->type != BPF_PROG_TYPE_TRACING) &&
	       file->trace_ring <= file->n_maps && parts_of(file).end == size;
}

/* Map references as indices, and within bounds: what the verifier takes for granted. */
static bool valid_map_references(const struct bpf_insn *insns, uint32_t n, uint32_t n_maps)
{
	uint32_t i;

	for (i = 0; i + 1 < n; i++) {
		if (insns[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		switch (insns[i].src_reg) {
		case BPF_PSEUDO_MAP_FD:
		case BPF_PSEUDO_MAP_VALUE:
			return false;
		case BPF_PSEUDO_MAP_IDX:
		case BPF_PSEUDO_MAP_IDX_VALUE:
			if (insns[i].imm < 0 || (uint32_t)insns[i].imm >= n_maps)
				return false;
			break;
		default:
			break;
		}
		i++;
	}
	return true;
}

/* Opens the file's maps into object->prog. */
static int open_maps(struct rawtp_prog_object *object, const struct rawtp_prog_file_map *want,
		     uint32_t n, const int *map_fds, uint32_t n_map_fds)
{
	struct rawtp_prog *prog = object->prog;
	uint32_t i;

	if (map_fds && n_map_fds != n)
		return -EINVAL;
	prog->maps = calloc(n + 1, sizeof(struct rawtp_map *));
	if (!prog->maps)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		int fd = map_fds ? map_fds[i] : rawtp_handle_find_fd(want[i].dev, want[i].ino);
		struct rawtp_map *map;

		if (fd < 0)
			return -ENOENT;
		map = map_fds ? rawtp_map_open_quiet(fd) : rawtp_map_open(fd);
		if (rawtp_is_err(map))
			return (int)rawtp_ptr_err(map);
		prog->maps[prog->n_maps++] = map;
		if (map->dev != want[i].dev || map->ino != want[i].ino)
			return -EINVAL;
	}
	return 0;
}

static void *copy_part(const char *data, size_t size, int *err)
{
	void *copy = size ? malloc(size) : NULL;

	if (copy)
		memcpy(copy, data, size);
	else if (size)
		*err = -ENOMEM;
	return copy;
}

static int read_btf(const char *data, uint32_t size, struct rawtp_btf **out)
{
	struct rawtp_btf *btf = size ? rawtp_btf_new(data, size) : NULL;

	if (rawtp_is_err(btf))
		return (int)rawtp_ptr_err(btf);
	*out = btf;
	return 0;
}

static int fill(struct rawtp_prog_object *object, const char *data, const int *map_fds,
		uint32_t n_map_fds)
{
	const struct rawtp_prog_file *file = (const void *)data;
	struct rawtp_prog *prog = object->prog;
	struct parts parts = parts_of(file);
	const char *why;
	int err = 0;

	prog->type = file->type;
	rawtp_copy_name(prog->name, file->name);
	memcpy(prog->insns, data + parts.insns, parts.maps - parts.insns);
	object->facts = file->facts;
	object->btf_id = file->btf_id;
	object->n_stored = file->n_insns;
	object->stored = copy_part(data + parts.insns, parts.maps - parts.insns, &err);
	prog->func_info =
		copy_part(data + parts.func_info, parts.line_info - parts.func_info, &err);
	prog->line_info = copy_part(data + parts.line_info, parts.btf - parts.line_info, &err);
	if (err)
		return err;
	prog->n_func_info = file->n_func_info;
	prog->n_line_info = file->n_line_info;
	if (!valid_map_references(prog->insns, file->n_insns, file->n_maps))
		return -EINVAL;
	err = read_btf(data + parts.btf, file->btf_size, &prog->btf);
	if (!err)
		err = read_btf(data + parts.attach_btf, file->attach_btf_size, &prog->attach_btf);
	if (err)
		return err;
	prog->attach_btf_id = file->attach_btf_id;
	err = rawtp_prog_check_info(prog, &why);
	if (err)
		return err;
	err = open_maps(object, (const void *)(data + parts.maps), file->n_maps, map_fds,
			n_map_fds);
	if (err || !file->trace_ring)
		return err;
	prog->trace_ring = prog->maps[file->trace_ring - 1];
	return prog->trace_ring->type == BPF_MAP_TYPE_RINGBUF ? 0 : -EINVAL;
}

/* The whole file, in private memory. NULL and *@err. */
static char *read_file(int fd, size_t *size, int *err)
{
	struct rawtp_prog_file file;
	int64_t sealed = rawtp_sealed_size(fd);
	char *data;

	*err = -EBADF;
	if (sealed < (int64_t)sizeof(file) || pread(fd, &file, sizeof(file), 0) != sizeof(file) ||
	    file.magic != RAWTP_PROG_FILE_MAGIC)
		return NULL;
	*err = -EINVAL;
	if (!valid_header(&file, (size_t)sealed))
		return NULL;
	*err = -ENOMEM;
	data = malloc((size_t)sealed);
	if (!data)
		return NULL;
	*err = 0;
	*size = (size_t)sealed;
	if (pread(fd, data, *size, 0) == sealed)
		return data;
	*err = -EINVAL;
	free(data);
	return NULL;
}

struct rawtp_prog_object *rawtp_prog_file_read(int fd, const int *map_fds, uint32_t n_maps)
{
	struct rawtp_prog_object *object;
	struct stat st;
	size_t size = 0;
	int err;
	char *data = read_file(fd, &size, &err);

	if (!data)
		return rawtp_err_ptr(err);
	object = calloc(1, sizeof(*object));
	if (object) {
		object->refcount = 1;
		object->prog = rawtp_prog_new(((struct rawtp_prog_file *)(void *)data)->n_insns);
	}
	if (!object || !object->prog || fstat(fd, &st) != 0) {
		err = -ENOMEM;
		goto out;
	}
	object->prog->id = st.st_ino;
	err = fill(object, data, map_fds, n_maps);
out:
	free(data);
	if (!err)
		return object;
	if (object)
		rawtp_prog_object_put(object);
	return rawtp_err_ptr(err);
}

int rawtp_prog_finish(struct rawtp_prog *prog, const struct rawtp_verifier_log *log)
{
	struct rawtp_verifier_log none = {0};
	int err = rawtp_verify(prog, log ? log : &none);

	if (err)
		return err;
	err = rawtp_jit_compile(prog);
	if (err == -ENOTSUP) {
		prog->run = rawtp_interpret;
		err = 0;
	}
	return err;
}

struct rawtp_prog *rawtp_prog_load_file(int prog_fd, const int *map_fds, uint32_t n_maps,
					const struct rawtp_verifier_log *log)
{
	static const int no_maps[1];
	struct rawtp_prog_object *object =
		rawtp_prog_file_read(prog_fd, map_fds ? map_fds : no_maps, n_maps);
	struct rawtp_prog *prog;
	int err;

	if (rawtp_is_err(object))
		return (struct rawtp_prog *)object;
	prog = object->prog;
	rawtp_prog_get(prog);
	rawtp_prog_object_put(object);
	/* Other types are proved for other contexts than a tracepoint's arguments. */
	err = rawtp_prog_is_attachable(prog) ? rawtp_prog_finish(prog, log) : -EINVAL;
	if (!err)
		return prog;
	rawtp_prog_put(prog);
	return rawtp_err_ptr(err);
}

/* A new descriptor on @map. */
static int map_fd(const struct rawtp_map *map)
{
	int fd = rawtp_map_dup_fd(map);

	if (fd != -EBADF)
		return fd;
	fd = rawtp_handle_find_fd(map->dev, map->ino);
	if (fd < 0)
		return fd;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return fd < 0 ? -errno : fd;
}

int rawtp_prog_map_fds(int prog_fd, int *fds, uint32_t max)
{
	struct rawtp_prog_object *object = rawtp_prog_object_from_fd(prog_fd);
	int n, err = 0;

	if (rawtp_is_err(object))
		return (int)rawtp_ptr_err(object);
	if (object->prog->n_maps > max)
		err = -E2BIG;
	for (n = 0; !err && n < (int)object->prog->n_maps; n++) {
		fds[n] = map_fd(object->prog->maps[n]);
		if (fds[n] < 0)
			err = fds[n--];
	}
	rawtp_prog_object_put(object);
	while (err && n > 0)
		close(fds[--n]);
	return err ? err : n;
}
