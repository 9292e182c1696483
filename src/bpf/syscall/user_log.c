/* SPDX-License-Identifier: MIT */
#include "bpf/syscall/commands.h"
#include "base/nofault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KNOWN_LEVELS 7U /* BPF_LOG_LEVEL1 | BPF_LOG_LEVEL2 | BPF_LOG_STATS */
#define LARGEST_LOG  (UINT32_MAX >> 2)
/* Nobody reads more; libbpf's largest is a quarter of it. */
#define LARGEST_COPY (64U * 1024 * 1024)

int rawtp_user_log_open(struct rawtp_user_log *log, uint32_t level, uint64_t buf, uint32_t size)
{
	memset(log, 0, sizeof(*log));
	if (!!buf != !!size || (buf && !level) || (level & ~KNOWN_LEVELS) || size > LARGEST_LOG)
		return -EINVAL;
	if (!buf)
		return 0;
	log->user = rawtp_user_ptr(buf);
	log->log.level = level;
	log->log.size = size < LARGEST_COPY ? size : LARGEST_COPY;
	log->log.buf = malloc(log->log.size);
	if (!log->log.buf)
		return -ENOMEM;
	log->log.buf[0] = '\0';
	return 0;
}

void rawtp_user_log_print(struct rawtp_user_log *log, const char *format, ...)
{
	va_list ap;

	if (!log->log.buf)
		return;
	va_start(ap, format);
	vsnprintf(log->log.buf, log->log.size, format, ap);
	va_end(ap);
}

int rawtp_user_log_close(struct rawtp_user_log *log, int ret)
{
	if (!log->log.buf)
		return ret;
	if (rawtp_nofault_write(log->user, log->log.buf, strlen(log->log.buf) + 1) != 0 &&
	    ret >= 0) {
		close(ret);
		ret = -EFAULT;
	}
	free(log->log.buf);
	return ret;
}
