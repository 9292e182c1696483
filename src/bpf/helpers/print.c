/* SPDX-License-Identifier: MIT */
/* Helper: trace_printk. Async-signal-safe; drops what has no reader. */
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

/*
 * r1: format, r2: its size, NUL included; r3 to r5: values. The length, or -EINVAL, also where the
 * format is longer than a line may be. It may lie in a map, which others can change meanwhile: so
 * what is parsed is a copy.
 */
uint64_t rawtp_helper_trace_printk(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	const struct rawtp_frame *frame = rawtp_self ? rawtp_self->frame : NULL;
	const uint64_t values[] = {r3, r4, r5};
	char text[RAWTP_TRACE_LINE_MAX], format[RAWTP_TRACE_LINE_MAX];
	size_t size = r2 < sizeof(format) ? (size_t)r2 : sizeof(format), kept;
	struct rawtp_trace_line *line;
	int saved = errno, len;

	memcpy(format, (const char *)(uintptr_t)r1, size);
	len = rawtp_format(text, sizeof(text), format, size, values, 3);
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
