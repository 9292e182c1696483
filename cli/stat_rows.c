/* SPDX-License-Identifier: MIT */
#include "stat_rows.h"
#include "base/err.h"
#include "object.h"
#include "preload/route.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROGRAM_NAME "rawtp_stat"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The kernel's programs: (*array[INDEX])++ for the CPU at hand. */
#define INSN(op, dst, src, offset, value)                                                         \
	{                                                                                         \
		.code = (op), .dst_reg = (dst), .src_reg = (src), .off = (offset), .imm = (value) \
	}
enum { AT_INDEX = 0, AT_MAP = 3 };
static const struct bpf_insn count_insns[] = {
	[AT_INDEX] = INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0 /* index */),
	INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
	INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
	[AT_MAP] = INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, 0 /* map */),
	INSN(0, 0, 0, 0, 0),
	INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
	INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3, 0),
	INSN(BPF_LDX | BPF_MEM | BPF_DW, 1, 0, 0, 0),
	INSN(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, 1),
	INSN(BPF_STX | BPF_MEM | BPF_DW, 0, 1, 0, 0),
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
	INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
};
/* That of processes, whose links count. */
static const struct bpf_insn empty_insns[] = {
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
	INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
};

static int load(const struct bpf_insn *insns, size_t n)
{
	return bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, PROGRAM_NAME, "GPL", insns, n, NULL);
}

static int load_counter(int map, uint32_t index)
{
	struct bpf_insn insns[N_OF(count_insns)];

	memcpy(insns, count_insns, sizeof(insns));
	insns[AT_INDEX].imm = (int)index;
	insns[AT_MAP].imm = map;
	return load(insns, N_OF(insns));
}

static bool matches(const struct rawtp_stat *stat, const char *name)
{
	unsigned int i;

	for (i = 0; i < stat->n_globs; i++)
		if (!fnmatch(stat->globs[i], name, 0))
			return true;
	return !stat->n_globs;
}

/* NULL: out of memory. */
static struct rawtp_stat_row *add_row(struct rawtp_stat *stat, const char *name,
				      unsigned int target)
{
	struct rawtp_stat_row *grown, *row;

	if (stat->n_rows == stat->n_allocated) {
		unsigned int n = stat->n_allocated ? 2 * stat->n_allocated : 64;

		grown = realloc(stat->rows, n * sizeof(*grown));
		if (!grown)
			return NULL;
		stat->rows = grown;
		stat->n_allocated = n;
	}
	row = &stat->rows[stat->n_rows];
	memset(row, 0, sizeof(*row));
	row->target = target;
	row->prog = row->link = -1;
	row->tracepoint = strdup(name);
	if (!row->tracepoint)
		return NULL;
	stat->n_rows++;
	return row;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void free_row(struct rawtp_stat_row *row)
{
	close_fd(row->link);
	close_fd(row->prog);
	if (row->stats)
		rawtp_link_stats_unmap(row->stats);
	free(row->tracepoint);
}

/* The last row was refused: others may be taken. */
static void drop_row(struct rawtp_stat *stat, const char *why)
{
	struct rawtp_stat_row *row = &stat->rows[--stat->n_rows];

	if (!stat->refused++)
		snprintf(stat->why, sizeof(stat->why), "%s: %s", row->tracepoint, why);
	free_row(row);
}

/* Each row of the kernel is two descriptors. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

struct process {
	struct rawtp_stat *stat;
	unsigned int target, first; /* its first row */
	bool fits;
};

static int on_event(const struct rawtp_client_event *event, void *data)
{
	struct process *process = data;
	struct rawtp_stat *stat = process->stat;
	unsigned int i;

	stat->seen++;
	rawtp_nearest_offer(&stat->nearest, event->name);
	if (!matches(stat, event->name))
		return 0;
	/* Two libraries may have one name; one link is at both. */
	for (i = process->first; i < stat->n_rows; i++)
		if (!strcmp(stat->rows[i].tracepoint, event->name))
			return 0;
	process->fits = add_row(stat, event->name, process->target);
	return !process->fits;
}

