/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as BTF: refused, or every type and string of it can be asked for. What was taken goes
 * with function and line information into a program that is refused, so that the verifier's report
 * shows source lines out of it.
 *
 * Input: flags, functions, lines (u8 each), their records, the BTF.
 */
#include "fuzz.h"

#include "base/err.h"
#include "bpf/btf.h"
#include "bpf/syscall/prog_file.h"
#include "bpf/verifier/verifier.h"

#define MAX_FUNCTIONS 4
#define MAX_LINES     16
#define IN_ORDER      1 /* flag: records are made to lie where functions and lines may begin */
#define REFUSED       2 /* flag: so is the program */
#define LOG_SIZE      (1 << 16)

static void ask_everything(const struct rawtp_btf *btf)
{
	uint32_t id, n = rawtp_btf_n_types(btf), size;

	for (id = 0; id < n + 2; id++) {
		const struct btf_type *type = rawtp_btf_type(btf, id);
		const char *name;

		FUZZ_CHECK(!type == (id >= n));
		if (!type)
			continue;
		name = rawtp_btf_string(btf, type->name_off);
		FUZZ_CHECK(strlen(name) < rawtp_btf_strings_size(btf));
		FUZZ_CHECK(rawtp_btf_base(btf, id) < n);
		FUZZ_CHECK(rawtp_btf_size(btf, id) >= -4095);
	}
	FUZZ_CHECK(*rawtp_btf_string(btf, UINT32_MAX) == '\0');
	FUZZ_CHECK(rawtp_btf_data(btf, &size) && size <= RAWTP_BTF_MAX_SIZE);
}

/* Calls all functions but the first; each is two instructions long. */
static uint32_t write_insns(struct bpf_insn *insns, uint32_t n_functions, bool refused)
{
	uint32_t n = 0, i;

	for (i = 1; i < n_functions; i++, n++)
		insns[n] = (struct bpf_insn){
			.code = BPF_JMP | BPF_CALL,
			.src_reg = BPF_PSEUDO_CALL,
			.imm = (int32_t)(n_functions - 1 - n + 1 + 2 * (i - 1)),
		};
	for (i = 0; i < n_functions; i++) {
		insns[n++] = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K};
		if (i + 1 == n_functions && refused)
			insns[n - 1] = (struct bpf_insn){
				.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 0, .src_reg = 5};
		insns[n++] = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
	}
	return n;
}

static void put_in_order(struct rawtp_prog *prog)
{
	uint32_t i, first = prog->n_func_info - 1;

	for (i = 0; i < prog->n_func_info; i++)
		prog->func_info[i].insn_off = i ? first + 2 * i : 0;
	for (i = 0; i < prog->n_line_info; i++)
		prog->line_info[i].insn_off = i;
}

static void try_info(struct fuzz_input input, uint8_t flags, uint32_t n_functions, uint32_t n_lines,
		     struct rawtp_btf *btf)
{
	static char text[LOG_SIZE];
	struct rawtp_verifier_log log = {text, sizeof(text), 1 + (flags >> 2 & 6)};
	struct bpf_insn insns[4 * MAX_FUNCTIONS];
	const char *why = "";
	uint32_t n = write_insns(insns, n_functions, flags & REFUSED);
	struct rawtp_prog *prog = rawtp_prog_new(n);

	prog->type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	memcpy(prog->insns, insns, n * sizeof(*insns));
	prog->maps = calloc(1, sizeof(struct rawtp_map *));
	rawtp_btf_get(btf);
	prog->btf = btf;
	prog->n_func_info = n_functions;
	prog->func_info = calloc(n_functions, sizeof(*prog->func_info));
	fuzz_take(&input, prog->func_info, n_functions * sizeof(*prog->func_info));
	prog->n_line_info = n_lines;
	prog->line_info = calloc(n_lines + 1, sizeof(*prog->line_info));
	fuzz_take(&input, prog->line_info, n_lines * sizeof(*prog->line_info));
	if (flags & IN_ORDER)
		put_in_order(prog);
	if (rawtp_prog_check_info(prog, &why) == 0)
		FUZZ_CHECK(rawtp_verify(prog, &log) != 0 || !(flags & REFUSED));
	else
		FUZZ_CHECK(*why);
	rawtp_prog_put(prog);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size}, records;
	uint8_t flags = fuzz_u8(&input);
	uint32_t n_functions = 1 + fuzz_u8(&input) % MAX_FUNCTIONS;
	uint32_t n_lines = fuzz_u8(&input) % MAX_LINES, where = 0;
	size_t n_records =
		n_functions * sizeof(struct bpf_func_info) + n_lines * sizeof(struct bpf_line_info);
	const char *why = "";
	struct rawtp_btf *btf;
	void *copy;

	records = input;
	if (input.left < n_records)
		return 0;
	/* Of its own size, so that a byte too many is noticed. */
	size = input.left - n_records;
	copy = malloc(size);
	memcpy(copy, input.at + n_records, size);
	btf = rawtp_btf_parse(copy, (uint32_t)size, &why, &where);
	free(copy);
	if (rawtp_is_err(btf)) {
		FUZZ_CHECK(*why);
		return 0;
	}
	ask_everything(btf);
	try_info(records, flags, n_functions, n_lines, btf);
	rawtp_btf_put(btf);
	return 0;
}
