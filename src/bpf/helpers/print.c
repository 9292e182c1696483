/* SPDX-License-Identifier: MIT */
/* Helpers: trace_printk, trace_vprintk. Async-signal-safe; drops what has no reader. */
#include "bpf/helpers/print.h"
#include "base/task_id.h"
#include "bpf/helpers/format.h"
#include "bpf/helpers/helper.h"
#include "bpf/maps/ringbuf.h"
#include "bpf/run.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000ULL

static void fill(struct rawtp_trace_line *line, const struct rawtp_prog *prog, const char *text,
		 size_t len)
{
	struct rawtp_task_id id = rawtp_task_id();
	struct timespec now = {0};
	int cpu = sched_getcpu();

	clock_gettime(CLOCK_MONOTONIC, &now);
	line->time = (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
	line->pid = id.tgid;
	line->tid = id.tid;
	line->cpu = cpu < 0 ? 0 : (uint32_t)cpu;
	memset(line->comm, 0, sizeof(line->comm));
	prctl(PR_GET_NAME, line->comm);
	memcpy(line->program, prog->name, sizeof(line->program));
	memcpy(line->text, text, len);
	line->text[len] = '\0';
}

bool rawtp_print_values(uint64_t *values, const void *data, uint64_t size)
{
	if (size % sizeof(*values) || size > RAWTP_PRINT_VALUES * sizeof(*values) ||
	    (size && !data))
		return false;
	if (size)
		memcpy(values, data, size);
	return true;
}

/*
 * The length, or -EINVAL, also where the format is longer than a line may be. The format may lie in
 * a map, which others can change meanwhile: so what is parsed is a copy.
 */
static uint64_t print(const void *from, uint64_t format_size, const uint64_t *values,
		      unsigned int n_values)
{
	const struct rawtp_frame *frame = rawtp_self ? rawtp_self->frame : NULL;
	char text[RAWTP_TRACE_LINE_MAX], format[RAWTP_TRACE_LINE_MAX];
	size_t size = format_size < sizeof(format) ? (size_t)format_size : sizeof(format), kept;
	struct rawtp_trace_line *line;
	int saved = errno, len;

	memcpy(format, from, size);
	len = rawtp_format(text, sizeof(text), format, size, values, n_values);
	if (len < 0 || !frame || !frame->prog || !frame->prog->trace_ring)
		return (uint64_t)(int64_t)len;
	kept = strlen(text);
	line = rawtp_ringbuf_reserve(frame->prog->trace_ring, sizeof(*line) + kept + 1);
	if (line) {
		fill(line, frame->prog, text, kept);
		rawtp_ringbuf_commit(line, 0, false);
	}
	errno = saved;
	return (uint64_t)len;
}

/* r1: format, r2: its size, NUL included; r3 to r5: values. */
uint64_t rawtp_helper_trace_printk(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	const uint64_t values[] = {r3, r4, r5};

	return print((const void *)(uintptr_t)r1, r2, values, 3);
}

/* r1: format, r2: its size, NUL included; r3: r4 bytes of values. */
uint64_t rawtp_helper_trace_vprintk(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	uint64_t values[RAWTP_PRINT_VALUES];

	if (!rawtp_print_values(values, (const void *)(uintptr_t)r3, r4))
		return (uint64_t)-EINVAL;
	return print((const void *)(uintptr_t)r1, r2, values, (unsigned int)(r4 / sizeof(*values)));
}