/* 0 or -errno; *@log has the target's words. */
static int attach_row(struct rawtp_stat *stat, struct rawtp_stat_row *row, int prog, int far_end,
		      char *log, size_t size)
{
	int fd = rawtp_link_stats_create(), err;

	*log = '\0';
	if (fd < 0)
		return fd;
	row->stats = rawtp_link_stats_map(fd);
	if (rawtp_is_err(row->stats)) {
		err = (int)rawtp_ptr_err(row->stats);
		row->stats = NULL;
	} else {
		__atomic_store_n(&row->stats->sample, stat->sample, __ATOMIC_RELAXED);
		err = rawtp_client_attach(stat->targets[row->target].client, prog, row->tracepoint,
					  far_end, fd, 0, log, size);
	}
	close(fd);
	return err;
}

/* Rows from @first on, which drop_row() may make fewer. */
static int attach_process(struct rawtp_stat *stat, struct rawtp_stat_target *target,
			  unsigned int first, int prog, int far_end)
{
	unsigned int i = first;
	char log[512];
	int err;

	while (i < stat->n_rows) {
		err = attach_row(stat, &stat->rows[i], prog, far_end, log, sizeof(log));
		if (err == -ESRCH || err == -ETIMEDOUT || err == -ENOTCONN || err == -ECONNRESET)
			return rawtp_cli_error(stat->cli, "process %d (%s): %s", (int)target->pid,
					       target->comm, rawtp_cli_open_reason(err));
		if (!err) {
			i++;
			continue;
		}
		/* The last takes its place: rows are in no order. */
		struct rawtp_stat_row refused = stat->rows[i];

		stat->rows[i] = stat->rows[stat->n_rows - 1];
		stat->rows[stat->n_rows - 1] = refused;
		log[strcspn(log, "\n")] = '\0';
		drop_row(stat, *log ? log : strerror(-err));
	}
	return RAWTP_EXIT_OK;
}

static int add_target(struct rawtp_stat *stat, struct rawtp_stat_target *target)
{
	struct process process = {stat, stat->n_targets - 1, stat->n_rows, true};
	int ends[2], prog, status, err;

	err = rawtp_client_list(target->client, on_event, &process);
	if (!process.fits)
		return rawtp_cli_error(stat->cli, "out of memory");
	if (err < 0)
		return rawtp_cli_error(stat->cli, "process %d (%s): %s", (int)target->pid,
				       target->comm, rawtp_cli_open_reason(err));
	if (stat->n_rows == process.first)
		return RAWTP_EXIT_OK;
	rawtp_target_kernel(false);
	prog = load(empty_insns, N_OF(empty_insns));
	if (prog < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		status = rawtp_cli_error(stat->cli, "cannot make a program and a link: %s",
					 strerror(errno));
		close_fd(prog);
		return status;
	}
	status = attach_process(stat, target, process.first, prog, ends[1]);
	close(prog);
	/* With our own copy of it open, the end of the target could not be seen. */
	close(ends[1]);
	target->link = ends[0];
	return status;
}

int rawtp_stat_add_process(struct rawtp_stat *stat, pid_t pid)
{
	struct rawtp_stat_target *target;
	struct rawtp_client *client;
	unsigned int i;
	int err;

	for (i = 0; i < stat->n_targets; i++)
		if (stat->targets[i].pid == pid)
			return RAWTP_EXIT_OK;
	if (stat->n_targets == RAWTP_STAT_MAX_TARGETS)
		return rawtp_cli_error(stat->cli, "more than %d processes; name some with -p",
				       RAWTP_STAT_MAX_TARGETS);
	raise_limit();
	err = rawtp_client_open(pid, &client);
	if (err)
		return rawtp_cli_error(stat->cli, "process %d: %s", (int)pid,
				       rawtp_cli_open_reason(err));
	target = &stat->targets[stat->n_targets++];
	*target = (struct rawtp_stat_target){.pid = pid, .client = client, .link = -1};
	rawtp_cli_comm(pid, target->comm, sizeof(target->comm));
	return add_target(stat, target);
}

