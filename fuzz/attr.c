/* SPDX-License-Identifier: MIT */
/*
 * Any commands with any attr for rawtp_bpf(). Of each 8 bytes of an attr the input says whether they
 * are an address: then it is one inside of a buffer of the input's bytes; of each 4, whether they are
 * a descriptor that an earlier command returned.
 *
 * Input: commands of {command, size of attr, addresses u16, descriptors u32, attr}, up to a command
 * of 0xff, then the buffer.
 */
#include "fuzz.h"

#include "rawtp/bpf.h"

#include <unistd.h>

#define MAX_COMMANDS 12
#define BUFFER       4096
#define LARGEST_MAP  (1u << 16)
#define NO_COMMAND   0xff
#define HEAD         8 /* bytes of a command before its attr */

struct command {
	uint8_t cmd, size;
	uint16_t addresses;
	uint32_t descriptors;
	union {
		union bpf_attr attr;
		uint64_t words[(sizeof(union bpf_attr) + 7) / 8];
		uint32_t halves[sizeof(union bpf_attr) / 4];
	} u;
};

static char buffer[BUFFER];

static void resolve(struct command *command, const int *fds, unsigned int n_fds)
{
	unsigned int i;

	for (i = 0; i < 32 && i < sizeof(union bpf_attr) / 4; i++)
		if (command->descriptors >> i & 1 && n_fds)
			command->u.halves[i] = (uint32_t)fds[command->u.halves[i] % n_fds];
	for (i = 0; i < 16 && i < sizeof(union bpf_attr) / 8; i++)
		if (command->addresses >> i & 1)
			command->u.words[i] =
				(uintptr_t)&buffer[command->u.words[i] % sizeof(buffer)];
	if (command->cmd != BPF_MAP_CREATE)
		return;
	/* What a caller may have is its own affair, what this machine has is not. */
	if (command->u.attr.max_entries > LARGEST_MAP)
		command->u.attr.max_entries %= LARGEST_MAP;
	if (command->u.attr.value_size > LARGEST_MAP / 16)
		command->u.attr.value_size %= LARGEST_MAP / 16;
	if ((uint64_t)command->u.attr.value_size * command->u.attr.max_entries > LARGEST_MAP * 16)
		command->u.attr.max_entries = 16;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct command commands[MAX_COMMANDS];
	int fds[MAX_COMMANDS], fd;
	unsigned int n, i, n_fds = 0;

	memset(commands, 0, sizeof(commands));
	for (n = 0; n < MAX_COMMANDS && input.left; n++) {
		struct command *command = &commands[n];

		command->cmd = fuzz_u8(&input);
		if (command->cmd == NO_COMMAND)
			break;
		command->size = fuzz_u8(&input);
		command->addresses = fuzz_u16(&input);
		fuzz_take(&input, &command->descriptors, sizeof(command->descriptors));
		fuzz_take(&input, &command->u,
			  command->size < sizeof(command->u) ? command->size : sizeof(command->u));
	}
	fuzz_take(&input, buffer, sizeof(buffer));
	for (i = 0; i < n; i++) {
		resolve(&commands[i], fds, n_fds);
		/* Not the process's own descriptors: what is in them changes. */
		fd = rawtp_bpf(commands[i].cmd, &commands[i].u.attr,
			       commands[i].size < sizeof(commands[i].u) ? commands[i].size
									: sizeof(commands[i].u));
		if (fd > 2)
			fds[n_fds++] = fd;
	}
	while (n_fds)
		close(fds[--n_fds]);
	return 0;
}

#ifdef RAWTP_FUZZING
/* Where things lie in the buffer of an input that is made here. */
#define AT_KEY     0
#define AT_VALUE   64
#define AT_LICENSE 128
#define AT_INSNS   160
#define AT_INFO    320
#define AT_LOG     1024

static const struct bpf_insn insns[] = {
	{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 2, .src_reg = 1},
	{.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 3, .src_reg = BPF_PSEUDO_MAP_IDX_VALUE},
	{0},
	{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 3, .src_reg = 2},
	{.code = BPF_ALU64 | BPF_MOV | BPF_K},
	{.code = BPF_JMP | BPF_EXIT},
};

/*
 * What programs really ask for, to begin with: each with its addresses as offsets in the buffer and
 * its descriptors as numbers of earlier results.
 */
#define FIELD_BIT(field, unit) (1u << offsetof(union bpf_attr, field) / (unit))
#define ADDRESS(field)         FIELD_BIT(field, 8)
#define DESCRIPTOR(field)      FIELD_BIT(field, 4)

