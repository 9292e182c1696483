/* SPDX-License-Identifier: MIT */
/*
 * The file is read in pieces, through its program headers alone: section headers may be stripped.
 * Memory that a file claims to have is bounded by its size before anything is allocated.
 */
#include "elf_file.h"
#include "client/proto.h"
#include "rawtp/record.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SEGMENTS    1024
#define MAX_EVENTS      1000000
#define MAX_PATH_STRING 512
#define MAX_OBJECT_SIZE (64L << 20)

struct relative {
	uint64_t offset, addend;
};

struct elf_file {
	int fd;
	uint64_t size;
	Elf *elf;
	GElf_Ehdr header;
	size_t n_segments;
	struct relative *relatives; /* sorted by offset */
	size_t n_relatives;
	char *reason;
	size_t reason_size;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct elf_file *file, int err,
							const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(file->reason, file->reason_size, format, ap);
	va_end(ap);
	return err;
}

static void close_file(struct elf_file *file)
{
	if (file->elf)
		elf_end(file->elf);
	if (file->fd >= 0)
		close(file->fd);
	free(file->relatives);
}

static int open_file(struct elf_file *file, const char *path)
{
	struct stat st;

	memset(file, 0, offsetof(struct elf_file, reason));
	/* A FIFO without a writer would block. */
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0)
		return refuse(file, -errno, "cannot be opened: %s", strerror(errno));
	if (fstat(file->fd, &st) || !S_ISREG(st.st_mode))
		return refuse(file, -EINVAL, "is no regular file; name an ELF file");
	file->size = (uint64_t)st.st_size;
	elf_version(EV_CURRENT);
	file->elf = elf_begin(file->fd, ELF_C_READ, NULL);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF ||
	    !gelf_getehdr(file->elf, &file->header))
		return refuse(file, -EINVAL, "is no ELF file");
	if (file->header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    file->header.e_ident[EI_DATA] != ELFDATA2LSB)
		return refuse(file, -EINVAL, "is no 64-bit little-endian ELF file");
	return 0;
}

/* Exactly @size bytes at @offset. */
static int read_at(const struct elf_file *file, uint64_t offset, void *data, size_t size)
{
	char *to = data;
	ssize_t n;

	if (offset > file->size || size > file->size - offset)
		return -EINVAL;
	for (; size; to += n, offset += (uint64_t)n, size -= (size_t)n) {
		n = pread(file->fd, to, size, (off_t)offset);
		if (n <= 0)
			return -EINVAL;
	}
	return 0;
}

/* Offset in the file of virtual address @address, and how many bytes follow it there. */
static int find_address(const struct elf_file *file, uint64_t address, uint64_t *offset,
			uint64_t *left)
{
	GElf_Phdr segment;
	size_t i;

	for (i = 0; i < file->n_segments; i++) {
		if (!gelf_getphdr(file->elf, (int)i, &segment) || segment.p_type != PT_LOAD ||
		    address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz)
			continue;
		*left = segment.p_filesz - (address - segment.p_vaddr);
		if (__builtin_add_overflow(segment.p_offset, address - segment.p_vaddr, offset))
			return -EINVAL;
		return 0;
	}
	return -EINVAL;
}

static int read_memory(const struct elf_file *file, uint64_t address, void *data, size_t size)
{
	uint64_t offset, left;

	if (find_address(file, address, &offset, &left) || left < size)
		return -EINVAL;
	return read_at(file, offset, data, size);
}

static int read_string(const struct elf_file *file, uint64_t address, char *text, size_t size)
{
	uint64_t offset, left;

	if (find_address(file, address, &offset, &left))
		return -EINVAL;
	if (left > size)
		left = size;
	if (read_at(file, offset, text, left) || !memchr(text, '\0', left))
		return -EINVAL;
	return 0;
}

static int compare_relatives(const void *a, const void *b)
{
	const struct relative *one = a, *two = b;

	return one->offset < two->offset ? -1 : one->offset > two->offset;
}