static int choose_events(struct rawtp_stat *stat)
{
	const struct rawtp_event_list *events = &stat->kernel.events;
	unsigned int i;
	size_t j;

	for (j = 0; j < events->n; j++) {
		const char *name = events->events[j].name;

		/* Sorted; two modules may have one name. */
		if (j && !strcmp(name, events->events[j - 1].name))
			continue;
		stat->seen++;
		rawtp_nearest_offer(&stat->nearest, name);
		if (matches(stat, name) && !add_row(stat, name, RAWTP_STAT_KERNEL))
			return rawtp_cli_error(stat->cli, "out of memory");
	}
	if (events->n)
		return RAWTP_EXIT_OK;
	if (!stat->n_globs)
		return rawtp_cli_error(stat->cli,
				       "the kernel shows no BTF, so its tracepoints are unknown; "
				       "name them: rawtp stat -k NAME...");
	for (i = 0; i < stat->n_globs; i++)
		if (!add_row(stat, stat->globs[i], RAWTP_STAT_KERNEL))
			return rawtp_cli_error(stat->cli, "out of memory");
	return RAWTP_EXIT_OK;
}

/* A map for the rows from @first on, and room for one of its values. */
static int make_map(struct rawtp_stat *stat, unsigned int first)
{
	int n_cpus = libbpf_num_possible_cpus();

	if (n_cpus < 1)
		return rawtp_cli_error(stat->cli, "the number of CPUs is unknown: %s",
				       strerror(-n_cpus));
	stat->n_cpus = (unsigned int)n_cpus;
	stat->per_cpu = calloc(stat->n_cpus, sizeof(*stat->per_cpu));
	if (!stat->per_cpu)
		return rawtp_cli_error(stat->cli, "out of memory");
	stat->map = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, PROGRAM_NAME, sizeof(uint32_t),
				   sizeof(uint64_t), stat->n_rows - first, NULL);
	if (stat->map == -EPERM)
		return rawtp_kernel_refused(stat->cli, "the counting program");
	return stat->map < 0 ? rawtp_cli_error(stat->cli, "cannot make a map in the kernel: %s",
					       strerror(-stat->map))
			     : RAWTP_EXIT_OK;
}

static int attach_kernel(struct rawtp_stat *stat, unsigned int first)
{
	unsigned int i = first, index = 0;

	while (i < stat->n_rows) {
		struct rawtp_stat_row *row = &stat->rows[i], refused;

		row->index = index++;
		row->prog = load_counter(stat->map, row->index);
		row->link = row->prog;
		if (row->prog >= 0)
			row->link = bpf_raw_tracepoint_open(row->tracepoint, row->prog);
		if (row->link >= 0) {
			i++;
			continue;
		}
		if (row->link == -EMFILE || row->link == -ENFILE)
			return rawtp_cli_error(
				stat->cli,
				"%u tracepoints match, which is more than descriptors are left "
				"for (two each); name fewer, or raise ulimit -n",
				stat->n_rows - first);
		if (row->prog == -EPERM)
			return rawtp_kernel_refused(stat->cli, "the counting program");
		refused = *row;
		*row = stat->rows[stat->n_rows - 1];
		stat->rows[stat->n_rows - 1] = refused;
		drop_row(stat, refused.link == -ENOENT ? "the kernel has no such raw tracepoint"
						       : strerror(-refused.link));
	}
	return RAWTP_EXIT_OK;
}

int rawtp_stat_add_kernel(struct rawtp_stat *stat)
{
	unsigned int first = stat->n_rows;
	int status;

	stat->to_kernel = true;
	rawtp_object_init(stat->cli); /* where libbpf's words go */
	raise_limit();
	status = rawtp_kernel_open(stat->cli, &stat->kernel);
	if (!status)
		status = choose_events(stat);
	if (status || stat->n_rows == first)
		return status;
	rawtp_target_kernel(true);
	status = make_map(stat, first);
	if (status)
		return status;
	if (stat->sample)
		rawtp_kernel_count(stat->cli, &stat->kernel);
	return attach_kernel(stat, first);
}