static const struct command usual[] = {
	{.cmd = BPF_MAP_CREATE,
	 .u.attr = {.map_type = BPF_MAP_TYPE_ARRAY,
		    .key_size = 4,
		    .value_size = 8,
		    .max_entries = 1}},
	{.cmd = BPF_MAP_LOOKUP_ELEM,
	 .addresses = ADDRESS(key) | ADDRESS(value),
	 .descriptors = DESCRIPTOR(map_fd),
	 .u.attr = {.key = AT_KEY, .value = AT_VALUE}},
	{.cmd = BPF_MAP_UPDATE_ELEM,
	 .addresses = ADDRESS(key) | ADDRESS(value),
	 .descriptors = DESCRIPTOR(map_fd),
	 .u.attr = {.key = AT_KEY, .value = AT_VALUE}},
	{.cmd = BPF_MAP_DELETE_ELEM, .addresses = ADDRESS(key), .descriptors = DESCRIPTOR(map_fd)},
	{.cmd = BPF_MAP_GET_NEXT_KEY,
	 .addresses = ADDRESS(key) | ADDRESS(next_key),
	 .descriptors = DESCRIPTOR(map_fd),
	 .u.attr = {.next_key = AT_VALUE}},
	{.cmd = BPF_MAP_FREEZE, .descriptors = DESCRIPTOR(map_fd)},
	{.cmd = BPF_MAP_LOOKUP_BATCH,
	 .addresses = ADDRESS(batch.out_batch) | ADDRESS(batch.keys) | ADDRESS(batch.values),
	 .descriptors = DESCRIPTOR(batch.map_fd),
	 .u.attr.batch = {.out_batch = AT_KEY, .keys = AT_VALUE, .values = AT_LOG, .count = 4}},
	{.cmd = BPF_PROG_LOAD,
	 .addresses = ADDRESS(insns) | ADDRESS(license) | ADDRESS(log_buf) | ADDRESS(fd_array),
	 .u.attr = {.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		    .insns = AT_INSNS,
		    .insn_cnt = sizeof(insns) / sizeof(*insns),
		    .license = AT_LICENSE,
		    .log_buf = AT_LOG,
		    .log_size = BUFFER - AT_LOG,
		    .log_level = 2,
		    .fd_array = AT_KEY}},
	{.cmd = BPF_PROG_TEST_RUN,
	 .addresses = ADDRESS(test.ctx_in),
	 .descriptors = DESCRIPTOR(test.prog_fd),
	 .u.attr.test = {.ctx_in = AT_VALUE, .ctx_size_in = 96}},
	{.cmd = BPF_RAW_TRACEPOINT_OPEN,
	 .addresses = ADDRESS(raw_tracepoint.name),
	 .descriptors = FIELD_BIT(raw_tracepoint.prog_fd, 4),
	 .u.attr.raw_tracepoint.name = AT_LICENSE},
	{.cmd = BPF_BTF_LOAD,
	 .addresses = ADDRESS(btf) | ADDRESS(btf_log_buf),
	 .u.attr = {.btf = AT_INFO, .btf_size = 128, .btf_log_buf = AT_LOG, .btf_log_size = 1024}},
	{.cmd = BPF_OBJ_GET_INFO_BY_FD,
	 .addresses = ADDRESS(info.info),
	 .descriptors = DESCRIPTOR(info.bpf_fd),
	 .u.attr.info = {.info = AT_LOG, .info_len = 240}},
	{.cmd = BPF_LINK_CREATE, .descriptors = DESCRIPTOR(link_create.prog_fd)},
	{.cmd = BPF_PROG_BIND_MAP,
	 .descriptors = DESCRIPTOR(prog_bind_map.prog_fd) | DESCRIPTOR(prog_bind_map.map_fd)},
};

static const uint8_t map_types[] = {1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13, 22, 23, 27, 29, 31};

/* Usual commands in any order, with what is special about them at random. */
static size_t make_input(uint8_t *data, size_t max_size, unsigned int seed)
{
	uint32_t n = 1 + seed % MAX_COMMANDS, i, random = seed;
	size_t at = 0;

	for (i = 0; i < n; i++) {
		struct command command;
		uint32_t pick = random >> 16;

		random = random * 1103515245 + 12345;
		command = usual[i == 0 ? 0 : pick % (sizeof(usual) / sizeof(*usual))];
		command.size = sizeof(command.u.attr);
		if (command.cmd == BPF_MAP_CREATE) {
			command.u.attr.map_type = map_types[random >> 20 & 15];
			command.u.attr.max_entries =
				random >> 13 & 1 ? 4096 : 1 + (random >> 9 & 7);
			if (random >> 25 & 1)
				command.u.attr.value_size = random >> 26 & 63;
		} else if (command.cmd != BPF_PROG_LOAD && command.cmd != BPF_BTF_LOAD) {
			command.u.halves[0] = random >> 20 & 7;
		}
		if (at + HEAD + command.size > max_size)
			break;
		memcpy(data + at, &command, HEAD + command.size);
		at += HEAD + command.size;
	}
	if (at + 1 + AT_LOG > max_size)
		return at;
	data[at++] = NO_COMMAND;
	memset(data + at, 0, AT_LOG);
	data[at + AT_KEY] = 3; /* the first descriptor, mostly */
	memcpy(data + at + AT_LICENSE, "GPL", 4);
	memcpy(data + at + AT_INSNS, insns, sizeof(insns));
	return at + AT_LOG;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	if (seed % 16)
		return LLVMFuzzerMutate(data, size, max_size);
	return make_input(data, max_size, seed / 16);
}
#endif