static bool is_relative(const struct elf_file *file, const Elf64_Rela *rela)
{
	uint64_t type = ELF64_R_TYPE(rela->r_info);

	return file->header.e_machine == EM_AARCH64 ? type == R_AARCH64_RELATIVE
						    : type == R_X86_64_RELATIVE;
}

static int load_relatives(struct elf_file *file, uint64_t address, uint64_t size)
{
	uint64_t n = size / sizeof(Elf64_Rela), i;
	Elf64_Rela *table;

	if (size > file->size)
		return refuse(file, -EINVAL, "is damaged: its relocations lie outside the file");
	table = malloc(size + 1);
	file->relatives = calloc(n + 1, sizeof(*file->relatives));
	if (!table || !file->relatives ||
	    read_memory(file, address, table, n * sizeof(Elf64_Rela))) {
		free(table);
		return refuse(file, -EINVAL, "is damaged: its relocations cannot be read");
	}
	for (i = 0; i < n; i++)
		if (is_relative(file, &table[i]))
			file->relatives[file->n_relatives++] =
				(struct relative){table[i].r_offset, (uint64_t)table[i].r_addend};
	free(table);
	qsort(file->relatives, file->n_relatives, sizeof(*file->relatives), compare_relatives);
	return 0;
}

/* DT_RELA: what the pointers of a file that may be loaded anywhere will hold. */
static int read_dynamic(struct elf_file *file, const GElf_Phdr *segment)
{
	uint64_t rela = 0, size = 0, i;
	Elf64_Dyn dyn;

	for (i = 0; (i + 1) * sizeof(dyn) <= segment->p_filesz; i++) {
		if (read_at(file, segment->p_offset + i * sizeof(dyn), &dyn, sizeof(dyn)))
			return refuse(file, -EINVAL,
				      "is damaged: PT_DYNAMIC lies outside the file");
		if (dyn.d_tag == DT_NULL)
			break;
		if (dyn.d_tag == DT_RELA)
			rela = dyn.d_un.d_ptr;
		if (dyn.d_tag == DT_RELASZ)
			size = dyn.d_un.d_val;
	}
	return rela && size && !file->relatives ? load_relatives(file, rela, size) : 0;
}

static int read_pointer(const struct elf_file *file, uint64_t address, uint64_t *value)
{
	const struct relative key = {.offset = address};
	const struct relative *found = file->relatives
					       ? bsearch(&key, file->relatives, file->n_relatives,
							 sizeof(key), compare_relatives)
					       : NULL;

	if (!found)
		return read_memory(file, address, value, sizeof(*value));
	*value = found->addend;
	return 0;
}

