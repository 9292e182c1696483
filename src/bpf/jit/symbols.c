/* SPDX-License-Identifier: MIT */
/*
 * One allocation for each image: the list's entry, and behind it the object file: sections for the
 * code (whose bytes are not repeated), symbols, their names, and .debug_frame.
 */
#include "bpf/jit/symbols.h"

#include "bpf/btf.h"

#include <ctype.h>
#include <elf.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_NAME 160

/* gdb's interface, version 1: names and layout are its. */
struct jit_code_entry {
	struct jit_code_entry *next_entry;
	struct jit_code_entry *prev_entry;
	const char *symfile_addr;
	uint64_t symfile_size;
};

enum { JIT_NOACTION, JIT_REGISTER_FN, JIT_UNREGISTER_FN };

struct jit_descriptor {
	uint32_t version;
	uint32_t action_flag;
	struct jit_code_entry *relevant_entry;
	struct jit_code_entry *first_entry;
};

/*
 * Static, since other libraries in the process may have a list as well, under the same names and with
 * another lock.
 */
static struct jit_descriptor __jit_debug_descriptor __attribute__((used)) = {.version = 1};

static __attribute__((noinline, used)) void __jit_debug_register_code(void)
{
	__asm__ volatile("" ::: "memory");
}

enum { TEXT = 1, SYMTAB, STRTAB, FRAME, N_SECTIONS };

static const char section_names[] = "\0.text\0.symtab\0.strtab\0.debug_frame";

static const struct {
	uint32_t name, type;
	uint64_t flags;
} sections[N_SECTIONS] = {
	[TEXT] = {1, SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR},
	[SYMTAB] = {7, SHT_SYMTAB, 0},
	[STRTAB] = {15, SHT_STRTAB, 0},
	[FRAME] = {23, SHT_PROGBITS, 0},
};

struct rawtp_jit_symbols {
	struct jit_code_entry entry;
	Elf64_Ehdr ehdr;
	Elf64_Shdr shdr[N_SECTIONS];
	Elf64_Sym syms[]; /* then the names, then the frames */
};

/* The owner's pid: one that is not ours was a thread of the parent's, which fork(2) left behind. */
static int lock_owner;