static void read_kernel(struct rawtp_stat *stat, struct rawtp_stat_row *row)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info), cpu;

	if (bpf_map_lookup_elem(stat->map, &row->index, stat->per_cpu) ||
	    bpf_obj_get_info_by_fd(row->prog, &info, &size))
		return;
	row->now.events = row->now.misses = info.recursion_misses;
	for (cpu = 0; cpu < stat->n_cpus; cpu++)
		row->now.events += stat->per_cpu[cpu];
	row->now.timed = info.run_cnt;
	row->now.nsecs = info.run_time_ns;
}

void rawtp_stat_read(struct rawtp_stat *stat)
{
	unsigned int i;

	rawtp_target_kernel(true);
	for (i = 0; i < stat->n_rows; i++) {
		struct rawtp_stat_row *row = &stat->rows[i];
		struct rawtp_stats_block sum;

		row->before = row->now;
		if (row->target == RAWTP_STAT_KERNEL) {
			read_kernel(stat, row);
			continue;
		}
		sum = rawtp_link_stats_sum(row->stats);
		row->now = (struct rawtp_stat_figures){sum.hits, sum.misses, sum.timed, sum.nsecs};
	}
}

int rawtp_stat_begin(struct rawtp_stat *stat)
{
	char text[512];
	unsigned int i;

	if (!stat->n_rows && stat->refused)
		return rawtp_cli_error(stat->cli, "nothing can be attached: %s%s", stat->why,
				       rawtp_nearest_text(&stat->nearest, text, sizeof(text)));
	if (!stat->n_rows)
		return rawtp_cli_error(stat->cli, "none of %u tracepoints matches%s%s%s",
				       stat->seen, stat->n_globs ? " " : "",
				       stat->n_globs ? stat->globs[0] : "",
				       rawtp_nearest_text(&stat->nearest, text, sizeof(text)));
	if (stat->refused)
		rawtp_cli_error(stat->cli, "%u of %u tracepoints are left out; the first: %s",
				stat->refused, stat->refused + stat->n_rows, stat->why);
	rawtp_stat_read(stat);
	for (i = 0; i < stat->n_rows; i++)
		stat->rows[i].first = stat->rows[i].now;
	return RAWTP_EXIT_OK;
}

unsigned int rawtp_stat_check(struct rawtp_stat *stat)
{
	unsigned int i, left = stat->to_kernel;

	for (i = 0; i < stat->n_targets; i++) {
		struct rawtp_stat_target *target = &stat->targets[i];
		struct pollfd fd = {.fd = target->link, .events = POLLIN};

		if (target->link < 0 || target->gone)
			continue;
		if (poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR | POLLNVAL)))
			target->gone = true;
		else
			left++;
	}
	return left;
}

void rawtp_stat_free(struct rawtp_stat *stat)
{
	unsigned int i;

	for (i = 0; i < stat->n_targets; i++) {
		close_fd(stat->targets[i].link);
		rawtp_client_close(stat->targets[i].client);
	}
	for (i = 0; i < stat->n_rows; i++)
		free_row(&stat->rows[i]);
	free(stat->rows);
	free(stat->per_cpu);
	close_fd(stat->map);
	if (stat->to_kernel)
		rawtp_kernel_close(&stat->kernel);
	stat->rows = NULL;
	stat->n_rows = stat->n_targets = 0;
}

const char *rawtp_stat_target_name(const struct rawtp_stat *stat, unsigned int target, char *text,
				   size_t size)
{
	if (target == RAWTP_STAT_KERNEL)
		snprintf(text, size, "kernel");
	else
		snprintf(text, size, "%d (%s)", (int)stat->targets[target].pid,
			 stat->targets[target].comm);
	return text;
}