/* Our note in one PT_NOTE segment: its descriptor and the descriptor's address. */
static bool find_note(struct elf_file *file, const GElf_Phdr *segment, struct rawtp_note *note,
		      uint64_t *address)
{
	Elf_Data *data;
	size_t offset = 0, name, desc;
	GElf_Nhdr header;

	if (segment->p_offset > file->size || segment->p_filesz > file->size - segment->p_offset)
		return false;
	data = elf_getdata_rawchunk(file->elf, (int64_t)segment->p_offset, segment->p_filesz,
				    segment->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	while (data && (offset = gelf_getnote(data, offset, &header, &name, &desc)) > 0) {
		if (header.n_type != RAWTP_NOTE_TYPE ||
		    header.n_namesz != sizeof(RAWTP_NOTE_NAME) || header.n_descsz < sizeof(*note) ||
		    memcmp((char *)data->d_buf + name, RAWTP_NOTE_NAME, sizeof(RAWTP_NOTE_NAME)))
			continue;
		memcpy(note, (char *)data->d_buf + desc, sizeof(*note));
		*address = segment->p_vaddr + desc;
		return true;
	}
	return false;
}

struct tables {
	uint64_t events, n_events;
	uint64_t *sites; /* the tracepoint of each, sorted: files may claim millions of both */
	uint64_t n_sites;
};

static int compare_addresses(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, two = *(const uint64_t *)b;

	return one < two ? -1 : one > two;
}

static int read_sites(struct elf_file *file, struct tables *tables, uint64_t address, uint64_t size)
{
	uint64_t n = size / sizeof(struct rawtp_site), i, at;
	struct rawtp_site *sites;

	if (size > file->size)
		return refuse(file, -EINVAL, "is damaged: its tables lie outside the file");
	sites = malloc(size + 1);
	tables->sites = calloc(n + 1, sizeof(*tables->sites));
	if (!sites || !tables->sites ||
	    (n && read_memory(file, address, sites, n * sizeof(*sites)))) {
		free(sites);
		return refuse(file, -EINVAL, "is damaged: its tables cannot be read");
	}
	for (i = 0; i < n; i++) {
		at = address + i * sizeof(*sites) + offsetof(struct rawtp_site, tracepoint);
		if (sites[i].tracepoint)
			tables->sites[tables->n_sites++] =
				at + (uint64_t)(int64_t)sites[i].tracepoint;
	}
	free(sites);
	qsort(tables->sites, tables->n_sites, sizeof(*tables->sites), compare_addresses);
	return 0;
}

/* Reads the dynamic section, and finds our note. */
static int read_segments(struct elf_file *file, struct rawtp_note *note, uint64_t *at)
{
	GElf_Phdr segment;
	bool found = false;
	size_t i;
	int err = 0;

	if (elf_getphdrnum(file->elf, &file->n_segments))
		return refuse(file, -EINVAL, "is damaged: %s", elf_errmsg(-1));
	if (file->n_segments > MAX_SEGMENTS)
		return refuse(file, -EINVAL, "is damaged: it has %zu segments", file->n_segments);
	for (i = 0; i < file->n_segments && !err; i++) {
		if (!gelf_getphdr(file->elf, (int)i, &segment))
			return refuse(file, -EINVAL, "is damaged: %s", elf_errmsg(-1));
		if (segment.p_type == PT_DYNAMIC)
			err = read_dynamic(file, &segment);
		if (segment.p_type == PT_NOTE && !found)
			found = find_note(file, &segment, note, at);
	}
	if (!err && !found)
		return refuse(file, -ENOENT, "has no tracepoints");
	return err;
}

/* Address that member @member of the note, which lies at @at, points to. */
#define NOTE_ADDRESS(note, at, member) \
	((at) + offsetof(struct rawtp_note, member) + (uint64_t)(note).member)

static int read_tables(struct elf_file *file, struct tables *tables)
{
	struct rawtp_note note = {0};
	uint64_t at = 0, sites;
	int err = read_segments(file, &note, &at);

	if (err)
		return err;
	if (note.version != RAWTP_RECORD_VERSION || note.event_size < sizeof(struct rawtp_event) ||
	    note.arg_size != sizeof(struct rawtp_arg) ||
	    note.site_size != sizeof(struct rawtp_site))
		return refuse(file, -EPROTO,
			      "has tracepoints of version %u, this rawtp reads %u; use the rawtp "
			      "of its librawtp",
			      note.version, RAWTP_RECORD_VERSION);
	tables->events = NOTE_ADDRESS(note, at, events_start);
	tables->n_events = (NOTE_ADDRESS(note, at, events_stop) - tables->events) / 8;
	if (tables->n_events > MAX_EVENTS)
		return refuse(file, -EINVAL, "is damaged: its tables lie outside the file");
	sites = NOTE_ADDRESS(note, at, sites_start);
	return read_sites(file, tables, sites, NOTE_ADDRESS(note, at, sites_stop) - sites);
}

/* How many sites come before those of @tracepoint or later ones. */
static uint64_t sites_before(const struct tables *tables, uint64_t tracepoint)
{
	uint64_t low = 0, high = tables->n_sites, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (tables->sites[middle] < tracepoint)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t count_sites(const struct tables *tables, uint64_t tracepoint)
{
	return (uint32_t)(sites_before(tables, tracepoint + 1) - sites_before(tables, tracepoint));
}

/* What one event points at, copied. */
struct event_copy {
	struct rawtp_event event;
	char name[MAX_PATH_STRING], system[MAX_PATH_STRING], class_name[MAX_PATH_STRING];
	char proto[4096], types[4096];
	char arg_names[RAWTP_MAX_ARGS][MAX_PATH_STRING];
	struct rawtp_client_arg args[RAWTP_MAX_ARGS];
};

static int read_event_string(const struct elf_file *file, uint64_t field, char *text, size_t size)
{
	uint64_t address;

	text[0] = '\0';
	if (read_pointer(file, field, &address))
		return -EINVAL;
	return read_string(file, address, text, size);
}

static int read_args(const struct elf_file *file, struct event_copy *copy, uint64_t at)
{
	uint64_t args, field;
	struct rawtp_arg arg;
	uint32_t i;

	if (read_pointer(file, at + offsetof(struct rawtp_event, args), &args))
		return -EINVAL;
	for (i = 0; i < copy->event.n_args; i++) {
		field = args + i * sizeof(arg);
		if (read_memory(file, field, &arg, sizeof(arg)) ||
		    read_event_string(file, field + offsetof(struct rawtp_arg, name),
				      copy->arg_names[i], sizeof(copy->arg_names[i])))
			return -EINVAL;
		copy->args[i] = (struct rawtp_client_arg){
			.name = copy->arg_names[i],
			.size = arg.size,
			.is_signed = arg.flags & RAWTP_ARG_SIGNED,
			.is_pointer = arg.flags & RAWTP_ARG_POINTER,
			.is_float = arg.flags & RAWTP_ARG_FLOAT,
		};
	}
	rawtp_proto_types(copy->proto, copy->args, copy->event.n_args, copy->types,
			  sizeof(copy->types));
	return 0;
}

static int read_event(const struct elf_file *file, uint64_t at, struct event_copy *copy)
{
	if (read_memory(file, at, &copy->event, sizeof(copy->event)) ||
	    copy->event.version != RAWTP_RECORD_VERSION || copy->event.n_args > RAWTP_MAX_ARGS ||
	    read_event_string(file, at + offsetof(struct rawtp_event, name), copy->name,
			      sizeof(copy->name)) ||
	    read_event_string(file, at + offsetof(struct rawtp_event, system), copy->system,
			      sizeof(copy->system)) ||
	    read_event_string(file, at + offsetof(struct rawtp_event, class_name), copy->class_name,
			      sizeof(copy->class_name)) ||
	    read_event_string(file, at + offsetof(struct rawtp_event, proto), copy->proto,
			      sizeof(copy->proto)))
		return -EINVAL;
	return read_args(file, copy, at);
}

static int list_events(struct elf_file *file, const struct tables *tables, const char *path,
		       int (*fn)(const struct rawtp_client_event *event, void *data), void *data)
{
	struct event_copy *copy = malloc(sizeof(*copy));
	uint64_t i, at, tracepoint, n = 0;
	struct rawtp_client_event event;
	int err = copy ? 0 : -ENOMEM;

	for (i = 0; i < tables->n_events && !err; i++) {
		if (read_pointer(file, tables->events + 8 * i, &at) ||
		    (at && (read_event(file, at, copy) ||
			    read_pointer(file, at + offsetof(struct rawtp_event, tracepoint),
					 &tracepoint)))) {
			err = refuse(file, -EINVAL, "is damaged: tracepoint %llu cannot be read",
				     (unsigned long long)i);
			break;
		}
		if (!at)
			continue;
		n++;
		event = (struct rawtp_client_event){
			.name = copy->name,
			.system = copy->system,
			.class_name = copy->class_name,
			.object = path,
			.n_args = copy->event.n_args,
			.args = copy->args,
			.n_sites = count_sites(tables, tracepoint),
			.site_kind = copy->event.flags & RAWTP_EVENT_BRANCH ? "branch" : "nop",
		};
		if (fn(&event, data))
			break;
	}
	free(copy);
	if (!err && !n)
		return refuse(file, -ENOENT, "has no tracepoints");
	return err;
}

int rawtp_elf_list(const char *path, int (*fn)(const struct rawtp_client_event *event, void *data),
		   void *data, char *reason, size_t size)
{
	struct elf_file file = {.reason = reason, .reason_size = size};
	struct tables tables = {0};
	int err = open_file(&file, path);

	if (!err && file.header.e_type != ET_EXEC && file.header.e_type != ET_DYN)
		err = refuse(&file, -EINVAL, "is no program and no shared library");
	if (!err && file.header.e_machine != EM_X86_64 && file.header.e_machine != EM_AARCH64)
		err = refuse(&file, -EINVAL, "is for another CPU (ELF machine %u)",
			     file.header.e_machine);
	if (!err)
		err = read_tables(&file, &tables);
	if (!err)
		err = list_events(&file, &tables, path, fn, data);
	free(tables.sites);
	close_file(&file);
	return err;
}

static int ignore_event(const struct rawtp_client_event *event, void *data)
{
	return 1;
}

void rawtp_elf_inspect(const char *path, struct rawtp_elf_facts *facts)
{
	char reason[256];
	struct elf_file file = {.reason = reason, .reason_size = sizeof(reason)};
	GElf_Phdr segment;
	size_t i;

	memset(facts, 0, sizeof(*facts));
	facts->is_elf = !open_file(&file, path) && !elf_getphdrnum(file.elf, &file.n_segments);
	for (i = 0; facts->is_elf && i < file.n_segments; i++)
		if (gelf_getphdr(file.elf, (int)i, &segment) && segment.p_type == PT_INTERP)
			facts->is_dynamic = true;
	close_file(&file);
	if (facts->is_elf)
		facts->has_tracepoints =
			!rawtp_elf_list(path, ignore_event, NULL, reason, sizeof(reason));
}

static int check_section(struct elf_file *file, Elf_Scn *scn, size_t names)
{
	GElf_Shdr section;
	const char *name;

	if (!gelf_getshdr(scn, &section))
		return refuse(file, -EINVAL, "is damaged: %s", elf_errmsg(-1));
	name = elf_strptr(file->elf, names, section.sh_name);
	if (!name)
		return refuse(file, -EINVAL, "is damaged: a section's name lies outside the file");
	if (section.sh_size > MAX_OBJECT_SIZE)
		return refuse(file, -EINVAL, "is damaged: section %.40s is too large", name);
	if (section.sh_type == SHT_NOBITS)
		return 0;
	if (section.sh_offset > file->size || section.sh_size > file->size - section.sh_offset)
		return refuse(file, -EINVAL, "is cut short: section %.40s ends behind the file",
			      name);
	return 0;
}

int rawtp_elf_check_object(const char *path, char *reason, size_t size)
{
	struct elf_file file = {.reason = reason, .reason_size = size};
	Elf_Scn *scn = NULL;
	size_t names = 0;
	int err = open_file(&file, path);

	if (!err && file.size > MAX_OBJECT_SIZE)
		err = refuse(&file, -EINVAL, "is too large for a BPF object");
	if (!err && (file.header.e_machine != EM_BPF || file.header.e_type != ET_REL))
		err = refuse(&file, -EINVAL,
			     "is no BPF object; compile it with clang -O2 -g -target bpf -c");
	if (!err && elf_getshdrstrndx(file.elf, &names))
		err = refuse(&file, -EINVAL, "is damaged: it has no section names");
	while (!err && (scn = elf_nextscn(file.elf, scn)))
		err = check_section(&file, scn, names);
	close_file(&file);
	return err;
}
