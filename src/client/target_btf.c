/* SPDX-License-Identifier: MIT */
#include "client/target_btf.h"
#include "base/err.h"
#include "bpf/syscall/handle.h"
#include "bpf/syscall/prog_file.h"
#include "bpf/syscall/syscall.h"
#include "client/btf_build.h"
#include "client/internal.h"
#include "rawtp/bpf.h"

#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SECTIONS 65536
#define MAX_PATH     4200
#define MAX_OBJECTS  64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rawtp_btf *current;
static bool is_known; /* @current is what there is */

/* Bytes [@offset, @offset + @size) of the file, or NULL. */
static void *read_part(int fd, uint64_t offset, uint64_t size)
{
	struct stat st;
	char *data;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !size || size > RAWTP_BTF_MAX_SIZE ||
	    offset > (uint64_t)st.st_size || size > (uint64_t)st.st_size - offset)
		return NULL;
	data = malloc(size + 1);
	if (data && pread(fd, data, size, (off_t)offset) != (ssize_t)size) {
		free(data);
		return NULL;
	}
	if (data)
		data[size] = '\0';
	return data;
}

static void *read_section(int fd, const char *name, uint64_t *size)
{
	Elf64_Ehdr header;
	Elf64_Shdr *sections;
	void *found = NULL;
	char *names;
	unsigned int i;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_shentsize != sizeof(*sections) || header.e_shstrndx >= header.e_shnum)
		return NULL;
	sections = read_part(fd, header.e_shoff, header.e_shnum * sizeof(*sections));
	if (!sections)
		return NULL;
	names = read_part(fd, sections[header.e_shstrndx].sh_offset,
			  sections[header.e_shstrndx].sh_size);
	for (i = 0; names && i < header.e_shnum; i++) {
		if (sections[i].sh_name >= sections[header.e_shstrndx].sh_size ||
		    strcmp(names + sections[i].sh_name, name))
			continue;
		*size = sections[i].sh_size;
		found = read_part(fd, sections[i].sh_offset, *size);
		break;
	}
	free(names);
	free(sections);
	return found;
}

struct gathered {
	struct rawtp_btf_build build;
	pid_t pid;
	char *objects[MAX_OBJECTS]; /* that have been looked at */
	bool has_btf[MAX_OBJECTS];
	unsigned int n;
	int err;
};

/* The file that the process has mapped, also where another has taken its name. */
static int open_object(pid_t pid, const char *object)
{
	char path[MAX_PATH], exe[MAX_PATH];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n <= 0 || (exe[n] = '\0', strcmp(exe, object)))
		snprintf(path, sizeof(path), "/proc/%d/root%s", (int)pid, object);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static bool add_object(struct gathered *all, const char *object)
{
	int fd = open_object(all->pid, object), err;
	uint64_t size = 0;
	void *section;

	if (fd < 0)
		return false;
	section = read_section(fd, ".BTF", &size);
	close(fd);
	if (!section)
		return false;
	err = rawtp_btf_build_add(&all->build, section, size);
	free(section);
	if (err)
		all->err = err;
	return !err;
}

/* Whether the object of an event has BTF, which is taken the first time. */
static bool object_has_btf(struct gathered *all, const char *object)
{
	unsigned int i;

	for (i = 0; i < all->n; i++)
		if (!strcmp(all->objects[i], object))
			return all->has_btf[i];
	if (i == MAX_OBJECTS)
		return false;
	all->objects[i] = strdup(object);
	if (!all->objects[i])
		return false;
	all->has_btf[i] = add_object(all, object);
	all->n++;
	return all->has_btf[i];
}

/* First all types, so that each event finds them; then the events. */
static int add_types(const struct rawtp_client_event *event, void *data)
{
	object_has_btf(data, event->object);
	return 0;
}

static int add_event(const struct rawtp_client_event *event, void *data)
{
	struct gathered *all = data;

	if (object_has_btf(all, event->object))
		rawtp_btf_build_event(&all->build, event);
	return 0;
}

/* Err-pointer: what rawtp_target_btf_use() says. */
static struct rawtp_btf *gather(struct rawtp_client *client)
{
	struct gathered all = {.pid = client->pid};
	struct rawtp_btf *btf = rawtp_err_ptr(-ENOENT);
	uint32_t size;
	void *data;

	all.err = rawtp_btf_build_open(&all.build);
	if (!all.err)
		all.err = rawtp_client_list(client, add_types, &all);
	if (!all.err)
		all.err = rawtp_client_list(client, add_event, &all);
	data = all.build.n_types > 1 ? rawtp_btf_build_finish(&all.build, &size) : NULL;
	if (data)
		btf = rawtp_btf_new(data, size);
	else if (all.err)
		btf = rawtp_err_ptr(all.err);
	free(data);
	while (all.n)
		free(all.objects[--all.n]);
	rawtp_btf_build_close(&all.build);
	return btf;
}

static void replace(struct rawtp_btf *btf, bool known)
{
	struct rawtp_btf *old;

	pthread_mutex_lock(&lock);
	old = current;
	current = btf;
	is_known = known;
	pthread_mutex_unlock(&lock);
	rawtp_btf_put(old);
}

int rawtp_target_btf_use(struct rawtp_client *client)
{
	struct rawtp_btf *btf = gather(client);

	replace(rawtp_is_err(btf) ? NULL : btf, true);
	return rawtp_is_err(btf) ? (int)rawtp_ptr_err(btf) : 0;
}

bool rawtp_target_btf_is(struct rawtp_client *client)
{
	struct rawtp_btf *theirs = gather(client), *ours = rawtp_target_btf();
	uint32_t n_ours = 0, n_theirs = 0;
	const void *a = ours ? rawtp_btf_data(ours, &n_ours) : NULL, *b = NULL;
	bool is_same;

	if (!rawtp_is_err(theirs))
		b = rawtp_btf_data(theirs, &n_theirs);
	is_same = n_ours == n_theirs && (!a || !b ? a == b : !memcmp(a, b, n_ours));
	if (!rawtp_is_err(theirs))
		rawtp_btf_put(theirs);
	rawtp_btf_put(ours);
	return is_same;
}

void rawtp_target_btf_forget(void)
{
	replace(NULL, false);
}

struct rawtp_btf *rawtp_target_btf(void)
{
	struct rawtp_btf *btf;
	bool known;

	pthread_mutex_lock(&lock);
	known = is_known;
	pthread_mutex_unlock(&lock);
	if (!known)
		rawtp_client_with_target(rawtp_target_btf_use);
	pthread_mutex_lock(&lock);
	btf = current;
	if (btf)
		rawtp_btf_get(btf);
	pthread_mutex_unlock(&lock);
	return btf;
}

__attribute__((constructor)) static void target_btf_init(void)
{
	rawtp_bpf_set_target_btf(rawtp_target_btf);
}

__attribute__((visibility("default"))) int rawtp_bpf_target_btf(void)
{
	struct rawtp_btf *btf = rawtp_target_btf();
	const void *data;
	uint32_t size;
	int fd = -ENOENT;

	if (btf) {
		data = rawtp_btf_data(btf, &size);
		fd = rawtp_sealed_memfd("target-btf", data, size);
		rawtp_btf_put(btf);
	}
	if (fd >= 0)
		return fd;
	errno = -fd;
	return -1;
}
