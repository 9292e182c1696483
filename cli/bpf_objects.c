/* SPDX-License-Identifier: MIT */
#include "bpf_objects.h"
#include "kernel_target.h"
#include "object.h"
#include "preload/route.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_FILES 4096 /* of one kind, which is more than any machine has */

static const struct {
	const char *name;
	int (*next)(uint32_t id, uint32_t *next);
	int (*open)(uint32_t id);
	const char *memfd;
} kinds[] = {
	[RAWTP_BPF_MAP] = {"maps", bpf_map_get_next_id, bpf_map_get_fd_by_id, "/memfd:bpf-map"},
	[RAWTP_BPF_PROG] = {"programs", bpf_prog_get_next_id, bpf_prog_get_fd_by_id,
			    "/memfd:bpf-prog"},
	[RAWTP_BPF_LINK] = {"links", bpf_link_get_next_id, bpf_link_get_fd_by_id, NULL},
};

/* 0 or -errno. */
static int read_info(struct rawtp_bpf_object *object)
{
	uint32_t size = sizeof(object->map);
	void *info = &object->map;
	int err;

	memset(&object->prog, 0, sizeof(object->prog));
	object->tracepoint[0] = '\0';
	if (object->kind == RAWTP_BPF_PROG) {
		info = &object->prog;
		size = sizeof(object->prog);
	} else if (object->kind == RAWTP_BPF_LINK) {
		info = &object->link;
		size = sizeof(object->link);
	}
	err = bpf_obj_get_info_by_fd(object->fd, info, &size);
	if (err || object->kind != RAWTP_BPF_LINK ||
	    object->link.type != BPF_LINK_TYPE_RAW_TRACEPOINT)
		return err;
	/* The name has a place only where one is given. */
	memset(&object->link, 0, sizeof(object->link));
	object->link.raw_tracepoint.tp_name = (uintptr_t)object->tracepoint;
	object->link.raw_tracepoint.tp_name_len = sizeof(object->tracepoint);
	size = sizeof(object->link);
	return bpf_obj_get_info_by_fd(object->fd, &object->link, &size);
}

int rawtp_bpf_objects_kernel(const struct rawtp_cli *cli, enum rawtp_bpf_kind kind,
			     rawtp_bpf_object_fn fn, void *data)
{
	struct rawtp_bpf_object object = {.kind = kind, .kernel = true};
	uint32_t id = 0;
	int err, stop = 0;

	rawtp_object_init(cli); /* where libbpf's words go */
	rawtp_target_kernel(true);
	while (!stop && !(err = kinds[kind].next(id, &id))) {
		object.fd = kinds[kind].open(id);
		if (object.fd == -ENOENT) /* it has gone meanwhile */
			continue;
		err = object.fd;
		if (err < 0)
			break;
		/* What this kernel can not tell of is left out. */
		if (!read_info(&object))
			stop = fn(&object, data);
		close(object.fd);
		rawtp_target_kernel(true);
	}
	if (stop || err == -ENOENT)
		return RAWTP_EXIT_OK;
	if (err == -EPERM)
		return rawtp_cli_error(
			cli,
			"-k: CAP_SYS_ADMIN is missing, which looking at %s of others "
			"needs",
			kinds[kind].name);
	return rawtp_cli_error(cli, "-k: the kernel's %s cannot be listed: %s", kinds[kind].name,
			       strerror(-err));
}

struct files {
	struct file {
		dev_t dev;
		ino_t ino;
		int fd;
		pid_t holder;
	} file[MAX_FILES];
	unsigned int n;
};

static void keep_file(struct files *files, pid_t pid, const char *path)
{
	struct file *file = &files->file[files->n];
	struct stat st;
	unsigned int i;

	if (files->n == MAX_FILES || stat(path, &st))
		return;
	for (i = 0; i < files->n; i++)
		if (files->file[i].ino == st.st_ino && files->file[i].dev == st.st_dev)
			return;
	*file = (struct file){st.st_dev, st.st_ino, open(path, O_RDWR | O_CLOEXEC), pid};
	files->n += file->fd >= 0;
}