static void lock(void)
{
	int pid = getpid(), owner;

	for (;;) {
		owner = 0;
		if (__atomic_compare_exchange_n(&lock_owner, &owner, pid, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return;
		if (owner != pid && __atomic_compare_exchange_n(&lock_owner, &owner, pid, false,
								__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
		sched_yield();
	}
}

static void unlock(void)
{
	__atomic_store_n(&lock_owner, 0, __ATOMIC_RELEASE);
}

static void tell_debugger(uint32_t action, struct jit_code_entry *entry)
{
	__jit_debug_descriptor.action_flag = action;
	__jit_debug_descriptor.relevant_entry = entry;
	__jit_debug_register_code();
	__jit_debug_descriptor.action_flag = JIT_NOACTION;
	__jit_debug_descriptor.relevant_entry = NULL;
}

static void add_entry(struct jit_code_entry *entry)
{
	struct jit_descriptor *list = &__jit_debug_descriptor;

	lock();
	entry->next_entry = list->first_entry;
	if (entry->next_entry)
		entry->next_entry->prev_entry = entry;
	/* One store, so that a child whose parent was just here has a whole list. */
	__atomic_store_n(&list->first_entry, entry, __ATOMIC_RELEASE);
	tell_debugger(JIT_REGISTER_FN, entry);
	unlock();
}

static void remove_entry(struct jit_code_entry *entry)
{
	struct jit_code_entry **at = &__jit_debug_descriptor.first_entry;

	lock();
	/* By the next ones: those before may be stale, after a fork(2) in the middle. */
	while (*at && *at != entry)
		at = &(*at)->next_entry;
	if (*at) {
		if (entry->next_entry)
			entry->next_entry->prev_entry = entry->prev_entry;
		__atomic_store_n(at, entry->next_entry, __ATOMIC_RELEASE);
		tell_debugger(JIT_UNREGISTER_FN, entry);
	}
	unlock();
}

/* What BTF calls the function at @insn; NULL where it does not say. */
static const char *btf_name(const struct rawtp_prog *prog, uint32_t insn)
{
	const struct btf_type *type;
	uint32_t i;

	for (i = 0; prog->btf && i < prog->n_func_info; i++) {
		if (prog->func_info[i].insn_off != insn)
			continue;
		type = rawtp_btf_type(prog->btf, prog->func_info[i].type_id);
		return type ? rawtp_btf_string(prog->btf, type->name_off) : NULL;
	}
	return NULL;
}

static void name_function(const struct rawtp_prog *prog, uint32_t subprog, char name[MAX_NAME])
{
	const char *function = btf_name(prog, prog->subprogs[subprog].start);
	int n = snprintf(name, MAX_NAME, "bpf_prog%s%.*s", *prog->name ? "_" : "", BPF_OBJ_NAME_LEN,
			 prog->name);
	char *p;

	if (subprog && function && *function)
		snprintf(name + n, (size_t)(MAX_NAME - n), "_%s", function);
	else if (subprog)
		snprintf(name + n, (size_t)(MAX_NAME - n), "_%u", subprog);
	/* Names come with the program; they end up in a file of lines. */
	for (p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '.')
			*p = '_';
}

static uint32_t function_bytes(const struct rawtp_jit *jit, uint32_t subprog, uint32_t size)
{
	bool last = subprog + 1 == jit->prog->n_subprogs;

	return (last ? size : jit->entries[subprog + 1]) - jit->entries[subprog];
}

/* Where section @index begins, behind @symbols, and how long it is; the next one follows it. */
static char *place_section(struct rawtp_jit_symbols *symbols, unsigned int index, char *at,
			   size_t size)
{
	Elf64_Shdr *shdr = &symbols->shdr[index];

	shdr->sh_offset = (uint64_t)(at - (char *)&symbols->ehdr);
	shdr->sh_size = size;
	return at + size;
}

static void fill_headers(struct rawtp_jit_symbols *symbols, const struct rawtp_jit *jit,
			 uint32_t size)
{
	unsigned int i;

	symbols->ehdr = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_REL,
		.e_machine = jit->machine,
		.e_version = EV_CURRENT,
		.e_shoff = offsetof(struct rawtp_jit_symbols, shdr) -
			   offsetof(struct rawtp_jit_symbols, ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = N_SECTIONS,
		.e_shstrndx = STRTAB,
	};
	for (i = 0; i < N_SECTIONS; i++) {
		symbols->shdr[i].sh_name = sections[i].name;
		symbols->shdr[i].sh_type = sections[i].type;
		symbols->shdr[i].sh_flags = sections[i].flags;
		symbols->shdr[i].sh_addralign = 1;
	}
	symbols->shdr[TEXT].sh_addr = jit->address;
	symbols->shdr[TEXT].sh_size = size;
	symbols->shdr[SYMTAB].sh_link = STRTAB;
	symbols->shdr[SYMTAB].sh_info = 1; /* the first that is not local */
	symbols->shdr[SYMTAB].sh_entsize = sizeof(Elf64_Sym);
}

/* Writes the names to @names unless that is NULL; returns how many bytes they take. */
static size_t fill_symbols(struct rawtp_jit_symbols *symbols, const struct rawtp_jit *jit,
			   uint32_t size, char *names)
{
	size_t n = sizeof(section_names);
	uint32_t i;

	if (names)
		memcpy(names, section_names, n);
	for (i = 0; i < jit->prog->n_subprogs; i++) {
		char name[MAX_NAME];

		name_function(jit->prog, i, name);
		if (names) {
			strcpy(names + n, name);
			symbols->syms[i + 1] = (Elf64_Sym){
				.st_name = (uint32_t)n,
				.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
				.st_shndx = TEXT,
				.st_value = jit->entries[i],
				.st_size = function_bytes(jit, i, size),
			};
		}
		n += strlen(name) + 1;
	}
	return n;
}

/* /tmp is everybody's: only a file of our own will do, and nothing that could make us wait. */
static int open_perf_map(void)
{
	char path[40];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	if (fd < 0)
		return fd;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		return fd;
	close(fd);
	return -1;
}

static void write_perf_map(const struct rawtp_jit *jit, uint32_t size)
{
	char line[MAX_NAME + 40];
	int fd = open_perf_map();
	uint32_t i;

	if (fd < 0)
		return;
	for (i = 0; i < jit->prog->n_subprogs; i++) {
		char name[MAX_NAME];
		int n;

		name_function(jit->prog, i, name);
		n = snprintf(line, sizeof(line), "%lx %x %s\n",
			     (unsigned long)(jit->address + jit->entries[i]),
			     function_bytes(jit, i, size), name);
		if (write(fd, line, (size_t)n) != n)
			break; /* profiles have addresses instead of names */
	}
	close(fd);
}

static bool perf_map_wanted;

/* Read when the library is loaded: later the application may be changing its environment. */
__attribute__((constructor)) static void read_environment(void)
{
	const char *value = secure_getenv("RAWTP_PERF_MAP");

	perf_map_wanted = value && !strcmp(value, "1");
}

struct rawtp_jit_symbols *rawtp_jit_announce(const struct rawtp_jit *jit, uint32_t size)
{
	size_t syms = ((size_t)jit->prog->n_subprogs + 1) * sizeof(Elf64_Sym);
	size_t names = fill_symbols(NULL, jit, size, NULL);
	size_t frames = jit->unwind.failed ? 0 : jit->unwind.size, at;
	struct rawtp_jit_symbols *symbols;
	char *end;

	if (perf_map_wanted)
		write_perf_map(jit, size);
	at = sizeof(*symbols) + syms;
	symbols = calloc(1, at + names + frames);
	if (!symbols)
		return NULL;
	fill_headers(symbols, jit, size);
	end = place_section(symbols, SYMTAB, (char *)symbols->syms, syms);
	fill_symbols(symbols, jit, size, end);
	end = place_section(symbols, STRTAB, end, names);
	if (frames)
		memcpy(end, jit->unwind.table, frames);
	end = place_section(symbols, FRAME, end, frames);
	symbols->entry.symfile_addr = (const char *)&symbols->ehdr;
	symbols->entry.symfile_size = (uint64_t)(end - (char *)&symbols->ehdr);
	add_entry(&symbols->entry);
	return symbols;
}

void rawtp_jit_withdraw(struct rawtp_jit_symbols *symbols)
{
	if (!symbols)
		return;
	remove_entry(&symbols->entry);
	free(symbols);
}
