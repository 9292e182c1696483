/* SPDX-License-Identifier: MIT */
/*
 * Requests and bytes by client. The structures are declared with the members that are used, in any
 * order: libbpf finds where the program that is traced has them (CO-RE).
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct client {
	unsigned int number;
	unsigned long sent;
} __attribute__((preserve_access_index));

struct request {
	struct client *client;
	unsigned int size;
	long id;
	const char *path;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, unsigned int);
	__type(value, unsigned long);
} requests_by_client SEC(".maps");

unsigned long requests, errors, bytes, lost, ids, slashes, sent;

SEC("tp_btf/request_done")
int BPF_PROG(on_request_done, const struct request *request, int status)
{
	unsigned int number = BPF_CORE_READ_BITFIELD(request->client, number);
	unsigned long one = 1, *count;

	__sync_fetch_and_add(&requests, 1);
	__sync_fetch_and_add(&bytes, request->size);
	__sync_fetch_and_add(&ids, request->id);
	if (status >= 500)
		__sync_fetch_and_add(&errors, 1);
	if (*request->path == '/')
		__sync_fetch_and_add(&slashes, 1);
	/* Each client has sent something by now: what is 0 could not be read. */
	if (!request->client->sent) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	__sync_fetch_and_add(&sent, request->client->sent);
	count = bpf_map_lookup_elem(&requests_by_client, &number);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&requests_by_client, &number, &one, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
