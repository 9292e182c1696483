/* SPDX-License-Identifier: MIT */
#include "perf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACEFS    "/sys/kernel/tracing"
#define UPROBE_PMU "/sys/bus/event_source/devices/uprobe/type"

static int read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	int number = -ENOENT;

	if (!file)
		return -errno;
	if (fscanf(file, "%d", &number) != 1)
		number = -EINVAL;
	fclose(file);
	return number;
}

int bench_perf_tracepoint(const char *name)
{
	char path[256];
	int ends[2], id;
	pid_t child;

	snprintf(path, sizeof(path), TRACEFS "/events/%s/id", name);
	id = read_number(path);
	if (id > 0 || pipe2(ends, O_CLOEXEC))
		return id;
	child = fork();
	if (!child) {
		if (!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		    !mount("nodev", TRACEFS, "tracefs", 0, NULL))
			id = read_number(path);
		_exit(write(ends[1], &id, sizeof(id)) != sizeof(id));
	}
	close(ends[1]);
	if (child < 0 || read(ends[0], &id, sizeof(id)) != sizeof(id))
		id = -EIO;
	close(ends[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return id;
}

static int attach(struct perf_event_attr *attr, int prog_fd)
{
	int fd, err;

	attr->size = sizeof(*attr);
	attr->sample_period = 1;
	attr->wakeup_events = 1;
	fd = (int)syscall(SYS_perf_event_open, attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog_fd) && !ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int bench_perf_attach_tracepoint(int id, int prog_fd)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT, .config = (uint64_t)id};

	return attach(&attr, prog_fd);
}

int bench_perf_attach_uprobe(const char *path, uint64_t offset, int prog_fd)
{
	struct perf_event_attr attr = {.config1 = (uintptr_t)path, .config2 = offset};
	int type = read_number(UPROBE_PMU);

	if (type < 0)
		return type;
	attr.type = (uint32_t)type;
	return attach(&attr, prog_fd);
}

int bench_perf_file_offset(const void *address, char *path, unsigned long size, uint64_t *offset)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, at = (unsigned long)address;
	unsigned long long skip;
	char line[4096], name[4096];
	int err = -ENOENT;

	while (maps && err && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*s %llx %*s %*s %4095[^\n]", &start, &end, &skip,
			   name) != 4 ||
		    at < start || at >= end)
			continue;
		*offset = at - start + skip;
		err = snprintf(path, size, "%s", name) < (int)size ? 0 : -ENAMETOOLONG;
	}
	if (maps)
		fclose(maps);
	return err;
}

/* The byte of the file that is loaded at @address. */
static int to_offset(const char *file, uint64_t address, uint64_t *offset)
{
	const ElfW(Ehdr) *head = (const void *)file;
	const ElfW(Phdr) *part = (const void *)(file + head->e_phoff);
	unsigned int i;

	for (i = 0; i < head->e_phnum; i++) {
		if (part[i].p_type != PT_LOAD || address < part[i].p_vaddr ||
		    address - part[i].p_vaddr >= part[i].p_filesz)
			continue;
		*offset = address - part[i].p_vaddr + part[i].p_offset;
		return 0;
	}
	return -ENOENT;
}

/* A library that was compiled with the bench: read without suspicion. */
static int find_note(const char *file, const char *provider, const char *name, uint64_t *offset)
{
	const ElfW(Ehdr) *head = (const void *)file;
	const ElfW(Shdr) *sections = (const void *)(file + head->e_shoff), *note = NULL;
	const char *names = file + sections[head->e_shstrndx].sh_offset, *at, *end, *strings;
	uint64_t base = 0, words[3];
	unsigned int i;

	for (i = 0; i < head->e_shnum; i++) {
		if (!strcmp(names + sections[i].sh_name, ".note.stapsdt"))
			note = &sections[i];
		if (!strcmp(names + sections[i].sh_name, ".stapsdt.base"))
			base = sections[i].sh_addr;
	}
	if (!note)
		return -ENOENT;
	at = file + note->sh_offset;
	for (end = at + note->sh_size; at < end;) {
		const ElfW(Nhdr) *row = (const void *)at;
		const char *text = at + sizeof(*row) + ((row->n_namesz + 3) & ~3u);

		memcpy(words, text, sizeof(words)); /* site, base when linked, semaphore */
		strings = text + sizeof(words);
		if (!strcmp(strings, provider) && !strcmp(strings + strlen(strings) + 1, name))
			return to_offset(file, words[0] + (base ? base - words[1] : 0), offset);
		at = text + ((row->n_descsz + 3) & ~3u);
	}
	return -ENOENT;
}

int bench_perf_sdt_offset(const char *path, const char *provider, const char *name,
			  uint64_t *offset)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = -EINVAL;
	struct stat st;
	char *file;

	if (fd < 0)
		return -errno;
	file = fstat(fd, &st) ? MAP_FAILED : mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (file == MAP_FAILED)
		return err;
	if (!memcmp(file, ELFMAG, SELFMAG) && file[EI_CLASS] == ELFCLASS64)
		err = find_note(file, provider, name, offset);
	munmap(file, st.st_size);
	return err;
}
