/* SPDX-License-Identifier: MIT */
/* BPF_BTF_LOAD. */
#include "bpf/syscall/commands.h"
#include "base/err.h"
#include "base/nofault.h"
#include "bpf/syscall/handle.h"
#include "bpf/syscall/prog_file.h"

#include <stdlib.h>

static int publish(struct rawtp_btf *btf)
{
	uint32_t size;
	const void *data = rawtp_btf_data(btf, &size);
	int fd = rawtp_sealed_memfd("btf", data, size);

	if (fd < 0) {
		rawtp_btf_put(btf);
		return fd;
	}
	rawtp_handle_add(fd, RAWTP_HANDLE_BTF, btf);
	return fd;
}

static int load(const union bpf_attr *attr, struct rawtp_user_log *log)
{
	struct rawtp_btf *btf;
	const char *why;
	uint32_t where;
	void *data;
	int err;

	data = malloc((size_t)attr->btf_size + 1);
	if (!data)
		return -ENOMEM;
	err = rawtp_nofault_read(data, rawtp_user_ptr(attr->btf), attr->btf_size);
	if (err) {
		free(data);
		return err;
	}
	btf = rawtp_btf_parse(data, attr->btf_size, &why, &where);
	free(data);
	if (!rawtp_is_err(btf))
		return publish(btf);
	if (why)
		rawtp_user_log_print(log, "BTF refused: %s (type %u)\n", why, where);
	return (int)rawtp_ptr_err(btf);
}

int rawtp_cmd_btf_load(union bpf_attr *attr, union bpf_attr *user, unsigned int size)
{
	struct rawtp_user_log log;
	int ret;

	if (attr->btf_size > RAWTP_BTF_MAX_SIZE)
		return -E2BIG;
	ret = rawtp_user_log_open(&log, attr->btf_log_level, attr->btf_log_buf, attr->btf_log_size);
	if (ret)
		return ret;
	rawtp_handle_sweep();
	ret = load(attr, &log);
	return rawtp_user_log_close(&log, ret);
}