/* An array of the kernel that a program of user space may use: it cannot be opened, but handed over. */
static void keep_kernel_map(struct files *files, pid_t pid, const char *number)
{
	int process, fd;

	process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process < 0)
		return;
	fd = (int)syscall(SYS_pidfd_getfd, process, atoi(number), 0);
	close(process);
	if (fd >= 0 && files->n < MAX_FILES)
		files->file[files->n++] = (struct file){.fd = fd, .holder = pid};
	else if (fd >= 0)
		close(fd);
}

/* Opens what is of @kind in the folder "fd" or "map_files" of a process. */
static void scan_folder(struct files *files, pid_t pid, const char *folder, const char *memfd,
			bool kernel_maps)
{
	char path[64 + NAME_MAX], link[PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, folder);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/%s/%s", (int)pid, folder, entry->d_name);
		n = readlink(path, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		if (!strncmp(link, memfd, strlen(memfd)))
			keep_file(files, pid, path);
		else if (kernel_maps && !strcmp(link, "anon_inode:bpf-map"))
			keep_kernel_map(files, pid, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

static void scan(struct files *files, enum rawtp_bpf_kind kind, bool kernel_maps)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t pid;

	while (dir && (entry = readdir(dir))) {
		if (rawtp_cli_pid(entry->d_name, &pid) || pid == getpid())
			continue;
		scan_folder(files, pid, "fd", kinds[kind].memfd, kernel_maps);
		/* Root's alone; others find what a holder has open. */
		if (kind == RAWTP_BPF_MAP)
			scan_folder(files, pid, "map_files", kinds[kind].memfd, false);
	}
	if (dir)
		closedir(dir);
}

/* Has @pid the file open or mapped? */
static bool uses(pid_t pid, const struct file *file)
{
	char path[64 + NAME_MAX], line[PATH_MAX + 128];
	unsigned long long ino;
	struct dirent *entry;
	bool found = false;
	struct stat st;
	FILE *maps;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	while (maps && !found && fgets(line, sizeof(line), maps))
		found = strstr(line, "/memfd:bpf-") &&
			sscanf(line, "%*s %*s %*s %*s %llu", &ino) == 1 && ino == file->ino;
	if (maps)
		fclose(maps);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = found ? NULL : opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, entry->d_name);
		found = !stat(path, &st) && st.st_dev == file->dev && st.st_ino == file->ino;
	}
	if (dir)
		closedir(dir);
	return found;
}

static void tell_files(const struct files *files, enum rawtp_bpf_kind kind, pid_t pid,
		       rawtp_bpf_object_fn fn, void *data)
{
	struct rawtp_bpf_object object = {.kind = kind};
	unsigned int i;

	for (i = 0; i < files->n; i++) {
		if (pid && !uses(pid, &files->file[i]))
			continue;
		object.fd = files->file[i].fd;
		object.holder = files->file[i].holder;
		rawtp_target_kernel(false);
		/* Anybody can name a memfd so: what is none of ours is left out. */
		if (!read_info(&object) && fn(&object, data))
			break;
	}
}

int rawtp_bpf_objects_user(const struct rawtp_cli *cli, enum rawtp_bpf_kind kind, pid_t pid,
			   rawtp_bpf_object_fn fn, void *data)
{
	struct files *maps = calloc(1, sizeof(*maps)), *progs = calloc(1, sizeof(*progs));
	unsigned int i;

	rawtp_object_init(cli);
	if (!maps || !progs) {
		free(maps);
		free(progs);
		return rawtp_cli_error(cli, "out of memory");
	}
	/* A program is read with its maps, which must be open then. */
	scan(maps, RAWTP_BPF_MAP, kind == RAWTP_BPF_PROG);
	if (kind == RAWTP_BPF_PROG)
		scan(progs, kind, false);
	tell_files(kind == RAWTP_BPF_PROG ? progs : maps, kind, pid, fn, data);
	for (i = 0; i < progs->n; i++)
		close(progs->file[i].fd);
	for (i = 0; i < maps->n; i++)
		close(maps->file[i].fd);
	free(maps);
	free(progs);
	return RAWTP_EXIT_OK;
}

bool rawtp_bpf_object_is(const char *text, uint32_t id, const char *name)
{
	uint64_t number;

	if (!rawtp_cli_u64(text, 10, &number))
		return number == id;
	return !strcmp(text, name);
}
